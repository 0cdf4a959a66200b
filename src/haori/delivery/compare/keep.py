"""RespectIgnoreDifferences: what is applied does not touch the fields that ignoreDifferences names.

Argo CD overwrites the ignored fields of the target with the live values (`controller/sync.go`, normalizeTargetResources,
3.6). Under server-side apply that would make us their owner, so we keep the live value only of what we own already (to
leave it out would remove it) and leave the rest to whoever has it. The trimmed live object holds exactly what we own; of one
that we never applied, and of one that is not applied on the server, the whole is handed in and every value is taken over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from haori.delivery.compare.ignore import IGNORED, mark_ignored, sweep
from haori.delivery.compare.lists import has_twins, key_values, keys_for
from haori.delivery.compare.ownership import child, fields, format_keys, owned_tree
from haori.delivery.model import IgnoreRule
from haori.objects import Manifest, annotations_of, copy_manifest, labels_of
from haori.resources import argo
from haori.schema import TypeSchema
from haori.schema.typed import field_schema

_DROPPED = object()
_OURS = "argocd.argoproj.io/"
"""Marks and options of ours, which no rule takes away."""


def keep_ignored(
    desired: Manifest, live: Manifest, rules: Iterable[IgnoreRule], *, manager: str, schema: TypeSchema | None = None
) -> Manifest:
    """`desired` with what the rules ignore as it is in `live`; `desired` itself where no rule matches."""
    there = _owned_metadata(live, manager)
    wanted: dict[str, Any] = copy_manifest(desired)
    marked: dict[str, Any] = copy_manifest(there)
    rules = tuple(rules)
    if not mark_ignored(wanted, live, rules):
        return desired
    mark_ignored(marked, live, rules)
    kept: dict[str, Any] = _kept(wanted, marked, there, schema, "")
    kept.pop("status", None)
    return _with_marks(kept, desired)


def _kept(wanted: Any, marked: Any, live: Any, schema: TypeSchema | None, name: str) -> Any:
    """`wanted` (IGNORED in places) with the values of `live` where `marked`, its marked copy, says IGNORED."""
    if marked is IGNORED:
        return copy_manifest(live)
    if wanted is IGNORED:
        return _DROPPED
    if isinstance(wanted, dict) and isinstance(marked, dict):
        return _kept_mapping(wanted, marked, live, schema)
    if isinstance(wanted, list) and isinstance(marked, list):
        return _kept_list(wanted, marked, live, schema, name)
    sweep(wanted)
    return wanted


def _kept_mapping(
    wanted: dict[str, Any], marked: dict[str, Any], live: Mapping[str, Any], schema: TypeSchema | None
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, item in wanted.items():
        found = _kept(item, marked.get(name), live.get(name), field_schema(schema, name)[0], name)
        if found is not _DROPPED:
            kept[name] = found
    for name, item in marked.items():
        if item is IGNORED and name not in kept:
            kept[name] = copy_manifest(live[name])
    return kept


def _kept_list(
    wanted: list[Any], marked: list[Any], live: list[Any], schema: TypeSchema | None, name: str
) -> list[Any]:
    """Items are matched by their keys, else by position where there are as many on both sides."""
    items = schema.items if schema is not None else None
    plain = [item for item in wanted if item is not IGNORED]
    keys = keys_for(schema, name, plain, live)
    places: dict[str, int] = {}
    if keys and not has_twins(plain, keys, items) and not has_twins(live, keys, items):
        places = {format_keys(key_values(item, keys, items)): index for index, item in enumerate(live)}
    kept = []
    for index, item in enumerate(wanted):
        if keys:
            place = None if item is IGNORED else places.get(format_keys(key_values(item, keys, items)))
        else:
            place = index if len(wanted) == len(live) else None
        there, whole = (None, None) if place is None else (marked[place], live[place])
        found = _kept(item, there, whole, items, "")
        if found is not _DROPPED:
            kept.append(found)
    if keys or len(wanted) != len(live):
        kept.extend(copy_manifest(live[place]) for place, item in enumerate(marked) if item is IGNORED)
    return kept


def _owned_metadata(live: Manifest, manager: str) -> Manifest:
    """`live`, of an object that we applied with only those labels and annotations that are ours."""
    owned = owned_tree(live, manager)
    if owned is None:
        return live
    metadata = dict(live.get("metadata") or {})
    tree = child(owned, "metadata")
    for name in ("labels", "annotations"):
        ours = set(fields(child(tree, name)))
        metadata[name] = {key: value for key, value in (metadata.get(name) or {}).items() if key in ours}
    for name in ("finalizers", "ownerReferences"):
        if child(tree, name) is None:
            metadata.pop(name, None)
    return {**live, "metadata": metadata}


def _with_marks(kept: dict[str, Any], desired: Manifest) -> dict[str, Any]:
    """What tells whose an object is, and what is asked of it, is Git's whatever is ignored."""
    metadata = dict(kept.get("metadata") or {})
    for name in ("name", "namespace"):
        if name in desired["metadata"]:
            metadata[name] = desired["metadata"][name]
    marks = {key: value for key, value in annotations_of(desired).items() if key.startswith(_OURS)}
    if marks:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    labels = labels_of(desired)
    if argo.INSTANCE_LABEL in labels:
        instance = {argo.INSTANCE_LABEL: labels[argo.INSTANCE_LABEL]}
        metadata["labels"] = {**(metadata.get("labels") or {}), **instance}
    return {**kept, "apiVersion": desired["apiVersion"], "kind": desired["kind"], "metadata": metadata}
