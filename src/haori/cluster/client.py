"""What can be asked of a Kubernetes cluster, whoever answers.

`KubernetesClient` is the seam: the HTTP client of `connect` implements it, and so does the sandbox's in-process one.
Everything that reads or writes a cluster is written against it. A namespace of "" means all namespaces for lists and
watches, and no namespace for cluster-scoped objects. Every call may raise the errors re-exported here; none waits
for ever. Nothing in this module needs an HTTP library.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from haori.cluster.discovery import ApiResource, Discovery
from haori.cluster.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    KubeconfigError,
    NotFoundError,
    TooManyRequestsError,
    UnreachableError,
    error_of_status,
)
from haori.objects import Manifest

__all__ = [
    "AlreadyExistsError",
    "ApiError",
    "ApiResource",
    "ConflictError",
    "Discovery",
    "EventType",
    "ForbiddenError",
    "GoneError",
    "InvalidError",
    "KubeconfigError",
    "KubernetesClient",
    "NotFoundError",
    "ObjectList",
    "PatchType",
    "Propagation",
    "TooManyRequestsError",
    "UnreachableError",
    "WatchEvent",
    "error_of_status",
]


class PatchType(StrEnum):
    """The ways a patch can be written, as content types."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class Propagation(StrEnum):
    """What happens to the objects an object owns when it is deleted."""

    FOREGROUND = "Foreground"
    BACKGROUND = "Background"
    ORPHAN = "Orphan"


class EventType(StrEnum):
    """What a watch says about an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectList:
    """Objects of one type at one moment; each item has apiVersion and kind filled in."""

    items: list[dict[str, Any]]
    resource_version: str
    """What a watch that misses nothing starts from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One event of a watch. A BOOKMARK's object holds nothing but its resourceVersion."""

    type: EventType
    object: dict[str, Any]

    @property
    def resource_version(self) -> str:
        """Where a new watch would go on after this event."""
        return str((self.object.get("metadata") or {}).get("resourceVersion") or "")


@runtime_checkable
class KubernetesClient(Protocol):
    """One cluster. Manifests handed in are not changed; manifests given back are the caller's own."""

    @property
    def cluster(self) -> str:
        """The name messages, caches and keys call this cluster by."""
        ...

    async def discover(self, *, refresh: bool = False) -> Discovery:
        """The types served; from memory unless `refresh`."""
        ...

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        """The object, or NotFoundError."""
        ...

    async def list(
        self,
        resource: ApiResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
    ) -> ObjectList:
        """All objects that match; `limit` > 0 gives no more than so many."""
        ...

    async def create(
        self, resource: ApiResource, manifest: Manifest, *, field_manager: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        """The object as stored; AlreadyExistsError, InvalidError."""
        ...

    async def replace(
        self,
        resource: ApiResource,
        manifest: Manifest,
        *,
        subresource: str = "",
        field_manager: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """The object as stored; ConflictError where the manifest's resourceVersion is not the current one."""
        ...

    async def patch(
        self,
        resource: ApiResource,
        name: str,
        namespace: str,
        body: Any,
        *,
        patch_type: PatchType,
        field_manager: str = "",
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
    ) -> dict[str, Any]:
        """The object as stored. `body` is the patch as JSON values; `force` belongs to PatchType.APPLY alone."""
        ...

    async def apply(
        self,
        resource: ApiResource,
        manifest: Manifest,
        *,
        field_manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
    ) -> dict[str, Any]:
        """The object after server-side apply; ConflictError where others own fields and `force` is off."""
        ...

    async def delete(
        self,
        resource: ApiResource,
        name: str,
        namespace: str = "",
        *,
        propagation: Propagation | None = None,
        uid: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any] | None:
        """What the server answered (the terminating object, or a Status); a `uid` deletes that very object only."""
        ...

    def watch(
        self,
        resource: ApiResource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = True,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Events after `resource_version`, until the server ends the watch; GoneError where it is too old."""
        ...
