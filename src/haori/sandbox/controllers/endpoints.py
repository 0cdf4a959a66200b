"""EndpointSlices, and Endpoints for those that still read them: which Pods are behind a Service, and who of them is ready.

see: Kubernetes `staging/src/k8s.io/endpointslice/{reconciler,utils}.go`, `pkg/controller/endpoint` (1.37). Services without
a selector are their owners' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.cluster import AlreadyExistsError, ConflictError
from haori.cluster.well_known import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES
from haori.objects import labels_of, nested_list
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.listening import asks_also_when_gone
from haori.sandbox.controllers.ownership import Key, is_deleting, key_of_object, owner_reference
from haori.sandbox.controllers.pods import is_ready, is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

Item = Mapping[str, Any]

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
OUR_NAME = "endpointslice-controller.k8s.io"
LEGACY_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
SLICE_SIZE = 100
LEGACY_SIZE = 1000


class EndpointsController:
    """Keeps the EndpointSlices and Endpoints of every Service that has a selector."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._services = world.informer(SERVICES)
        self._pods = world.informer(PODS)
        self._slices = world.informer(ENDPOINT_SLICES)
        self._endpoints = world.informer(ENDPOINTS)
        self.queue: KeyedQueue[Key] = KeyedQueue("endpoints", self.reconcile)

    def start(self) -> None:
        """Listens to Services, Pods and what it writes itself."""
        self._services.subscribe(asks_also_when_gone(self.queue.ask))
        self._pods.subscribe(self._pod_changed)
        self._slices.subscribe(self._slice_changed)
        self._endpoints.subscribe(self._legacy_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if before is not None and after is not None and _matters(before) == _matters(after):
            return
        namespace = (after or before or {})["metadata"]["namespace"]
        for service in self._services.in_namespace(namespace):
            if any(pod is not None and _selects(service, pod) for pod in (before, after)):
                self.queue.ask(key_of_object(service))

    def _slice_changed(self, before: Object | None, after: Object | None) -> None:
        item = after or before
        if item is not None and (name := labels_of(item).get(SERVICE_LABEL)):
            self.queue.ask((item["metadata"]["namespace"], name))

    def _legacy_changed(self, before: Object | None, after: Object | None) -> None:
        if before is not None:
            self.queue.ask(key_of_object(before))

    async def reconcile(self, key: Key) -> None:
        """One look at one Service."""
        namespace, name = key
        service = self._services.get(name, namespace)
        legacy = self._endpoints.get(name, namespace)
        if service is None:
            if legacy is not None and LEGACY_MANAGED_BY in labels_of(legacy):
                await self._world.delete(ENDPOINTS, legacy)
            return
        if not service["spec"].get("selector") or is_deleting(service):
            return
        pods = sorted(
            (pod for pod in self._pods.in_namespace(namespace) if _selects(service, pod) and not is_terminal(pod)),
            key=lambda pod: str(pod["metadata"]["name"]),
        )
        await self._write_slices(service, wanted_slices(service, pods))
        await self._write_legacy(service, wanted_subsets(service, pods), legacy)

    async def _write_slices(self, service: Object, wanted: Sequence[dict[str, Any]]) -> None:
        namespace, name = key_of_object(service)
        current = [
            each
            for each in self._slices.in_namespace(namespace)
            if labels_of(each).get(SERVICE_LABEL) == name and labels_of(each).get(MANAGED_BY) == OUR_NAME
        ]
        current.sort(key=lambda each: str(each["metadata"]["name"]))
        for slice_ in wanted:
            kept = next((each for each in current if _same_place(each, slice_)), None)
            if kept is None:
                await self._world.create(ENDPOINT_SLICES, slice_)
                continue
            current.remove(kept)
            if not _same(kept, slice_):
                metadata = {**kept["metadata"], "labels": slice_["metadata"]["labels"]}
                await self._world.replace(ENDPOINT_SLICES, {**slice_, "metadata": metadata})
        for each in current:
            await self._world.delete(ENDPOINT_SLICES, each)

    async def _write_legacy(self, service: Object, subsets: list[dict[str, Any]], known: Object | None) -> None:
        namespace, name = key_of_object(service)
        labels = {**labels_of(service), LEGACY_MANAGED_BY: "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        if known is None:
            manifest = {
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
            }
            try:
                await self._world.create(ENDPOINTS, manifest | ({"subsets": subsets} if subsets else {}))
            except AlreadyExistsError:
                raise ConflictError("api-conflict", status=409, reason="AlreadyExists") from None
            return
        if (known.get("subsets") or []) == subsets and labels_of(known) == labels:
            return
        metadata = {**known["metadata"], "labels": labels}
        await self._world.replace(ENDPOINTS, {**known, "metadata": metadata, "subsets": subsets})


def _selects(service: Item, pod: Item) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and selector.items() <= labels_of(pod).items()


def _matters(pod: Item) -> tuple[Any, ...]:
    status = pod.get("status") or {}
    return (
        labels_of(pod), status.get("podIPs"), status.get("podIP"), status.get("phase"), is_ready(pod), is_deleting(pod),
        pod["spec"].get("nodeName"),
    )  # fmt: skip


def _addresses(pod: Item) -> list[str]:
    status = pod.get("status") or {}
    found = [str(each["ip"]) for each in status.get("podIPs") or () if each.get("ip")]
    return found or ([str(status["podIP"])] if status.get("podIP") else [])


def _families(service: Item) -> list[str]:
    return list(service["spec"].get("ipFamilies") or ["IPv4"])


def _port_number(port: Item, pod: Item) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    for container in [*nested_list(pod, "spec", "containers"), *nested_list(pod, "spec", "initContainers")]:
        for each in container.get("ports") or ():
            if each.get("name") == target and each.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(each["containerPort"])
    return int(target) if str(target).isdigit() else None


def ports_of(service: Item, pod: Item) -> list[dict[str, Any]]:
    """The Service's ports as numbers of that Pod; a name the Pod does not have is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = _port_number(port, pod)
        if number is None:
            continue
        each = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
        found.append(each | ({"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}))
    return found


def endpoint_of(service: Item, pod: Item, address: str) -> dict[str, Any]:
    """The endpoint a Pod is of a Service."""
    serving, terminating = is_ready(pod), is_deleting(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    metadata, spec = pod["metadata"], pod["spec"]
    endpoint: dict[str, Any] = {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {
            "kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]
        },
    }  # fmt: skip
    if spec.get("nodeName"):
        endpoint["nodeName"] = spec["nodeName"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = spec["hostname"]
    return endpoint


def wanted_slices(service: Item, pods: Sequence[Item]) -> list[dict[str, Any]]:
    """The EndpointSlices a Service should have; one without endpoints for each family that has none."""
    wanted = []
    for family in _families(service):
        groups: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
        for pod in pods:
            for address in _addresses(pod):
                if (":" in address) is (family == "IPv6"):
                    ports = ports_of(service, pod)
                    groups.setdefault(repr(ports), (ports, []))[1].append(endpoint_of(service, pod, address))
                    break
        for ports, endpoints in groups.values() or [([], [])]:
            for start in range(0, max(1, len(endpoints)), SLICE_SIZE):
                wanted.append(_slice(service, family, ports, endpoints[start : start + SLICE_SIZE]))
    return wanted


def _slice(service: Item, family: str, ports: list[dict[str, Any]], endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    namespace, name = key_of_object(service)
    labels = {**labels_of(service), SERVICE_LABEL: name, MANAGED_BY: OUR_NAME}
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name}-",
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": family,
        "endpoints": endpoints,
        "ports": ports,
    }


def _same_place(known: Item, wanted: Item) -> bool:
    if known["addressType"] != wanted["addressType"]:
        return False
    return not known.get("endpoints") or not wanted["endpoints"] or (known.get("ports") or []) == wanted["ports"]


def _same(known: Item, wanted: Item) -> bool:
    return (
        (known.get("endpoints") or []) == wanted["endpoints"]
        and (known.get("ports") or []) == wanted["ports"]
        and labels_of(known) == labels_of(wanted)
    )


def wanted_subsets(service: Item, pods: Sequence[Item]) -> list[dict[str, Any]]:
    """The subsets of a Service's Endpoints: its first family only, nobody who is on the way out."""
    family = _families(service)[0]
    groups: dict[str, dict[str, Any]] = {}
    unready_too = bool(service["spec"].get("publishNotReadyAddresses"))
    for pod in pods[:LEGACY_SIZE]:
        address = next((each for each in _addresses(pod) if (":" in each) is (family == "IPv6")), None)
        if address is None or (is_deleting(pod) and not unready_too):
            continue
        ports = [_without_empty_name(port) for port in ports_of(service, pod)]
        group = groups.setdefault(repr(ports), {"ports": ports})
        endpoint = endpoint_of(service, pod, address)
        entry: dict[str, Any] = {"ip": address, "targetRef": endpoint["targetRef"]}
        entry |= {name: endpoint[name] for name in ("nodeName", "hostname") if name in endpoint}
        group.setdefault("addresses" if endpoint["conditions"]["ready"] else "notReadyAddresses", []).append(entry)
    for group in groups.values():
        if not group["ports"]:
            del group["ports"]
    return [*groups.values()]


def _without_empty_name(port: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in port.items() if key != "name" or value}
