"""What is known of one type: its fields, how lists merge, who may own what, which values are allowed.

A tree of `TypeSchema`, the same for built-in types (from the published OpenAPI) and custom resources (from their
definition). Trees may be recursive (a JSON schema holds JSON schemas), so `fields` and `items` resolve when asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

NO_FIELDS: Mapping[str, TypeSchema] = MappingProxyType({})


class Kind(StrEnum):
    """The shape of a value."""

    OBJECT = "object"
    """Known fields."""
    MAP = "map"
    """Free keys, all values alike."""
    LIST = "list"
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    INT_OR_STRING = "int-or-string"
    QUANTITY = "quantity"
    ANY = "any"
    """Whatever JSON can say (RawExtension, x-kubernetes-preserve-unknown-fields without properties)."""


class ListType(StrEnum):
    """How server-side apply takes a list, as `x-kubernetes-list-type` spells it."""

    ATOMIC = "atomic"
    SET = "set"
    MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TypeSchema:
    """One node. Compared by identity: nodes are shared, and may be part of themselves."""

    kind: Kind
    name: str = ""
    """The published name of the definition ("io.k8s.api.apps.v1.Deployment"); empty for what is written inline."""
    fields: Mapping[str, TypeSchema] = field(default_factory=lambda: NO_FIELDS)
    """OBJECT only, by the field's name on the wire."""
    items: TypeSchema | None = None
    """What a LIST's entries or a MAP's values are."""
    required: frozenset[str] = frozenset()
    list_type: ListType = ListType.ATOMIC
    list_keys: tuple[str, ...] = ()
    """With ListType.MAP: the fields that name an entry; one that has a default may be left out of an entry."""
    is_atomic: bool = False
    """An OBJECT or MAP that is owned as a whole (`x-kubernetes-map-type: atomic`)."""
    patch_strategies: frozenset[str] = frozenset()
    """Of "merge", "replace", "retainKeys", for strategic merge patches."""
    patch_merge_key: str = ""
    format: str = ""
    """As published: "int32", "int64", "byte", "date-time", "double", ..."""
    has_default: bool = False
    default: Any = None
    """Meaningful with `has_default`; never change it."""
    omits_zero: bool = False
    """Whether the API server leaves out an empty text, list or map, a zero or a false given for it (Go's `omitempty`)."""
    is_nullable: bool = False
    keeps_unknown: bool = False
    """Whether unknown fields stay (`x-kubernetes-preserve-unknown-fields`)."""
    is_embedded_resource: bool = False
    enum: tuple[Any, ...] = ()
    rules: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Further JSON schema rules of custom resources as written: minimum, maxLength, pattern, oneOf, ..."""
