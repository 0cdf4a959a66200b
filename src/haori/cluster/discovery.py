"""Which types a cluster serves: the value, and how it is read from the two forms of discovery.

The aggregated form (one request for /api, one for /apis) is asked for first; a server that answers with the old
group list is read group by group. Sources: Kubernetes' `apidiscovery.k8s.io/v2` and the v1 `APIResourceList`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from haori.objects import GroupKind, GroupVersionKind, format_api_version, parse_api_version


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResource:
    """One type as a cluster serves it in one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    singular: str = ""
    verbs: frozenset[str] = frozenset({"create", "delete", "get", "list", "patch", "update", "watch"})
    subresources: frozenset[str] = frozenset()
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """`version` for the core group, else `group/version`."""
        return format_api_version(self.group, self.version)

    @property
    def group_kind(self) -> GroupKind:
        """The type without its version."""
        return GroupKind(self.group, self.kind)

    @property
    def gvk(self) -> GroupVersionKind:
        """The type with its version."""
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def full_name(self) -> str:
        """`plural.group` as kubectl writes it; the plural alone for the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, name: str = "", namespace: str = "", subresource: str = "") -> str:
        """The URL path of an object, or without a name of the collection (all namespaces where none is given)."""
        parts = ["/api" if not self.group else f"/apis/{self.group}", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """All types of a cluster, in the server's order: groups by its priority, preferred versions first."""

    resources: tuple[ApiResource, ...]
    failed_groups: tuple[str, ...] = ()
    """`group/version`s whose aggregated API server did not answer: absence there proves nothing."""
    _by_kind: Mapping[GroupKind, ApiResource] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_gvk: Mapping[GroupVersionKind, ApiResource] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        by_kind: dict[GroupKind, ApiResource] = {}
        by_gvk: dict[GroupVersionKind, ApiResource] = {}
        for resource in self.resources:
            by_kind.setdefault(resource.group_kind, resource)
            by_gvk.setdefault(resource.gvk, resource)
        object.__setattr__(self, "_by_kind", by_kind)
        object.__setattr__(self, "_by_gvk", by_gvk)

    def resource(self, type_: GroupKind | GroupVersionKind) -> ApiResource | None:
        """The type in the version asked for, or for a GroupKind in the preferred one; None where it is not served."""
        if isinstance(type_, GroupVersionKind):
            return self._by_gvk.get(type_)
        return self._by_kind.get(GroupKind(*type_))

    def resource_of(self, api_version: str, kind: str) -> ApiResource | None:
        """The type of a manifest's `apiVersion` and `kind`."""
        group, version = parse_api_version(api_version)
        return self._by_gvk.get(GroupVersionKind(group, version, kind))

    def named(self, name: str) -> ApiResource | None:
        """The type a person means: plural, singular, kind or short name, each with or without `.group`."""
        wanted = name.lower()
        word, _, group = wanted.partition(".")
        for resource in self.resources:
            names = {resource.plural, resource.singular, resource.kind.lower(), *resource.short_names}
            if wanted in names or (word in names and group and group in (resource.group, f"v1.{resource.group}")):
                return resource
        return None

    def preferred(self) -> tuple[ApiResource, ...]:
        """Each type once, in its preferred version."""
        return tuple(self._by_kind.values())


def read_aggregated(documents: Iterable[Mapping[str, Any]]) -> Discovery:
    """Discovery from `APIGroupDiscoveryList`s (the core one first)."""
    resources: list[ApiResource] = []
    failed: list[str] = []
    for document in documents:
        for item in document.get("items") or ():
            group = str((item.get("metadata") or {}).get("name") or "")
            for version in item.get("versions") or ():
                name = str(version.get("version") or "")
                if version.get("freshness") == "Stale":
                    failed.append(format_api_version(group, name))
                resources += [_aggregated_resource(group, name, each) for each in version.get("resources") or ()]
    return Discovery(resources=tuple(resources), failed_groups=tuple(failed))


def _aggregated_resource(group: str, version: str, item: Mapping[str, Any]) -> ApiResource:
    kind = item.get("responseKind") or {}
    return ApiResource(
        group=group,
        version=version,
        kind=str(kind.get("kind") or ""),
        plural=str(item.get("resource") or ""),
        namespaced=item.get("scope") == "Namespaced",
        singular=str(item.get("singularResource") or ""),
        verbs=frozenset(item.get("verbs") or ()),
        subresources=frozenset(str(each.get("subresource")) for each in item.get("subresources") or ()),
        short_names=tuple(item.get("shortNames") or ()),
        categories=tuple(item.get("categories") or ()),
    )


def read_resource_list(document: Mapping[str, Any]) -> list[ApiResource]:
    """The types of one v1 `APIResourceList`; rows `plural/subresource` are folded into their type."""
    group, version = parse_api_version(str(document.get("groupVersion") or ""))
    rows = [row for row in document.get("resources") or () if isinstance(row, Mapping)]
    below: dict[str, set[str]] = {}
    for row in rows:
        plural, _, subresource = str(row.get("name") or "").partition("/")
        if subresource:
            below.setdefault(plural, set()).add(subresource)
    return [
        ApiResource(
            group=group,
            version=version,
            kind=str(row.get("kind") or ""),
            plural=str(row["name"]),
            namespaced=bool(row.get("namespaced")),
            singular=str(row.get("singularName") or ""),
            verbs=frozenset(row.get("verbs") or ()),
            subresources=frozenset(below.get(str(row["name"]), ())),
            short_names=tuple(row.get("shortNames") or ()),
            categories=tuple(row.get("categories") or ()),
        )
        for row in rows
        if "/" not in str(row.get("name") or "")
    ]
