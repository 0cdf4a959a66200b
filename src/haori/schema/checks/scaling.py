"""HorizontalPodAutoscalers (v2) and PodDisruptionBudgets.

see: Kubernetes `pkg/apis/autoscaling/validation` and `pkg/apis/policy/validation` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.objects.quantities import parse_quantity
from haori.schema.checks import words
from haori.schema.checks.common import (
    Problems,
    amount_or_percent,
    entries,
    in_code,
    not_above_all,
    part,
    said,
    selector,
)
from haori.schema.problems import forbidden, invalid, required, unsupported

_SOURCES: Mapping[str, str] = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_LONGEST_WINDOW, _LONGEST_PERIOD = 3600, 1800
_POSITIVE = "must be greater than zero"


def check_autoscaler(manifest: Manifest, old: Manifest | None) -> Problems:
    """A HorizontalPodAutoscaler."""
    spec = part(manifest, "spec")
    most, least = spec.get("maxReplicas") or 0, spec.get("minReplicas")
    if least is not None and least < 0:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 0")
    if most == 0:
        yield required("spec.maxReplicas")
    elif most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to 1")
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    yield from _target_reference(part(spec, "scaleTargetRef"), "spec.scaleTargetRef")
    if manifest.get("apiVersion") == "autoscaling/v2":
        yield from _metrics(spec, least)
        for direction in ("scaleUp", "scaleDown"):
            if (rules := part(spec, "behavior").get(direction)) is not None:
                yield from _behavior(rules, f"spec.behavior.{direction}")


def _target_reference(reference: Mapping[str, Any], path: str) -> Problems:
    for field in ("kind", "name"):
        text = reference.get(field) or ""
        if not text:
            yield required(f"{path}.{field}")
        else:
            yield from said(f"{path}.{field}", text, words.path_segment(text))
    version = reference.get("apiVersion") or ""
    if version.count("/") > 1:
        yield invalid(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}")


def _metrics(spec: Mapping[str, Any], least: int | None) -> Problems:
    kinds = []
    for position, metric in entries(spec, "metrics"):
        kinds.append(metric.get("type"))
        yield from _metric(metric, f"spec.metrics[{position}]")
    if least == 0 and not {"Object", "External"} & set(kinds):
        needed = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield forbidden("spec.metrics", needed)


def _metric(metric: Mapping[str, Any], path: str) -> Problems:
    kind = metric.get("type") or ""
    if not kind:
        yield required(f"{path}.type", "must specify a metric source type")
    elif kind not in _SOURCES:
        yield unsupported(f"{path}.type", kind, tuple(_SOURCES))
        return
    field = _SOURCES.get(kind, "")
    others = [name for name in _SOURCES.values() if name != field and metric.get(name) is not None]
    if metric.get(field) is None:
        yield required(f"{path}.{field}", "must populate information for the given metric source")
        return
    for name in others:
        yield forbidden(f"{path}.{name}", "must populate the given metric source only")
    source = part(metric, field)
    if kind in ("Resource", "ContainerResource"):
        yield from _resource(source, f"{path}.{field}", needs_container=kind == "ContainerResource")
    else:
        yield from _other_source(source, f"{path}.{field}", kind)


def _other_source(source: Mapping[str, Any], path: str, kind: str) -> Problems:
    """A metric of an object, of Pods, or from outside the cluster."""
    target = part(source, "target")
    if kind == "Object":
        yield from _target_reference(part(source, "describedObject"), f"{path}.describedObject")
    name = part(source, "metric").get("name") or ""
    if not name:
        yield required(f"{path}.metric.name", "must specify a metric name")
    else:
        yield from said(f"{path}.metric.name", name, words.path_segment(name))
    yield from selector(part(source, "metric").get("selector"), f"{path}.metric.selector")
    yield from _metric_target(target, f"{path}.target")
    value, average = target.get("value"), target.get("averageValue")
    if kind == "Pods":
        if average is None:
            yield required(f"{path}.target.averageValue", "must specify a positive target averageValue")
    elif value is None and average is None:
        needed = "must set either a target value or averageValue"
        if kind == "External":
            needed = "must set either a target value for metric or a per-pod target"
        yield required(f"{path}.target.averageValue", needed)
    elif kind == "External" and value is not None and average is not None:
        yield forbidden(f"{path}.target.value", "may not set both a target value for metric and a per-pod target")


def _resource(source: Mapping[str, Any], path: str, *, needs_container: bool) -> Problems:
    if not source.get("name"):
        yield required(f"{path}.name", "must specify a resource name")
    if needs_container and not source.get("container"):
        yield required(f"{path}.container", "must specify a container")
    target = part(source, "target")
    yield from _metric_target(target, f"{path}.target")
    share, value = target.get("averageUtilization"), target.get("averageValue")
    if share is None and value is None:
        yield required(
            f"{path}.target.averageUtilization", "must set either a target raw value or a target utilization"
        )
    elif share is not None and value is not None:
        yield forbidden(f"{path}.target.averageValue", "may not set both a target raw value and a target utilization")


def _metric_target(target: Mapping[str, Any], path: str) -> Problems:
    kind = target.get("type") or ""
    if not kind:
        yield required(f"{path}.type", "must specify a metric target type")
    elif kind not in ("Utilization", "Value", "AverageValue"):
        yield invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue")
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        yield invalid(f"{path}.averageUtilization", share, "must be greater than 0")
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and parse_quantity(amount) <= 0:
            yield invalid(f"{path}.{field}", str(amount), "must be positive")


def _behavior(rules: Mapping[str, Any], path: str) -> Problems:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        yield invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        yield invalid(f"{path}.stabilizationWindowSeconds", window, f"must be less than or equal to {_LONGEST_WINDOW}")
    chosen = rules.get("selectPolicy")
    if chosen is not None and chosen not in ("Disabled", "Max", "Min"):
        yield unsupported(f"{path}.selectPolicy", chosen, ("Disabled", "Max", "Min"))
    if not rules.get("policies"):
        yield required(f"{path}.policies", "must specify at least one Policy")
    for position, policy in entries(rules, "policies"):
        yield from _policy(policy, f"{path}.policies[{position}]")


def _policy(policy: Mapping[str, Any], path: str) -> Problems:
    if policy.get("type") not in ("Percent", "Pods"):
        yield unsupported(f"{path}.type", policy.get("type") or "", ("Percent", "Pods"))
    value, period = (policy.get(field) or 0 for field in ("value", "periodSeconds"))
    if value <= 0:
        yield invalid(f"{path}.value", value, _POSITIVE)
    if period <= 0:
        yield invalid(f"{path}.periodSeconds", period, _POSITIVE)
    elif period > _LONGEST_PERIOD:
        yield invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_LONGEST_PERIOD}")


def check_disruption_budget(manifest: Manifest, old: Manifest | None) -> Problems:
    """A PodDisruptionBudget."""
    spec = part(manifest, "spec")
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield invalid("spec", in_code(spec), "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        yield from amount_or_percent(spec.get(field), f"spec.{field}")
        yield from not_above_all(spec.get(field), f"spec.{field}")
    yield from selector(spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in ("AlwaysAllow", "IfHealthyBudget"):
        yield unsupported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))
