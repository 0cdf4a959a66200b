"""Which types the API serves: the built-in ones and those that CustomResourceDefinitions add.

A registry is a value that is replaced as a whole when a definition changes; requests under way keep the one they began
with. One type may be served in several versions, and (Events) in two groups: all of them share one `storage` name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from haori.cluster import ApiResource
from haori.objects import Manifest, format_api_version, nested_list, nested_mapping, nested_text
from haori.sandbox.api.errors import qualified
from haori.schema import BuiltinResource, Subresource

ALL_VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePaths:
    """Where a type keeps what its scale subresource shows; each a path of fields, empty where there is none."""

    spec_replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A printer column of a custom resource, as its definition says."""

    name: str
    type: str
    path: str
    description: str = ""
    format: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServedType:
    """One type in one version."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    storage: str
    """`plural.group`, under which the store keeps the objects of every version."""
    storage_api_version: str
    """The apiVersion objects are stored in."""
    list_kind: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: frozenset[str] = ALL_VERBS
    subresources: frozenset[str] = frozenset()
    described: tuple[Subresource, ...] = ()
    """The subresources as discovery shows them, of built-in types."""
    scale: ScalePaths | None = None
    is_custom: bool = False
    has_other_versions: bool = False
    columns: tuple[Column, ...] = ()
    field_paths: tuple[str, ...] = ()
    """What field selectors may name beyond metadata.name and metadata.namespace, of custom resources."""

    @property
    def api_version(self) -> str:
        """`version` for the core group, else `group/version`."""
        return format_api_version(self.group, self.version)

    @property
    def full_name(self) -> str:
        """`plural.group`."""
        return qualified(self.plural, self.group)

    @property
    def has_status(self) -> bool:
        """Whether status is written by its subresource alone."""
        return "status" in self.subresources

    def is_served_as(self, other: ServedType | None) -> bool:
        """Whether the other says the same of the same type; types are compared by identity otherwise."""
        return other is not None and all(getattr(self, each.name) == getattr(other, each.name) for each in fields(self))

    @property
    def is_stored(self) -> bool:
        """Whether objects of it are kept (reviews are answered and forgotten)."""
        return "list" in self.verbs


@dataclass(frozen=True, slots=True)
class Registry:
    """The types by path and by kind, in the order discovery shows them."""

    types: tuple[ServedType, ...]
    _groups: frozenset[str] = field(init=False, repr=False, default=frozenset())
    _by_path: Mapping[tuple[str, str, str], ServedType] = field(init=False, repr=False, default_factory=dict)
    _by_kind: Mapping[tuple[str, str], ServedType] = field(init=False, repr=False, default_factory=dict)
    _by_storage: Mapping[str, ServedType] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        by_storage: dict[str, ServedType] = {}
        for type_ in self.types:
            if type_.api_version == type_.storage_api_version or type_.storage not in by_storage:
                by_storage[type_.storage] = type_
        object.__setattr__(self, "_by_path", {(each.group, each.version, each.plural): each for each in self.types})
        object.__setattr__(self, "_by_kind", {(each.api_version, each.kind): each for each in self.types})
        object.__setattr__(self, "_by_storage", by_storage)
        object.__setattr__(self, "_groups", frozenset(each.group for each in self.types))

    def has_group(self, group: str) -> bool:
        """Whether anything of that group is served."""
        return group in self._groups

    def at(self, group: str, version: str, plural: str) -> ServedType | None:
        """The type of a URL path."""
        return self._by_path.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> ServedType | None:
        """The type of a manifest."""
        return self._by_kind.get((api_version, kind))

    def stored_as(self, storage: str) -> ServedType | None:
        """The type whose objects the store keeps as `storage`, in its storage version."""
        return self._by_storage.get(storage)

    def resources(self) -> tuple[ApiResource, ...]:
        """The types as a client discovers them."""
        return tuple(
            ApiResource(
                group=each.group,
                version=each.version,
                kind=each.kind,
                plural=each.plural,
                namespaced=each.namespaced,
                singular=each.singular,
                verbs=each.verbs,
                subresources=each.subresources,
                short_names=each.short_names,
                categories=each.categories,
            )
            for each in self.types
        )


_NOT_SERVED = frozenset({"componentstatuses"})
_SHARED_STORAGE = {"events.events.k8s.io": ("events", "v1")}
"""Types that are another group's type by another name: their storage and the apiVersion it is kept in."""
_STORAGE_VERSIONS = {"horizontalpodautoscalers.autoscaling": "autoscaling/v2"}
_SCALES = {
    "deployments.apps": ScalePaths(selector=("spec", "selector")),
    "replicasets.apps": ScalePaths(selector=("spec", "selector")),
    "statefulsets.apps": ScalePaths(selector=("spec", "selector")),
    "replicationcontrollers": ScalePaths(selector=("spec", "selector")),
}


def builtin_types(resources: Iterable[BuiltinResource]) -> list[ServedType]:
    """The built-in types as they are served here."""
    known = [each for each in resources if each.plural not in _NOT_SERVED]
    counts: dict[str, int] = {}
    for each in known:
        name = qualified(each.plural, each.group)
        counts[name] = counts.get(name, 0) + 1
    return [_builtin_type(each, counts) for each in known]


def _builtin_type(each: BuiltinResource, counts: Mapping[str, int]) -> ServedType:
    name = qualified(each.plural, each.group)
    api_version = format_api_version(each.group, each.version)
    storage, storage_version = _SHARED_STORAGE.get(name, (name, _STORAGE_VERSIONS.get(name, api_version)))
    return ServedType(
        group=each.group,
        version=each.version,
        kind=each.kind,
        plural=each.plural,
        singular=each.singular,
        namespaced=each.namespaced,
        storage=storage,
        storage_api_version=storage_version,
        list_kind=f"{each.kind}List",
        short_names=tuple(each.short_names),
        categories=tuple(each.categories),
        verbs=frozenset(each.verbs),
        subresources=frozenset(sub.name for sub in each.subresources),
        described=each.subresources,
        scale=_SCALES.get(name),
        has_other_versions=counts[name] > 1 or storage != name or storage == "events",
    )


def custom_types(definition: Manifest) -> list[ServedType]:
    """The types a CustomResourceDefinition serves, one for each version; none while it is not established."""
    spec = nested_mapping(definition, "spec")
    names = nested_mapping(definition, "status", "acceptedNames") or nested_mapping(spec, "names")
    group = nested_text(spec, "group")
    versions = [version for version in nested_list(spec, "versions") if isinstance(version, Mapping)]
    storage = next((str(version["name"]) for version in versions if version.get("storage")), "")
    return [
        _custom_type(group, names, version, storage, spec, has_others=len(versions) > 1)
        for version in sorted(versions, key=lambda version: version_rank(str(version.get("name") or "")))
        if version.get("served") and _is_established(definition)
    ]


def _is_established(definition: Manifest) -> bool:
    return any(
        condition.get("type") == "Established" and condition.get("status") == "True"
        for condition in nested_list(definition, "status", "conditions")
    )


def _custom_type(
    group: str,
    names: Mapping[str, Any],
    version: Mapping[str, Any],
    storage: str,
    spec: Mapping[str, Any],
    *,
    has_others: bool,
) -> ServedType:
    kind, plural = nested_text(names, "kind"), nested_text(names, "plural")
    subresources = nested_mapping(version, "subresources")
    scale = nested_mapping(subresources, "scale")
    return ServedType(
        group=group,
        version=str(version.get("name") or ""),
        kind=kind,
        plural=plural,
        singular=nested_text(names, "singular") or kind.lower(),
        namespaced=spec.get("scope") == "Namespaced",
        storage=qualified(plural, group),
        storage_api_version=format_api_version(group, storage),
        list_kind=nested_text(names, "listKind") or f"{kind}List",
        short_names=tuple(nested_list(names, "shortNames")),
        categories=tuple(nested_list(names, "categories")),
        subresources=frozenset(name for name in ("status", "scale") if name in subresources),
        scale=ScalePaths(
            spec_replicas=split_path(nested_text(scale, "specReplicasPath")),
            status_replicas=split_path(nested_text(scale, "statusReplicasPath")),
            selector=split_path(nested_text(scale, "labelSelectorPath")),
        )
        if scale
        else None,
        is_custom=True,
        has_other_versions=has_others,
        columns=tuple(_column(column) for column in nested_list(version, "additionalPrinterColumns")),
        field_paths=tuple(
            nested_text(each, "jsonPath").lstrip(".") for each in nested_list(version, "selectableFields")
        ),
    )


def _column(column: Mapping[str, Any]) -> Column:
    return Column(
        name=nested_text(column, "name"),
        type=nested_text(column, "type"),
        path=nested_text(column, "jsonPath"),
        description=nested_text(column, "description"),
        format=nested_text(column, "format"),
        priority=int(column.get("priority") or 0),
    )


def split_path(path: str) -> tuple[str, ...]:
    """The fields of a plain JSON path such as `.spec.replicas`."""
    return tuple(part for part in path.split(".") if part)


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sorts versions as Kubernetes prefers them: v2 before v1 before v1beta2 before v1alpha1 before anything else.

    see: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/
    """
    match = re.fullmatch(r"v([0-9]+)(?:(alpha|beta)([0-9]+))?", version)
    if match is None:
        return (3, 0, 0, version)
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (stage, -int(match[1]), -int(match[3] or 0), version)
