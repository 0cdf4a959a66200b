"""Values seen through their type, as server-side apply sees them: which steps lead into a value, what it merges to.

A granular mapping is entered field by field, a list of type map or set item by item; everything else is one leaf.
Where the schema does not say (ANY, no schema), the value does: mappings are granular, lists atomic.
see: kubernetes-sigs/structured-merge-diff `typed/` (v6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from haori.schema.fieldtree import LEAF, Tree, format_step, is_member, key_step, value_step, with_member
from haori.schema.go_text import go_syntax, go_text
from haori.schema.jsonpatch import json_equal
from haori.schema.patch_errors import TypedValueError
from haori.schema.types import Kind, ListType, TypeSchema


class Missing:
    """No value at all, which null is not."""


MISSING: Final = Missing()
_SCALARS = frozenset(
    {Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.INT_OR_STRING, Kind.QUANTITY}
)  # fmt: skip


def is_granular_map(schema: TypeSchema | None, value: Any) -> bool:
    """Whether `value` is entered field by field (null stands for an empty mapping where the type says mapping)."""
    if schema is None or schema.kind is Kind.ANY:
        return isinstance(value, Mapping) and not (schema is not None and schema.is_atomic)
    if schema.kind is Kind.OBJECT or schema.kind is Kind.MAP:
        return not schema.is_atomic and (value is None or isinstance(value, Mapping))
    return False


def is_granular_list(schema: TypeSchema | None, value: Any) -> bool:
    """Whether `value` is entered item by item."""
    if schema is None or schema.kind is not Kind.LIST or schema.list_type is ListType.ATOMIC:
        return False
    return value is None or isinstance(value, (list, tuple))


def field_schema(schema: TypeSchema | None, name: str) -> tuple[TypeSchema | None, bool]:
    """(type of the field, whether the schema names it): a field that is not named is a key of a map."""
    if schema is None:
        return None, False
    if schema.kind is Kind.OBJECT:
        known = schema.fields.get(name)
        return (known, True) if known is not None else (schema.items, False)
    return (schema.items if schema.kind is Kind.MAP else None), False


def item_step(schema: TypeSchema, item: Any) -> str:
    """The step from a granular list to `item`. Raises ValueError, saying what its keys lack."""
    if schema.list_type is ListType.SET:
        if isinstance(item, (Mapping, list, tuple)) or item is None:
            raise ValueError("associative list without keys has an element that is no scalar")
        return value_step(item)
    if not isinstance(item, Mapping):
        if item is None:
            raise ValueError("associative list with keys may not have a null element")
        raise ValueError("associative list with keys may not have non-map elements")
    keys = {}
    for name in schema.list_keys:
        if name in item:
            keys[name] = item[name]
            continue
        field = schema.items.fields.get(name) if schema.items is not None else None
        if field is None or not field.has_default:
            raise ValueError(
                f'associative list with keys has an element that omits key field "{name}" '
                "(and doesn't have default value)"
            )
        keys[name] = field.default
    return key_step(keys)


def steps_of(schema: TypeSchema, items: Sequence[Any] | None) -> list[str]:
    """The step of each item; one without usable keys counts by its position, so that nothing stored can break a walk."""
    steps = []
    for index, item in enumerate(items or ()):
        try:
            steps.append(item_step(schema, item))
        except ValueError:
            steps.append(f"i:{index}")
    return steps


def fields_of(schema: TypeSchema | None, value: Any) -> Tree | None:
    """What a manager owns who applies `value`, None for nothing. Duplicate items count as one leaf."""
    if is_granular_map(schema, value):
        found: Tree = {}
        for name, item in (value or {}).items():
            below, is_named = field_schema(schema, name)
            node = fields_of(below, item)
            if not is_named or item is None or item == {}:
                node = with_member(node)
            if node is not None:
                found[f"f:{name}"] = node
        return found or None
    if schema is not None and is_granular_list(schema, value):
        return _items_of(schema, value or (), fields_of)
    return LEAF


def everything_in(schema: TypeSchema | None, value: Any) -> Tree:
    """Every step from `value` down, its own included: what is added or removed with it."""
    if value:
        if is_granular_map(schema, value):
            return {
                ".": LEAF,
                **{f"f:{name}": everything_in(field_schema(schema, name)[0], item) for name, item in value.items()},
            }
        if schema is not None and is_granular_list(schema, value):
            return with_member(_items_of(schema, value, everything_in))
    return LEAF


def _items_of(schema: TypeSchema, items: Sequence[Any], inner: Any) -> Tree | None:
    found: Tree = {}
    for step, item in zip(steps_of(schema, items), items, strict=True):
        found[step] = LEAF if step in found else with_member(inner(schema.items, item))
    return found or None


def merge(schema: TypeSchema | None, live: Any, applied: Any) -> Any:
    """`live` with `applied` merged in; shares structure with both."""
    if is_granular_map(schema, applied) or (applied is None and (schema is None or schema.kind is Kind.ANY)):
        if not isinstance(live, Mapping) or not live:
            return applied
        if not applied:
            return live
        merged = dict(live)
        for name, item in applied.items():
            merged[name] = merge(field_schema(schema, name)[0], live[name], item) if name in live else item
        return merged
    if schema is not None and is_granular_list(schema, applied):
        if not isinstance(live, (list, tuple)) or not live:
            return applied
        return _merge_lists(schema, live, applied) if applied else live
    return applied


def _merge_lists(schema: TypeSchema, live: Sequence[Any], applied: Sequence[Any]) -> list[Any]:
    """Items of `applied` in their order, those only in `live` where they stood between shared ones."""
    left, right = steps_of(schema, live), steps_of(schema, applied)
    by_left: dict[str, Any] = {}
    for step, item in zip(left, live, strict=True):
        by_left[step] = MISSING if step in by_left else item  # A duplicate is no item to merge with.
    by_right = dict(zip(right, applied, strict=True))
    shared = iter([step for step in right if step in by_left])
    wanted = next(shared, None)
    merged: list[Any] = []
    done: set[str] = set()

    def take(step: str) -> None:
        before = by_left.get(step, MISSING)
        item = by_right[step]
        merged.append(item if before is MISSING else merge(schema.items, before, item))
        done.add(step)

    at_left = at_right = 0
    while at_left < len(left) or at_right < len(right):
        if at_left < len(left) and at_right < len(right):
            step = left[at_left]
            if step == right[at_right]:
                take(step)
                at_left, at_right, wanted = at_left + 1, at_right + 1, next(shared, None)
                continue
            if step in by_right and wanted is not None and wanted != step:
                at_left += 1  # Shared, but it is not its turn.
                continue
        if at_left < len(left):
            step = left[at_left]
            if step not in by_right:
                merged.append(live[at_left])
                at_left += 1
                continue
            if step in done:
                at_left += 1
        if at_right < len(right):
            step = right[at_right]
            take(step)
            at_right += 1
            if step == wanted:
                wanted = next(shared, None)
    return merged


def remove(schema: TypeSchema | None, value: Any, tree: Tree, *, emptied: Any = MISSING) -> Any:
    """`value` without what is in `tree` (a node's children count); `emptied` stands for what lost all that it had."""
    if isinstance(value, Mapping) and is_granular_map(schema, value):
        kept = {}
        for name, item in value.items():
            node = tree.get(f"f:{name}")
            if node is not None:
                below = field_schema(schema, name)[0]
                item = MISSING if is_member(node) else remove(below, item, node, emptied=emptied)
            if item is not MISSING:
                kept[name] = item
        return kept if kept or not value else emptied
    if schema is not None and isinstance(value, (list, tuple)) and is_granular_list(schema, value):
        items = []
        for step, item in zip(steps_of(schema, value), value, strict=True):
            node = tree.get(step)
            if node is not None:
                item = MISSING if is_member(node) else remove(schema.items, item, node, emptied=emptied)
            if item is not MISSING:
                items.append(item)
        return items if items or not value else emptied
    return value


def extract(schema: TypeSchema | None, value: Any, tree: Tree) -> Any:
    """The part of `value` that is in `tree` (keys of list items included); MISSING for nothing."""
    if not tree:
        return value if fields_of(schema, value) in (LEAF, None) else type(value)()
    if isinstance(value, Mapping) and is_granular_map(schema, value):
        found = {}
        for name, item in value.items():
            node = tree.get(f"f:{name}")
            part = MISSING if node is None else extract(field_schema(schema, name)[0], item, node)
            if part is not MISSING:
                found[name] = part
        return found if found or is_member(tree) else MISSING
    if schema is not None and isinstance(value, (list, tuple)) and is_granular_list(schema, value):
        parts = []
        for step, item in zip(steps_of(schema, value), value, strict=True):
            node = tree.get(step)
            part = MISSING if node is None else extract(schema.items, item, node)
            if part is MISSING:
                continue
            if isinstance(part, dict):
                part = {name: item[name] for name in schema.list_keys if name in item} | part
            parts.append(part)
        return parts if parts or is_member(tree) else MISSING
    return value if is_member(tree) else MISSING


def with_named_members(schema: TypeSchema | None, tree: Tree) -> Tree:
    """`tree` with every named field on the way to a member as a member too (structs exist, so they can be owned)."""
    result: Tree = {}
    for step, node in tree.items():
        if step == "." or not node:
            result[step] = node
            continue
        if step[:2] == "f:":
            below, is_named = field_schema(schema, step[2:])
        else:
            below, is_named = (schema.items if schema is not None else None), False
        inner = with_named_members(below, node)
        result[step] = with_member(inner) if is_named else inner
    return result


def check_structure(schema: TypeSchema | None, value: Any) -> None:
    """Raises TypedValueError, in the words of the API server, for what server-side apply refuses to read."""
    problems = list(_problems(schema, value, ""))
    if problems:
        raise TypedValueError(problems)


def _problems(schema: TypeSchema | None, value: Any, path: str) -> Any:
    if schema is None or schema.kind is Kind.ANY or value is None:
        return
    kind = schema.kind
    if kind in (Kind.OBJECT, Kind.MAP):
        if not isinstance(value, Mapping):
            yield path, f"expected map, got &{{{go_text(value)}}}"
            return
        for name, item in value.items():
            below, is_named = field_schema(schema, name)
            if kind is Kind.OBJECT and not is_named and schema.fields and not schema.keeps_unknown and below is None:
                yield f"{path}.{name}", "field not declared in schema"
            else:
                yield from _problems(below, item, f"{path}.{name}")
    elif kind is Kind.LIST:
        if not isinstance(value, (list, tuple)):
            yield path, f"expected list, got &{{{go_text(value)}}}"
            return
        yield from _list_problems(schema, value, path)
    elif (expected := _expected(kind, value)) is not None:
        yield path, f"expected {expected}, got {_shown(expected, value)}"


def _shown(expected: str, value: Any) -> str:
    """The value as the server prints it: by what was expected, with its syntax, its type or its text."""
    if expected == "string":
        return f"&value.valueUnstructured{{Value:{go_syntax(value)}}}"
    if expected.startswith("numeric"):
        return _GO_TYPES.get(type(value), "interface {}")
    return f"&{{{go_text(value)}}}"


_GO_TYPES = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}


def _list_problems(schema: TypeSchema, items: Sequence[Any], path: str) -> Any:
    seen = set()
    for index, item in enumerate(items):
        if schema.list_type is ListType.ATOMIC:
            yield from _problems(schema.items, item, f"{path}[{index}]")
            continue
        try:
            step = item_step(schema, item)
        except ValueError as error:
            yield path, f"element {index}: {error}"
            continue
        if step in seen:
            yield path, f"duplicate entries for key {format_step(step)}"
        seen.add(step)
        yield from _problems(schema.items, item, f"{path}{format_step(step)}")


def _expected(kind: Kind, value: Any) -> str | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match kind:
        case Kind.STRING:
            return None if isinstance(value, str) else "string"
        case Kind.INTEGER | Kind.NUMBER:
            return None if is_number else "numeric (int or float)"
        case Kind.BOOLEAN:
            return None if isinstance(value, bool) else "boolean"
        case _:
            return "scalar" if isinstance(value, (Mapping, list, tuple)) else None


def leaf_equal(schema: TypeSchema | None, first: Any, second: Any) -> bool:
    """Whether two leaves are the same value. A known type settles what is a boolean, so plain equality will do."""
    if schema is not None and schema.kind in _SCALARS:
        return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)
    return json_equal(first, second)
