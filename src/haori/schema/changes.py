"""What differs between two states of an object, as sets of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haori.schema.fieldset import FieldSet
from haori.schema.fieldtree import LEAF, Tree, unite
from haori.schema.typed import (
    MISSING,
    everything_in,
    field_schema,
    is_granular_list,
    is_granular_map,
    leaf_equal,
    steps_of,
)
from haori.schema.types import Kind, TypeSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Added mappings and list items are in the set themselves, with all that is in them; so are removed ones."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.added or self.modified or self.removed)

    def without(self, ignored: FieldSet) -> Changes:
        """The changes outside `ignored`."""
        return Changes(
            added=self.added.without(ignored),
            modified=self.modified.without(ignored),
            removed=self.removed.without(ignored),
        )


_Found = tuple[Tree | None, Tree | None, Tree | None]
_NOTHING: _Found = (None, None, None)


def changes_between(schema: TypeSchema | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """What became of `before`."""
    added, modified, removed = _compare(schema, before, after)
    return Changes(added=FieldSet(added), modified=FieldSet(modified), removed=FieldSet(removed))


def _compare(schema: TypeSchema | None, before: Any, after: Any) -> _Found:
    if before is after:
        return _NOTHING
    if before is MISSING:
        return everything_in(schema, after), None, None
    if after is MISSING:
        return None, None, everything_in(schema, before)
    is_free = schema is None or schema.kind is Kind.ANY
    if is_free and not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return _compare_free(schema, before, after)
    if is_granular_map(schema, before) and is_granular_map(schema, after):
        if not before and not after:
            return _NOTHING if before == after else (None, LEAF, None)
        return _compare_maps(schema, before or {}, after or {})
    if schema is not None and is_granular_list(schema, before) and is_granular_list(schema, after):
        if not before and not after:
            return _NOTHING if before == after else (None, LEAF, None)
        return _compare_lists(schema, before or [], after or [])
    return _NOTHING if leaf_equal(schema, before, after) else (None, LEAF, None)


def _compare_free(schema: TypeSchema | None, before: Any, after: Any) -> _Found:
    """Values whose own shape decides, and at most one of them is a mapping."""
    if isinstance(before, Mapping) and before:
        removed = _below(everything_in(schema, before))
        return None, None if after is None else LEAF, removed
    if isinstance(after, Mapping) and after:
        return _below(everything_in(schema, after)), None if before is None else LEAF, None
    return _NOTHING if leaf_equal(schema, before, after) else (None, LEAF, None)


def _below(node: Tree) -> Tree | None:
    return {step: below for step, below in node.items() if step != "."} or None


def _compare_maps(schema: TypeSchema | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> _Found:
    added: Tree = {}
    modified: Tree = {}
    removed: Tree = {}
    for name, first in before.items():
        second = after.get(name, MISSING)
        found = _compare(field_schema(schema, name)[0], first, second)
        if found is not _NOTHING:
            _put(f"f:{name}", found, added, modified, removed)
    for name, second in after.items():
        if name not in before:
            added[f"f:{name}"] = everything_in(field_schema(schema, name)[0], second)
    return (added or None, modified or None, removed or None) if added or modified or removed else _NOTHING


def _compare_lists(schema: TypeSchema, before: Any, after: Any) -> _Found:
    added: Tree = {}
    modified: Tree = {}
    removed: Tree = {}
    first, second = _grouped(schema, before), _grouped(schema, after)
    for step in first | second:
        left, right = first.get(step, []), second.get(step, [])
        if len(left) <= 1 and len(right) <= 1:
            found = _compare(schema.items, left[0] if left else MISSING, right[0] if right else MISSING)
        elif len(left) > 1 and len(right) > 1:
            # Repeated items are compared as if they were one atomic list.
            found = _NOTHING if left == right else (None, LEAF, None)
        elif len(left) > 1:
            fresh = everything_in(schema.items, right[0]) if right else None
            found = (fresh, None, LEAF)
        else:
            gone = everything_in(schema.items, left[0]) if left else None
            found = (LEAF, None, gone)
        _put(step, found, added, modified, removed)
    return added or None, modified or None, removed or None


def _grouped(schema: TypeSchema, items: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for step, item in zip(steps_of(schema, items), items, strict=True):
        groups.setdefault(step, []).append(item)
    return groups


def _put(step: str, found: _Found, *trees: Tree) -> None:
    for tree, node in zip(trees, found, strict=True):
        if node is not None:
            known = tree.get(step)
            tree[step] = node if known is None else unite(known, node)
