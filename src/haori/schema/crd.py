"""Custom resources' types, from the structural schemas in their CustomResourceDefinition (apiextensions.k8s.io/v1).

see: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ (Kubernetes 1.37).
Rules in CEL (`x-kubernetes-validations`) are carried in `rules` and not evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from haori.objects import Manifest, nested_list, nested_mapping, nested_text
from haori.schema.builtin import LIST_META, OBJECT_META, LazyFields, definition
from haori.schema.types import NO_FIELDS, Kind, ListType, TypeSchema

_RULES = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "allOf", "anyOf", "oneOf", "not",
    "x-kubernetes-validations",
)  # fmt: skip
_KINDS = {
    "string": Kind.STRING,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
}


def served_versions(crd: Manifest) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """(group, version, kind, entry of spec.versions) of every version that a definition serves."""
    group, kind = nested_text(crd, "spec", "group"), nested_text(crd, "spec", "names", "kind")
    for version in nested_list(crd, "spec", "versions"):
        if isinstance(version, Mapping) and version.get("served", True) and version.get("name"):
            yield group, version["name"], kind, version


def custom_type(version: Mapping[str, Any]) -> TypeSchema:
    """The type of one entry of `spec.versions`; `metadata`, `apiVersion` and `kind` are Kubernetes' own."""
    schema = nested_mapping(version, "schema", "openAPIV3Schema")
    return _root(schema, OBJECT_META)


def custom_list_type(item: TypeSchema) -> TypeSchema:
    """The type of a list of those."""
    fields = {
        "apiVersion": TypeSchema(kind=Kind.STRING),
        "kind": TypeSchema(kind=Kind.STRING),
        "metadata": definition(LIST_META),
        "items": TypeSchema(kind=Kind.LIST, items=item),
    }
    return TypeSchema(kind=Kind.OBJECT, fields=fields, required=frozenset({"items"}))


def _root(schema: Mapping[str, Any], metadata: str) -> TypeSchema:
    def fields() -> dict[str, TypeSchema]:
        own = {key: structural(value) for key, value in nested_mapping(schema, "properties").items()}
        return {
            **own,
            "apiVersion": TypeSchema(kind=Kind.STRING),
            "kind": TypeSchema(kind=Kind.STRING),
            "metadata": definition(metadata),
        }

    return TypeSchema(
        kind=Kind.OBJECT,
        fields=LazyFields(fields),
        required=frozenset(schema.get("required", ())) - {"apiVersion", "kind", "metadata"},
        keeps_unknown=bool(schema.get("x-kubernetes-preserve-unknown-fields")),
        rules=_rules(schema),
    )


def structural(schema: Mapping[str, Any]) -> TypeSchema:
    """The type that a structural schema describes."""
    preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    properties, values = schema.get("properties"), schema.get("additionalProperties")
    kind, fields, items = _kind(schema), NO_FIELDS, None
    if kind is Kind.OBJECT:
        known = properties if isinstance(properties, Mapping) else {}
        fields = LazyFields(lambda: _fields(known, embedded))
    elif kind is Kind.MAP:
        items = structural(values) if isinstance(values, Mapping) else TypeSchema(kind=Kind.ANY, keeps_unknown=True)
    elif kind is Kind.LIST:
        inner = schema.get("items")
        items = structural(inner) if isinstance(inner, Mapping) else TypeSchema(kind=Kind.ANY, keeps_unknown=True)
    return TypeSchema(
        kind=kind,
        fields=fields,
        items=items,
        required=frozenset(schema.get("required", ())),
        list_type=_list_type(schema),
        list_keys=tuple(schema.get("x-kubernetes-list-map-keys", ())),
        is_atomic=schema.get("x-kubernetes-map-type") == "atomic",
        format=schema.get("format", ""),
        has_default="default" in schema,
        default=schema.get("default"),
        is_nullable=bool(schema.get("nullable")),
        keeps_unknown=preserve,
        is_embedded_resource=embedded,
        enum=tuple(schema.get("enum", ())),
        rules=_rules(schema),
    )


def _list_type(schema: Mapping[str, Any]) -> ListType:
    """How a list merges; a word that no server takes counts for nothing, since a definition may not have been sent yet."""
    given = schema.get("x-kubernetes-list-type")
    return next((known for known in ListType if known.value == given), ListType.ATOMIC)


def _kind(schema: Mapping[str, Any]) -> Kind:
    if schema.get("x-kubernetes-int-or-string"):
        return Kind.INT_OR_STRING
    kind = schema.get("type")
    if kind == "array":
        return Kind.LIST
    if kind in _KINDS:
        return _KINDS[kind]
    if kind == "object":
        values = schema.get("additionalProperties")
        return Kind.MAP if values is not None and values is not False and not schema.get("properties") else Kind.OBJECT
    return Kind.ANY


def _fields(properties: Mapping[str, Any], embedded: bool) -> dict[str, TypeSchema]:
    fields = {key: structural(value) for key, value in properties.items()}
    if embedded:
        fields["apiVersion"] = fields["kind"] = TypeSchema(kind=Kind.STRING)
        fields["metadata"] = definition(OBJECT_META)
    return fields


def _rules(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({key: schema[key] for key in _RULES if key in schema})
