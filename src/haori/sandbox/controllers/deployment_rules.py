"""What a Deployment and its ReplicaSets say about each other: templates, revisions, sizes.

Pure. see: Kubernetes `pkg/controller/deployment/util/deployment_util.go` (1.37).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from haori.objects import annotations_of, copy_manifest, labels_of

Spec = Mapping[str, Any]
ReplicaSet = dict[str, Any]

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NOT_COPIED = frozenset({LAST_APPLIED, REVISION, HISTORY, DESIRED, MOST, "deprecated.deployment.rollback.to"})
HISTORY_LIMIT = 2000
NO_DEADLINE = 2**31 - 1
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def short_hash(value: object, collisions: int | None = None) -> str:
    """A hash of JSON-like data in letters that make no words, as names and labels carry it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{text}/{collisions or ''}".encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:10])


def replicas_of(item: Mapping[str, Any]) -> int:
    """`spec.replicas`, 1 where it is not given."""
    value = item["spec"].get("replicas")
    return 1 if value is None else int(value)


def observed(item: Mapping[str, Any], field: str) -> int:
    """A count of the status."""
    return int((item.get("status") or {}).get(field) or 0)


def same_template(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two Pod templates are equal apart from the hash label."""
    return first.get("spec") == second.get("spec") and _metadata(first) == _metadata(second)


def _metadata(template: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {
        key: value for key, value in (template.get("metadata") or {}).items() if value and key != "creationTimestamp"
    }
    labels = {key: value for key, value in labels_of(template).items() if key != HASH_LABEL}
    return {**metadata, "labels": labels}


def find_new(deployment: Mapping[str, Any], sets: Sequence[ReplicaSet]) -> ReplicaSet | None:
    """The oldest ReplicaSet with the Deployment's template."""
    template = deployment["spec"]["template"]
    return next((each for each in by_age(sets) if same_template(each["spec"]["template"], template)), None)


def by_age(sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Oldest first."""
    return sorted(sets, key=lambda each: (each["metadata"].get("creationTimestamp", ""), each["metadata"]["name"]))


def active(sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Those that want Pods."""
    return [each for each in sets if replicas_of(each) > 0]


def total(sets: Sequence[ReplicaSet]) -> int:
    """How many Pods they want together."""
    return sum(map(replicas_of, sets))


def revision_of(item: Mapping[str, Any]) -> int:
    """The revision annotation, 0 where there is none."""
    try:
        return int(annotations_of(item).get(REVISION, "0"))
    except ValueError:
        return 0


def resolve(value: int | str | None, whole: int, *, up: bool) -> int:
    """An int-or-percent of `whole`."""
    if isinstance(value, str) and value.endswith("%"):
        part = Fraction(int(value[:-1]) * whole, 100)
        return ceil(part) if up else floor(part)
    return int(value or 0)


def is_rolling(spec: Spec) -> bool:
    """Whether the strategy is RollingUpdate."""
    return bool((spec.get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def fenceposts(spec: Spec) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in Pods; where both come to nothing one Pod may be missing, or nothing could move."""
    if not is_rolling(spec):
        return 0, 0
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    replicas = 1 if spec.get("replicas") is None else int(spec["replicas"])
    surge = resolve(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = resolve(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, unavailable


def max_unavailable(spec: Spec) -> int:
    """How many Pods may be missing; all of them at most."""
    replicas = 1 if spec.get("replicas") is None else int(spec["replicas"])
    if not is_rolling(spec) or replicas == 0:
        return 0
    return min(fenceposts(spec)[1], replicas)


def has_deadline(spec: Spec) -> bool:
    """Whether progress has a deadline."""
    return spec.get("progressDeadlineSeconds") not in (None, NO_DEADLINE)


def new_set_size(deployment: Mapping[str, Any], sets: Sequence[ReplicaSet], current: int) -> int:
    """How large the new ReplicaSet may be now, `current` being its size."""
    wanted = replicas_of(deployment)
    if not is_rolling(deployment["spec"]):
        return wanted
    room = wanted + fenceposts(deployment["spec"])[0] - total(sets)
    return current if room <= 0 else current + min(room, wanted - current)


def old_sizes(
    deployment: Mapping[str, Any], olds: Sequence[ReplicaSet], new: ReplicaSet
) -> tuple[list[tuple[ReplicaSet, int]], list[tuple[ReplicaSet, int]]]:
    """How a rolling update shrinks the old ReplicaSets now: first what is unhealthy, then as much as availability lets."""
    spec, everything = deployment["spec"], [*olds, new]
    if total(olds) == 0:
        return [], []
    least = replicas_of(deployment) - max_unavailable(spec)
    missing_new = replicas_of(new) - observed(new, "availableReplicas")
    may_go = total(everything) - least - missing_new
    if may_go <= 0:
        return [], []
    sizes = {each["metadata"]["uid"]: replicas_of(each) for each in olds}
    unhealthy = []
    for each in by_age(olds):
        size = sizes[each["metadata"]["uid"]]
        gone = min(may_go, size - observed(each, "availableReplicas"))
        if gone > 0:
            may_go -= gone
            sizes[each["metadata"]["uid"]] = size - gone
            unhealthy.append((each, size - gone))
    surplus = sum(observed(each, "availableReplicas") for each in everything) - least
    healthy = []
    for each in by_age(olds):
        size = sizes[each["metadata"]["uid"]]
        gone = min(size, surplus)
        if gone > 0:
            surplus -= gone
            healthy.append((each, size - gone))
    return unhealthy, healthy


def is_scaling(deployment: Mapping[str, Any], sets: Sequence[ReplicaSet]) -> bool:
    """Whether the Deployment's size changed since its ReplicaSets were sized."""
    wanted = replicas_of(deployment)
    annotated = (annotations_of(each).get(DESIRED) for each in active(sets))
    return any(value is not None and value.isdigit() and int(value) != wanted for value in annotated)


def scaled_sizes(
    deployment: Mapping[str, Any], new: ReplicaSet | None, olds: Sequence[ReplicaSet]
) -> list[tuple[ReplicaSet, int]]:
    """The sizes of the ReplicaSets after the Deployment's size changed, spread in proportion during a rollout."""
    wanted = replicas_of(deployment)
    one = _only_one(new, olds)
    if one is not None:
        return [] if replicas_of(one) == wanted else [(one, wanted)]
    if new is not None and _is_saturated(deployment, new):
        return [(each, 0) for each in active(olds)]
    if not is_rolling(deployment["spec"]):
        return []
    sets = active([*olds, *([new] if new else [])])
    allowed = wanted + fenceposts(deployment["spec"])[0] if wanted > 0 else 0
    to_add = allowed - total(sets)
    # The largest first; among equals the newest gains first and the oldest loses first.
    newest_first = by_age(sets)[::-1] if to_add > 0 else by_age(sets)
    ordered = sorted(newest_first, key=lambda each: -replicas_of(each))
    sizes, added = [], 0
    for each in ordered:
        share = _share(each, deployment, allowed, to_add, added) if to_add else 0
        added += share
        sizes.append(replicas_of(each) + share)
    if ordered and to_add:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return list(zip(ordered, sizes, strict=True))


def _only_one(new: ReplicaSet | None, olds: Sequence[ReplicaSet]) -> ReplicaSet | None:
    running = active([*olds, *([new] if new else [])])
    if len(running) == 1:
        return running[0]
    if running:
        return None
    return new if new is not None else next(iter(by_age(olds)[::-1]), None)


def _is_saturated(deployment: Mapping[str, Any], new: ReplicaSet) -> bool:
    wanted = replicas_of(deployment)
    return (
        annotations_of(new).get(DESIRED) == str(wanted)
        and replicas_of(new) == wanted
        and observed(new, "availableReplicas") == wanted
    )


def _share(each: ReplicaSet, deployment: Mapping[str, Any], allowed: int, to_add: int, added: int) -> int:
    size = replicas_of(each)
    if size == 0 or to_add == added:
        return 0
    if replicas_of(deployment) == 0:
        share = -size
    else:
        annotated = annotations_of(each).get(MOST, "")
        most = int(annotated) if annotated.isdigit() and int(annotated) else observed(deployment, "replicas")
        share = _round(Fraction(size * allowed, most)) - size if most else 0
    left = to_add - added
    return min(share, left) if to_add > 0 else max(share, left)


def _round(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def new_set(deployment: Mapping[str, Any], sets: Sequence[ReplicaSet], revision: int) -> ReplicaSet:
    """The manifest of the ReplicaSet for the Deployment's template."""
    spec = deployment["spec"]
    collisions = (deployment.get("status") or {}).get("collisionCount")
    template = copy_manifest(spec["template"])
    hash_ = short_hash({"spec": template.get("spec"), "metadata": _metadata(template)}, collisions)
    labels = {**labels_of(template), HASH_LABEL: hash_}
    template.setdefault("metadata", {})["labels"] = labels
    selector = copy_manifest(spec["selector"])
    selector["matchLabels"] = {**selector.get("matchLabels", {}), HASH_LABEL: hash_}
    size = new_set_size(deployment, sets, 0)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment['metadata']['name'][: 253 - 11]}-{hash_}",
            "namespace": deployment["metadata"]["namespace"],
            "labels": dict(labels),
            "annotations": {
                **copied_annotations(deployment),
                REVISION: str(revision),
                **size_annotations(deployment),
            },
        },
        "spec": {
            "replicas": size,
            "selector": selector,
            "template": template,
            **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
        },
    }


def copied_annotations(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The Deployment's annotations that its ReplicaSets carry too."""
    return {key: value for key, value in annotations_of(deployment).items() if key not in NOT_COPIED}


def size_annotations(deployment: Mapping[str, Any]) -> dict[str, str]:
    """What a ReplicaSet says of the size it was part of."""
    wanted = replicas_of(deployment)
    return {DESIRED: str(wanted), MOST: str(wanted + fenceposts(deployment["spec"])[0])}


def renewed_annotations(deployment: Mapping[str, Any], new: Mapping[str, Any], revision: int) -> dict[str, str]:
    """The annotations of an existing ReplicaSet that is (again) the newest, as revision `revision` at least."""
    annotations = {**annotations_of(new), **copied_annotations(deployment)}
    before = revision_of(new)
    if before < revision:
        annotations[REVISION] = str(revision)
        if before:
            history = [each for each in annotations.get(HISTORY, "").split(",") if each]
            history.append(str(before))
            while len(",".join(history)) > HISTORY_LIMIT:
                history.pop(0)
            annotations[HISTORY] = ",".join(history)
    return annotations
