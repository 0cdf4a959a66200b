"""Who owns which field: server-side apply and the tracking of other writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.schema.fieldset import FieldSet
from haori.schema.types import TypeSchema

NO_FIELDS = FieldSet()


def server_side_apply(
    schema: TypeSchema | None,
    live: Mapping[str, Any] | None,
    applied: Mapping[str, Any],
    *,
    manager: str,
    force: bool,
    now: datetime,
    api_version: str = "",
    subresource: str = "",
    reset: FieldSet = NO_FIELDS,
) -> dict[str, Any]:
    """`live` after `applied` was applied, managedFields included. Defaults are not filled in.

    `api_version` is `applied`'s unless given; `reset`: fields nobody comes to own by this (see `reset_fields`).
    Raises ApplyConflictError, TypedValueError.
    """
    raise NotImplementedError


def track_update(
    schema: TypeSchema | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    *,
    manager: str,
    now: datetime,
    operation: str = "Update",
    api_version: str = "",
    subresource: str = "",
    reset: FieldSet = NO_FIELDS,
) -> dict[str, Any]:
    """`after` (defaults filled in) with the managedFields that the API server gives it on create, update and patch."""
    raise NotImplementedError


def reset_fields(subresource: str, *, has_status: bool = True, is_custom: bool = False) -> FieldSet:
    """The fields that a write to the object itself or to `subresource` leaves alone, so that nobody owns them by it."""
    raise NotImplementedError


def owned_fields(
    manifest: Mapping[str, Any], manager: str, *, operation: str | None = None, subresource: str | None = ""
) -> FieldSet:
    """The union of what `manager` owns; None stands for any operation or subresource."""
    raise NotImplementedError
