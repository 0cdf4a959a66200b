"""Health of Pods and what makes them.

The order of the checks is Argo CD 3.6's, quirks too: a StatefulSet that has a rollingUpdate block without a partition
is healthy before its revision is current. Beyond it, a Pod's init containers count as its containers do, since one that
cannot start keeps it from running for ever. see: argoproj/argo-cd `gitops-engine/pkg/health/health_*.go`.
"""

from __future__ import annotations

from typing import Any

from haori.delivery.health.conditions import condition_of, from_condition
from haori.delivery.health.types import HEALTHY, Health, health
from haori.objects import Manifest, annotations_of, nested, nested_list, nested_mapping, nested_text
from haori.resources import argo
from haori.resources.argo import HealthStatus

PROGRESSING, DEGRADED = HealthStatus.PROGRESSING, HealthStatus.DEGRADED


def count(manifest: Manifest, *path: str, default: int = 0) -> int:
    """A number in a manifest."""
    value = nested(manifest, *path)
    return value if isinstance(value, int) else default


def is_behind(manifest: Manifest) -> bool:
    """Whether the controller has not seen the newest spec yet."""
    return count(manifest, "status", "observedGeneration") < count(manifest, "metadata", "generation")


def assess_deployment(manifest: Manifest) -> Health:
    """Deployment."""
    if nested(manifest, "spec", "paused") is True:
        return health(HealthStatus.SUSPENDED, "health-paused")
    if is_behind(manifest):
        return health(PROGRESSING, "health-not-observed")
    condition = condition_of(manifest, "Progressing")
    if condition.get("reason") == "ProgressDeadlineExceeded":
        return health(DEGRADED, "health-deadline-exceeded", message=str(condition.get("message") or ""))
    wanted = count(manifest, "spec", "replicas", default=1)
    updated = count(manifest, "status", "updatedReplicas")
    total = count(manifest, "status", "replicas")
    available = count(manifest, "status", "availableReplicas")
    if updated < wanted:
        return health(PROGRESSING, "health-updating", updated=updated, wanted=wanted)
    if total > updated:
        return health(PROGRESSING, "health-old-replicas", old=total - updated)
    if available < updated:
        return health(PROGRESSING, "health-not-available", available=available, wanted=updated)
    return HEALTHY


def assess_stateful_set(manifest: Manifest) -> Health:
    """StatefulSet."""
    if count(manifest, "status", "observedGeneration") == 0 or is_behind(manifest):
        return health(PROGRESSING, "health-not-observed")
    wanted = count(manifest, "spec", "replicas", default=1)
    ready = count(manifest, "status", "readyReplicas")
    if ready < wanted:
        return health(PROGRESSING, "health-not-available", available=ready, wanted=wanted)
    strategy = nested_mapping(manifest, "spec", "updateStrategy")
    if strategy.get("type") == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        partition = nested(strategy, "rollingUpdate", "partition")
        updated = count(manifest, "status", "updatedReplicas")
        if isinstance(partition, int) and updated < wanted - partition:
            return health(PROGRESSING, "health-updating", updated=updated, wanted=wanted - partition)
        return HEALTHY
    if strategy.get("type") == "OnDelete":
        return HEALTHY
    if nested(manifest, "status", "updateRevision") != nested(manifest, "status", "currentRevision"):
        updated = count(manifest, "status", "updatedReplicas")
        return health(PROGRESSING, "health-updating", updated=updated, wanted=wanted)
    return HEALTHY


def assess_daemon_set(manifest: Manifest) -> Health:
    """DaemonSet."""
    if is_behind(manifest):
        return health(PROGRESSING, "health-not-observed")
    if nested_text(manifest, "spec", "updateStrategy", "type") == "OnDelete":
        return HEALTHY
    wanted = count(manifest, "status", "desiredNumberScheduled")
    updated = count(manifest, "status", "updatedNumberScheduled")
    available = count(manifest, "status", "numberAvailable")
    if updated < wanted:
        return health(PROGRESSING, "health-updating", updated=updated, wanted=wanted)
    if available < wanted:
        return health(PROGRESSING, "health-not-available", available=available, wanted=wanted)
    return HEALTHY


def assess_replica_set(manifest: Manifest) -> Health:
    """ReplicaSet."""
    if is_behind(manifest):
        return health(PROGRESSING, "health-not-observed")
    failure = condition_of(manifest, "ReplicaFailure")
    if failure.get("status") == "True":
        return from_condition(DEGRADED, failure)
    wanted = count(manifest, "spec", "replicas", default=1)
    available = count(manifest, "status", "availableReplicas")
    if available < wanted:
        return health(PROGRESSING, "health-not-available", available=available, wanted=wanted)
    return HEALTHY


def assess_pod(manifest: Manifest) -> Health:
    """Pod."""
    annotations = annotations_of(manifest)
    is_hook = argo.HOOK in annotations or argo.HELM_HOOK in annotations
    restarts = nested_text(manifest, "spec", "restartPolicy") or "Always"
    if annotations.get(argo.IGNORE_RESTART_POLICY) == "true" and not is_hook:
        restarts = "Always"
    if restarts == "Always" and (broken := _broken_container(manifest)) is not None:
        return broken
    match nested_text(manifest, "status", "phase"):
        case "Pending":
            return health(PROGRESSING, "health-pod-pending", message=nested_text(manifest, "status", "message"))
        case "Succeeded":
            return HEALTHY
        case "Failed":
            return _failed_pod(manifest)
        case "Running":
            return _running_pod(manifest, restarts)
    return health(HealthStatus.UNKNOWN, "health-no-status")


def _containers(manifest: Manifest) -> list[Any]:
    return [
        *nested_list(manifest, "status", "initContainerStatuses"),
        *nested_list(manifest, "status", "containerStatuses"),
    ]


def _broken_container(manifest: Manifest) -> Health | None:
    for container in _containers(manifest):
        waiting = nested_mapping(container, "state", "waiting")
        reason = str(waiting.get("reason") or "")
        if reason.startswith("Err") or reason.endswith(("Error", "BackOff")):
            parameters = {"container": container.get("name", ""), "reason": reason}
            return health(DEGRADED, "health-container-waits", message=str(waiting.get("message") or ""), **parameters)
    return None


def _failed_pod(manifest: Manifest) -> Health:
    if message := nested_text(manifest, "status", "message"):
        return health(DEGRADED, "health-pod-failed", message=message)
    for container in _containers(manifest):
        ended = nested_mapping(container, "state", "terminated")
        if ended and ended.get("message"):
            return health(DEGRADED, "health-pod-failed", message=str(ended["message"]))
        if ended and ended.get("reason") == "OOMKilled":
            return health(DEGRADED, "health-container-out-of-memory", container=container.get("name", ""))
        if ended and ended.get("exitCode"):
            exit_code = ended["exitCode"]
            return health(DEGRADED, "health-container-exited", container=container.get("name", ""), exit_code=exit_code)
    return health(DEGRADED, "health-pod-failed", message="")


def _running_pod(manifest: Manifest, restarts: str) -> Health:
    if restarts != "Always":
        return health(PROGRESSING, "health-pod-running")
    if condition_of(manifest, "Ready").get("status") == "True":
        return HEALTHY
    for container in nested_list(manifest, "status", "containerStatuses"):
        ended = nested_mapping(container, "lastState", "terminated")
        if ended:
            parameters = {"container": container.get("name", ""), "exit_code": ended.get("exitCode", 0)}
            return health(DEGRADED, "health-container-exited", **parameters)
    return health(PROGRESSING, "health-pod-not-ready")


def assess_job(manifest: Manifest) -> Health:
    """Job."""
    for type_, status, code in (
        ("Failed", DEGRADED, "health-job-failed"),
        ("Complete", HealthStatus.HEALTHY, "health-job-complete"),
        ("Suspended", HealthStatus.SUSPENDED, "health-paused"),
    ):
        condition = condition_of(manifest, type_)
        if condition.get("status") == "True":
            message = str(condition.get("message") or "")
            return health(status, code, message=message) if code != "health-paused" else health(status, code)
    return health(PROGRESSING, "health-job-running")


def assess_cron_job(manifest: Manifest) -> Health:
    """CronJob: degraded where its last Job ended without success; one that never succeeded may only not have ended yet.

    Times of one form compare as text. see: argoproj/argo-cd `resource_customizations/batch/CronJob/health.lua`.
    """
    if nested(manifest, "spec", "suspend") is True:
        return health(HealthStatus.SUSPENDED, "health-paused")
    scheduled, succeeded = (
        nested_text(manifest, "status", name) for name in ("lastScheduleTime", "lastSuccessfulTime")
    )
    if succeeded and succeeded < scheduled and not nested_list(manifest, "status", "active"):
        return health(DEGRADED, "health-last-run-failed", scheduled=scheduled)
    return HEALTHY
