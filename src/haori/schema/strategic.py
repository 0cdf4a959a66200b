"""Strategic merge patch: how kubectl and the API server merge built-in types.

Mappings merge, null deletes, a list is replaced unless its type says "merge": then its items are matched by the merge
key, or, being scalars, joined as a set. Directives in the patch: `$patch` (replace, merge, delete), `$retainKeys`,
`$deleteFromPrimitiveList/NAME`, `$setElementOrder/NAME`.
see: kubernetes/apimachinery `pkg/util/strategicpatch/patch.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.objects import copy_manifest
from haori.schema.go_text import go_text
from haori.schema.jsonpatch import json_equal
from haori.schema.patch_errors import patch_invalid
from haori.schema.types import Kind, TypeSchema

PATCH, RETAIN = "$patch", "$retainKeys"
DELETE_FROM, ORDER = "$deleteFromPrimitiveList/", "$setElementOrder/"


def strategic_merge_patch(schema: TypeSchema, doc: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `doc` with `patch` merged in, directives obeyed; what the patch does not touch is shared with `doc`.

    Raises PatchError for a malformed directive or a list item without its merge key.
    """
    merged = _merge_mapping(schema, doc, patch)
    return {} if merged is None else merged


def merge_key_of(schema: TypeSchema | None) -> str | None:
    """How the list in a field of this type merges: by this key, as a set of scalars (""), or not at all (None)."""
    if schema is None or schema.kind is not Kind.LIST or "merge" not in schema.patch_strategies:
        return None
    return schema.patch_merge_key


def field_of(schema: TypeSchema | None, name: str) -> TypeSchema | None:
    """The type of a field, as far as it is known."""
    if schema is None:
        return None
    if schema.kind is Kind.OBJECT:
        return schema.fields.get(name, schema.items)
    return schema.items if schema.kind is Kind.MAP else None


def _merge_mapping(
    schema: TypeSchema | None, doc: Mapping[str, Any], patch: Mapping[str, Any]
) -> dict[str, Any] | None:
    """None where the patch says that the mapping goes."""
    directive = patch.get(PATCH)
    if directive == "replace":
        return {name: strip_directives(value) for name, value in patch.items() if not is_directive(name)}
    if directive == "delete":
        return None
    if directive not in (None, "merge"):
        raise patch_invalid(f"unknown $patch directive {directive!r}")
    result = _retained(doc, patch)
    orders: dict[str, Sequence[Any]] = {}
    for name, value in patch.items():
        if name in (PATCH, RETAIN):
            continue
        if name.startswith(DELETE_FROM):
            _delete_scalars(result, name.removeprefix(DELETE_FROM), value)
        elif name.startswith(ORDER):
            orders[name.removeprefix(ORDER)] = _checked_order(schema, name, value, patch)
        elif value is None:
            result.pop(name, None)
        else:
            _merge_field(field_of(schema, name), result, name, value)
    for name, order in orders.items():
        if isinstance(result.get(name), list):
            before = doc.get(name)
            stood = before if isinstance(before, list) else []
            result[name] = _ordered(result[name], stood, order, merge_key_of(field_of(schema, name)) or "")
    return result


def _merge_field(schema: TypeSchema | None, result: dict[str, Any], name: str, value: Any) -> None:
    before = result.get(name)
    if isinstance(value, Mapping):
        if PATCH in value or isinstance(before, Mapping):
            merged = _merge_mapping(schema, before if isinstance(before, Mapping) else {}, value)
            if merged is None:
                result.pop(name, None)
            else:
                result[name] = merged
        else:
            result[name] = _merge_mapping(schema, {}, value) or {}
    elif isinstance(value, (list, tuple)):
        key = merge_key_of(schema)
        if key is None or not isinstance(before, list) or not value:
            result[name] = (
                _merge_items(schema, [], value, key) if key and value else [strip_directives(item) for item in value]
            )
            if key is not None and isinstance(before, list) and not value:
                result[name] = before
        elif key:
            result[name] = _merge_items(schema, before, value, key)
        else:
            joined = before + [item for item in _unique(value) if not _contains(before, item)]
            result[name] = _ordered(joined, before, value, "")
    else:
        result[name] = value


def _retained(doc: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    if RETAIN not in patch:
        return dict(doc)
    kept = set(_list_of(RETAIN, patch[RETAIN]))
    for name, value in patch.items():
        if not is_directive(name) and value is not None and name not in kept:
            raise patch_invalid("$retainKeys doesn't contain all the fields present in the patch")
    return {name: value for name, value in doc.items() if name in kept}


def _merge_items(schema: TypeSchema | None, before: list[Any], patch: Sequence[Any], key: str) -> list[Any]:
    """A list of objects; items of the patch that are new go to the end."""
    items_schema = schema.items if schema is not None else None
    if any(isinstance(item, Mapping) and item.get(PATCH) == "replace" and len(item) == 1 for item in patch):
        return [strip_directives(item) for item in patch if item.get(PATCH) != "replace"]
    result = list(before)
    for item in patch:
        if not isinstance(item, Mapping):
            raise patch_invalid("a list of objects holds a scalar in the patch")
        if key not in item:
            raise patch_invalid(f"map: {go_text(item)} does not contain declared merge key: {key}")
        found = [index for index, known in enumerate(result) if _has_key(known, key, item[key])]
        directive = item.get(PATCH)
        if directive == "delete":
            result = [known for index, known in enumerate(result) if index not in found]
        elif directive == "replace":
            fresh = strip_directives(item)
            result = [known for index, known in enumerate(result) if index not in found[1:]]
            if found:
                result[found[0]] = fresh
            else:
                result.append(fresh)
        elif found:
            result[found[0]] = _merge_mapping(items_schema, result[found[0]], item) or {}
        else:
            result.append(_merge_mapping(items_schema, {}, item) or {})
    # Without an order of its own the patch's items are one: a new item stands before what only the server has.
    plain = [item for item in patch if item.get(PATCH) is None]
    return _ordered(result, before, plain, key)


def _has_key(item: Any, key: str, value: Any) -> bool:
    return isinstance(item, Mapping) and key in item and json_equal(item[key], value)


def _delete_scalars(result: dict[str, Any], name: str, gone: Any) -> None:
    before = result.get(name)
    if isinstance(before, list):
        values = _list_of(DELETE_FROM + name, gone)
        result[name] = [item for item in before if not _contains(values, item)]


def _ordered(merged: list[Any], before: Sequence[Any], order: Sequence[Any], key: str) -> list[Any]:
    """`merged` with what `order` names in that order.

    What only the server has goes before the first named item that it stood before (mergeSortedSlice of the original).
    """

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, Mapping) else item

    names, stood = [name(item) for item in order], [name(item) for item in before]
    right = [item for item in merged if _contains(names, name(item))]
    right.sort(key=lambda item: _position(names, name(item)))
    left = [item for item in merged if not _contains(names, name(item))]
    result: list[Any] = []
    while left and right:
        first, second = _position(stood, name(left[0])), _position(stood, name(right[0]))
        result.append(left.pop(0) if 0 <= first < second else right.pop(0))
    return result + left + right


def _checked_order(schema: TypeSchema | None, name: str, value: Any, patch: Mapping[str, Any]) -> Sequence[Any]:
    order = _list_of(name, value)
    field = name.removeprefix(ORDER)
    key = merge_key_of(field_of(schema, field)) or ""
    listed = patch.get(field)
    items = [item for item in listed if not (isinstance(item, Mapping) and PATCH in item)] if listed else []
    names = [item.get(key) if key and isinstance(item, Mapping) else item for item in order]
    places = [_position(names, item.get(key) if key and isinstance(item, Mapping) else item) for item in items]
    if -1 in places or places != sorted(places):
        raise patch_invalid(
            f"The order in patch list:\n{go_text(items)}\n doesn't match $setElementOrder list:\n{go_text(order)}\n"
        )
    return order


def _position(names: list[Any], wanted: Any) -> int:
    return next((index for index, name in enumerate(names) if json_equal(name, wanted)), -1)


def _contains(items: Sequence[Any], wanted: Any) -> bool:
    return any(json_equal(item, wanted) for item in items)


def _unique(items: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not _contains(found, item):
            found.append(item)
    return found


def _list_of(name: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise patch_invalid(f"{name} must be a list")
    return value


def is_directive(name: str) -> bool:
    """Whether a field of a patch is an instruction rather than a value."""
    return name in (PATCH, RETAIN) or name.startswith((DELETE_FROM, ORDER))


def strip_directives(value: Any) -> Any:
    """A copy of a part of a patch as a plain value: no directives, no nulls in mappings."""
    if isinstance(value, Mapping):
        return {
            name: strip_directives(item) for name, item in value.items() if not is_directive(name) and item is not None
        }
    if isinstance(value, (list, tuple)):
        return [
            strip_directives(item) for item in value if not (isinstance(item, Mapping) and item.get(PATCH) == "delete")
        ]
    return copy_manifest(value)
