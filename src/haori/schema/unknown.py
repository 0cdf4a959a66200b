"""Fields that a type does not have: finding them and dropping them. Pure; nothing handed in is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.types import Kind, TypeSchema


def unknown_fields(schema: TypeSchema, manifest: Manifest) -> tuple[str, ...]:
    """The paths of all fields that the type does not have, as the API server names them (`spec.containers[0].imag`)."""
    return tuple(_unknown(schema, manifest, ""))


def prune_unknown(schema: TypeSchema, manifest: Manifest) -> dict[str, Any]:
    """The manifest without those fields; shares with it whatever needed no change."""
    pruned: dict[str, Any] = _pruned(schema, manifest)
    return pruned


def _unknown(schema: TypeSchema, value: Any, path: str) -> Iterator[str]:
    if schema.kind is Kind.OBJECT and isinstance(value, Mapping):
        for key, inner in value.items():
            place = f"{path}.{key}" if path else str(key)
            field = schema.fields.get(key)
            if field is not None:
                yield from _unknown(field, inner, place)
            elif not schema.keeps_unknown:
                yield place
    elif schema.kind is Kind.MAP and isinstance(value, Mapping) and schema.items is not None:
        for key, inner in value.items():
            yield from _unknown(schema.items, inner, f"{path}.{key}" if path else str(key))
    elif schema.kind is Kind.LIST and isinstance(value, list) and schema.items is not None:
        for position, inner in enumerate(value):
            yield from _unknown(schema.items, inner, f"{path}[{position}]")


def _pruned(schema: TypeSchema, value: Any) -> Any:
    if schema.kind is Kind.OBJECT and isinstance(value, Mapping):
        return {
            key: _pruned(field, inner) if (field := schema.fields.get(key)) is not None else inner
            for key, inner in value.items()
            if schema.keeps_unknown or key in schema.fields
        }
    if schema.kind is Kind.MAP and isinstance(value, Mapping) and schema.items is not None:
        return {key: _pruned(schema.items, inner) for key, inner in value.items()}
    if schema.kind is Kind.LIST and isinstance(value, list) and schema.items is not None:
        return [_pruned(schema.items, inner) for inner in value]
    return value
