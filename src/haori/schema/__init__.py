"""What the API knows of a type: its fields, defaults, rules, and how two versions of an object become one.

Takes manifests and types, gives manifests and lists of problems. Kubernetes' own types come from data that was derived
from a Kubernetes 1.37 API server, custom ones from their definitions. No network, no clock; nothing handed in is changed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haori.schema.builtin import BuiltinResource, Subresource, builtin_resources
    from haori.schema.catalog import Schemas
    from haori.schema.defaults import apply_defaults
    from haori.schema.fieldset import FieldSet
    from haori.schema.jsonpatch import json_patch
    from haori.schema.managed import reset_fields, server_side_apply, track_update
    from haori.schema.managers import owned_fields
    from haori.schema.mergepatch import create_merge_patch, merge_patch
    from haori.schema.openapi import openapi_v3_document, openapi_v3_index
    from haori.schema.patch_errors import ApplyConflictError, Conflict, JsonPatchError, PatchError, TypedValueError
    from haori.schema.problems import FieldProblem
    from haori.schema.protobuf import ProtobufError, decode_protobuf
    from haori.schema.shapes import validate
    from haori.schema.strategic import strategic_merge_patch
    from haori.schema.threeway import three_way_merge
    from haori.schema.types import Kind, ListType, TypeSchema
    from haori.schema.unknown import prune_unknown, unknown_fields
    from haori.schema.values import values_equal
    from haori.schema.whole import object_warnings, validate_object

__all__ = [
    "ApplyConflictError",
    "BuiltinResource",
    "Conflict",
    "FieldProblem",
    "FieldSet",
    "JsonPatchError",
    "Kind",
    "ListType",
    "PatchError",
    "ProtobufError",
    "Schemas",
    "Subresource",
    "TypeSchema",
    "TypedValueError",
    "apply_defaults",
    "builtin_resources",
    "create_merge_patch",
    "decode_protobuf",
    "json_patch",
    "merge_patch",
    "object_warnings",
    "openapi_v3_document",
    "openapi_v3_index",
    "owned_fields",
    "prune_unknown",
    "reset_fields",
    "server_side_apply",
    "strategic_merge_patch",
    "three_way_merge",
    "track_update",
    "unknown_fields",
    "validate",
    "validate_object",
    "values_equal",
]

_MODULES = {
    "builtin": (
        "BuiltinResource",
        "Subresource",
        "builtin_resources",
    ),
    "catalog": ("Schemas",),
    "defaults": ("apply_defaults",),
    "fieldset": ("FieldSet",),
    "jsonpatch": ("json_patch",),
    "managed": (
        "reset_fields",
        "server_side_apply",
        "track_update",
    ),
    "managers": ("owned_fields",),
    "mergepatch": (
        "create_merge_patch",
        "merge_patch",
    ),
    "openapi": (
        "openapi_v3_document",
        "openapi_v3_index",
    ),
    "patch_errors": (
        "ApplyConflictError",
        "Conflict",
        "JsonPatchError",
        "PatchError",
        "TypedValueError",
    ),
    "problems": ("FieldProblem",),
    "protobuf": (
        "ProtobufError",
        "decode_protobuf",
    ),
    "shapes": ("validate",),
    "strategic": ("strategic_merge_patch",),
    "threeway": ("three_way_merge",),
    "types": (
        "Kind",
        "ListType",
        "TypeSchema",
    ),
    "unknown": (
        "prune_unknown",
        "unknown_fields",
    ),
    "values": ("values_equal",),
    "whole": (
        "object_warnings",
        "validate_object",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, whose module is loaded only now: most who want a part of this room want no other."""
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
