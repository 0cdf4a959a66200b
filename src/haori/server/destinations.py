"""Clients of the clusters that applications are delivered to, made when first needed and kept.

Credentials are those of the cluster Secrets that the engine uses; they are read anew for each request, so that a Secret
that changed or went away counts at once.
"""

from __future__ import annotations

import logging

from haori.cluster import HttpClient, open_client
from haori.cluster.kubeconfig import ClusterSettings
from haori.cluster.well_known import SECRETS
from haori.delivery.controller.cluster_secrets import ClusterEntry, normalize_server, read_cluster
from haori.objects import Manifest, nested_text
from haori.resources import argo
from haori.server.errors import Kind, RefusedError

log = logging.getLogger(__name__)
SECONDS = 30.0


class Destinations:
    """By server."""

    def __init__(self, control: HttpClient, namespace: str, *, allow_exec: bool = False) -> None:
        self._control, self._namespace, self._allow_exec = control, namespace, allow_exec
        self._clients: dict[str, tuple[ClusterSettings, HttpClient]] = {}

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
