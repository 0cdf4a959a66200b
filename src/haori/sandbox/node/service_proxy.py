"""Makes Services reachable: a listener on each address and port of a Service that is on loopback, forwarding to endpoints.

Ready endpoints take turns. A port that an unprivileged process may not bind is listened on at another one
(`listening_port`), and containers are told that one. On clusters whose Services have other addresses nothing listens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haori.cluster import EventType, KubernetesClient, Reflector, WatchEvent
from haori.cluster.well_known import ENDPOINT_SLICES, SERVICES
from haori.objects import copy_manifest, labels_of, nested, nested_list, nested_text
from haori.sandbox.node.addresses import is_loopback
from haori.sandbox.node.forwarder import Forwarder
from haori.sandbox.node.ingress_rules import Backend
from haori.sandbox.node.ports import listening_port

log = logging.getLogger(__name__)

SERVICE_NAME = "kubernetes.io/service-name"
Place = tuple[str, str]
"""(namespace, name)."""
Target = tuple[str, int]
"""(address, port)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where to listen, and for what: the port's name connects a Service to its EndpointSlices."""

    address: str
    port: int
    service: Place
    port_name: str


def listeners_of(service: Mapping[str, Any]) -> list[Listener]:
    """What a Service wants to be listened on: its cluster, external and load balancer addresses on loopback; TCP."""
    place = (nested_text(service, "metadata", "namespace"), nested_text(service, "metadata", "name"))
    addresses = [nested_text(service, "spec", "clusterIP"), *nested_list(service, "spec", "externalIPs")]
    addresses += [nested_text(each, "ip") for each in nested_list(service, "status", "loadBalancer", "ingress")]
    wanted = dict.fromkeys(address for address in addresses if is_loopback(address))
    return [
        Listener(address=address, port=int(port["port"]), service=place, port_name=str(port.get("name") or ""))
        for address in wanted
        for port in nested_list(service, "spec", "ports")
        if str(port.get("protocol") or "TCP") == "TCP"
    ]


def port_names_of(service: Mapping[str, Any]) -> dict[int | str, str]:
    """The name of each port, by its number and by its name: what connects it to EndpointSlices."""
    found: dict[int | str, str] = {}
    for port in nested_list(service, "spec", "ports"):
        name = str(port.get("name") or "")
        found[int(port["port"])] = name
        if name:
            found[name] = name
    return found


def targets_of(slices: Iterable[Mapping[str, Any]], port_name: str) -> list[Target]:
    """The ready endpoints behind a port, in a stable order."""
    found: dict[Target, None] = {}
    for each in slices:
        ports = [port for port in nested_list(each, "ports") if str(port.get("name") or "") == port_name]
        for endpoint in nested_list(each, "endpoints"):
            if nested(endpoint, "conditions", "ready") is False:
                continue
            for address in nested_list(endpoint, "addresses"):
                for port in ports:
                    if port.get("port"):
                        found[str(address), int(port["port"])] = None
    return sorted(found)


class ServiceProxy:
    """Keeps the listeners as Services and EndpointSlices say. `resolve` turns an endpoint into where it really listens."""

    def __init__(self, client: KubernetesClient, *, resolve: Callable[[Target], Target]) -> None:
        self._resolve = resolve
        self._services: dict[Place, list[Listener]] = {}
        self._slices: dict[Place, dict[str, Mapping[str, Any]]] = {}
        self._port_names: dict[Place, dict[int | str, str]] = {}
        self._forwarders: dict[Listener, Forwarder] = {}
        self._refused: set[Listener] = set()
        self._dirty = asyncio.Event()
        self._reflectors = (
            Reflector(client, SERVICES, self._heard_service),
            Reflector(client, ENDPOINT_SLICES, self._heard_slice),
        )

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for reflector in self._reflectors:
                    group.create_task(reflector.run())
                while True:
                    await self._dirty.wait()
                    self._dirty.clear()
                    await self._reconcile()
        finally:
            for forwarder in self._forwarders.values():
                forwarder.close()

    def endpoints(self, backend: Backend) -> list[Target] | None:
        """Where the ready endpoints behind a Service's port listen; None where there is no such Service or port."""
        place = (backend.namespace, backend.service)
        name = self._port_names.get(place, {}).get(backend.port)
        if name is None:
            return None
        return [self._resolve(each) for each in targets_of(self._slices.get(place, {}).values(), name)]

    def reachable(self, services: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
        """The Services with the ports at which they are really listened on."""
        for service in services:
            copied = copy_manifest(service)
            if is_loopback(nested_text(service, "spec", "clusterIP")):
                for port in nested_list(copied, "spec", "ports"):
                    port["port"] = listening_port(int(port["port"]))
            yield copied

    def _heard_service(self, event: WatchEvent) -> None:
        service = event.object
        place = (nested_text(service, "metadata", "namespace"), nested_text(service, "metadata", "name"))
        self._services.pop(place, None)
        self._port_names.pop(place, None)
        # The API's own Service leads to no Pod; it is reached at the address of the API.
        if event.type is not EventType.DELETED and place != ("default", "kubernetes"):
            self._services[place] = listeners_of(service)
            self._port_names[place] = port_names_of(service)
        self._dirty.set()

    def _heard_slice(self, event: WatchEvent) -> None:
        each = event.object
        namespace, name = nested_text(each, "metadata", "namespace"), nested_text(each, "metadata", "name")
        for place, slices in list(self._slices.items()):
            if place[0] == namespace:
                slices.pop(name, None)
                if not slices:
                    del self._slices[place]
        service = labels_of(each).get(SERVICE_NAME)
        if event.type is not EventType.DELETED and service:
            kept = {"ports": nested(each, "ports"), "endpoints": nested(each, "endpoints")}
            self._slices.setdefault((namespace, service), {})[name] = kept
        self._dirty.set()

    async def _reconcile(self) -> None:
        wanted = {listener for listeners in self._services.values() for listener in listeners}
        for listener in [each for each in self._forwarders if each not in wanted]:
            self._forwarders.pop(listener).close()
        for listener in sorted(wanted - set(self._forwarders), key=lambda each: (each.address, each.port)):
            forwarder = Forwarder(listener.address, listening_port(listener.port))
            try:
                await forwarder.listen()
            except OSError as problem:
                # Two Services may name one external address and port; the first has it, until it goes.
                if listener not in self._refused:
                    self._refused.add(listener)
                    service = "/".join(listener.service)
                    log.warning(
                        "service not reachable",
                        extra={"service": service, "port": listener.port, "problem": str(problem)},
                    )
                continue
            self._refused.discard(listener)
            self._forwarders[listener] = forwarder
        for listener, forwarder in self._forwarders.items():
            slices = self._slices.get(listener.service, {}).values()
            forwarder.targets = [self._resolve(each) for each in targets_of(slices, listener.port_name)]
