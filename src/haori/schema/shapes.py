"""Whether a value fits its type: shapes, required fields, closed sets, formats and the rules of custom resources.

The words are those of the API server (Kubernetes 1.37): for custom resources what kube-openapi and the apiextensions
server say ("spec.count in body must be of type integer"), for Kubernetes' own types what its field errors say. CEL rules
(`x-kubernetes-validations`) are not evaluated. Rules about whole objects are in haori.schema.checks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from haori.objects import Manifest, QuantityError
from haori.objects.quantities import parse_quantity
from haori.schema.checks.table import is_judged
from haori.schema.formats import fits_format, is_checked_format
from haori.schema.problems import (
    FieldProblem,
    duplicate,
    invalid,
    required,
    too_long,
    too_many,
    unsupported_in_order,
    wrong_type,
)
from haori.schema.rules import NOWHERE, rule_problems
from haori.schema.types import Kind, ListType, TypeSchema

_NAMES = {
    Kind.OBJECT: "object", Kind.MAP: "object", Kind.LIST: "array", Kind.STRING: "string", Kind.INTEGER: "integer",
    Kind.NUMBER: "number", Kind.BOOLEAN: "boolean", Kind.INT_OR_STRING: "integer,string", Kind.QUANTITY: "string",
}  # fmt: skip
_SIZES = {"int32": 2**31, "int64": 2**63}
_NOT_ASKED = frozenset({
    # Published as required, yet the server takes objects without them.
    "io.k8s.api.events.v1.Event", "io.k8s.api.core.v1.EventSeries", "io.k8s.api.events.v1.EventSeries",
    "io.k8s.api.apps.v1.ControllerRevision", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent",
})  # fmt: skip
_OTHERS_SAY = frozenset({"FieldValueRequired", "FieldValueNotSupported"})
"""What haori.schema.checks finds by itself, where and as the server finds it."""


def validate(schema: TypeSchema, manifest: Manifest, *, old: Manifest | None = None) -> tuple[FieldProblem, ...]:
    """Everything in the manifest that does not fit the type, in the order of its fields.

    With `old`, the object before the change, a problem in a part that did not change is let pass (ratcheting), as the
    API server does for custom resources since 1.33 and for lasting mistakes of its own types. Unknown fields are no
    problem here (`unknown_fields`).
    """
    problems = tuple(_problems(schema, manifest, "", in_status=False))
    if schema.name and is_judged(str(manifest.get("kind", ""))):
        problems = tuple(problem for problem in problems if problem.reason not in _OTHERS_SAY)
    if old is None or not problems:
        return problems
    before = {str(problem) for problem in _problems(schema, old, "", in_status=False)}
    return tuple(problem for problem in problems if str(problem) not in before)


def _problems(schema: TypeSchema, value: Any, path: str, *, in_status: bool) -> Iterator[FieldProblem]:
    if value is None:
        if not (schema.is_nullable or schema.kind is Kind.ANY or schema.omits_zero or not path):
            yield from _wrong(schema, value, path)
        return
    if not _has_shape(schema, value):
        yield from _wrong(schema, value, path)
        return
    match schema.kind:
        case Kind.OBJECT:
            yield from _object(schema, value, path, in_status)
        case Kind.MAP if schema.items is not None:
            for key, inner in value.items():
                yield from _problems(schema.items, inner, f"{path}.{key}" if path else key, in_status=in_status)
        case Kind.LIST if schema.items is not None:
            for position, inner in enumerate(value):
                yield from _problems(schema.items, inner, f"{path}[{position}]", in_status=in_status)
            yield from _repeated(schema, value, path)
        case Kind.QUANTITY:
            yield from _quantity(value, path)
        case Kind.STRING | Kind.INTEGER | Kind.NUMBER:
            limit = _SIZES.get(schema.format)
            if limit is not None and not -limit <= value < limit:
                yield _out_of_range(schema.format, path)
            if is_checked_format(schema.format) and not fits_format(schema.format, value):
                yield wrong_type(path, value, f'{path} in body must be of type {schema.format}: "{value}"')
        case _:
            pass
    if schema.enum and value not in schema.enum and not (value == "" and schema.omits_zero):
        yield unsupported_in_order(path, value, schema.enum)
    if schema.rules:
        yield from _bounds(schema.rules, value, path)
        yield from rule_problems(schema.rules, value, path)


def _object(schema: TypeSchema, value: Mapping[str, Any], path: str, in_status: bool) -> Iterator[FieldProblem]:
    if not (schema.name and (in_status or schema.name in _NOT_ASKED)):
        for name in sorted(schema.required):
            if value.get(name) is None and not (name in value and schema.fields[name].is_nullable):
                yield required(f"{path}.{name}" if path else name)
    if schema.is_embedded_resource:
        for name in ("apiVersion", "kind"):
            if not value.get(name) and name not in schema.required:
                yield required(f"{path}.{name}" if path else name)
    for key, inner in value.items():
        field = schema.fields.get(key)
        if field is not None and not (inner is None and not field.is_nullable):
            below = in_status or (not path and key == "status")
            yield from _problems(field, inner, f"{path}.{key}" if path else key, in_status=below)


def _has_shape(schema: TypeSchema, value: Any) -> bool:
    match schema.kind:
        case Kind.OBJECT | Kind.MAP:
            return isinstance(value, Mapping)
        case Kind.LIST:
            return isinstance(value, (list, tuple))
        case Kind.STRING:
            return isinstance(value, str)
        case Kind.INTEGER:
            return _is_whole(value)
        case Kind.NUMBER:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INT_OR_STRING:
            return isinstance(value, str) or _is_whole(value)
        case Kind.QUANTITY:
            return isinstance(value, (str, int, float)) and not isinstance(value, bool)
        case Kind.ANY:
            return True


def _is_whole(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _wrong(schema: TypeSchema, value: Any, path: str) -> Iterator[FieldProblem]:
    given = type_name(value)
    yield wrong_type(path, given, f'{path} in body must be of type {_NAMES.get(schema.kind, "")}: "{given}"')


def type_name(value: Any) -> str:
    """What JSON calls the value's type, as the API server spells it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"


def _out_of_range(size: str, path: str) -> FieldProblem:
    return invalid(NOWHERE, "", f"Checked value must be of type integer with format {size} in {path}")


def _quantity(value: Any, path: str) -> Iterator[FieldProblem]:
    try:
        parse_quantity(value)
    except QuantityError:
        pattern = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
        yield wrong_type(path, value, f"quantities must match the regular expression '{pattern}'")


def _repeated(schema: TypeSchema, value: list[Any], path: str) -> Iterator[FieldProblem]:
    """Entries that stand twice in a set, or twice under one key; Kubernetes' own types have own words for theirs."""
    if schema.items is None or schema.items.name or schema.list_type is ListType.ATOMIC:
        return
    seen: set[str] = set()
    for position, entry in enumerate(value):
        shown: Any = entry
        if schema.list_type is ListType.MAP and isinstance(entry, Mapping):
            shown = {key: entry[key] for key in schema.list_keys if key in entry}
        mark = repr(shown)
        if mark in seen:
            yield duplicate(f"{path}[{position}]", shown)
        seen.add(mark)


def _bounds(rules: Mapping[str, Any], value: Any, path: str) -> Iterator[FieldProblem]:
    """Lengths and counts, which the API server words itself."""
    if isinstance(value, str) and len(value) > rules.get("maxLength", math.inf):
        yield too_long(path, rules["maxLength"])
    if isinstance(value, (list, Mapping)):
        limit = rules.get("maxItems" if isinstance(value, list) else "maxProperties", math.inf)
        if len(value) > limit:
            yield too_many(path, len(value), int(limit))
