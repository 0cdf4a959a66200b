"""Addresses of LoadBalancer Services and Ingresses: this machine's, as soon as they ask.

A Service whose own address is a loopback one, where the node listens, is reached there; so two of them may have one port.
An Ingress has a loopback address of its own, from its uid, where the node serves HTTP (`haori.sandbox.node.ingress_proxy`);
where port 80 is root's alone the status names the port that it is instead.
"""

from __future__ import annotations

from typing import Any

from haori.cluster import ApiResource
from haori.cluster.well_known import INGRESSES, SERVICES
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World
from haori.sandbox.node.ingress_rules import HTTP_PORT, ingress_address, is_ingress_address
from haori.sandbox.node.ports import listening_port


class LoadBalancerController:
    """Writes `status.loadBalancer` where nobody else has; what it wrote itself it keeps right."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._services = world.informer(SERVICES)
        self._ingresses = world.informer(INGRESSES)
        self.queue: KeyedQueue[str] = KeyedQueue("load balancer", self.reconcile)

    def start(self) -> None:
        """Listens to Services and Ingresses."""
        for informer in (self._services, self._ingresses):
            informer.subscribe(self._changed)

    def _changed(self, before: Object | None, after: Object | None) -> None:
        if after is not None:
            self.queue.ask(after["metadata"]["uid"])

    async def reconcile(self, uid: str) -> None:
        """One look at one Service or Ingress."""
        if service := self._services.by_uid(uid):
            spec = service["spec"]
            is_ours = spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass")
            await self._write_service(service, is_ours=is_ours, clear=spec.get("type") != "LoadBalancer")
        elif ingress := self._ingresses.by_uid(uid):
            await self._write_ingress(ingress)

    async def _write_service(self, service: Object, *, is_ours: bool, clear: bool) -> None:
        known = _known(service)
        own = str((service.get("spec") or {}).get("clusterIP") or "")
        address = own if own.startswith("127.") else self._world.settings.load_balancer_address
        if is_deleting(service) or not address:
            return
        if known and clear:
            await self._write(SERVICES, service, [])
        elif not known and is_ours:
            await self._write(SERVICES, service, [{"ip": address}])

    async def _write_ingress(self, ingress: Object) -> None:
        common = self._world.settings.load_balancer_address
        known, wanted = _known(ingress), ingress_entry(ingress["metadata"]["uid"])
        is_ours = all(is_ingress_address(each.get("ip", "")) or each.get("ip") == common for each in known)
        if common and is_ours and known != [wanted] and not is_deleting(ingress):
            await self._write(INGRESSES, ingress, [wanted])

    async def _write(self, resource: ApiResource, item: Object, entries: list[dict[str, Any]]) -> None:
        load_balancer = {"ingress": entries} if entries else {}
        await self._world.write_status(resource, item, {**(item.get("status") or {}), "loadBalancer": load_balancer})


def ingress_entry(uid: str) -> dict[str, Any]:
    """Where the node serves the Ingress with this uid."""
    port = listening_port(HTTP_PORT)
    ports = {} if port == HTTP_PORT else {"ports": [{"port": port, "protocol": "TCP"}]}
    return {"ip": ingress_address(uid), **ports}


def _known(item: Object) -> list[dict[str, Any]]:
    return ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
