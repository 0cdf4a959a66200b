"""The scheduler: Pods without a node get one, or are told why not.

Pods are placed one after the other, each binding being counted before the next Pod is placed. A Pod that fits nowhere is
looked at again when a node or another Pod changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.cluster import ApiResource, NotFoundError
from haori.cluster.well_known import NODES, PERSISTENT_VOLUME_CLAIMS, PODS
from haori.objects.times import format_time
from haori.sandbox.controllers.conditions import set_condition
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting, key_of_object
from haori.sandbox.controllers.placement import place
from haori.sandbox.controllers.pods import condition_of, is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

COMPONENT = "default-scheduler"
BINDINGS = ApiResource(group="", version="v1", kind="Binding", plural="bindings", namespaced=True)
ALL = "all"


class Scheduler:
    """Binds Pods to nodes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pods = world.informer(PODS)
        self._nodes = world.informer(NODES)
        self._claims = world.informer(PERSISTENT_VOLUME_CLAIMS)
        self._waiting: dict[str, Object] = {}
        self._placed: dict[str, dict[str, Object]] = {}
        self._refused: set[str] = set()
        self.queue: KeyedQueue[str] = KeyedQueue("scheduler", self.reconcile, workers=1)

    def start(self) -> None:
        """Listens to Pods, nodes and claims."""
        self._pods.subscribe(self._pod_changed)
        self._nodes.subscribe(self._node_changed)
        self._claims.subscribe(lambda before, after: self._look_again())

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if before is not None:
            uid = before["metadata"]["uid"]
            self._waiting.pop(uid, None)
            was_placed = self._placed.get(before["spec"].get("nodeName", ""), {}).pop(uid, None)
            if was_placed is not None and (after is None or is_terminal(after)):
                self._look_again()
            if after is None:
                self._refused.discard(uid)
        if after is None or is_terminal(after):
            return
        uid = after["metadata"]["uid"]
        if node := after["spec"].get("nodeName"):
            self._placed.setdefault(node, {})[uid] = after
        elif not is_deleting(after) and not after["spec"].get("schedulingGates") and self._is_ours(after):
            self._waiting[uid] = after
            if uid not in self._refused or (before is not None and before["spec"] != after["spec"]):
                self._refused.discard(uid)
                self.queue.ask(ALL)

    @staticmethod
    def _is_ours(pod: Object) -> bool:
        return bool(pod["spec"].get("schedulerName", COMPONENT) == COMPONENT)

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        if before is None or after is None or _offer(before) != _offer(after):
            self._look_again()

    def _look_again(self) -> None:
        if self._refused:
            self._refused.clear()
            self.queue.ask(ALL)

    async def reconcile(self, key: str) -> None:
        """Places every Pod that waits and has not been refused since anything changed."""
        while True:
            order = sorted(
                (pod for uid, pod in self._waiting.items() if uid not in self._refused),
                key=lambda pod: (-(pod["spec"].get("priority") or 0), pod["metadata"].get("creationTimestamp", "")),
            )
            if not order:
                return
            await self._place(order[0])

    async def _place(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if missing := self._missing_claim(pod):
            await self._refuse(pod, missing)
            return
        nodes = [node for node in self._nodes.in_namespace("") if not is_deleting(node)]
        found = place(pod, nodes, {name: [*pods.values()] for name, pods in self._placed.items()})
        if not found.node:
            await self._refuse(pod, found.message)
            return
        if not await self._bind(pod, found.node):
            self._waiting.pop(uid, None)
            return
        namespace, name = key_of_object(pod)
        self._world.events.normal(
            COMPONENT, pod, "Scheduled", f"Successfully assigned {namespace}/{name} to {found.node}"
        )

    async def _bind(self, pod: Object, node: str) -> bool:
        namespace, name = key_of_object(pod)
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        metadata = {"name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        try:
            await self._world.client.create(BINDINGS, binding)
        except NotFoundError:
            return False
        # The watch tells the same a moment later; until then this Pod counts as placed.
        self._waiting.pop(pod["metadata"]["uid"], None)
        bound = {**pod, "spec": {**pod["spec"], "nodeName": node}}
        self._placed.setdefault(node, {})[pod["metadata"]["uid"]] = bound
        return True

    def _missing_claim(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if volume.get("ephemeral"):
                name = f"{pod['metadata']['name']}-{volume['name']}"
            if not name:
                continue
            claim = self._claims.get(name, namespace)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if (claim.get("status") or {}).get("phase") != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    async def _refuse(self, pod: Object, message: str) -> None:
        self._refused.add(pod["metadata"]["uid"])
        self._world.events.warning(COMPONENT, pod, "FailedScheduling", message)
        known = condition_of(pod, "PodScheduled")
        if known is not None and known.get("status") == "False" and known.get("message") == message:
            return
        status = pod.get("status") or {}
        said = {
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
            "lastTransitionTime": format_time(self._world.now()), "lastProbeTime": None,
        }  # fmt: skip
        conditions = set_condition(status.get("conditions") or (), said)
        try:
            await self._world.write_status(PODS, pod, {**status, "conditions": conditions})
        except NotFoundError:
            self._waiting.pop(pod["metadata"]["uid"], None)


def _offer(node: Mapping[str, Any]) -> tuple[Any, ...]:
    # Heartbeats change a node all the time; only this makes a difference to where Pods fit.
    status = node.get("status") or {}
    return (
        node["metadata"].get("labels"), node["spec"], status.get("allocatable"), status.get("capacity"),
        bool(node["metadata"].get("deletionTimestamp")),
    )  # fmt: skip
