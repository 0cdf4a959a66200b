"""Addresses of LoadBalancer Services and Ingresses: this machine's, as soon as they ask.

A Service whose own address is a loopback one, where the node listens, is reached there; so two of them may have one port.
"""

from __future__ import annotations

from haori.cluster import ApiResource
from haori.cluster.well_known import INGRESSES, SERVICES
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World


class LoadBalancerController:
    """Writes `status.loadBalancer` where nobody else has."""

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
            await self._write(SERVICES, service, is_ours=is_ours, clear=spec.get("type") != "LoadBalancer")
        elif ingress := self._ingresses.by_uid(uid):
            await self._write(INGRESSES, ingress, is_ours=True, clear=False)

    async def _write(self, resource: ApiResource, item: Object, *, is_ours: bool, clear: bool) -> None:
        known = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress")
        own = str((item.get("spec") or {}).get("clusterIP") or "")
        address = own if own.startswith("127.") else self._world.settings.load_balancer_address
        if is_deleting(item) or not address:
            return
        if known and clear:
            await self._world.write_status(resource, item, {**item["status"], "loadBalancer": {}})
        elif not known and is_ours:
            load_balancer = {"ingress": [{"ip": address}]}
            await self._world.write_status(
                resource, item, {**(item.get("status") or {}), "loadBalancer": load_balancer}
            )
