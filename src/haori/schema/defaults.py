"""What the API server fills in and how it writes what it was given.

The server decodes an object into Go structs, calls the defaulters of its type, and writes the structs as JSON again. So
a null or an empty value of an optional field is gone, a quantity is in its canonical form, fields without `omitempty`
are there. `apply_defaults` does the same over a `TypeSchema`: the published defaults, and for Kubernetes' own types those
that only its Go code knows (`default_rules`). Defaults of admission (service accounts, priorities, tolerations) and
what is allocated (cluster addresses, node ports, a Job's selector) are the API's business and not here. Custom
resources: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest, QuantityError, copy_manifest
from haori.schema.canonical import canonical_quantity
from haori.schema.default_rules import RULES
from haori.schema.types import Kind, TypeSchema

_LISTS_AND_MAPS = (Kind.LIST, Kind.MAP)


def apply_defaults(schema: TypeSchema, manifest: Manifest) -> dict[str, Any]:
    """The manifest as the API server would hold it, apart from admission and allocation; values of the wrong type stay."""
    filled: dict[str, Any] = _filled(schema, manifest)
    return filled


def _filled(schema: TypeSchema, value: Any) -> Any:
    match schema.kind:
        case Kind.OBJECT if isinstance(value, Mapping):
            return _object(schema, value)
        case Kind.MAP if isinstance(value, Mapping) and schema.items is not None:
            return {key: _filled(schema.items, inner) for key, inner in value.items()}
        case Kind.LIST if isinstance(value, (list, tuple)) and schema.items is not None:
            return [_filled(schema.items, inner) for inner in value]
        case Kind.QUANTITY:
            return _quantity(value)
        case _:
            return copy_manifest(value)


def _object(schema: TypeSchema, value: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema.fields
    result = {key: inner for key, inner in value.items() if not _is_unset(fields.get(key), inner)}
    rule = RULES.get(schema.name)
    if rule is not None:
        # A rule may change what is nested, so it works on a copy; the copy is as deep as the rule's object only once,
        # because rules of inner objects find their part already copied.
        result = copy_manifest(result)
        rule(result)
    for key, field in fields.items():
        if key in result:
            result[key] = _filled(field, result[key])
        elif field.has_default and not (field.omits_zero and _is_zero(field.default)):
            result[key] = _filled(field, copy_manifest(field.default))
    return result


def _is_unset(field: TypeSchema | None, value: Any) -> bool:
    """Whether Go would not know that the field was given, or a null gives way to a default or is pruned."""
    if field is None:
        return False
    if value is None:
        return not field.is_nullable and field.kind is not Kind.ANY
    return field.omits_zero and _is_zero(value)


def _is_zero(value: Any) -> bool:
    return value is False or value == "" or (value == 0 and not isinstance(value, str)) or value in ([], {})


def _quantity(value: Any) -> Any:
    try:
        return canonical_quantity(value)
    except QuantityError:
        return value
