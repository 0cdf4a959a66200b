"""The status and conditions of a Deployment.

Pure. see: Kubernetes `pkg/controller/deployment/progress.go`, `sync.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from haori.objects.times import parse_time
from haori.sandbox.controllers.conditions import condition, find_condition, with_condition, without_condition
from haori.sandbox.controllers.deployment_rules import (
    ReplicaSet,
    has_deadline,
    max_unavailable,
    observed,
    replicas_of,
    total,
)

Deployment = Mapping[str, Any]
Status = dict[str, Any]

AVAILABLE_REASON = "NewReplicaSetAvailable"
TIMED_OUT_REASON = "ProgressDeadlineExceeded"


def conditions_of(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conditions of an object or status holder."""
    return list((item.get("status") or {}).get("conditions") or ())


def counted_status(deployment: Deployment, sets: Sequence[ReplicaSet], new: ReplicaSet | None, now: datetime) -> Status:
    """The counts that the ReplicaSets give, the Available condition, and the other conditions as they are."""
    available = sum(observed(each, "availableReplicas") for each in sets)
    counts = {
        "replicas": sum(observed(each, "replicas") for each in sets),
        "updatedReplicas": observed(new, "replicas") if new else 0,
        "readyReplicas": sum(observed(each, "readyReplicas") for each in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total(sets) - available),
    }
    status: Status = {"observedGeneration": deployment["metadata"].get("generation", 1)}
    status |= {name: count for name, count in counts.items() if count}
    status["terminatingReplicas"] = sum(observed(each, "terminatingReplicas") for each in sets)
    if (collisions := (deployment.get("status") or {}).get("collisionCount")) is not None:
        status["collisionCount"] = collisions
    enough = available >= replicas_of(deployment) - max_unavailable(deployment["spec"])
    word, says = ("Available", "has") if enough else ("Unavailable", "does not have")
    status["conditions"] = with_condition(
        conditions_of(deployment),
        condition(
            "Available",
            "True" if enough else "False",
            f"MinimumReplicas{word}",
            f"Deployment {says} minimum availability.",
            now,
            updated=True,
        ),
        refresh=False,
    )
    return status


def is_complete(deployment: Deployment, status: Mapping[str, Any]) -> bool:
    """Whether all wanted Pods are new and available and nothing old is left."""
    wanted = replicas_of(deployment)
    counts = (status.get(field, 0) for field in ("updatedReplicas", "replicas", "availableReplicas"))
    seen = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 1))
    return seen and all(count == wanted for count in counts)


def is_progressing(deployment: Deployment, status: Mapping[str, Any]) -> bool:
    """Whether the counts are better than those the Deployment has."""
    before = deployment.get("status") or {}

    def grew(field: str) -> bool:
        return int(status.get(field, 0)) > int(before.get(field, 0))

    old_left = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    return grew("updatedReplicas") or old_left < old_before or grew("readyReplicas") or grew("availableReplicas")


def has_timed_out(deployment: Deployment, status: Mapping[str, Any], now: datetime) -> bool:
    """Whether nothing has moved for longer than the progress deadline."""
    current = find_condition(status.get("conditions") or (), "Progressing")
    if current is None or not has_deadline(deployment["spec"]) or current.get("reason") == AVAILABLE_REASON:
        return False
    if current.get("reason") == TIMED_OUT_REASON:
        return True
    return seconds_left(deployment, status, now) < 0


def seconds_left(deployment: Deployment, status: Mapping[str, Any], now: datetime) -> float:
    """Until the progress deadline; negative when it has passed."""
    current = find_condition(status.get("conditions") or (), "Progressing") or {}
    since = parse_time(current.get("lastUpdateTime")) or now
    return (since + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"]) - now).total_seconds()


def rollout_status(deployment: Deployment, sets: Sequence[ReplicaSet], new: ReplicaSet | None, now: datetime) -> Status:
    """The whole status while a rollout is under way or done."""
    status = counted_status(deployment, sets, new, now)
    current = find_condition(conditions_of(deployment), "Progressing")
    if not has_deadline(deployment["spec"]):
        status["conditions"] = without_condition(status["conditions"], "Progressing")
    else:
        is_done = (
            status.get("replicas", 0) == status.get("updatedReplicas", 0)
            and current is not None
            and current.get("reason") == AVAILABLE_REASON
        )
        if not is_done:
            status["conditions"] = _with_progress(deployment, status, new, current, now)
    if failure := _replica_failure(sets, new):
        status["conditions"] = with_condition(status["conditions"], failure, refresh=False)
    else:
        status["conditions"] = without_condition(status["conditions"], "ReplicaFailure")
    return status


def _with_progress(
    deployment: Deployment,
    status: Status,
    new: ReplicaSet | None,
    current: Mapping[str, Any] | None,
    now: datetime,
) -> list[dict[str, Any]]:
    conditions: list[dict[str, Any]] = status["conditions"]
    name = deployment["metadata"]["name"]
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{name}"'
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        done = condition("Progressing", "True", AVAILABLE_REASON, text, now, updated=True)
        return with_condition(conditions, done, refresh=False)
    if is_progressing(deployment, status):
        moving = condition("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", now, updated=True)
        if current is not None and current["status"] == "True":
            moving["lastTransitionTime"] = current.get("lastTransitionTime", moving["lastTransitionTime"])
        # Each step counts: the update time is what the deadline runs from.
        return [*without_condition(conditions, "Progressing"), moving]
    if has_timed_out(deployment, status, now):
        late = condition(
            "Progressing", "False", TIMED_OUT_REASON, f"{subject} has timed out progressing.", now, updated=True
        )
        return with_condition(conditions, late, refresh=False)
    return conditions


def _replica_failure(sets: Sequence[ReplicaSet], new: ReplicaSet | None) -> dict[str, Any] | None:
    for each in [*([new] if new else []), *sets]:
        if found := find_condition(conditions_of(each), "ReplicaFailure"):
            return {**found, "lastUpdateTime": found.get("lastTransitionTime")}
    return None
