"""Strategic merge patch: how kubectl and the API server merge built-in types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.schema.types import TypeSchema


def strategic_merge_patch(schema: TypeSchema, doc: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """`doc` with `patch` merged in, directives obeyed. Raises PatchError."""
    raise NotImplementedError


def three_way_merge(
    schema: TypeSchema | None, original: Mapping[str, Any], modified: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """The patch on `current` that kubectl's client-side apply makes: strategic, or a JSON merge patch without a schema."""
    raise NotImplementedError
