"""Whether two values of a type mean the same."""

from __future__ import annotations

from typing import Any

from haori.schema.types import TypeSchema


def values_equal(schema: TypeSchema | None, first: Any, second: Any) -> bool:
    """Whether `first` and `second` mean the same for a field of this type."""
    raise NotImplementedError
