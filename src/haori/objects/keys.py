"""Which object: kinds, resource keys, and the one way objects are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Manifest = Mapping[str, Any]
"""A Kubernetes object as JSON gives it. Read it, copy it, never change one that was handed in."""


class GroupKind(NamedTuple):
    """A type without its version; the core group is the empty text."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class ResourceKey(NamedTuple):
    """One object, whatever version it is read in; `namespace` is empty for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The type of the object."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        return format_object(self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class GroupVersionKind:
    """A type in one version."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """`version` for the core group, else `group/version`."""
        return format_api_version(self.group, self.version)

    @property
    def group_kind(self) -> GroupKind:
        """The type without its version."""
        return GroupKind(self.group, self.kind)


def parse_api_version(api_version: str) -> tuple[str, str]:
    """(group, version) of an `apiVersion`."""
    group, _, version = api_version.rpartition("/")
    return group, version


def format_api_version(group: str, version: str) -> str:
    """The `apiVersion` of a group and version."""
    return f"{group}/{version}" if group else version


def gvk_of(manifest: Manifest) -> GroupVersionKind:
    """The type a manifest says it has; absent fields are empty."""
    group, version = parse_api_version(str(manifest.get("apiVersion") or ""))
    return GroupVersionKind(group, version, str(manifest.get("kind") or ""))


def key_of(manifest: Manifest) -> ResourceKey:
    """The key of a manifest; absent fields are empty."""
    group, _ = parse_api_version(str(manifest.get("apiVersion") or ""))
    metadata = manifest.get("metadata") or {}
    return ResourceKey(
        group, str(manifest.get("kind") or ""), str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
    )


def format_object(kind: str, namespace: str, name: str, group: str = "") -> str:
    """`Kind namespace/name`, with the group behind the kind where it is given, as every message writes an object."""
    type_ = f"{kind}.{group}" if group else kind
    return f"{type_} {namespace}/{name}" if namespace else f"{type_} {name}"
