"""The clusters that applications are delivered to: who they are, how they are reached, whether they answer.

`ClusterConnections` owns one `Cluster` each: its client (with credentials and flow control of its own), its cache, its
types, and whether it is up. The control cluster is one of them. Nothing here knows of terms or applications: an engine
that stands by keeps its connections as warm as one that leads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from haori.cluster import HttpClient
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.scripted import ScriptedHealth
from haori.delivery.model import Condition
from haori.delivery.model.application import Destination
from haori.errors import PeerError
from haori.objects import GroupKind
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.words import Sentence

log = logging.getLogger(__name__)

SYNC_SECONDS = 30.0
"""How long the first lists may take; a type that cannot be listed by then is said and not waited for."""
TYPES_SECONDS = 0.3
"""How long changes of definitions are gathered before the types are looked for again."""
_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a destination leads."""

    server: str
    name: str = ""
    problem: Condition | None = None
    """Why nothing can be done there now."""
    is_known: bool = True
    """Whether the settings know the cluster at all."""


class Cluster:
    """One cluster. `run` keeps cache and types current."""

    def __init__(self, client: HttpClient, *, server: str, name: str) -> None:
        self.client, self.server, self.name = client, server, name
        self.cache: ClusterCache
        self.scripted: ScriptedHealth
        self.kube_version = ""
        self.on_change: Callable[[Cluster, Live | None, Live | None], None] = lambda cluster, before, after: None
        self.on_types: Callable[[Cluster], None] = lambda cluster: None
        self._types = asyncio.Event()

    async def open(self) -> None:
        """Asks who is there. Raises PeerError."""
        self.kube_version = str((await self.client.version()).get("gitVersion") or "").lstrip("v")

    async def run(self) -> None:
        """Watches until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.cache.run())
            group.create_task(self.scripted.run())
            group.create_task(self._keep_types())

    async def wait_synced(self) -> None:
        """Until every type was listed once and the scripts have judged what is there, or for so long as that may take."""
        try:
            async with asyncio.timeout(SYNC_SECONDS):
                await self.cache.wait_synced()
                await self.scripted.wait_idle()
        except TimeoutError:
            extra = {"cluster": self.name, "types": self.cache.unsynced()}
            log.warning("not every type could be listed", extra=extra)

    def changed(self, before: Live | None, after: Live | None) -> None:
        """Takes in what the cache says of one object."""
        live = after or before
        if live is not None and live.key.group_kind == _DEFINITION:
            self._types.set()
        self.on_change(self, before, after)

    async def _keep_types(self) -> None:
        """Takes up types that custom resource definitions add."""
        await self.wait_synced()
        while True:
            await self._types.wait()
            await asyncio.sleep(TYPES_SECONDS)
            self._types.clear()
            try:
                await self.cache.look_for_types()
            except PeerError as problem:
                log.warning("types cannot be read", extra={"cluster": self.name, "code": problem.code})
                self._types.set()
                await asyncio.sleep(SYNC_SECONDS / 10)
                continue
            self.on_types(self)


class ClusterConnections:
    """All clusters."""

    def __init__(self, control: Cluster) -> None:
        self.control = control
        self._here = Place(server=control.server, name=control.name)

    def place_of(self, destination: Destination) -> Place:
        """Where a destination leads, by its server or its name."""
        if is_in_cluster(destination):
            return self._here
        named = destination.name or destination.server
        sentence = Sentence(code="cluster-unknown", parameters={"cluster": named})
        problem = Condition(type=ConditionType.INVALID_SPEC, sentence=sentence)
        return Place(server=destination.server, name=destination.name, problem=problem, is_known=False)

    def guard(self, fence: Callable[[], None]) -> None:
        """Has every write on every cluster ask first."""
        self.control.client.fence = fence

    def get(self, server: str) -> Cluster | None:
        """The cluster at a server."""
        return self.control if server == self.control.server else None


def is_in_cluster(destination: Destination) -> bool:
    """Whether the destination is the cluster the engine itself is connected to."""
    return destination.server == argo.IN_CLUSTER_SERVER or destination.name == argo.IN_CLUSTER_NAME
