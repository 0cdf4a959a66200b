"""A CustomResourceDefinition without what comparing and validating have no use for: texts are most of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from haori.objects import Manifest, copy_manifest, nested_list, nested_mapping

_KEPT = (
    "type", "format", "pattern", "default", "nullable", "x-kubernetes-int-or-string", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "required", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "allOf", "anyOf", "oneOf", "not",
)  # fmt: skip
_CEL = "x-kubernetes-validations"


def slim_definition(definition: Manifest) -> dict[str, Any]:
    """What `Schemas.with_crds` needs to fill in defaults, to tell values, lists and maps apart, and to validate."""
    spec = nested_mapping(definition, "spec")
    versions = [
        {
            "name": version.get("name"),
            "served": version.get("served", True),
            "schema": {"openAPIV3Schema": _slim_root(nested_mapping(version, "schema", "openAPIV3Schema"))},
        }
        for version in nested_list(spec, "versions")
        if isinstance(version, Mapping)
    ]
    names = {"kind": nested_mapping(spec, "names").get("kind")}
    return {"spec": {"group": spec.get("group"), "names": names, "versions": versions}}


def _slim_root(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a version; of rules in CEL, which nothing here evaluates, the root says that there are any."""
    return {**_slim(schema), _CEL: []} if _has_cel(schema) else _slim(schema)


def _has_cel(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return _CEL in schema or any(_has_cel(below) for below in schema.values())
    return isinstance(schema, list) and any(_has_cel(below) for below in schema)


def _slim(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: copy_manifest(schema[name]) for name in _KEPT if name in schema}
    slim = dict(kept)
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        slim["properties"] = {name: _slim(field) for name, field in properties.items() if isinstance(field, Mapping)}
    for name in ("items", "additionalProperties"):
        if name in schema:
            slim[name] = _slim(schema[name]) if isinstance(schema[name], Mapping) else schema[name]
    return slim if len(slim) > len(kept) else _leaf(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=1024)
def _leaf(schema: bytes) -> dict[str, Any]:
    """One value for all leaves alike: most of a definition is `{"type": "string"}`."""
    leaf: dict[str, Any] = orjson.loads(schema)
    return leaf
