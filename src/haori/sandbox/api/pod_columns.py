"""A Pod in three cells: how many containers are ready, what it does, how often it was restarted.

see: Kubernetes `pkg/printers/internalversion/printers.go`, printPod (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.objects import nested, nested_list, nested_mapping, nested_text
from haori.objects.times import parse_time
from haori.sandbox.api.durations import human_duration


def pod_ready(pod: Mapping[str, Any], now: datetime) -> str:
    """`1/2`."""
    wanted = len(nested_list(pod, "spec", "containers"))
    ready = sum(
        bool(each.get("ready")) and "running" in nested_mapping(each, "state")
        for each in nested_list(pod, "status", "containerStatuses")
    )
    for name, status in _sidecars(pod):
        wanted += 1
        ready += bool(name and status.get("ready") and "running" in nested_mapping(status, "state"))
    return f"{ready}/{wanted}"


def _sidecars(pod: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    statuses = {each.get("name"): each for each in nested_list(pod, "status", "initContainerStatuses")}
    return [
        (str(each.get("name")), statuses.get(each.get("name")) or {})
        for each in nested_list(pod, "spec", "initContainers")
        if each.get("restartPolicy") == "Always"
    ]


def pod_restarts(pod: Mapping[str, Any], now: datetime) -> str:
    """`0`, or `3 (5m ago)`."""
    statuses = [*nested_list(pod, "status", "containerStatuses"), *(status for _, status in _sidecars(pod))]
    restarts = sum(int(each.get("restartCount") or 0) for each in statuses)
    moments = [parse_time(nested(each, "lastState", "terminated", "finishedAt")) for each in statuses]
    last = max((moment for moment in moments if moment), default=None)
    return f"{restarts} ({human_duration(now - last)} ago)" if restarts and last else str(restarts)


def pod_status(pod: Mapping[str, Any], now: datetime) -> str:
    """`Running`, `Init:0/1`, `CrashLoopBackOff`, `Completed`, `Terminating`, ..."""
    reason = nested_text(pod, "status", "reason") or nested_text(pod, "status", "phase")
    for condition in nested_list(pod, "status", "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    reason = _init_status(pod) or _container_status(pod, reason)
    if "deletionTimestamp" in nested_mapping(pod, "metadata"):
        if nested_text(pod, "status", "reason") == "NodeLost":
            return "Unknown"
        if nested_text(pod, "status", "phase") not in ("Succeeded", "Failed"):
            return "Terminating"
    return reason


def _init_status(pod: Mapping[str, Any]) -> str:
    containers = nested_list(pod, "spec", "initContainers")
    restarting = {each.get("name") for each in containers if each.get("restartPolicy") == "Always"}
    for position, status in enumerate(nested_list(pod, "status", "initContainerStatuses")):
        state = nested_mapping(status, "state")
        terminated, waiting = nested_mapping(state, "terminated"), nested_mapping(state, "waiting")
        if terminated and not terminated.get("exitCode"):
            continue
        if status.get("name") in restarting and status.get("started"):
            continue
        if terminated:
            return f"Init:{_ended(terminated)}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{position}/{len(containers)}"
    return ""


def _ended(terminated: Mapping[str, Any]) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    return f"Signal:{terminated['signal']}" if terminated.get("signal") else f"ExitCode:{terminated.get('exitCode', 0)}"


def _container_status(pod: Mapping[str, Any], reason: str) -> str:
    has_running = False
    for status in reversed(nested_list(pod, "status", "containerStatuses")):
        state = nested_mapping(status, "state")
        terminated, waiting = nested_mapping(state, "terminated"), nested_mapping(state, "waiting")
        if waiting.get("reason"):
            reason = str(waiting["reason"])
        elif terminated:
            reason = _ended(terminated)
        elif status.get("ready") and "running" in state:
            has_running = True
    if reason == "Completed" and has_running:
        is_ready = any(
            each.get("type") == "Ready" and each.get("status") == "True"
            for each in nested_list(pod, "status", "conditions")
        )
        return "Running" if is_ready else "NotReady"
    return reason
