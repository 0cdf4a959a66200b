"""Sets of fields, as `metadata.managedFields` writes them (fieldsV1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.schema.types import TypeSchema


class FieldSet:
    """An immutable set of paths into an object."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Mapping[str, Any] | None = None) -> None:
        self._tree = tree

    @staticmethod
    def from_v1(tree: Mapping[str, Any]) -> FieldSet:
        """The set that a fieldsV1 mapping stands for."""
        raise NotImplementedError

    def to_v1(self) -> dict[str, Any]:
        """As fieldsV1."""
        raise NotImplementedError

    @staticmethod
    def of(schema: TypeSchema | None, value: Mapping[str, Any]) -> FieldSet:
        """What a manager owns who applies `value`. Raises TypedValueError for duplicate keys."""
        raise NotImplementedError
