"""Who owns which field: server-side apply and the tracking of all other writes.

Objects of one version are taken: fields that a manager owns by another version of the type are read as if they were of
this one, since nothing here converts.
see: kubernetes-sigs/structured-merge-diff `merge/update.go` (v6), kubernetes/apimachinery `pkg/util/managedfields` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.objects import nested_list
from haori.objects.times import format_time
from haori.schema.changes import Changes, changes_between
from haori.schema.fieldset import NO_FIELDS, FieldSet
from haori.schema.managers import APPLY, UPDATE, Manager, Managers, read_managers, write_managers
from haori.schema.patch_errors import ApplyConflictError, Conflict, patch_invalid
from haori.schema.typed import check_structure, field_schema, merge, remove, with_named_members
from haori.schema.types import Kind, TypeSchema

BEFORE_FIRST_APPLY = "before-first-apply"
"""Owns what stood before the first apply on an object whose managers are not known."""
_BOOKKEEPING = FieldSet.at(
    ("apiVersion",), ("kind",), ("metadata",),
    *(("metadata", name) for name in ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName",
                                      "generation", "managedFields", "resourceVersion")),
)  # fmt: skip


def server_side_apply(
    schema: TypeSchema | None,
    live: Mapping[str, Any] | None,
    applied: Mapping[str, Any],
    *,
    manager: str,
    force: bool,
    now: datetime,
    api_version: str = "",
    subresource: str = "",
    reset: FieldSet = NO_FIELDS,
) -> dict[str, Any]:
    """`live` after `applied` was applied, managedFields included; equal to `live` where nothing changed.

    Defaults are not filled in. `api_version` is `applied`'s unless given; `reset`: fields that nobody comes to own by
    this (see `reset_fields`), and that do not conflict. Raises ApplyConflictError; TypedValueError for a structure that
    cannot be read (duplicate keys, undeclared fields); PatchError where `applied` carries managedFields.
    """
    if nested_list(applied, "metadata", "managedFields"):
        raise patch_invalid("metadata.managedFields must be nil")
    check_structure(schema, applied)
    version = api_version or str(applied.get("apiVersion") or "")
    before = _without_managers(live or {})
    managers = read_managers(live)
    if not managers and before:
        managers = _before_first_apply(schema, before, version, subresource, reset, now)
    applier = Manager(
        name=manager,
        operation=APPLY,
        api_version=version,
        subresource=subresource,
        fields=FieldSet.of(schema, applied).without(reset),
    )
    last = managers.get(applier.identity)
    merged = merge(schema, before, applied)
    if last is not None:
        merged = _prune(schema, merged, managers, applier, last.fields.without(reset))
    changes = changes_between(schema, before, merged).without(reset)
    managers = _give_way(managers, applier, changes, force=force)
    owned = applier.fields.difference(_BOOKKEEPING)
    result = without_nulls(schema, merged)
    changed = result != before or last is None or last.fields != owned or last.api_version != version
    time = format_time(now) if changed or last is None else last.time
    if owned:
        managers[applier.identity] = Manager(
            name=manager, operation=APPLY, api_version=version, subresource=subresource, fields=owned, time=time
        )
    return _with_managers(result, managers)


def track_update(
    schema: TypeSchema | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    *,
    manager: str,
    now: datetime,
    operation: str = UPDATE,
    api_version: str = "",
    subresource: str = "",
    reset: FieldSet = NO_FIELDS,
) -> dict[str, Any]:
    """`after` with the managedFields that the API server gives it on create (`before` is None), update and patch.

    `after` is what is to be stored, defaults filled in. What changed and what is new goes to `manager`, what is gone
    leaves everyone. managedFields that `after` itself carries replace those of `before`; `[{}]` forgets all of them.
    """
    version = api_version or str(after.get("apiVersion") or "")
    managers = _given_managers(before, after, subresource)
    old = _without_managers(before) if before is not None else empty_object(schema, after)
    new = _without_managers(after)
    if before is not None and not managers:
        return new  # Managers are not known; the next apply starts them anew.
    changes = changes_between(schema, old, new)
    if changes.is_empty:
        return _with_managers(new, managers)
    changes = changes.without(reset)
    actor = Manager(
        name=manager, operation=operation, api_version=version, subresource=subresource, fields=NO_FIELDS,
        time=format_time(now),
    )  # fmt: skip
    managers = _give_way(managers, None, changes, force=True)
    gained = changes.modified.union(changes.added).difference(_BOOKKEEPING)
    if gained:
        known = managers.get(actor.identity)
        managers[actor.identity] = actor.owning(gained.union(known.fields) if known else gained)
    return _with_managers(new, managers)


def reset_fields(subresource: str, *, has_status: bool = True, is_custom: bool = False) -> FieldSet:
    """The fields that a write to the object (`subresource` empty) or to its status leaves alone, so none own them by it.

    `has_status`: the type has a status subresource. Custom resources keep all of `metadata` from a write to the status.
    """
    if not subresource:
        return FieldSet.at(("status",)) if has_status else NO_FIELDS
    if subresource != "status":
        return NO_FIELDS
    return FieldSet.at(("metadata",) if is_custom else ("metadata", "labels"), ("spec",))


def empty_object(schema: TypeSchema | None, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the API server compares a new object with: for its own types, the structs and lists that always exist."""
    empty = _always_there(schema) if schema is not None and schema.name.startswith("io.k8s.") else {}
    return {name: manifest[name] for name in ("apiVersion", "kind") if name in manifest} | empty


def without_nulls(schema: TypeSchema | None, value: Any) -> Any:
    """`value` without the nulls that Kubernetes' own types do not keep, sharing what has none.

    Custom resources keep theirs outside `metadata`, for defaulting and validation to judge.
    """
    if schema is None or schema.kind is Kind.ANY:
        return value
    if not schema.name.startswith("io.k8s.") and "metadata" in schema.fields and isinstance(value, Mapping):
        metadata = without_nulls(schema.fields["metadata"], value.get("metadata"))
        return value if metadata is value.get("metadata") else {**value, "metadata": metadata}
    if isinstance(value, Mapping):
        kept = {}
        same = True
        for name, item in value.items():
            below, _ = field_schema(schema, name)
            if item is None and below is not None and below.kind is not Kind.ANY and not below.is_nullable:
                same = False
                continue
            kept[name] = without_nulls(below, item) if isinstance(item, (Mapping, list)) else item
            same = same and kept[name] is item
        return value if same else kept
    if isinstance(value, list):
        items = [without_nulls(schema.items, item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


def _always_there(schema: TypeSchema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in schema.fields.items():
        if field.kind is Kind.OBJECT and (name == "metadata" or (field.has_default and field.default == {})):
            found[name] = _always_there(field)
        elif name in schema.required and field.kind in (Kind.LIST, Kind.MAP, Kind.OBJECT):
            found[name] = None
    return found


def _before_first_apply(
    schema: TypeSchema | None,
    before: Mapping[str, Any],
    version: str,
    subresource: str,
    reset: FieldSet,
    now: datetime,
) -> Managers:
    added = changes_between(schema, empty_object(schema, before), before).without(reset)
    entry = Manager(
        name=BEFORE_FIRST_APPLY,
        operation=UPDATE,
        api_version=version,
        subresource=subresource,
        fields=added.added.union(added.modified).difference(_BOOKKEEPING),
        time=format_time(now),
    )
    return {entry.identity: entry} if entry.fields else {}


def _prune(schema: TypeSchema | None, merged: Any, managers: Managers, applier: Manager, last: FieldSet) -> Any:
    """`merged` without what the applier owned last, does not own now and nobody else owns."""
    if not last.difference(applier.fields):
        return merged
    owned = applier.fields
    for identity, other in managers.items():
        if identity != applier.identity:
            owned = owned.union(other.fields)

    def named(fields: FieldSet) -> FieldSet:
        return FieldSet(with_named_members(schema, fields.tree))

    def cut(fields: FieldSet) -> Any:
        # What is emptied becomes null, as on the API server; its own types then drop it.
        left = remove(schema, merged, fields.tree, emptied=None) if fields else merged
        return {} if left is None else left

    whole, before = named(FieldSet.of(schema, merged)), named(last)
    pruned = cut(before)
    # Back comes what someone owns, and all that stands in it.
    pruned = cut(whole.difference(named(FieldSet.of(schema, pruned)).union(named(owned))))
    # Back comes what was lost only because it stood in something removed, yet was never the applier's.
    return cut(whole.difference(named(FieldSet.of(schema, pruned))).intersection(before))


def _give_way(managers: Managers, applier: Manager | None, changes: Changes, *, force: bool) -> Managers:
    """The other managers without what was taken from them. Raises ApplyConflictError unless `force`."""
    taken = changes.modified.union(changes.added)
    conflicts: list[Conflict] = []
    left: Managers = {}
    for identity in sorted(managers):
        entry = managers[identity]
        if applier is not None and identity == applier.identity:
            continue
        lost = entry.fields.intersection(taken)
        if lost and not force:
            conflicts += [_conflict(entry, path) for path in lost.paths()]
        kept = entry.fields.difference(lost).difference(changes.removed)
        if kept:
            left[identity] = entry if kept is entry.fields else entry.owning(kept)
    if conflicts:
        raise ApplyConflictError(conflicts)
    return left


def _conflict(entry: Manager, path: str) -> Conflict:
    return Conflict(
        manager=entry.name,
        path=path,
        operation=entry.operation,
        api_version=entry.api_version,
        subresource=entry.subresource,
    )


def _given_managers(before: Mapping[str, Any] | None, after: Mapping[str, Any], subresource: str) -> Managers:
    if subresource:
        return read_managers(before)
    given = nested_list(after, "metadata", "managedFields")
    if len(given) == 1 and given[0] == {}:
        return {}
    return read_managers(after) or read_managers(before)


def _without_managers(manifest: Mapping[str, Any]) -> dict[str, Any]:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping) or "managedFields" not in metadata:
        return dict(manifest)
    return {**manifest, "metadata": {name: item for name, item in metadata.items() if name != "managedFields"}}


def _with_managers(manifest: Mapping[str, Any], managers: Managers) -> dict[str, Any]:
    if not managers:
        return dict(manifest)
    metadata = manifest.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    metadata["managedFields"] = write_managers(managers.values())
    return {**manifest, "metadata": metadata}
