"""Nodes that fall silent, and the Pods of nodes that are gone.

A node is alive while its Lease or status changes, as seen here (clocks may differ). One that nobody ever kept, with
neither Lease nor heartbeat, is left as it is. see: Kubernetes `pkg/controller/nodelifecycle`, `tainteviction`, `podgc` (1.37).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from haori.cluster import NotFoundError
from haori.cluster.well_known import LEASES, NODES, PODS
from haori.objects.times import parse_time
from haori.sandbox.controllers.conditions import condition, set_condition
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting, key_of_object
from haori.sandbox.controllers.placement import is_tolerated
from haori.sandbox.controllers.pods import condition_of, is_ready, is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

COMPONENT = "node-controller"
LEASE_NAMESPACE = "kube-node-lease"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
GONE_NODE_SECONDS = 5.0
_SILENT = "Kubelet stopped posting node status."
_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


class NodeController:
    """Marks silent nodes, evicts what does not tolerate it, removes the Pods of nodes that are gone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nodes = world.informer(NODES)
        self._leases = world.informer(LEASES)
        self._pods = world.informer(PODS)
        self._heard: dict[str, float] = {}
        self._kept: set[str] = set()
        self.queue: KeyedQueue[str] = KeyedQueue("node", self.reconcile, workers=2)

    def start(self) -> None:
        """Listens to nodes, their Leases and to Pods that are bound to nobody's node."""
        self._nodes.subscribe(self._node_changed)
        self._leases.subscribe(self._lease_changed)
        self._pods.subscribe(self._pod_changed)

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        item = after or before
        assert item is not None
        name = item["metadata"]["name"]
        if after is not None:
            beat = _heartbeat(after)
            if beat and (before is None or beat != _heartbeat(before)):
                self._hear(name)
            if before is not None and _state(before) == _state(after):
                return
        self.queue.ask(name)

    def _lease_changed(self, before: Object | None, after: Object | None) -> None:
        if after is not None and after["metadata"]["namespace"] == LEASE_NAMESPACE:
            self._hear(after["metadata"]["name"])

    def _hear(self, name: str) -> None:
        was_silent = self._is_silent(name)
        self._heard[name] = asyncio.get_running_loop().time()
        if name not in self._kept or was_silent:
            self._kept.add(name)
            self.queue.ask(name)

    def _is_silent(self, name: str) -> bool:
        heard = self._heard.get(name)
        return heard is not None and self._left(heard) <= 0

    def _left(self, heard: float) -> float:
        return heard + self._world.settings.node_stale_seconds - asyncio.get_running_loop().time()

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if after is None or not (name := after["spec"].get("nodeName")):
            return
        node = self._nodes.get(name)
        if node is None:
            self.queue.ask(name, GONE_NODE_SECONDS)
        elif before is None and _evicting_taints(node):
            self.queue.ask(name)

    async def reconcile(self, name: str) -> None:
        """One look at one node."""
        node = self._nodes.get(name)
        if node is None:
            self._heard.pop(name, None)
            self._kept.discard(name)
            await self._remove_pods(name)
            return
        if (heard := self._heard.get(name)) is not None:
            left = self._left(heard)
            if left > 0:
                self.queue.ask(name, left + 0.05)
            else:
                node = await self._mark_silent(node)
        node = await self._taint(node)
        await self._tell_pods(node)
        await self._evict(node)

    async def _mark_silent(self, node: Object) -> Object:
        status = node.get("status") or {}
        conditions = status.get("conditions") or []
        if (condition_of(node, "Ready") or {}).get("status") == "Unknown":
            return node
        now = self._world.now()
        for type_ in _CONDITIONS:
            known = condition_of(node, type_)
            reason, text = ("NodeStatusUnknown", _SILENT) if known else ("NodeStatusNeverUpdated", "Kubelet never posted node status.")  # fmt: skip  # noqa: E501
            said = condition(type_, "Unknown", reason, text, now)
            said["lastHeartbeatTime"] = (known or {}).get("lastHeartbeatTime") or node["metadata"]["creationTimestamp"]
            conditions = set_condition(conditions, said)
        name = node["metadata"]["name"]
        self._world.events.normal(COMPONENT, node, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return await self._world.write_status(NODES, node, {**status, "conditions": conditions})

    async def _taint(self, node: Object) -> Object:
        ready = condition_of(node, "Ready")
        taints = node["spec"].get("taints") or []
        if ready is None and node["metadata"]["name"] not in self._kept:
            return node
        wanted = {"True": "", "Unknown": UNREACHABLE}.get((ready or {}).get("status", "False"), NOT_READY)
        kept = [each for each in taints if each["key"] not in (NOT_READY, UNREACHABLE) or each["key"] == wanted]
        for effect in ("NoSchedule", "NoExecute"):
            if wanted and not any(each["key"] == wanted and each["effect"] == effect for each in kept):
                kept.append({"key": wanted, "effect": effect, "timeAdded": self._world.timestamp()})
        if kept == taints:
            return node
        spec = {key: value for key, value in node["spec"].items() if key != "taints"}
        changed = {**node, "spec": {**spec, **({"taints": kept} if kept else {})}}
        return await self._world.replace(NODES, changed)

    def _pods_on(self, name: str) -> list[Object]:
        return [pod for pod in self._pods.everywhere() if pod["spec"].get("nodeName") == name and not is_terminal(pod)]

    async def _tell_pods(self, node: Object) -> None:
        if (condition_of(node, "Ready") or {}).get("status") != "Unknown":
            return
        for pod in self._pods_on(node["metadata"]["name"]):
            if is_ready(pod):
                status = pod["status"]
                said = {
                    **(condition_of(pod, "Ready") or {}),
                    "status": "False",
                    "lastTransitionTime": self._world.timestamp(),
                }
                said |= {"reason": "NodeNotReady", "message": "Node is not ready"}
                await self._world.write_status(
                    PODS, pod, {**status, "conditions": set_condition(status["conditions"], said)}
                )

    async def _evict(self, node: Object) -> None:
        taints = _evicting_taints(node)
        if not taints:
            return
        waits = []
        for pod in self._pods_on(node["metadata"]["name"]):
            wait = eviction_in(pod, taints, self._world)
            if wait is None or is_deleting(pod):
                continue
            if wait > 0:
                waits.append(wait)
                continue
            namespace, name = key_of_object(pod)
            text = f"Marking for deletion Pod {namespace}/{name}"
            self._world.events.normal("taint-eviction-controller", pod, "TaintManagerEviction", text)
            await self._world.delete(PODS, pod)
        if waits:
            self.queue.ask(node["metadata"]["name"], min(waits) + 0.05)

    async def _remove_pods(self, name: str) -> None:
        """No kubelet will ever confirm the end of these: they are called failed, and so end at once."""
        for pod in self._pods.everywhere():
            if pod["spec"].get("nodeName") != name:
                continue
            status = dict(pod.get("status") or {})
            said = condition(
                "DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists", self._world.now()
            )
            conditions = set_condition(status.get("conditions") or (), said)
            self.queue.ask(name, GONE_NODE_SECONDS)
            try:
                if not is_terminal(pod):
                    pod = await self._world.write_status(
                        PODS, pod, {**status, "phase": "Failed", "conditions": conditions}
                    )
                await self._world.delete(PODS, pod)
            except NotFoundError:
                continue
            return  # The informer changed under the loop; the rest follows.


def eviction_in(pod: Mapping[str, Any], taints: list[Mapping[str, Any]], world: World) -> float | None:
    """In how many seconds the Pod has to leave for its node's taints; None: it may stay."""
    tolerations = pod["spec"].get("tolerations") or ()
    waits = []
    for taint in taints:
        tolerating = [each for each in tolerations if is_tolerated(taint, [each])]
        if not tolerating:
            return 0.0
        bounds = [each["tolerationSeconds"] for each in tolerating if each.get("tolerationSeconds") is not None]
        if len(bounds) == len(tolerating):
            since = parse_time(taint.get("timeAdded")) or world.now()
            waits.append((since + timedelta(seconds=max(0, min(bounds))) - world.now()).total_seconds())
    return max(0.0, min(waits)) if waits else None


def _evicting_taints(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in node["spec"].get("taints") or () if each.get("effect") == "NoExecute"]


def _heartbeat(node: Mapping[str, Any]) -> str:
    return str((condition_of(node, "Ready") or {}).get("lastHeartbeatTime") or "")


def _state(node: Mapping[str, Any]) -> tuple[Any, ...]:
    return (condition_of(node, "Ready") or {}).get("status"), node["spec"].get("taints"), is_deleting(node)
