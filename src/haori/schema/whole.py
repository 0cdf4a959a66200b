"""What is wrong with a whole object: shapes, names, parts that must fit together, and what may not change.

For the kinds that haori.schema.checks knows, its rules say everything beyond the shapes of values; the published schema
asks for fields that the server itself does without. For others the schema is all there is, besides the metadata.
"""

from __future__ import annotations

from haori.objects import Manifest
from haori.schema.catalog import Schemas
from haori.schema.checks.table import problems_of, warnings_of
from haori.schema.problems import FieldProblem
from haori.schema.shapes import validate


def validate_object(schemas: Schemas, manifest: Manifest, old: Manifest | None = None) -> tuple[FieldProblem, ...]:
    """Everything wrong with an object that already has its defaults; with `old`, also changes that are not allowed.

    Where a value has the wrong shape, only such problems are told: the rules are for objects of the right shape.
    """
    schema = schemas.type_for(str(manifest.get("apiVersion", "")), str(manifest.get("kind", "")))
    found = validate(schema, manifest, old=old) if schema is not None else ()
    if any(problem.reason == "FieldValueTypeInvalid" for problem in found):
        return found
    known = {(problem.path, problem.reason) for problem in found}
    rules = problems_of(manifest, old, _kind(schemas, manifest))
    return (*found, *(problem for problem in rules if (problem.path, problem.reason) not in known))


def object_warnings(schemas: Schemas, manifest: Manifest, old: Manifest | None = None) -> tuple[str, ...]:
    """What the server would say in `Warning` headers of an object without problems."""
    return warnings_of(manifest, old, _kind(schemas, manifest))


def _kind(schemas: Schemas, manifest: Manifest) -> str:
    """The kind, where it is one of Kubernetes' own; a custom one of the same name is not meant."""
    kind = str(manifest.get("kind", ""))
    schema = schemas.type_for(str(manifest.get("apiVersion", "")), kind)
    return kind if schema is not None and schema.name else ""
