"""Kubernetes' own types and resources, from data derived from a Kubernetes 1.37 API server.

A definition becomes a `TypeSchema` when somebody asks for it, and the definitions it refers to when somebody looks into
its fields. Nodes are kept: every Pod is checked against the same tree.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from haori.schema.archive import data_file, open_archive
from haori.schema.types import Kind, ListType, TypeSchema

KUBERNETES_MINOR = 37
"""The minor release (1.37) that the data is of; a later one may know more."""

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
OBJECT_META = META + "ObjectMeta"
LIST_META = META + "ListMeta"

_BY_NAME = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": TypeSchema(kind=Kind.QUANTITY, name="Quantity"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": TypeSchema(kind=Kind.INT_OR_STRING, format="int-or-string"),
}
_EMPTY_OBJECTS = frozenset(
    {
        "io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupAllDisruptionMode",
        "io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupBasicSchedulingPolicy",
        "io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupSingleDisruptionMode",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus",
    }
)
"""Published without properties because they have none, unlike RawExtension, which takes anything."""
_SCALARS = {
    "string": Kind.STRING,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """What stands behind a resource's name, such as `status`, and the type it speaks."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinResource:
    """A resource that Kubernetes serves itself, as its discovery tells."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    verbs: tuple[str, ...]
    subresources: tuple[Subresource, ...]


@cache
def builtin_resources() -> tuple[BuiltinResource, ...]:
    """Every built-in resource with its subresources, in the order of discovery."""
    return tuple(
        BuiltinResource(
            group=entry["group"],
            version=entry["version"],
            kind=entry["kind"],
            plural=entry["plural"],
            singular=entry["singular"],
            namespaced=entry["namespaced"],
            short_names=tuple(entry["shortNames"]),
            categories=tuple(entry["categories"]),
            verbs=tuple(entry["verbs"]),
            subresources=tuple(
                Subresource(
                    name=sub["name"],
                    group=sub["group"],
                    version=sub["version"],
                    kind=sub["kind"],
                    verbs=tuple(sub["verbs"]),
                )
                for sub in entry["subresources"]
            ),
        )
        for entry in orjson.loads(data_file("resources.json"))
    )


class LazyFields(Mapping[str, TypeSchema]):
    """The fields of an object, made when one of them is first asked for."""

    __slots__ = ("_fields", "_make")

    def __init__(self, make: Callable[[], dict[str, TypeSchema]]) -> None:
        self._make: Callable[[], dict[str, TypeSchema]] | None = make
        self._fields: dict[str, TypeSchema] = {}

    def _all(self) -> dict[str, TypeSchema]:
        make = self._make
        if make is not None:
            # Threads may come here at once: each works out the same, and none sees `_make` gone before `_fields` is there.
            self._fields, self._make = make(), None
        return self._fields

    def __getitem__(self, name: str) -> TypeSchema:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    # What `Mapping` makes of the above asks for each field by itself, and defaults go through all of them.
    def items(self) -> ItemsView[str, TypeSchema]:
        return self._all().items()

    def get(self, name: str, default: Any = None) -> Any:
        return self._all().get(name, default)


@cache
def definition(name: str) -> TypeSchema:
    """The type of a published definition ("io.k8s.api.apps.v1.Deployment"). Raises KeyError."""
    known = _BY_NAME.get(name)
    return known if known is not None else _node(open_archive("definitions").read(name), name)


def definition_name(group: str, version: str, kind: str) -> str | None:
    """The published definition of a built-in type, None where there is none."""
    name: str | None = open_archive("definitions").head["gvks"].get(f"{group}/{version}/{kind}")
    return name


def _node(schema: Mapping[str, Any], name: str = "") -> TypeSchema:
    if "$ref" in schema:
        return _with_siblings(definition(schema["$ref"]), schema)
    return _with_siblings(_plain(schema, name), schema)


def _plain(schema: Mapping[str, Any], name: str) -> TypeSchema:
    kind = schema.get("type")
    if kind == "object":
        if "properties" in schema:
            properties = schema["properties"]
            return TypeSchema(
                kind=Kind.OBJECT,
                name=name,
                fields=LazyFields(lambda: {key: _node(value) for key, value in properties.items()}),
                required=frozenset(schema.get("required", ())),
            )
        if "additionalProperties" in schema:
            return TypeSchema(kind=Kind.MAP, name=name, items=_node(schema["additionalProperties"]))
        if name in _EMPTY_OBJECTS:
            return TypeSchema(kind=Kind.OBJECT, name=name)
        is_raw = name.endswith(".RawExtension")
        return TypeSchema(kind=Kind.ANY, name=name, keeps_unknown=True, is_atomic=is_raw)
    if kind == "array":
        return TypeSchema(kind=Kind.LIST, name=name, items=_node(schema["items"]))
    if kind in _SCALARS:
        return TypeSchema(
            kind=_SCALARS[kind], name=name, format=schema.get("format", ""), enum=tuple(schema.get("enum", ()))
        )
    return TypeSchema(kind=Kind.ANY, name=name, keeps_unknown=True)


def _with_siblings(node: TypeSchema, schema: Mapping[str, Any]) -> TypeSchema:
    """The node with what is said of it in the place where it is used."""
    changes: dict[str, Any] = {}
    if "default" in schema:
        changes.update(has_default=True, default=schema["default"])
    if "x-kubernetes-list-type" in schema:
        changes["list_type"] = ListType(schema["x-kubernetes-list-type"])
    if "x-kubernetes-list-map-keys" in schema:
        changes["list_keys"] = tuple(schema["x-kubernetes-list-map-keys"])
    if schema.get("x-kubernetes-map-type") == "atomic":
        changes["is_atomic"] = True
    if "x-kubernetes-patch-strategy" in schema:
        changes["patch_strategies"] = frozenset(schema["x-kubernetes-patch-strategy"].split(","))
    if "x-kubernetes-patch-merge-key" in schema:
        changes["patch_merge_key"] = schema["x-kubernetes-patch-merge-key"]
    if "omit" in schema:
        changes["omits_zero"] = True
    if "enum" in schema:
        changes["enum"] = tuple(schema["enum"])
    return replace(node, **changes) if changes else node
