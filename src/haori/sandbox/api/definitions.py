"""CustomResourceDefinitions: the names they are given, when they are established, which versions were ever stored.

see: Kubernetes `staging/src/k8s.io/apiextensions-apiserver/pkg/controller/{status,establish}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from haori.objects import nested_list, nested_mapping, nested_text
from haori.objects.times import format_time
from haori.sandbox.api.deletion import CRD_CLEANUP

SHORT = "no conflicts found"


def accept_definition(
    now: datetime, others: Iterable[Mapping[str, Any]], old: Mapping[str, Any] | None, new: dict[str, Any]
) -> None:
    """Fills in names and status: a definition is established as soon as its names are free. Changes `new` in place."""
    names = dict(nested_mapping(new, "spec", "names"))
    spec = {**nested_mapping(new, "spec"), "names": names}
    spec.setdefault("conversion", {"strategy": "None"})
    new["spec"] = spec
    metadata = new["metadata"]
    if old is None:
        metadata["finalizers"] = [
            *(each for each in metadata.get("finalizers") or () if each != CRD_CLEANUP),
            CRD_CLEANUP,
        ]
    taken = _taken_by(others, new)
    found = nested_list(old, "status", "storedVersions") if old else ()
    storage = [str(each.get("name")) for each in nested_list(spec, "versions") if each.get("storage")][:1]
    status = dict(nested_mapping(new, "status")) if old else {}
    stored = [each for each in nested_list(status, "storedVersions") or found if each not in storage]
    status["storedVersions"] = [*stored, *storage]
    if not taken:
        status["acceptedNames"] = names
    else:
        status.setdefault("acceptedNames", {"kind": "", "plural": ""})
    conditions = {str(each.get("type")): each for each in nested_list(old, "status", "conditions")} if old else {}
    wanted = [
        ("NamesAccepted", not taken, taken or "NoConflicts", (taken and "the name is in use") or SHORT),
        ("Established", not taken, "NotAccepted" if taken else "InitialNamesAccepted", _established(bool(taken))),
    ]
    if "deletionTimestamp" in metadata:
        wanted.append(("Terminating", True, "InstanceDeletionInProgress", "CustomResource deletion is in progress"))
    status["conditions"] = [_condition(now, conditions.get(name), name, *rest) for name, *rest in wanted]
    new["status"] = status


def _established(taken: bool) -> str:
    return "not all names are accepted" if taken else "the initial names have been accepted"


def _condition(
    now: datetime, old: Mapping[str, Any] | None, name: str, is_true: Any, reason: Any, message: Any
) -> dict[str, Any]:
    status = "True" if is_true else "False"
    since = nested_text(old, "lastTransitionTime") if old and old.get("status") == status else ""
    return {
        "lastTransitionTime": since or format_time(now),
        "message": message,
        "reason": reason,
        "status": status,
        "type": name,
    }


def _taken_by(others: Iterable[Mapping[str, Any]], new: Mapping[str, Any]) -> str:
    """The reason why the names are not free, empty where they are."""
    group, kind = nested_text(new, "spec", "group"), nested_text(new, "spec", "names", "kind")
    list_kind = nested_text(new, "spec", "names", "listKind")
    for other in others:
        if nested_text(other, "metadata", "name") == nested_text(new, "metadata", "name"):
            continue
        accepted = nested_mapping(other, "status", "acceptedNames")
        if nested_text(other, "spec", "group") == group:
            if accepted.get("kind") == kind:
                return "KindConflict"
            if accepted.get("listKind") == list_kind:
                return "ListKindConflict"
    return ""
