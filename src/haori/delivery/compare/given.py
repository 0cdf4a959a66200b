"""A desired manifest as the API server would write what stands in it.

Defaults are taken over only where they are part of what was given: inside lists and maps that are one value as a whole.
Elsewhere a field that was not given stays open, so that others (an autoscaler) may fill it in. What the API leaves out
because it says nothing (`hostNetwork: false`) stays, since it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.objects.masking import fold_string_data, is_secret
from haori.schema import TypeSchema, apply_defaults
from haori.schema.typed import field_schema, is_granular_list, is_granular_map


def as_given(schema: TypeSchema | None, desired: Manifest) -> Manifest:
    """What `desired` gives, in the words of the API; without a type the manifest itself."""
    if schema is None:
        return desired
    folded = fold_string_data(desired) if is_secret(desired) else desired
    given: Manifest = _given(schema, folded, apply_defaults(schema, folded))
    return given


def _given(schema: TypeSchema | None, value: Any, filled: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(filled, Mapping) and is_granular_map(schema, value):
        return {
            name: _given(field_schema(schema, name)[0], item, filled[name]) if name in filled else item
            for name, item in value.items()
            if name in filled or not item
        }
    if schema is not None and isinstance(value, (list, tuple)) and is_granular_list(schema, value):
        return [_given(schema.items, item, full) for item, full in zip(value, filled, strict=True)]
    return filled
