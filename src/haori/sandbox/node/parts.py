"""What the parts of a node share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from haori.cluster.well_known import PODS
from haori.sandbox.node.addresses import Addresses
from haori.sandbox.node.cgroups import Cgroups
from haori.sandbox.node.claims import ClaimFolders
from haori.sandbox.node.events import EventRecorder
from haori.sandbox.node.images import ImageRuleFile
from haori.sandbox.node.isolation import Isolation
from haori.sandbox.node.process_run import Guard
from haori.sandbox.node.settings import NodeSettings

if TYPE_CHECKING:
    from haori.cluster import HttpClient
    from haori.sandbox.node.references import References


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """What real containers need of the node."""

    isolation: Isolation
    guard: Guard
    cgroups: Cgroups
    claims: ClaimFolders
    mark: str
    """`NAME=value` that stands in the environment of every process of this node, beside the guard's own."""
    api_variables: Mapping[str, str]
    """KUBERNETES_SERVICE_HOST and its like, as they can be reached from this machine."""
    reachable_services: Callable[[Iterable[Mapping[str, Any]]], Iterable[Mapping[str, Any]]]
    """Services with the ports at which they can be reached from this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """One node's tools, handed to every Pod."""

    settings: NodeSettings
    client: HttpClient
    events: EventRecorder
    images: ImageRuleFile
    addresses: Addresses
    references: References
    now: Callable[[], datetime]
    host_ip: str
    processes: Processes | None = None
    """None: everything is simulated."""

    async def delete_pod(self, namespace: str, name: str, uid: str) -> None:
        """Remove a Pod that has ended from the API; NotFoundError and ConflictError say that it is gone already."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": uid},
        }
        await self.client.raw("DELETE", PODS.path(name, namespace), body=orjson.dumps(options))
