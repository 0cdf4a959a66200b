"""Taking over fields, so that what leaves Git can leave the cluster: server-side apply removes only what is its own.

What kubectl or a client-side Argo CD wrote is one case: without this it stays for ever, because its first writer still
owns it. `stringData` of a Secret is the other: the API server keeps its values in `data` and their owner at `stringData`.
We apply `data` only; what was applied otherwise is made ours there. Only the list of owners changes: no field of the
object is touched, so no Pod restarts. see: kubernetes/client-go `util/csaupgrade` (1.37).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from haori.objects import Manifest, nested_list
from haori.objects.masking import LAST_APPLIED, is_secret
from haori.resources.argo import APPLICATION_RECORDS, is_application
from haori.schema import FieldSet

_TEXTS = "f:stringData"
_LAST_APPLIED = FieldSet.from_v1({"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}})
_COUNTING_ANNOTATIONS = frozenset({"Deployment"})
"""Kinds whose generation counts changes of annotations too. There kubectl's memory stays, owned by nobody, so that taking over
changes no generation. see: kubernetes/kubernetes `pkg/registry/apps/deployment/strategy.go` (1.37)."""


def plan_take_over(live: Manifest, manager: str, taken_over: Collection[tuple[str, str]]) -> list[dict[str, Any]]:
    """The JSON patch on `metadata.managedFields` that makes `manager` own what `taken_over` own; empty: nothing to do.

    The patch tests the resourceVersion, so it fails rather than overwrite a newer list.
    """
    entries = [entry for entry in nested_list(live, "metadata", "managedFields") if isinstance(entry, Mapping)]
    theirs = [entry for entry in entries if _is_theirs(entry, manager, taken_over)]
    ours = [entry for entry in entries if _is_ours(entry, manager)]
    if not theirs and not (is_secret(live) and has_string_data(live, manager)):
        return []
    fields: dict[str, Any] = {}
    for entry in (*ours, *theirs):
        fields = merge_fields(fields, entry.get("fieldsV1") or {})
    if is_secret(live):
        fields = _folded(fields)
        fields.pop(_TEXTS, None)
    if is_application(live):
        for name in APPLICATION_RECORDS:  # No manifest has them, so an apply that owned them would take them away.
            fields.pop(f"f:{name}", None)
    if live.get("kind") in _COUNTING_ANNOTATIONS:
        fields = FieldSet.from_v1(fields).difference(_LAST_APPLIED).to_v1()
    # The apply that follows must be free to drop kubectl's memory of what it wrote.
    template = dict(ours[0] if ours else theirs[0])
    template |= {"manager": manager, "operation": "Apply", "fieldsV1": fields}
    rest = [entry for entry in entries if entry not in theirs and entry not in ours]
    metadata = live.get("metadata") or {}
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.get("resourceVersion")},
        {"op": "replace", "path": "/metadata/managedFields", "value": [template, *rest]},
    ]


def plan_give_up(live: Manifest, manager: str) -> list[dict[str, Any]]:
    """The JSON patch that makes what `manager` owns by apply its own by update; empty: it owns nothing by apply."""
    entries = [entry for entry in nested_list(live, "metadata", "managedFields") if isinstance(entry, Mapping)]
    ours = [entry for entry in entries if _is_ours(entry, manager)]
    if not ours:
        return []
    updates = [entry for entry in entries if _identity(entry) == (manager, "Update", "")]
    fields: dict[str, Any] = {}
    for entry in (*ours, *updates):
        fields = merge_fields(fields, entry.get("fieldsV1") or {})
    rest = [entry for entry in entries if entry not in ours and entry not in updates]
    turned = {**ours[0], "operation": "Update", "fieldsV1": fields}
    return [
        {
            "op": "test",
            "path": "/metadata/resourceVersion",
            "value": (live.get("metadata") or {}).get("resourceVersion"),
        },
        {"op": "replace", "path": "/metadata/managedFields", "value": [*rest, turned]},
    ]


def _identity(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(entry.get("manager")), str(entry.get("operation")), str(entry.get("subresource") or "")


def is_owned(live: Manifest, manager: str) -> bool:
    """Whether `manager` applied this object before."""
    entries = nested_list(live, "metadata", "managedFields")
    return any(isinstance(entry, Mapping) and _is_ours(entry, manager) for entry in entries)


def has_string_data(live: Manifest, manager: str) -> bool:
    """Whether `manager` owns something at `stringData`."""
    entries = nested_list(live, "metadata", "managedFields")
    return any(_TEXTS in (entry.get("fieldsV1") or {}) for entry in entries if _is_ours(entry, manager))


def own_string_data(live: Manifest, manager: str) -> Manifest:
    """A Secret whose fields that `manager` owns at `stringData` count as owned at `data` too; others as they are."""
    if not is_secret(live) or not has_string_data(live, manager):
        return live
    entries = [
        {**entry, "fieldsV1": _folded(entry.get("fieldsV1") or {})} if _is_ours(entry, manager) else entry
        for entry in nested_list(live, "metadata", "managedFields")
    ]
    return {**live, "metadata": {**live["metadata"], "managedFields": entries}}


def _folded(fields: Mapping[str, Any]) -> dict[str, Any]:
    texts = fields.get(_TEXTS)
    return dict(fields) if texts is None else merge_fields(fields, {"f:data": texts})


def merge_fields(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """The union of two `fieldsV1` trees."""
    return FieldSet.from_v1(left).union(FieldSet.from_v1(right)).to_v1()


def _is_theirs(entry: Mapping[str, Any], manager: str, taken_over: Collection[tuple[str, str]]) -> bool:
    if entry.get("subresource") or _is_ours(entry, manager):
        return False
    return (str(entry.get("manager")), str(entry.get("operation"))) in taken_over


def _is_ours(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
