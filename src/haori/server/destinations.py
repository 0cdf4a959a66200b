"""Clients of the clusters that applications are delivered to, made when first needed and kept.

Credentials are those of the cluster Secrets that the engine uses; they are read anew for each request, so that a Secret
that changed or went away counts at once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from haori.cluster import HttpClient, open_client
from haori.cluster.kubeconfig import ClusterSettings
from haori.cluster.well_known import SECRETS
from haori.delivery.controller.cluster_secrets import ClusterEntry, normalize_server, read_cluster
from haori.errors import HaoriError
from haori.objects import Manifest, nested_text
from haori.resources import argo
from haori.server.errors import Kind, RefusedError
from haori.words import Sentence

log = logging.getLogger(__name__)
SECONDS = 30.0
LOOK_SECONDS = 3.0
"""How long a list of clusters waits for one of them to say its version."""
KEPT_FOR = timedelta(minutes=1)
"""How long what was seen of a cluster is told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Whether a cluster answered when it was last asked."""

    at: datetime
    problem: str = ""
    """Why it did not; empty: it did."""
    version: str = ""
    """`major.minor`, as Argo CD tells it."""


class Destinations:
    """By server."""

    def __init__(self, control: HttpClient, namespace: str, *, allow_exec: bool = False) -> None:
        self._control, self._namespace, self._allow_exec = control, namespace, allow_exec
        self._clients: dict[str, tuple[ClusterSettings, HttpClient]] = {}
        self._seen: dict[str, tuple[ClusterEntry, Connection]] = {}

    async def entries(self) -> list[ClusterEntry]:
        """What cluster Secrets say, by server."""
        selector = f"{argo.SECRET_TYPE}=cluster"
        listed = await self._control.list(SECRETS, self._namespace, label_selector=selector)
        found = [read_cluster(each, allow_exec=self._allow_exec) for each in listed.items]
        return sorted((each for each in found if each is not None), key=lambda each: each.server)

    async def client_for(self, application: Manifest) -> HttpClient:
        """Of the cluster an application names. Raises RefusedError where no Secret says how to reach it."""
        server = normalize_server(nested_text(application, "spec", "destination", "server"))
        name = nested_text(application, "spec", "destination", "name")
        if server == argo.IN_CLUSTER_SERVER or name == argo.IN_CLUSTER_NAME:
            return self._control
        found = [
            each for each in await self.entries() if each.server == server or (not server and each.name == name)
        ]  # fmt: skip
        if not found or found[0].settings is None or len({each.server for each in found}) > 1:
            raise RefusedError(Kind.PRECONDITION, "cluster-not-added", cluster=name or server)
        return await self._open(found[0].server, found[0].settings)

    async def connection(self, entry: ClusterEntry, now: datetime) -> Connection:
        """Whether the cluster answers; asked anew once a minute, or when its Secret changed."""
        known = self._seen.get(entry.server)
        if known is not None and known[0] == entry and now - known[1].at < KEPT_FOR:
            return known[1]
        found = await self._look(entry, now)
        self._seen[entry.server] = entry, found
        return found

    async def client_of(self, entry: ClusterEntry) -> HttpClient:
        """Of a cluster that is listed. Raises RefusedError where its Secret does not say how to reach it."""
        if entry.server == argo.IN_CLUSTER_SERVER:
            return self._control
        if entry.settings is None:
            raise RefusedError(Kind.PRECONDITION, "cluster-not-added", cluster=entry.name or entry.server)
        return await self._open(entry.server, entry.settings)

    async def _look(self, entry: ClusterEntry, now: datetime) -> Connection:
        if entry.problem is not None:
            return Connection(at=now, problem=entry.problem.text())
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                client = self._control
                if entry.settings is not None and entry.server != argo.IN_CLUSTER_SERVER:
                    client = await self._open(entry.server, entry.settings)
                told = await client.version()
        except TimeoutError:
            return Connection(
                at=now, problem=Sentence(code="cluster-no-answer", parameters={"seconds": LOOK_SECONDS}).text()
            )
        except HaoriError as error:
            return Connection(at=now, problem=error.sentence.text())
        return Connection(at=now, version=f"{told.get('major', '')}.{told.get('minor', '')}".strip("."))

    async def _open(self, server: str, settings: ClusterSettings) -> HttpClient:
        known = self._clients.get(server)
        if known is not None and known[0] == settings:
            return known[1]
        client = open_client(settings, timeout_seconds=SECONDS, user_agent="haori-server")
        self._clients[server] = (settings, client)
        if known is not None:
            await known[1].aclose()
        return client

    async def aclose(self) -> None:
        """Lets go of all."""
        for _, client in self._clients.values():
            await client.aclose()
