"""How an object goes: at once, after its finalizers, or after its node has stopped it.

Pure: given the object and what was asked, what is to be done. see: Kubernetes
`staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go` and
`generic/registry/store.go` (deletionFinalizersForGarbageCollection).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from haori.cluster import Propagation
from haori.objects import Manifest, nested, nested_list, nested_mapping, nested_text
from haori.objects.times import format_time, parse_time
from haori.sandbox.api.errors import conflict
from haori.sandbox.api.options import DeleteOptions
from haori.sandbox.api.registry import ServedType

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What a delete does: `manifest` is the object as it stays, terminating; None removes it."""

    manifest: dict[str, Any] | None


def check_preconditions(type_: ServedType, manifest: Manifest, *, uid: str, resource_version: str) -> None:
    """Raises a 409 where the object is not the one that was meant."""
    metadata = nested_mapping(manifest, "metadata")
    for what, wanted, found, guess in (
        ("UID", uid, metadata.get("uid"), "deleted and then recreated"),
        ("ResourceVersion", resource_version, metadata.get("resourceVersion"), "modified"),
    ):
        if wanted and wanted != found:
            problem = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found})"
            problem += f". The object might have been {guess}"
            raise conflict(type_.kind, type_.group, str(metadata.get("name")), problem)


def plan_deletion(type_: ServedType, manifest: Manifest, options: DeleteOptions, now: datetime) -> Deletion:
    """What a delete of this object does now."""
    metadata = dict(nested_mapping(manifest, "metadata"))
    finalizers = _finalizers(list(nested_list(metadata, "finalizers")), options.propagation)
    grace = _grace_seconds(type_, manifest, options)
    pending = bool(finalizers) or bool(nested_list(manifest, "spec", "finalizers") and type_.storage == "namespaces")
    if grace == 0 and not pending:
        return Deletion(manifest=None)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    if "deletionTimestamp" not in metadata:
        metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=grace))
        if type_.storage != "namespaces":
            metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata:
            metadata["generation"] = int(metadata["generation"]) + 1
    elif grace < int(metadata.get("deletionGracePeriodSeconds") or 0):
        # A shorter grace counts from when the deletion began, as the API server reckons it.
        began = parse_time(metadata["deletionTimestamp"]) or now
        began -= timedelta(seconds=int(metadata.get("deletionGracePeriodSeconds") or 0))
        metadata["deletionTimestamp"] = format_time(max(began + timedelta(seconds=grace), now))
        metadata["deletionGracePeriodSeconds"] = grace
    value: dict[str, Any] = {**manifest, "metadata": metadata}
    if type_.storage == "namespaces":
        value["status"] = {**nested_mapping(manifest, "status"), "phase": "Terminating"}
    return Deletion(manifest=value)


SHOWN_WHEN_GONE = frozenset(
    {
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
    }
)
"""Types whose removal is answered with the object as it was last, not with a Status."""


def last_seen(type_: ServedType, manifest: Manifest, now: datetime) -> dict[str, Any]:
    """A removed object as its removal shows it: Pods have been marked for deletion at once."""
    metadata = dict(nested_mapping(manifest, "metadata"))
    if type_.storage == "pods":
        metadata.setdefault("deletionTimestamp", format_time(now))
        if metadata.get("deletionGracePeriodSeconds") is None and "generation" in metadata:
            metadata["generation"] = int(metadata["generation"]) + 1
        metadata["deletionGracePeriodSeconds"] = 0
    return {**manifest, "metadata": metadata}


def is_finished(type_: ServedType, manifest: Manifest) -> bool:
    """Whether a terminating object has nothing left to wait for."""
    metadata = nested_mapping(manifest, "metadata")
    return (
        "deletionTimestamp" in metadata
        and not nested_list(metadata, "finalizers")
        and not int(metadata.get("deletionGracePeriodSeconds") or 0)
        and not (type_.storage == "namespaces" and nested_list(manifest, "spec", "finalizers"))
    )


def _finalizers(found: list[str], propagation: Propagation | None) -> list[str]:
    match propagation:
        case None:
            return found
        case Propagation.ORPHAN:
            return [*(name for name in found if name not in (ORPHAN, FOREGROUND)), ORPHAN]
        case Propagation.FOREGROUND:
            return [*(name for name in found if name not in (ORPHAN, FOREGROUND)), FOREGROUND]
        case Propagation.BACKGROUND:
            return [name for name in found if name not in (ORPHAN, FOREGROUND)]


def _grace_seconds(type_: ServedType, manifest: Manifest, options: DeleteOptions) -> int:
    """Only Pods are given time, and only those a node may be running."""
    if type_.storage != "pods" or not nested_text(manifest, "spec", "nodeName"):
        return 0
    if nested_text(manifest, "status", "phase") in ("Succeeded", "Failed"):
        return 0
    asked = options.grace_seconds
    if asked is None:
        found = nested(manifest, "spec", "terminationGracePeriodSeconds")
        asked = found if isinstance(found, int) else DEFAULT_GRACE_SECONDS
    current = nested(manifest, "metadata", "deletionGracePeriodSeconds")
    if isinstance(current, int) and "deletionTimestamp" in nested_mapping(manifest, "metadata"):
        return min(current, max(asked, 0))
    return max(asked, 0)


def deleted_body(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The details of the Status that tells of a removed object."""
    metadata = nested_mapping(manifest, "metadata")
    return {"name": metadata.get("name"), "uid": metadata.get("uid")}
