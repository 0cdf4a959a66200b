"""Whether two values mean the same although they are written differently.

By type: quantities (`1`, `1000m`; int-or-string fields with the pattern of quantities too), times in other zones,
base64 with other line breaks, numbers (1, 1.0), durations where the format says so. An absent value, null and an
empty mapping or list are one, as the API drops them; an absent field and its scalar default are for `apply_defaults`
to settle first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from haori.errors import UserError
from haori.objects.quantities import parse_duration, quantities_equal
from haori.objects.times import parse_time
from haori.schema.jsonpatch import json_equal
from haori.schema.typed import field_schema, steps_of
from haori.schema.types import Kind, ListType, TypeSchema

_DURATION = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration"


def values_equal(schema: TypeSchema | None, first: Any, second: Any) -> bool:
    """Whether `first` and `second` mean the same for a value of this type; without a type, as JSON."""
    if first is second:
        return True
    if is_empty(first) or is_empty(second):
        return is_empty(first) and is_empty(second)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        names = {**first, **second}
        return all(values_equal(field_schema(schema, name)[0], first.get(name), second.get(name)) for name in names)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return _lists_equal(schema, first, second)
    return json_equal(first, second) or (schema is not None and _alike(schema, first, second))


def is_empty(value: Any) -> bool:
    """Whether a value is as good as absent: null, or a mapping or list with nothing in it."""
    return value is None or (isinstance(value, (Mapping, list, tuple)) and not value)


def _lists_equal(schema: TypeSchema | None, first: Sequence[Any], second: Sequence[Any]) -> bool:
    if len(first) != len(second):
        return False
    items = schema.items if schema is not None else None
    if schema is not None and schema.kind is Kind.LIST and schema.list_type is ListType.SET:
        return sorted(steps_of(schema, first)) == sorted(steps_of(schema, second))
    return all(values_equal(items, left, right) for left, right in zip(first, second, strict=True))


def _alike(schema: TypeSchema, first: Any, second: Any) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return False
    if schema.kind is Kind.QUANTITY:
        return quantities_equal(first, second)
    if schema.kind is Kind.INT_OR_STRING:
        # Custom resources' quantities are published so, told apart by the pattern of their suffixes.
        return "KMGTPE" in str(schema.rules.get("pattern")) and quantities_equal(first, second)
    if not isinstance(first, str) or not isinstance(second, str):
        return False
    if schema.format == "date-time":
        moment = parse_time(first)
        return moment is not None and moment == parse_time(second)
    if schema.format == "byte":
        decoded = _decode(first)
        return decoded is not None and decoded == _decode(second)
    if schema.format == "duration" or schema.name == _DURATION:
        try:
            return parse_duration(first) == parse_duration(second)
        except UserError:
            return False
    return False


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
