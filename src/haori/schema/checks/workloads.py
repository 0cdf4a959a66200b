"""Deployments, ReplicaSets, StatefulSets and DaemonSets.

see: Kubernetes `pkg/apis/apps/validation/validation.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import (
    Problems,
    amount_or_percent,
    does_select,
    entries,
    in_code,
    is_empty_selector,
    is_zero_amount,
    not_above_all,
    not_negative,
    one_of,
    part,
    said,
    selector,
    unchanged,
)
from haori.schema.checks.pods import check_template
from haori.schema.checks.storage import check_claim_spec
from haori.schema.problems import forbidden, invalid, required, unsupported

_TEMPLATE = "spec.template"
_NO_DEADLINE = "activeDeadlineSeconds in {kind} is not Supported"


def check_deployment(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Deployment."""
    spec = part(manifest, "spec")
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    yield from _required_selector(spec, "deployment")
    yield from _template(spec, "ReplicaSet")
    yield from _deployment_strategy(part(spec, "strategy"), "spec.strategy")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        yield from not_negative(spec, "spec", "progressDeadlineSeconds")
        if deadline <= (spec.get("minReadySeconds") or 0):
            yield invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
    yield from _same_selector(spec, old)


def check_replica_set(manifest: Manifest, old: Manifest | None) -> Problems:
    """A ReplicaSet."""
    spec = part(manifest, "spec")
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds")
    # The server's own words: they were written for Deployments.
    yield from _required_selector(spec, "deployment")
    yield from _template(spec, "ReplicaSet")
    yield from _same_selector(spec, old)


def check_replication_controller(manifest: Manifest, old: Manifest | None) -> Problems:
    """A ReplicationController, whose selector is a map of labels and may change."""
    spec = part(manifest, "spec")
    yield from not_negative(spec, "spec", "minReadySeconds", "replicas")
    wanted = part(spec, "selector")
    if not wanted:
        yield required("spec.selector")
    elif any(_labels(spec).get(key) != value for key, value in wanted.items()):
        yield _unlike(spec)
    yield from check_template(part(spec, "template"), _TEMPLATE)
    yield from _always(spec, "ReplicationController")


def check_daemon_set(manifest: Manifest, old: Manifest | None) -> Problems:
    """A DaemonSet."""
    spec = part(manifest, "spec")
    yield from selector(spec.get("selector"), "spec.selector")
    if does_select(spec.get("selector"), _labels(spec)) is False:
        yield _unlike(spec)
    if spec.get("selector") is not None and is_empty_selector(spec["selector"]):
        yield invalid("spec.selector", spec["selector"], "empty selector is invalid for daemonset")
    yield from check_template(part(spec, "template"), _TEMPLATE)
    yield from _always(spec, "DaemonSet")
    yield from not_negative(spec, "spec", "minReadySeconds", "revisionHistoryLimit")
    yield from _daemon_strategy(part(spec, "updateStrategy"), "spec.updateStrategy")
    yield from _same_selector(spec, old)


def check_stateful_set(manifest: Manifest, old: Manifest | None) -> Problems:
    """A StatefulSet."""
    spec = part(manifest, "spec")
    yield from _stateful_parts(spec)
    claims = frozenset(
        str(part(claim, "metadata").get("name")) for _, claim in entries(spec, "volumeClaimTemplates")
    )  # fmt: skip
    yield from _required_selector(spec, "statefulset")
    if _is_alike(spec):
        yield _unlike(spec)
    yield from check_template(part(spec, "template"), _TEMPLATE, claims=claims)
    yield from _always(spec, "StatefulSet")
    if old is None:
        if service := spec.get("serviceName"):
            yield from said("spec.serviceName", service, words.label(service))
        for position, claim in entries(spec, "volumeClaimTemplates"):
            yield from check_claim_spec(part(claim, "spec"), f"spec.volumeClaimTemplates[{position}].spec")
        return
    before = part(old, "spec")
    for field in ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"):
        yield from unchanged(f"spec.{field}", spec.get(field), before.get(field))


def _stateful_parts(spec: Mapping[str, Any]) -> Problems:
    if (policy := spec.get("podManagementPolicy")) not in ("OrderedReady", "Parallel"):
        yield invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    strategy = part(spec, "updateStrategy")
    match strategy.get("type"):
        case "RollingUpdate":
            rolling = part(strategy, "rollingUpdate")
            yield from not_negative(rolling, "spec.updateStrategy.rollingUpdate", "partition")
            if "maxUnavailable" in rolling:
                yield from _unavailable(rolling["maxUnavailable"], "spec.updateStrategy.rollingUpdate.maxUnavailable")
        case "OnDelete":
            if strategy.get("rollingUpdate") is not None:
                shown = _as_in_code(strategy["rollingUpdate"])
                detail = "only allowed for updateStrategy 'RollingUpdate'"
                yield invalid("spec.updateStrategy.rollingUpdate", shown, detail)
        case _:
            yield invalid("spec.updateStrategy", _as_in_code(strategy), "must be 'RollingUpdate' or 'OnDelete'")
    for field in ("whenDeleted", "whenScaled"):
        value = part(spec, "persistentVolumeClaimRetentionPolicy").get(field) or "Retain"
        yield from one_of(f"spec.persistentVolumeClaimRetentionPolicy.{field}", value, ("Retain", "Delete"))
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    yield from not_negative(part(spec, "ordinals"), "spec.ordinals", "start")


def _unavailable(value: Any, path: str) -> Problems:
    yield from amount_or_percent(value, path)
    if is_zero_amount(value):
        yield invalid(path, value, "cannot be 0")
    yield from not_above_all(value, path)


def _labels(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return part(spec, "template", "metadata", "labels")


def _unlike(spec: Mapping[str, Any]) -> Any:
    detail = "`selector` does not match template `labels`"
    return invalid("spec.template.metadata.labels", dict(sorted(_labels(spec).items())) or None, detail)


def _is_alike(spec: Mapping[str, Any]) -> bool:
    """Whether the selector has something to say and does not take the template's Pods."""
    chosen = spec.get("selector")
    is_empty = chosen is not None and is_empty_selector(chosen)
    return not is_empty and does_select(chosen, _labels(spec)) is False


def _required_selector(spec: Mapping[str, Any], kind: str) -> Problems:
    chosen = spec.get("selector")
    if chosen is None:
        yield required("spec.selector")
        return
    found = list(selector(chosen, "spec.selector"))
    yield from found
    if is_empty_selector(chosen):
        yield invalid("spec.selector", chosen, f"empty selector is invalid for {kind}")
    if found:
        yield invalid("spec.selector", chosen, "invalid label selector")


def _template(spec: Mapping[str, Any], kind: str) -> Problems:
    if _is_alike(spec):
        yield _unlike(spec)
    yield from check_template(part(spec, "template"), _TEMPLATE)
    yield from _always(spec, kind)


def _always(spec: Mapping[str, Any], kind: str) -> Problems:
    pod = part(spec, "template", "spec")
    policy = pod.get("restartPolicy") or "Always"
    if policy != "Always":
        yield unsupported(f"{_TEMPLATE}.spec.restartPolicy", policy, ("Always",))
    if pod.get("activeDeadlineSeconds") is not None:
        yield forbidden(f"{_TEMPLATE}.spec.activeDeadlineSeconds", _NO_DEADLINE.format(kind=kind))


def _same_selector(spec: Mapping[str, Any], old: Manifest | None) -> Problems:
    if old is not None:
        yield from unchanged("spec.selector", spec.get("selector"), part(old, "spec").get("selector"))


def _deployment_strategy(strategy: Mapping[str, Any], path: str) -> Problems:
    match strategy.get("type"):
        case "RollingUpdate":
            yield from _deployment_rolling(part(strategy, "rollingUpdate"), f"{path}.rollingUpdate")
        case "Recreate":
            if strategy.get("rollingUpdate") is not None:
                yield forbidden(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
        case _:
            yield from one_of(path, _as_in_code(strategy), ("Recreate", "RollingUpdate"))


def _deployment_rolling(rolling: Mapping[str, Any], path: str) -> Problems:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from amount_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from amount_or_percent(surge, f"{path}.maxSurge")
    if is_zero_amount(unavailable) and is_zero_amount(surge):
        yield invalid(f"{path}.maxUnavailable", unavailable or 0, "may not be 0 when `maxSurge` is 0")
    yield from not_above_all(unavailable, f"{path}.maxUnavailable")


def _daemon_strategy(strategy: Mapping[str, Any], path: str) -> Problems:
    match strategy.get("type"):
        case "RollingUpdate":
            if strategy.get("rollingUpdate") is None:
                yield required(f"{path}.rollingUpdate")
            else:
                yield from _daemon_rolling(part(strategy, "rollingUpdate"), f"{path}.rollingUpdate")
        case "OnDelete":
            return
        case _:
            yield from one_of(path, _as_in_code(strategy), ("RollingUpdate", "OnDelete"))


def _daemon_rolling(rolling: Mapping[str, Any], path: str) -> Problems:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from amount_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from amount_or_percent(surge, f"{path}.maxSurge")
    if is_zero_amount(unavailable) and is_zero_amount(surge):
        yield required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")
    if not is_zero_amount(unavailable) and not is_zero_amount(surge):
        yield invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    yield from not_above_all(unavailable, f"{path}.maxUnavailable")
    yield from not_above_all(surge, f"{path}.maxSurge")


def _as_in_code(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """A strategy as the server prints it: by the names of its own code."""
    shown = {"Type": strategy.get("type") or "", "RollingUpdate": strategy.get("rollingUpdate")}
    return shown if "type" in strategy else in_code(strategy)
