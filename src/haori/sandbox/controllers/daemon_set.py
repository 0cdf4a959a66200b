"""DaemonSets: one Pod on every node that takes it.

see: Kubernetes `pkg/controller/daemon/{daemon_controller,update}.go`, `util/daemonset_util.go` (1.37).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from haori.cluster.well_known import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from haori.errors import PeerError
from haori.objects import labels_of
from haori.sandbox.controllers.deployment_rules import resolve
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, OwnerIndex, claim, is_deleting, key_of_object
from haori.sandbox.controllers.placement import why_not
from haori.sandbox.controllers.pods import is_available, is_ready, next_available, phase_of, pod_from_template
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import create_in_batches, refusal_text
from haori.sandbox.controllers.revisions import POD_LABEL, current_revision, find_revisions, forget_old_revisions
from haori.sandbox.controllers.world import World

COMPONENT = "daemonset-controller"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_HOST_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


@dataclass(slots=True, kw_only=True)
class Plan:
    """Where to make Pods, and which to delete."""

    nodes: list[str] = field(default_factory=list)
    deletions: list[Object] = field(default_factory=list)


class DaemonSetController:
    """Keeps the Pods of every DaemonSet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sets = world.informer(DAEMON_SETS)
        self._pods = world.informer(PODS)
        self._nodes = world.informer(NODES)
        self._revisions = world.informer(CONTROLLER_REVISIONS)
        self.queue: KeyedQueue[Key] = KeyedQueue("daemonset", self.reconcile)

    def start(self) -> None:
        """Listens to what concerns DaemonSets."""
        self._sets.subscribe(asks(self.queue.ask))
        self._pods.subscribe(OwnerIndex(self._sets, self.queue.ask).child_changed)
        self._nodes.subscribe(self._node_changed)

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        if before is not None and after is not None and _taste(before) == _taste(after):
            return
        for owner in self._sets.everywhere():
            self.queue.ask(key_of_object(owner))

    async def reconcile(self, key: Key) -> None:
        """One look at one DaemonSet."""
        owner = self._sets.get(key[1], key[0])
        if owner is None:
            return
        pods = await claim(self._world, DAEMON_SETS, owner, self._pods)
        revisions = await find_revisions(self._world, DAEMON_SETS, owner, self._revisions)
        if is_deleting(owner):
            return
        update = await current_revision(self._world, owner, revisions)
        hash_ = labels_of(update)[POD_LABEL]
        nodes = {node["metadata"]["name"]: node for node in self._nodes.in_namespace("") if not is_deleting(node)}
        failure: PeerError | None = None
        try:
            plan = plan_pods(owner, nodes, pods)
            if not plan.nodes and not plan.deletions:
                plan = plan_update(owner, nodes, pods, hash_, self._world)
            await self._carry_out(owner, plan, hash_)
        except PeerError as error:
            failure = error
        pods = self._pods.controlled_by(owner["metadata"]["uid"])
        status = status_of(owner, nodes, pods, hash_, self._world)
        await self._world.write_status(DAEMON_SETS, self._sets.get(key[1], key[0]) or owner, status)
        used = {labels_of(pod).get(POD_LABEL) for pod in pods} | {hash_}
        names = {each["metadata"]["name"] for each in revisions if labels_of(each).get(POD_LABEL) in used}
        await forget_old_revisions(self._world, owner, revisions, names)
        if wait := next_available(pods, owner["spec"].get("minReadySeconds", 0), self._world.now()):
            self.queue.ask(key, wait + 0.01)
        if failure is not None:
            raise failure

    async def _carry_out(self, owner: Object, plan: Plan, hash_: str) -> None:
        waiting = [*plan.nodes]
        await create_in_batches(len(waiting), lambda: self._create(owner, waiting.pop(0), hash_))
        await asyncio.gather(*(self._delete(owner, pod) for pod in plan.deletions))

    async def _create(self, owner: Object, node: str, hash_: str) -> None:
        try:
            pod = await self._world.create(PODS, pod_for(owner, node, hash_))
        except PeerError as error:
            self._world.events.warning(COMPONENT, owner, "FailedCreate", f"Error creating: {refusal_text(error)}")
            raise
        self._world.events.normal(COMPONENT, owner, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    async def _delete(self, owner: Object, pod: Object) -> None:
        if phase_of(pod) == "Failed":
            where = f"{pod['spec'].get('nodeName', '')}, will try to kill it"
            text = f"Found failed daemon pod {pod['metadata']['namespace']}/{pod['metadata']['name']} on node {where}"
            self._world.events.warning(COMPONENT, owner, "FailedDaemonPod", text)
        if await self._world.delete(PODS, pod):
            name = pod["metadata"]["name"]
            self._world.events.normal(COMPONENT, owner, "SuccessfulDelete", f"Deleted pod: {name}")


def pod_for(owner: Object, node: str, hash_: str) -> Object:
    """The Pod for one node: bound to it by affinity, tolerating what a node may suffer from."""
    generation = owner["metadata"].get("annotations", {}).get("deprecated.daemonset.template.generation", "1")
    labels = {POD_LABEL: hash_, "pod-template-generation": generation}
    pod = pod_from_template(owner, owner["spec"]["template"], labels=labels)
    spec = pod["spec"]
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": [{}]})
    required["nodeSelectorTerms"] = [{**each, **term} for each in required["nodeSelectorTerms"] or [{}]]
    spec["tolerations"] = [*(spec.get("tolerations") or ()), *_tolerations(spec)]
    return pod


def _tolerations(spec: Mapping[str, Any]) -> list[dict[str, str]]:
    pairs = [*_TOLERATED, *([_HOST_NETWORK] if spec.get("hostNetwork") else [])]
    return [{"key": key, "operator": "Exists", "effect": effect} for key, effect in pairs]


def is_wanted_on(owner: Object, node: Object) -> tuple[bool, bool]:
    """(should run there, may go on running there)."""
    spec = owner["spec"]["template"]["spec"]
    spec = {**spec, "tolerations": [*(spec.get("tolerations") or ()), *_tolerations(spec)]}
    if not why_not({"spec": spec}, node):
        return True, True
    taints = [each for each in node["spec"].get("taints") or () if each.get("effect") == "NoExecute"]
    lenient = {**node, "spec": {**node["spec"], "taints": taints, "unschedulable": False}}
    return False, not why_not({"spec": spec}, lenient)


def node_of(pod: Object) -> str:
    """The node a Pod runs on or is meant for."""
    if name := pod["spec"].get("nodeName"):
        return str(name)
    path = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    required: Any = pod["spec"]
    for step in path:
        required = required.get(step) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for each in term.get("matchFields") or ():
            if each.get("key") == "metadata.name" and each.get("values"):
                return str(each["values"][0])
    return ""


def by_node(pods: Sequence[Object]) -> dict[str, list[Object]]:
    """The Pods of each node, oldest first."""
    found: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=lambda each: (each["metadata"].get("creationTimestamp", ""), each["metadata"]["name"])):
        found.setdefault(node_of(pod), []).append(pod)
    return found


def plan_pods(owner: Object, nodes: Mapping[str, Object], pods: Sequence[Object]) -> Plan:
    """One Pod on every node that wants one, none elsewhere; what failed or came to an end is replaced."""
    plan, there = Plan(), by_node(pods)
    surge, _ = _bounds(owner, len(nodes))
    for name, node in nodes.items():
        should, may = is_wanted_on(owner, node)
        here = there.get(name, [])
        if should and not here:
            plan.nodes.append(name)
        elif may:
            ended = [pod for pod in here if phase_of(pod) in ("Failed", "Succeeded") and not is_deleting(pod)]
            plan.deletions += ended
            running = [pod for pod in here if phase_of(pod) not in ("Failed", "Succeeded") and not is_deleting(pod)]
            if surge == 0:
                plan.deletions += running[1:]
        else:
            plan.deletions += [pod for pod in here if not is_deleting(pod)]
    return plan


def plan_update(owner: Object, nodes: Mapping[str, Object], pods: Sequence[Object], hash_: str, world: World) -> Plan:
    """The next step of a rolling update; nothing where the strategy is OnDelete."""
    plan = Plan()
    if (owner["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return plan
    wanted = [name for name, node in nodes.items() if is_wanted_on(owner, node)[0]]
    surge, unavailable = _bounds(owner, len(wanted))
    there, pause, now = by_node(pods), owner["spec"].get("minReadySeconds", 0), world.now()
    missing, surging = 0, 0
    candidates: list[str] = []
    extra: list[str] = []
    for name in wanted:
        staying = [pod for pod in there.get(name, []) if not is_deleting(pod)]
        new = [pod for pod in staying if labels_of(pod).get(POD_LABEL) == hash_]
        old = [pod for pod in staying if pod not in new]
        new_available = any(is_available(pod, pause, now) for pod in new)
        old_available = any(is_available(pod, pause, now) for pod in old)
        if surge:
            if old and new_available:
                plan.deletions += old
            elif old and new:
                surging += 1
            elif old:
                (candidates if old_available else extra).append(name)
            continue
        if old and not old_available:
            plan.deletions += old
            missing += 1
        elif old:
            candidates.append(name)
        elif not new_available:
            missing += 1
    if surge:
        plan.nodes += [*extra, *candidates[: max(0, surge - surging)]]
        return plan
    for name in candidates[: max(0, unavailable - missing)]:
        plan.deletions += [
            pod for pod in there[name] if labels_of(pod).get(POD_LABEL) != hash_ and not is_deleting(pod)
        ]
    return plan


def _bounds(owner: Object, wanted: int) -> tuple[int, int]:
    rolling = (owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    surge = resolve(rolling.get("maxSurge", 0), wanted, up=True)
    unavailable = resolve(rolling.get("maxUnavailable", 1), wanted, up=True)
    return surge, 1 if surge == 0 and unavailable == 0 else unavailable


def status_of(
    owner: Object, nodes: Mapping[str, Object], pods: Sequence[Object], hash_: str, world: World
) -> dict[str, Any]:
    """The status that nodes and Pods give a DaemonSet."""
    there, pause, now = by_node(pods), owner["spec"].get("minReadySeconds", 0), world.now()
    counts = dict.fromkeys(("desired", "current", "misscheduled", "ready", "available", "updated"), 0)
    for name, node in nodes.items():
        should, here = is_wanted_on(owner, node)[0], there.get(name, [])
        if not should:
            counts["misscheduled"] += bool(here)
            continue
        counts["desired"] += 1
        if not here:
            continue
        counts["current"] += 1
        counts["ready"] += any(is_ready(pod) and not is_deleting(pod) for pod in here)
        counts["available"] += any(is_available(pod, pause, now) and not is_deleting(pod) for pod in here)
        counts["updated"] += any(labels_of(pod).get(POD_LABEL) == hash_ for pod in here)
    status: dict[str, Any] = {
        "currentNumberScheduled": counts["current"],
        "numberMisscheduled": counts["misscheduled"],
        "desiredNumberScheduled": counts["desired"],
        "numberReady": counts["ready"],
        "observedGeneration": owner["metadata"].get("generation", 1),
    }
    rest = {
        "updatedNumberScheduled": counts["updated"],
        "numberAvailable": counts["available"],
        "numberUnavailable": counts["desired"] - counts["available"],
    }
    return status | {name: count for name, count in rest.items() if count}


def _taste(node: Object) -> tuple[Any, ...]:
    return labels_of(node), node["spec"].get("taints"), node["spec"].get("unschedulable"), is_deleting(node)
