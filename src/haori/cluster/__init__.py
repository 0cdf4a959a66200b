"""Any Kubernetes API from the client's side: connect, discover, read, watch, write.

Takes a kubeconfig (or the Pod it runs in) and gives one client that speaks in manifests: `connect` for the client,
`Reflector` for one list+watch that never loses its place. The seam everybody writes against is `KubernetesClient`; the
errors of `haori.cluster.errors` are the only ones that leave. It decides nothing about what should be in a cluster,
writes no file, and takes no credential but those the kubeconfig names. The HTTP library loads with `connect`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haori.cluster.client import EventType, KubernetesClient, ObjectList, PatchType, Propagation, WatchEvent
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
    ReadOnlyError,
    TooManyRequestsError,
    UnreachableError,
)
from haori.cluster.reflector import Reflector, Reflectors

if TYPE_CHECKING:
    from haori.cluster.http_client import HttpClient, connect, connect_to, open_client

__all__ = [
    "AlreadyExistsError",
    "ApiError",
    "ApiResource",
    "ConflictError",
    "Discovery",
    "EventType",
    "ForbiddenError",
    "GoneError",
    "HttpClient",
    "InvalidError",
    "KubeconfigError",
    "KubernetesClient",
    "NotFoundError",
    "ObjectList",
    "PatchType",
    "Propagation",
    "ReadOnlyError",
    "Reflector",
    "Reflectors",
    "TooManyRequestsError",
    "UnreachableError",
    "WatchEvent",
    "connect",
    "connect_to",
    "open_client",
]


def __getattr__(name: str) -> Any:
    if name in ("HttpClient", "connect", "connect_to", "open_client"):
        from haori.cluster import http_client

        return getattr(http_client, name)
    raise AttributeError(name)
