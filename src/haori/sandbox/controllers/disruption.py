"""PodDisruptionBudgets: how many Pods may be missing, kept in their status for the eviction API to read.

see: Kubernetes `pkg/controller/disruption/disruption.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.cluster.well_known import DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS, STATEFUL_SETS
from haori.objects import labels_of
from haori.sandbox.controllers.conditions import condition, set_condition
from haori.sandbox.controllers.deployment_rules import replicas_of, resolve
from haori.sandbox.controllers.informers import Object, controller_of
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, is_deleting, key_of_object, selector_of
from haori.sandbox.controllers.pods import is_ready, is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World


class DisruptionController:
    """Keeps the status of every PodDisruptionBudget."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._budgets = world.informer(POD_DISRUPTION_BUDGETS)
        self._pods = world.informer(PODS)
        self._owners = [world.informer(each) for each in (REPLICA_SETS, STATEFUL_SETS, DEPLOYMENTS)]
        self.queue: KeyedQueue[Key] = KeyedQueue("disruption", self.reconcile)

    def start(self) -> None:
        """Listens to budgets and to the Pods they are about."""
        self._budgets.subscribe(asks(self.queue.ask))
        self._pods.subscribe(self._pod_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if before is not None and after is not None and _taste(before) == _taste(after):
            return
        for budget in self._budgets.in_namespace((after or before or {})["metadata"]["namespace"]):
            if any(pod is not None and _covers(budget, pod) for pod in (before, after)):
                self.queue.ask(key_of_object(budget))

    async def reconcile(self, key: Key) -> None:
        """One look at one budget."""
        budget = self._budgets.get(key[1], key[0])
        if budget is None:
            return
        pods = [pod for pod in self._pods.in_namespace(key[0]) if _covers(budget, pod) and not is_terminal(pod)]
        healthy = sum(is_ready(pod) and not is_deleting(pod) for pod in pods)
        expected, desired = wanted_of(budget, len(pods), self._scale_of(pods))
        allowed = max(0, healthy - desired) if expected > 0 else 0
        before = budget.get("status") or {}
        word = "Sufficient" if allowed else "Insufficient"
        said = condition("DisruptionAllowed", "True" if allowed else "False", f"{word}Pods", "", self._world.now())
        said = {**said, "message": "", "observedGeneration": budget["metadata"].get("generation", 1)}
        status = {
            "observedGeneration": budget["metadata"].get("generation", 1),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "conditions": set_condition(before.get("conditions") or (), said),
        }
        await self._world.write_status(POD_DISRUPTION_BUDGETS, budget, status)

    def _scale_of(self, pods: Sequence[Object]) -> int:
        """How many Pods the controllers of these Pods want together."""
        wanted: dict[str, int] = {}
        for pod in pods:
            owner = self._topmost(pod)
            if owner is not None:
                wanted[owner["metadata"]["uid"]] = replicas_of(owner)
        return sum(wanted.values())

    def _topmost(self, item: Object) -> Object | None:
        reference = controller_of(item)
        if reference is None:
            return None
        owner = next((found for each in self._owners if (found := each.by_uid(reference["uid"])) is not None), None)
        return None if owner is None else self._topmost(owner) or owner


def wanted_of(budget: Mapping[str, Any], pods: int, scale: int) -> tuple[int, int]:
    """(expected Pods, Pods that must stay healthy)."""
    spec = budget["spec"]
    if (most := spec.get("maxUnavailable")) is not None:
        return scale, max(0, scale - resolve(most, scale, up=True))
    least = spec.get("minAvailable", 1)
    if isinstance(least, str):
        return scale, resolve(least, scale, up=True)
    return pods, int(least)


def _covers(budget: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    # In policy/v1 an empty selector means every Pod of the namespace.
    return budget["spec"].get("selector") == {} or selector_of(budget).matches(labels_of(pod))


def _taste(pod: Mapping[str, Any]) -> tuple[Any, ...]:
    return labels_of(pod), is_ready(pod), is_terminal(pod), is_deleting(pod)
