"""The patch that kubectl's client-side apply sends: from what was applied last, what is wanted, what stands.

Gone is what was applied last and is wanted no more; set is what is wanted and stands otherwise; the rest is left.
see: kubernetes/apimachinery `pkg/util/strategicpatch/patch.go` CreateThreeWayMergePatch (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.objects import copy_manifest
from haori.schema.go_text import go_text
from haori.schema.jsonpatch import json_equal
from haori.schema.patch_errors import patch_invalid
from haori.schema.strategic import DELETE_FROM, ORDER, PATCH, RETAIN, field_of, merge_key_of
from haori.schema.types import TypeSchema


def three_way_merge(
    schema: TypeSchema | None, original: Mapping[str, Any], modified: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """The patch on `current`: strategic, or a JSON merge patch without a schema; empty where there is nothing to do.

    Raises PatchError for a list item without its merge key.
    """
    return _Planner(is_strategic=schema is not None).mapping(schema, original, modified, current)


class _Planner:
    """Builds the patch; `is_strategic` says whether lists may merge."""

    def __init__(self, *, is_strategic: bool) -> None:
        self._is_strategic = is_strategic

    def mapping(
        self,
        schema: TypeSchema | None,
        original: Mapping[str, Any],
        modified: Mapping[str, Any],
        current: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The patch for one mapping."""
        patch: dict[str, Any] = {}
        for name in original:
            if name not in modified:
                patch[name] = None
        for name, wanted in modified.items():
            before, there = original.get(name), current.get(name)
            below = field_of(schema, name)
            if wanted is None:
                if there is not None:
                    patch[name] = None
            elif isinstance(wanted, Mapping) and isinstance(there, Mapping):
                inner = self.mapping(below, before if isinstance(before, Mapping) else {}, wanted, there)
                if inner:
                    patch[name] = inner
            elif self._is_strategic and merge_key_of(below) is not None and isinstance(wanted, (list, tuple)):
                self._list(
                    below, name, _items(before), wanted, _items(there), merge_key_of(below) or "", patch, there is None
                )
            elif name not in current or not json_equal(wanted, there):
                patch[name] = copy_manifest(wanted)
        retains = self._is_strategic and schema is not None and "retainKeys" in schema.patch_strategies
        if retains and patch:
            patch[RETAIN] = sorted(name for name, value in modified.items() if value is not None)
        return patch

    def _list(
        self,
        schema: TypeSchema | None,
        name: str,
        original: Sequence[Any],
        modified: Sequence[Any],
        current: Sequence[Any],
        key: str,
        patch: dict[str, Any],
        is_new: bool,
    ) -> None:
        if is_new:
            patch[name] = copy_manifest(modified)
            return
        if key:
            changes = self._items_patch(schema, original, modified, current, key)
            order = [{key: item[key]} for item in modified]
            stands = [{key: item[key]} for item in current if isinstance(item, Mapping) and key in item]
            if changes:
                patch[name] = changes
        else:
            gone = [item for item in original if item not in modified]
            new = [item for item in modified if item not in current]
            order, stands = list(modified), list(current)
            if gone:
                patch[DELETE_FROM + name] = gone
            if new:
                patch[name] = new
            changes = gone or new
        shared = [item for item in stands if item in order]
        if changes or shared != [item for item in order if item in stands]:
            patch[ORDER + name] = order

    def _items_patch(
        self,
        schema: TypeSchema | None,
        original: Sequence[Any],
        modified: Sequence[Any],
        current: Sequence[Any],
        key: str,
    ) -> list[Any]:
        items = schema.items if schema is not None else None
        before, there = _by_key(original, key), _by_key(current, key)
        wanted = _by_key(modified, key)
        changes: list[Any] = []
        for item in modified:
            name = item[key]
            if name not in there:
                changes.append(copy_manifest(item))
                continue
            inner = self.mapping(items, before.get(name, {}), item, there[name])
            if inner:
                changes.append({**inner, key: name})
        changes += [{key: name, PATCH: "delete"} for name in before if name not in wanted]
        return changes


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _by_key(items: Sequence[Any], key: str) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for item in items:
        if not isinstance(item, Mapping) or key not in item:
            raise patch_invalid(f"map: {go_text(item)} does not contain declared merge key: {key}")
        found.setdefault(item[key], item)
    return found
