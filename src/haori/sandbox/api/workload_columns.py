"""The columns of what runs: Pods, what makes them, and what scales and protects them.

see: Kubernetes `pkg/printers/internalversion/printers.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.objects import nested, nested_list, nested_mapping, nested_text
from haori.objects.times import parse_time
from haori.sandbox.api.cells import (
    NONE,
    UNSET,
    Layout,
    age_cell,
    bool_at,
    containers_in_template,
    containers_of_job,
    count_at,
    layout,
    number_at,
    ready_of,
    selector_at,
    since,
    text_at,
)
from haori.sandbox.api.durations import human_duration
from haori.sandbox.api.pod_columns import pod_ready, pod_restarts, pod_status


def _job_status(manifest: Mapping[str, Any], now: datetime) -> str:
    for condition in nested_list(manifest, "status", "conditions"):
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed", "Suspended"):
            return str(condition["type"])
    if "deletionTimestamp" in nested_mapping(manifest, "metadata"):
        return "Terminating"
    return "Running"


def _job_completions(manifest: Mapping[str, Any], now: datetime) -> str:
    succeeded = int(nested(manifest, "status", "succeeded") or 0)
    wanted = nested(manifest, "spec", "completions")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    parallelism = int(nested(manifest, "spec", "parallelism") or 1)
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(manifest: Mapping[str, Any], now: datetime) -> str:
    began = parse_time(nested(manifest, "status", "startTime"))
    if began is None:
        return ""
    return human_duration((parse_time(nested(manifest, "status", "completionTime")) or now) - began)


def _last_schedule(manifest: Mapping[str, Any], now: datetime) -> str:
    moment = nested(manifest, "status", "lastScheduleTime")
    return since(moment, now) if moment else NONE


def _pod_address(manifest: Mapping[str, Any], now: datetime) -> str:
    return nested_text(manifest, "status", "podIP") or NONE


def _gates(manifest: Mapping[str, Any], now: datetime) -> str:
    gates = nested_list(manifest, "spec", "readinessGates")
    if not gates:
        return NONE
    true = {each.get("type") for each in nested_list(manifest, "status", "conditions") if each.get("status") == "True"}
    return f"{sum(gate.get('conditionType') in true for gate in gates)}/{len(gates)}"


def _owner(manifest: Mapping[str, Any], now: datetime) -> str:
    for owner in nested_list(manifest, "metadata", "ownerReferences"):
        if owner.get("controller"):
            kind, _, group = str(owner.get("kind")).lower(), None, str(owner.get("apiVersion")).rpartition("/")[0]
            return f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return NONE


def _targets(manifest: Mapping[str, Any], now: datetime) -> str:
    current = {_metric_key(each): each for each in nested_list(manifest, "status", "currentMetrics")}
    texts = []
    for metric in nested_list(manifest, "spec", "metrics"):
        source = nested_mapping(metric, _metric_field(metric))
        found = nested_mapping(current.get(_metric_key(metric)), _metric_field(metric), "current")
        name = nested_text(source, "name")
        target = nested_mapping(source, "target")
        if target.get("averageUtilization") is not None:
            now_text = f"{found['averageUtilization']}%" if "averageUtilization" in found else "<unknown>"
            texts.append(f"{name}: {now_text}/{target['averageUtilization']}%")
        else:
            now_text = str(found.get("averageValue") or found.get("value") or "<unknown>")
            texts.append(f"{now_text}/{target.get('averageValue') or target.get('value')}")
    return ", ".join(texts[:2]) + (f" + {len(texts) - 2} more..." if len(texts) > 2 else "") or NONE


def _metric_field(metric: Mapping[str, Any]) -> str:
    kind = str(metric.get("type") or "Resource")
    return kind[0].lower() + kind[1:]


def _metric_key(metric: Mapping[str, Any]) -> tuple[str, str]:
    return _metric_field(metric), nested_text(metric, _metric_field(metric), "name")


def _reference(manifest: Mapping[str, Any], now: datetime) -> str:
    target = nested_mapping(manifest, "spec", "scaleTargetRef")
    return f"{target.get('kind')}/{target.get('name')}"


_TEMPLATE_WIDE = (("Containers", containers_in_template("name")), ("Images", containers_in_template("image")))
WORKLOADS: Mapping[str, Layout] = {
    "pods": layout(
        ("Ready", pod_ready),
        ("Status", pod_status),
        ("Restarts", pod_restarts),
        ("Age", age_cell),
        wide=[
            ("IP", _pod_address),
            ("Node", text_at("spec", "nodeName", empty=NONE)),
            ("Nominated Node", text_at("status", "nominatedNodeName", empty=NONE)),
            ("Readiness Gates", _gates),
        ],
        age=False,
    ),
    "deployments.apps": layout(
        ("Ready", ready_of(("status", "readyReplicas"), ("spec", "replicas"))),
        ("Up-to-date", number_at("status", "updatedReplicas")),
        ("Available", number_at("status", "availableReplicas")),
        wide=[*_TEMPLATE_WIDE, ("Selector", selector_at("spec", "selector"))],
    ),
    "replicasets.apps": layout(
        ("Desired#", number_at("spec", "replicas")),
        ("Current#", number_at("status", "replicas")),
        ("Ready#", number_at("status", "readyReplicas")),
        wide=[*_TEMPLATE_WIDE, ("Selector", selector_at("spec", "selector"))],
    ),
    "replicationcontrollers": layout(
        ("Desired#", number_at("spec", "replicas")),
        ("Current#", number_at("status", "replicas")),
        ("Ready#", number_at("status", "readyReplicas")),
        wide=[*_TEMPLATE_WIDE, ("Selector", selector_at("spec", "selector"))],
    ),
    "statefulsets.apps": layout(
        ("Ready", ready_of(("status", "readyReplicas"), ("spec", "replicas"))), wide=_TEMPLATE_WIDE
    ),
    "daemonsets.apps": layout(
        ("Desired#", number_at("status", "desiredNumberScheduled")),
        ("Current#", number_at("status", "currentNumberScheduled")),
        ("Ready#", number_at("status", "numberReady")),
        ("Up-to-date#", number_at("status", "updatedNumberScheduled")),
        ("Available#", number_at("status", "numberAvailable")),
        ("Node Selector", selector_at("spec", "template", "spec", "nodeSelector")),
        wide=[*_TEMPLATE_WIDE, ("Selector", selector_at("spec", "selector"))],
    ),
    "controllerrevisions.apps": layout(("Controller", _owner), ("Revision#", number_at("revision"))),
    "jobs.batch": layout(
        ("Status", _job_status),
        ("Completions", _job_completions),
        ("Duration", _job_duration),
        wide=[*_TEMPLATE_WIDE, ("Selector", selector_at("spec", "selector"))],
    ),
    "cronjobs.batch": layout(
        ("Schedule", text_at("spec", "schedule")),
        ("Timezone", text_at("spec", "timeZone", empty=NONE)),
        ("Suspend", bool_at("spec", "suspend")),
        ("Active#", count_at("status", "active")),
        ("Last Schedule", _last_schedule),
        wide=[("Containers", containers_of_job("name")), ("Images", containers_of_job("image"))],
    ),
    "poddisruptionbudgets.policy": layout(
        ("Min Available", text_at("spec", "minAvailable", empty="N/A")),
        ("Max Unavailable", text_at("spec", "maxUnavailable", empty="N/A")),
        ("Allowed Disruptions#", number_at("status", "disruptionsAllowed")),
    ),
    "horizontalpodautoscalers.autoscaling": layout(
        ("Reference", _reference),
        ("Targets", _targets),
        ("MinPods", text_at("spec", "minReplicas", empty=UNSET)),
        ("MaxPods#", number_at("spec", "maxReplicas")),
        ("Replicas#", number_at("status", "currentReplicas")),
    ),
}
"""By the storage name of the type."""
