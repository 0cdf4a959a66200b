"""What controllers ask of Pods: are they alive, ready, available; in which order they are given up; made from a template.

see: Kubernetes `pkg/api/v1/pod/util.go`, `pkg/controller/controller_utils.go` (ActivePodsWithRanks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import log2
from typing import Any

from haori.objects import annotations_of, copy_manifest, labels_of
from haori.objects.times import parse_time
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting, owner_reference

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
NAME_LIMIT = 63 - 5
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_EPOCH = parse_time("1970-01-01T00:00:00Z")


def phase_of(pod: Mapping[str, Any]) -> str:
    """The phase; a Pod that has none yet is Pending."""
    return (pod.get("status") or {}).get("phase") or "Pending"


def is_terminal(pod: Mapping[str, Any]) -> bool:
    """Whether all containers have ended for good."""
    return phase_of(pod) in ("Succeeded", "Failed")


def is_active(pod: Mapping[str, Any]) -> bool:
    """Whether the Pod runs or will."""
    return not is_terminal(pod) and not is_deleting(pod)


def condition_of(item: Mapping[str, Any], type_: str) -> Mapping[str, Any] | None:
    """The condition of that type."""
    conditions: Sequence[Mapping[str, Any]] = (item.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == type_), None)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the Pod's Ready condition is true."""
    condition = condition_of(pod, "Ready")
    return condition is not None and condition.get("status") == "True"


def ready_since(pod: Mapping[str, Any]) -> datetime | None:
    """Since when the Pod is ready; None where it is not, or does not say."""
    condition = condition_of(pod, "Ready")
    if condition is None or condition.get("status") != "True":
        return None
    return parse_time(condition.get("lastTransitionTime"))


def available_in(pod: Mapping[str, Any], min_ready_seconds: int, now: datetime) -> float | None:
    """In how many seconds the Pod counts as available: 0 now, None while it is not ready."""
    if not is_ready(pod):
        return None
    if not min_ready_seconds:
        return 0.0
    since = ready_since(pod)
    if since is None:
        return None
    return max(0.0, (since + timedelta(seconds=min_ready_seconds) - now).total_seconds())


def is_available(pod: Mapping[str, Any], min_ready_seconds: int, now: datetime) -> bool:
    """Whether the Pod has been ready for long enough."""
    return available_in(pod, min_ready_seconds, now) == 0.0


def next_available(pods: Iterable[Mapping[str, Any]], min_ready_seconds: int, now: datetime) -> float:
    """In how many seconds the next of the Pods becomes available; 0 where none will by itself."""
    waits = (available_in(pod, min_ready_seconds, now) for pod in pods)
    return min((wait for wait in waits if wait), default=0.0)


def in_deletion_order(pods: Sequence[Object], related: Sequence[Object], now: datetime) -> list[Object]:
    """The Pods, those to give up first in front; `related` are all Pods that share the work, for spreading."""
    per_node = Counter(pod["spec"].get("nodeName", "") for pod in related if is_active(pod))

    def rank(pod: Object) -> tuple[Any, ...]:
        since = ready_since(pod)
        created = _created(pod)
        return (
            bool(pod["spec"].get("nodeName")),
            _PHASES.get(phase_of(pod), 2),
            is_ready(pod),
            _deletion_cost(pod),
            -per_node[pod["spec"].get("nodeName", "")],
            _log_age(since, now) if since else 0,
            -_restarts(pod),
            _log_age(created, now),
            pod["metadata"].get("uid", ""),
        )

    return sorted(pods, key=rank)


def _log_age(moment: datetime, now: datetime) -> int:
    # Ages are compared by their magnitude, so that among Pods of about one age no one is always the first to go.
    seconds = (now - moment).total_seconds()
    return int(log2(seconds)) if seconds >= 1 else -1


def _created(pod: Mapping[str, Any]) -> datetime:
    moment = parse_time(pod["metadata"].get("creationTimestamp")) or _EPOCH
    assert moment is not None
    return moment


def _deletion_cost(pod: Mapping[str, Any]) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _restarts(pod: Mapping[str, Any]) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((int(each.get("restartCount") or 0) for each in statuses), default=0)


def pod_from_template(
    owner: Mapping[str, Any], template: Mapping[str, Any], *, name: str = "", labels: Mapping[str, str] | None = None
) -> Object:
    """A Pod of `template` that `owner` controls; without a name the API gives one that begins with the owner's."""
    metadata: dict[str, Any] = {"namespace": owner["metadata"]["namespace"]}
    if name:
        metadata["name"] = name
    else:
        metadata["generateName"] = f"{owner['metadata']['name']}-"
    metadata["labels"] = {**labels_of(template), **(labels or {})}
    if annotations := annotations_of(template):
        metadata["annotations"] = dict(annotations)
    if finalizers := (template.get("metadata") or {}).get("finalizers"):
        metadata["finalizers"] = [*finalizers]
    metadata["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy_manifest(template["spec"])}
