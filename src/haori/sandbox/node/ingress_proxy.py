"""Serves Ingresses: an HTTP listener on the loopback address of each, to ready endpoints of the Services they name.

Works where Services have loopback addresses (the sandbox's own API); the controllers write the address in the status,
and the node listens at what stands there. At most `MOST_CONNECTIONS` clients at a time; who comes then is told 503. TLS
is not offered: `spec.tls` changes nothing. Two Ingresses whose addresses are the same share a listener and its rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from haori.cluster import EventType, KubernetesClient, Reflector, WatchEvent
from haori.cluster.well_known import INGRESSES
from haori.objects import nested, nested_list, nested_text
from haori.sandbox.node.http_heads import HeadProblem, Request
from haori.sandbox.node.ingress_connection import HEAD_BYTES, refuse, serve_client
from haori.sandbox.node.ingress_rules import HTTP_PORT, Backend, Routes, is_ingress_address, routes_of
from haori.sandbox.node.ports import listening_port

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 512
Target = tuple[str, int]
Endpoints = Callable[[Backend], Sequence[Target] | None]
"""The ready endpoints behind a backend; None where there is no such Service or port."""


class IngressListener:
    """One address. `routes` may change at any time."""

    def __init__(self, address: str, port: int, endpoints: Endpoints, room: asyncio.Semaphore) -> None:
        self.routes = Routes()
        self._address, self._port = address, port
        self._endpoints = endpoints
        self._room = room
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._turn = 0

    async def listen(self) -> None:
        """Begin; OSError where the address cannot be listened on."""
        self._server = await asyncio.start_server(self._came, self._address, self._port, limit=HEAD_BYTES)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End listening and everything that is open."""
        if self._server is not None:
            self._server.close()
        clients = tuple(self._clients)
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._room.locked():
            # At once, without reading: who has no room must not take any.
            with contextlib.suppress(OSError):
                await refuse(writer, HeadProblem(503, "too many connections"))
            writer.close()
            return
        async with self._room:
            await serve_client(reader, writer, self._find)

    def _find(self, request: Request) -> Sequence[Target]:
        backend = self.routes.find(request.host.decode("latin-1"), request.path)
        if backend is None:
            raise HeadProblem(404, "no rule of the Ingress takes this host and path")
        targets = self._endpoints(backend)
        if targets is None:
            raise HeadProblem(503, f"Service {backend.namespace}/{backend.service} has no port {backend.port}")
        if not targets:
            raise HeadProblem(503, f"Service {backend.namespace}/{backend.service} has no ready endpoint")
        self._turn += 1
        start = self._turn % len(targets)
        return [*targets[start:], *targets[:start]]


class IngressProxy:
    """Keeps the listeners as Ingresses say."""

    def __init__(self, client: KubernetesClient, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._ingresses: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._listeners: dict[str, IngressListener] = {}
        self._refused: set[str] = set()
        self._room = asyncio.Semaphore(MOST_CONNECTIONS)
        self._dirty = asyncio.Event()
        self._reflector = Reflector(client, INGRESSES, self._heard)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._reflector.run())
                while True:
                    await self._dirty.wait()
                    self._dirty.clear()
                    await self._reconcile()
        finally:
            await asyncio.gather(*(each.close() for each in self._listeners.values()))

    def _heard(self, event: WatchEvent) -> None:
        ingress = event.object
        place = (nested_text(ingress, "metadata", "namespace"), nested_text(ingress, "metadata", "name"))
        if event.type is EventType.DELETED:
            self._ingresses.pop(place, None)
        else:
            metadata = {"namespace": place[0], "name": place[1]}
            kept = {"metadata": metadata, "spec": nested(ingress, "spec"), "status": nested(ingress, "status")}
            self._ingresses[place] = kept
        self._dirty.set()

    async def _reconcile(self) -> None:
        wanted: dict[str, list[Mapping[str, Any]]] = {}
        for _, ingress in sorted(self._ingresses.items()):
            for address in addresses_of(ingress):
                wanted.setdefault(address, []).append(ingress)
        for address in [each for each in self._listeners if each not in wanted]:
            await self._listeners.pop(address).close()
        for address, ingresses in wanted.items():
            listener = self._listeners.get(address) or await self._listen(address)
            if listener is not None:
                listener.routes = routes_of(ingresses)

    async def _listen(self, address: str) -> IngressListener | None:
        listener = IngressListener(address, listening_port(HTTP_PORT), self._endpoints, self._room)
        try:
            await listener.listen()
        except OSError as problem:
            if address not in self._refused:
                self._refused.add(address)
                log.warning("ingress not reachable", extra={"address": address, "problem": str(problem)})
            return None
        self._refused.discard(address)
        self._listeners[address] = listener
        return listener


def addresses_of(ingress: Mapping[str, Any]) -> list[str]:
    """The addresses in an Ingress's status that are for this node to serve."""
    entries = nested_list(ingress, "status", "loadBalancer", "ingress")
    return [address for each in entries if is_ingress_address(address := nested_text(each, "ip"))]
