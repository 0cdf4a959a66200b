"""What the API server says of a body that its decoder cannot put into a built-in type: one sentence, no causes.

Go's decoder stops at the first value of the wrong shape and names the structure that holds it, the way to it without
positions, and the Go type that was wanted. see: sigs.k8s.io/json and apimachinery `pkg/api/resource` (v0.37).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from haori.objects import Manifest, QuantityError
from haori.objects.quantities import parse_quantity
from haori.objects.times import parse_time
from haori.schema.types import Kind, TypeSchema

_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_GO_NUMBERS = {"int32": "int32", "int64": "int64", "double": "float64"}
_LAYOUT = "2006-01-02T15:04:05Z07:00"


def decoding_problem(schema: TypeSchema, manifest: Manifest) -> str:
    """The first thing about a built-in object that cannot be decoded; empty where everything can."""
    return next(_problems(schema, manifest, "", ()), "")


def _problems(schema: TypeSchema, value: Any, holder: str, path: tuple[str, ...]) -> Iterator[str]:
    if value is None:
        return
    match schema.kind:
        case Kind.OBJECT if isinstance(value, Mapping):
            name = schema.name.rpartition(".")[2]
            for key, inner in value.items():
                field = schema.fields.get(key)
                if field is not None:
                    yield from _problems(field, inner, name, (*path, key))
        case Kind.MAP if isinstance(value, Mapping):
            if schema.items is not None:
                for inner in value.values():
                    yield from _problems(schema.items, inner, holder, path)
        case Kind.LIST if isinstance(value, list):
            if schema.items is not None:
                for inner in value:
                    yield from _problems(schema.items, inner, holder, path)
        case Kind.QUANTITY if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            if not _is_quantity(value):
                yield _QUANTITY
        case Kind.STRING if isinstance(value, str):
            yield from _text(schema, value)
        case _ if not _fits(schema, value):
            place = f"{holder}.{'.'.join(path)}"
            yield f"json: cannot unmarshal {_json_name(value)} into Go struct field {place} of type {_go_type(schema)}"
        case _:
            pass


def _text(schema: TypeSchema, value: str) -> Iterator[str]:
    if schema.format == "byte":
        position = _first_bad_letter(value)
        if position is not None:
            yield f"illegal base64 data at input byte {position}"
    elif schema.format == "date-time" and parse_time(value) is None:
        yield f'parsing time "{value}" as "{_LAYOUT}": cannot parse "{value}" as "2006"'


def _first_bad_letter(text: str) -> int | None:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        return next((place for place, letter in enumerate(text) if letter not in alphabet), len(text))
    return None


def _is_quantity(value: Any) -> bool:
    try:
        parse_quantity(value)
    except QuantityError:
        return False
    return True


def _fits(schema: TypeSchema, value: Any) -> bool:
    if schema.kind is Kind.ANY:
        return True
    if isinstance(value, bool):
        return schema.kind is Kind.BOOLEAN
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    match schema.kind:
        case Kind.INTEGER:
            return is_whole
        case Kind.NUMBER:
            return isinstance(value, (int, float))
        case Kind.INT_OR_STRING:
            return is_whole or isinstance(value, str)
        case _:
            return False


def _json_name(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "number"
        case float():
            return "number" if value.is_integer() else f"number {value}"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"


def _go_type(schema: TypeSchema) -> str:
    match schema.kind:
        case Kind.OBJECT:
            return ".".join(schema.name.split(".")[-2:])
        case Kind.LIST if schema.items is not None:
            return f"[]{_go_type(schema.items)}"
        case Kind.MAP if schema.items is not None:
            return f"map[string]{_go_type(schema.items)}"
        case Kind.INTEGER | Kind.NUMBER:
            return _GO_NUMBERS.get(schema.format, "int64")
        case Kind.BOOLEAN:
            return "bool"
        case Kind.INT_OR_STRING:
            return "intstr.IntOrString"
        case _:
            return "string"
