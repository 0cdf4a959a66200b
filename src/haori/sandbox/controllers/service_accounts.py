"""What every namespace has: ServiceAccount `default` and the cluster's CA in ConfigMap `kube-root-ca.crt`."""

from __future__ import annotations

from typing import Any

from haori.cluster import AlreadyExistsError
from haori.cluster.well_known import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS
from haori.sandbox.controllers.informers import Object, metadata_only
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import is_deleting
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

ACCOUNT = "default"
CA_CONFIG_MAP = "kube-root-ca.crt"
_ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)


def trim_config_map(item: Object) -> Object:
    """Of ConfigMaps only the CA's is read."""
    trimmed = metadata_only(item)
    return {**trimmed, "data": item.get("data")} if item["metadata"]["name"] == CA_CONFIG_MAP else trimmed


class NamespaceDefaultsController:
    """Keeps the two objects in every namespace."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._namespaces = world.informer(NAMESPACES)
        self._accounts = world.informer(SERVICE_ACCOUNTS, metadata_only)
        self._config_maps = world.informer(CONFIG_MAPS, trim_config_map)
        self.queue: KeyedQueue[tuple[str, str]] = KeyedQueue("namespace defaults", self.reconcile, workers=4)

    def start(self) -> None:
        """Listens to namespaces and to the two objects."""
        self._namespaces.subscribe(asks(self.queue.ask))
        self._accounts.subscribe(self._changed(ACCOUNT))
        self._config_maps.subscribe(self._changed(CA_CONFIG_MAP))

    def _changed(self, name: str) -> Any:
        def listen(before: Object | None, after: Object | None) -> None:
            item = after if after is not None else before
            if before is not None and item is not None and item["metadata"]["name"] == name:
                self.queue.ask(("", item["metadata"]["namespace"]))

        return listen

    async def reconcile(self, key: tuple[str, str]) -> None:
        """One look at one namespace."""
        namespace = key[1]
        found = self._namespaces.get(namespace)
        if found is None or is_deleting(found):
            return
        if self._accounts.get(ACCOUNT, namespace) is None:
            manifest = {
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}
            }  # fmt: skip
            await self._create(SERVICE_ACCOUNTS, manifest)
        data = {"ca.crt": self._world.settings.ca_certificate}
        known = self._config_maps.get(CA_CONFIG_MAP, namespace)
        if data["ca.crt"] and (known is None or known.get("data") != data):
            manifest = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": CA_CONFIG_MAP,
                    "namespace": namespace,
                    "annotations": {"kubernetes.io/description": _ABOUT},
                },
                "data": data,
            }
            if known is None:
                await self._create(CONFIG_MAPS, manifest)
            else:
                await self._world.replace(CONFIG_MAPS, manifest)

    async def _create(self, resource: Any, manifest: dict[str, Any]) -> None:
        try:
            await self._world.create(resource, manifest)
        except AlreadyExistsError:
            return  # Somebody was quicker; the watch is about to say so.
