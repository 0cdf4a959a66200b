"""ReplicaSets: as many Pods as asked for.

see: Kubernetes `pkg/controller/replicaset/replica_set.go`, `replica_set_utils.go` (1.37).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from haori.cluster import ApiError
from haori.cluster.well_known import PODS, REPLICA_SETS
from haori.errors import PeerError
from haori.objects import labels_of
from haori.sandbox.controllers.conditions import condition, with_condition, without_condition
from haori.sandbox.controllers.informers import Object, controller_of
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, OwnerIndex, claim, is_deleting
from haori.sandbox.controllers.pods import (
    in_deletion_order,
    is_active,
    is_available,
    is_ready,
    is_terminal,
    next_available,
    pod_from_template,
)
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

BURST = 500
COMPONENT = "replicaset-controller"


class ReplicaSetController:
    """Keeps the Pods of every ReplicaSet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sets = world.informer(REPLICA_SETS)
        self._pods = world.informer(PODS)
        self.queue: KeyedQueue[Key] = KeyedQueue("replicaset", self.reconcile)

    def start(self) -> None:
        """Listens to what concerns ReplicaSets."""
        self._sets.subscribe(asks(self.queue.ask))
        self._pods.subscribe(OwnerIndex(self._sets, self.queue.ask).child_changed)

    async def reconcile(self, key: Key) -> None:
        """One look at one ReplicaSet."""
        owner = self._sets.get(key[1], key[0])
        if owner is None:
            return
        pods = [pod for pod in await claim(self._world, REPLICA_SETS, owner, self._pods) if not is_terminal(pod)]
        active = [pod for pod in pods if not is_deleting(pod)]
        problem: tuple[str, str] | None = None
        failure: PeerError | None = None
        if not is_deleting(owner):
            try:
                await self._manage(owner, active)
            except PeerError as error:
                failure = error
                missing = len(active) < owner["spec"].get("replicas", 1)
                problem = ("FailedCreate" if missing else "FailedDelete", refusal_text(error))
        pods = [pod for pod in self._pods.controlled_by(owner["metadata"]["uid"]) if not is_terminal(pod)]
        now = self._world.now()
        active = [pod for pod in pods if is_active(pod)]
        status = status_of(owner, active, len(pods) - len(active), problem, now)
        await self._world.write_status(REPLICA_SETS, self._sets.get(key[1], key[0]) or owner, status)
        if wait := next_available(active, owner["spec"].get("minReadySeconds", 0), now):
            self.queue.ask(key, wait)
        if failure is not None:
            raise failure

    async def _manage(self, owner: Object, active: Sequence[Object]) -> None:
        surplus = len(active) - owner["spec"].get("replicas", 1)
        if surplus < 0:
            await create_in_batches(min(-surplus, BURST), lambda: self._create(owner))
        elif surplus > 0:
            order = in_deletion_order(active, self._related(owner), self._world.now())
            await asyncio.gather(*(self._delete(owner, pod) for pod in order[: min(surplus, BURST)]))

    async def _create(self, owner: Object) -> None:
        try:
            pod = await self._world.create(PODS, pod_from_template(owner, owner["spec"]["template"]))
        except PeerError as error:
            self._world.events.warning(COMPONENT, owner, "FailedCreate", f"Error creating: {refusal_text(error)}")
            raise
        self._world.events.normal(COMPONENT, owner, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    async def _delete(self, owner: Object, pod: Object) -> None:
        name = pod["metadata"]["name"]
        if await self._world.delete(PODS, pod):
            self._world.events.normal(COMPONENT, owner, "SuccessfulDelete", f"Deleted pod: {name}")

    def _related(self, owner: Object) -> list[Object]:
        """The Pods of all ReplicaSets of the same Deployment."""
        reference = controller_of(owner)
        owners = self._sets.controlled_by(reference["uid"]) if reference else [owner]
        return [pod for each in owners for pod in self._pods.controlled_by(each["metadata"]["uid"])]


def refusal_text(error: PeerError) -> str:
    """What the API said, as events and conditions repeat it."""
    return error.message if isinstance(error, ApiError) else str(error)


async def create_in_batches(count: int, create: Any) -> None:
    """Calls `create` so many times, in batches of 1, 2, 4 ..., so that a refusal is met once and not `count` times."""
    size = 1
    while count > 0:
        size = min(size, count)
        results = await asyncio.gather(*(create() for _ in range(size)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        count -= size
        size *= 2


def status_of(
    owner: Mapping[str, Any],
    active: Sequence[Mapping[str, Any]],
    terminating: int,
    problem: tuple[str, str] | None,
    now: datetime,
) -> dict[str, Any]:
    """The status that the Pods give a ReplicaSet; `problem` is reason and message of a write that was refused."""
    spec, before = owner["spec"], owner.get("status") or {}
    template_labels = labels_of(spec["template"]).items()
    counts = {
        "fullyLabeledReplicas": sum(template_labels <= labels_of(pod).items() for pod in active),
        "readyReplicas": sum(map(is_ready, active)),
        "availableReplicas": sum(is_available(pod, spec.get("minReadySeconds", 0), now) for pod in active),
    }
    status: dict[str, Any] = {"replicas": len(active)} | {name: count for name, count in counts.items() if count}
    status["terminatingReplicas"] = terminating
    status["observedGeneration"] = owner["metadata"].get("generation", 1)
    conditions = before.get("conditions") or []
    if problem is not None:
        failure = condition("ReplicaFailure", "True", *problem, now)
        conditions = with_condition(conditions, failure, refresh=False)
    else:
        conditions = without_condition(conditions, "ReplicaFailure")
    if conditions:
        status["conditions"] = conditions
    return status
