"""What the API knows of a type: its fields, defaults, rules, and how two versions of an object become one.

Takes manifests and types, gives manifests and lists of problems. Kubernetes' own types come from data that was derived
from a Kubernetes 1.37 API server, custom ones from their definitions. No network, no clock; nothing handed in is changed.
"""

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
from haori.schema.strategic import strategic_merge_patch
from haori.schema.threeway import three_way_merge
from haori.schema.types import Kind, ListType, TypeSchema
from haori.schema.unknown import prune_unknown, unknown_fields
from haori.schema.validate import validate
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
