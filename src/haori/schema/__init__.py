"""What the API knows of a type: its fields, defaults, rules, and how two versions of an object become one.

Takes manifests and types, gives manifests and lists of problems. Kubernetes' own types come from data that was derived
from a Kubernetes 1.37 API server, custom ones from their definitions. No network, no clock; nothing handed in is changed.
"""

from haori.schema.builtin import BuiltinResource, Subresource, builtin_resources
from haori.schema.catalog import Schemas
from haori.schema.defaults import apply_defaults
from haori.schema.problems import FieldProblem
from haori.schema.types import Kind, ListType, TypeSchema
from haori.schema.unknown import prune_unknown, unknown_fields
from haori.schema.validate import validate

__all__ = [
    "BuiltinResource",
    "FieldProblem",
    "Kind",
    "ListType",
    "Schemas",
    "Subresource",
    "TypeSchema",
    "apply_defaults",
    "builtin_resources",
    "prune_unknown",
    "unknown_fields",
    "validate",
]
