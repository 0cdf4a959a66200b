"""The clusters that applications are delivered to: who they are, how they are reached, whether they answer.

`ClusterConnections` owns one `Cluster` each: its client (with credentials and flow control of its own), its cache, its
types, and whether it is up. The control cluster is one of them. Nothing here knows of terms or applications: an engine
that stands by keeps its connections as warm as one that leads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from haori.cluster import EventType, WatchEvent
from haori.delivery.controller.cluster import Cluster, RemoteCluster
from haori.delivery.controller.cluster_secrets import ClusterEntry, normalize_server, read_cluster
from haori.delivery.model import Condition
from haori.delivery.model.application import Destination
from haori.objects import GroupKind, nested_text
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.words import Sentence

log = logging.getLogger(__name__)

FAULT_SECONDS = 30.0
_SECRET = GroupKind("", "Secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a destination leads."""

    server: str
    name: str = ""
    problem: Condition | None = None
    """Why nothing can be done there now."""
    is_known: bool = True
    """Whether the settings know the cluster at all."""
    is_ready: bool = True
    """Whether it was read; while it is not, and there is no problem either, nothing can be said yet."""
    namespaces: tuple[str, ...] = ()
    """The only namespaces that may be delivered to; empty: all."""
    cluster_resources: bool = True
    """Whether cluster-scoped objects may be."""
    projects: frozenset[str] = frozenset()
    """The projects that the cluster's Secrets name."""


class ClusterConnections:
    """All clusters. `run` keeps those of the Secrets; one of them that is down, slow or wrong is no matter of the others.

    `fit` gives a new cluster its cache, `on_state` hears of one (server, name) whose state changed, that came or went.
    """

    def __init__(
        self,
        control: Cluster,
        *,
        fit: Callable[[Cluster], None] = lambda cluster: None,
        on_state: Callable[[str, str], None] = lambda server, name: None,
        allow_exec: bool = False,
    ) -> None:
        self.control = control
        self._here = Place(server=control.server, name=control.name)
        self._fit, self._on_state, self._allow_exec = fit, on_state, allow_exec
        self._entries: dict[str, ClusterEntry] = {}
        """By Secret."""
        self._by_server: dict[str, ClusterEntry] = {}
        self._by_name: dict[str, list[str]] = {}
        self._remotes: dict[str, RemoteCluster] = {}
        self._tasks: dict[RemoteCluster, asyncio.Task[None]] = {}
        self._fence: Callable[[], None] | None = None
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Connects and watches until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for remote in [each for each in self._tasks if each is not self._remotes.get(each.server)]:
                    self._tasks.pop(remote).cancel()
                for remote in self._remotes.values():
                    if remote not in self._tasks:
                        self._tasks[remote] = group.create_task(self._keep(remote))
                await self._wake.wait()

    async def _keep(self, remote: RemoteCluster) -> None:
        """One cluster's fault ends its own watches; it is built anew a little later."""
        try:
            await remote.keep()
        except Exception:
            # Fed by a foreign server: whatever it makes us stumble over must not stop the others.
            log.exception("fault with cluster", extra={"cluster": remote.name, "server": remote.server})
            await asyncio.sleep(FAULT_SECONDS)
            if self._remotes.get(remote.server) is remote:
                del self._remotes[remote.server]
                self._settle(remote.entry)

    def observe(self, event: WatchEvent) -> None:
        """Takes in one event of a Secret of the control namespace; those that say nothing of clusters are passed over."""
        name = nested_text(event.object, "metadata", "name")
        before = self._entries.pop(name, None)
        after: ClusterEntry | None = None
        if event.type is not EventType.DELETED:
            after = read_cluster(event.object, allow_exec=self._allow_exec)
        if after is not None:
            self._entries[name] = after
        if before != after:
            self._settle(before, after)

    def _settle(self, *changed: ClusterEntry | None) -> None:
        """Brings what is connected in line with what the Secrets say, and tells of what changed."""
        self._by_server, self._by_name = {}, {}
        for _, entry in sorted(self._entries.items()):
            if entry.server in self._by_server or is_in_cluster(Destination(server=entry.server)):
                continue
            self._by_server[entry.server] = entry
            self._by_name.setdefault(entry.name, []).append(entry.server)
        self._here = replace(self._here, projects=self._projects_of(self.control.server))
        usable = {server: entry for server, entry in self._by_server.items() if entry.settings is not None}
        for server, remote in list(self._remotes.items()):
            if server not in usable or not remote.take(usable[server]):
                del self._remotes[server]
        for server, entry in usable.items():
            if server not in self._remotes:
                self._remotes[server] = remote = RemoteCluster(entry, on_state=self._state_changed)
                remote.client.fence = self._fence
                if self.control.client.is_read_only:
                    remote.client.forbid_writes()
                self._fit(remote)
        self._wake.set()
        for each in changed:
            if each is not None:
                self._on_state(each.server, each.name)

    def _state_changed(self, remote: RemoteCluster) -> None:
        if self._remotes.get(remote.server) is remote:
            self._on_state(remote.server, remote.name)

    def place_of(self, destination: Destination) -> Place:
        """Where a destination leads, by its server or its name."""
        if is_in_cluster(destination):
            return self._here
        servers = [self.server_of(destination)] if destination.server else self._by_name.get(destination.name, [])
        named = destination.name or destination.server
        if len(servers) > 1:
            sentence = Sentence(code="cluster-ambiguous", parameters={"cluster": named, "servers": sorted(servers)})
            return Place(server="", name=named, problem=_invalid(sentence))
        known = self._by_server.get(servers[0]) if servers else None
        if known is None:
            sentence = Sentence(code="cluster-unknown", parameters={"cluster": named})
            server = normalize_server(destination.server)
            return Place(server=server, name=destination.name, problem=_invalid(sentence), is_known=False)
        return self._place(known, destination)

    def _place(self, entry: ClusterEntry, destination: Destination) -> Place:
        remote = self._remotes.get(entry.server)
        problem: Condition | None = None
        if entry.problem is not None:
            problem = _invalid(entry.problem)
        elif entry.namespaces and destination.namespace and destination.namespace not in entry.namespaces:
            parameters = {
                "cluster": entry.name, "namespace": destination.namespace, "namespaces": list(entry.namespaces),
            }  # fmt: skip
            problem = _invalid(Sentence(code="cluster-namespace-unmanaged", parameters=parameters))
        elif remote is not None and remote.problem is not None:
            problem = Condition(type=ConditionType.COMPARISON_ERROR, sentence=remote.problem)
        return Place(
            server=entry.server,
            name=entry.name,
            problem=problem,
            is_ready=remote is not None and remote.is_ready,
            namespaces=entry.namespaces,
            cluster_resources=entry.cluster_resources,
            projects=self._projects_of(entry.server),
        )

    def _projects_of(self, server: str) -> frozenset[str]:
        return frozenset(each.project for each in self._entries.values() if each.server == server and each.project)

    def server_of(self, destination: Destination) -> str:
        """The server that a destination names; empty where its name leads nowhere."""
        if is_in_cluster(destination):
            return self.control.server
        if destination.server:
            return normalize_server(destination.server)
        found = self._by_name.get(destination.name, ())
        return found[0] if len(found) == 1 else ""

    def guard(self, fence: Callable[[], None]) -> None:
        """Has every write on every cluster ask first."""
        self._fence = fence
        for cluster in (self.control, *self._remotes.values()):
            cluster.client.fence = fence

    def get(self, server: str) -> Cluster | None:
        """The cluster at a server."""
        return self.control if server == self.control.server else self._remotes.get(server)

    def all(self) -> list[tuple[Cluster, bool]]:
        """Each cluster that is connected to, the control cluster first, and whether it answers."""
        remotes = [(each, each.is_ready and each.problem is None) for _, each in sorted(self._remotes.items())]
        return [(self.control, bool(self.control.kube_version)), *remotes]

    def suspect(self, server: str) -> None:
        """Something on that cluster failed in a way that may mean that it is down: look now."""
        if (remote := self._remotes.get(server)) is not None:
            remote.suspect()

    @property
    def has_read_secrets(self) -> bool:
        """Whether a cluster that is not known is really not there."""
        return self.control.cache.has_read(_SECRET)

    def statistics(self) -> list[dict[str, Any]]:
        """Each cluster of the Secrets: name, server, state, why, objects, types, events, requests."""
        return [remote.statistics() for _, remote in sorted(self._remotes.items())]


def is_in_cluster(destination: Destination) -> bool:
    """Whether the destination is the cluster the engine itself is connected to."""
    return destination.server == argo.IN_CLUSTER_SERVER or destination.name == argo.IN_CLUSTER_NAME


def _invalid(sentence: Sentence) -> Condition:
    return Condition(type=ConditionType.INVALID_SPEC, sentence=sentence)
