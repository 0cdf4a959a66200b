"""A desired manifest as the API server would write what stands in it.

Defaults are taken over only where they are part of what was given: in the keys of list items, and inside lists and maps
that are one value as a whole. Elsewhere a field that was not given stays open, so that others (an autoscaler) may fill
it in. What the API leaves out (`hostNetwork: false`) stays, since it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema import TypeSchema, apply_defaults
from haori.schema.typed import field_schema, is_granular_list, is_granular_map


def as_given(schema: TypeSchema | None, desired: Manifest) -> Manifest:
    """What `desired` gives, in the words of the API; without a type the manifest itself."""
    if schema is None:
        return desired
    given: Manifest = _given(schema, desired, apply_defaults(schema, desired))
    return given


def _given(schema: TypeSchema | None, value: Any, filled: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(filled, Mapping) and is_granular_map(schema, value):
        return {
            name: _given(field_schema(schema, name)[0], item, filled[name]) if name in filled else item
            for name, item in value.items()
        }
    if schema is not None and isinstance(value, (list, tuple)) and is_granular_list(schema, value):
        return [_item(schema, item, full) for item, full in zip(value, filled, strict=True)]
    return filled


def _item(schema: TypeSchema, item: Any, filled: Any) -> Any:
    given = _given(schema.items, item, filled)
    if not isinstance(given, dict):
        return given
    return {name: filled[name] for name in schema.list_keys if name in filled} | given
