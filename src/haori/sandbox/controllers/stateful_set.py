"""StatefulSets: Pods with names that stay, one after the other.

see: Kubernetes `pkg/controller/statefulset/stateful_set_control.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haori.cluster import NotFoundError
from haori.cluster.well_known import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from haori.errors import PeerError
from haori.sandbox.controllers import stateful_rules as rules
from haori.sandbox.controllers.deployment_rules import resolve
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, OwnerIndex, claim, is_deleting
from haori.sandbox.controllers.pods import is_available, is_terminal, next_available
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import refusal_text
from haori.sandbox.controllers.revisions import (
    HASH_LABEL,
    current_revision,
    find_revisions,
    forget_old_revisions,
)
from haori.sandbox.controllers.world import World

COMPONENT = "statefulset-controller"


class StatefulSetController:
    """Keeps the Pods of every StatefulSet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sets = world.informer(STATEFUL_SETS)
        self._pods = world.informer(PODS)
        self._claims = world.informer(PERSISTENT_VOLUME_CLAIMS)
        self._revisions = world.informer(CONTROLLER_REVISIONS)
        self.queue: KeyedQueue[Key] = KeyedQueue("statefulset", self.reconcile)

    def start(self) -> None:
        """Listens to what concerns StatefulSets."""
        self._sets.subscribe(asks(self.queue.ask))
        self._pods.subscribe(OwnerIndex(self._sets, self.queue.ask).child_changed)

    async def reconcile(self, key: Key) -> None:
        """One look at one StatefulSet."""
        owner = self._sets.get(key[1], key[0])
        if owner is None:
            return

        def is_name_of_set(pod: Object) -> bool:
            return rules.ordinal_of(owner, pod) is not None

        await claim(self._world, STATEFUL_SETS, owner, self._pods, may_adopt=is_name_of_set)
        revisions = await find_revisions(self._world, STATEFUL_SETS, owner, self._revisions)
        if is_deleting(owner):
            return
        update = await current_revision(self._world, owner, revisions, label=HASH_LABEL)
        known = (owner.get("status") or {}).get("currentRevision")
        current = next((each for each in revisions if each["metadata"]["name"] == known), update)
        look = _Look(self._world, owner, self._pods_of(owner), current, update)
        failure: PeerError | None = None
        try:
            await look.move()
        except PeerError as error:
            failure = error
        pods = self._pods_of(owner)
        status = status_of(owner, pods, current, update, self._world)
        await self._world.write_status(STATEFUL_SETS, self._sets.get(key[1], key[0]) or owner, status)
        used = {status["currentRevision"], status["updateRevision"], *map(rules.revision_of_pod, pods)}
        await forget_old_revisions(self._world, owner, revisions, used)
        if wait := next_available(pods, owner["spec"].get("minReadySeconds", 0), self._world.now()):
            self.queue.ask(key, wait + 0.01)
        if failure is not None:
            raise failure

    def _pods_of(self, owner: Object) -> list[Object]:
        owned = self._pods.controlled_by(owner["metadata"]["uid"])
        return [pod for pod in owned if rules.ordinal_of(owner, pod) is not None]


class _Look:
    """One look at one StatefulSet's Pods."""

    def __init__(self, world: World, owner: Object, pods: Sequence[Object], current: Object, update: Object) -> None:
        self._world, self._owner = world, owner
        self._current, self._update = current, update
        self._by_ordinal = {rules.ordinal_of(owner, pod) or 0: pod for pod in pods}
        self._ordered = not rules.is_parallel(owner)
        self._pause = owner["spec"].get("minReadySeconds", 0)

    async def move(self) -> None:
        """Makes, replaces, gives up and updates Pods as far as their order lets it."""
        for ordinal in rules.ordinals(self._owner):
            if not await self._keep(ordinal) and self._ordered:
                return
        if not await self._scale_down() and self._ordered:
            return
        if not rules.is_on_delete(self._owner):
            await self._update_pods()

    async def _keep(self, ordinal: int) -> bool:
        """Sees to one Pod that should be there; whether the next one may be looked at."""
        pod = self._by_ordinal.get(ordinal)
        await self._keep_claims(ordinal, pod, condemned=False)
        if pod is None:
            await self._create(ordinal)
            return False
        if is_terminal(pod):
            if not is_deleting(pod):
                await self._delete(pod)
            return False
        available = is_available(pod, self._pause, self._world.now())
        return not is_deleting(pod) and rules.is_running_and_ready(pod) and available

    async def _scale_down(self) -> bool:
        wanted = rules.ordinals(self._owner)
        condemned = [
            self._by_ordinal[number] for number in sorted(self._by_ordinal, reverse=True) if number not in wanted
        ]
        unhealthy = [pod for pod in condemned if not rules.is_healthy(pod)]
        for pod in condemned:
            await self._keep_claims(rules.ordinal_of(self._owner, pod) or 0, pod, condemned=True)
            if is_deleting(pod):
                if self._ordered:
                    return False
                continue
            if self._ordered and not rules.is_running_and_ready(pod) and pod is not unhealthy[-1]:
                return False
            await self._delete(pod)
            if self._ordered:
                return False
        return not condemned

    async def _update_pods(self) -> None:
        wanted = rules.ordinals(self._owner)
        least = wanted.start + (rules.partition_of(self._owner) or 0)
        rolling = (self._owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
        allowed = max(1, resolve(rolling.get("maxUnavailable", 1), len(wanted), up=True))
        missing = 0
        for ordinal in reversed(range(max(least, wanted.start), wanted.stop)):
            pod = self._by_ordinal.get(ordinal)
            is_old = pod is not None and rules.revision_of_pod(pod) != self._update["metadata"]["name"]
            if pod is not None and is_old and not is_deleting(pod):
                await self._delete(pod)
                missing += 1
            elif pod is None or not rules.is_healthy(pod) or not is_available(pod, self._pause, self._world.now()):
                missing += 1
            if missing >= allowed:
                return

    async def _create(self, ordinal: int) -> None:
        manifest = rules.pod_of(self._owner, self._revision_for(ordinal), ordinal)
        name, owner = manifest["metadata"]["name"], self._owner["metadata"]["name"]
        try:
            self._by_ordinal[ordinal] = await self._world.create(PODS, manifest)
        except PeerError as error:
            text = f"create Pod {name} in StatefulSet {owner} failed error: {refusal_text(error)}"
            self._world.events.warning(COMPONENT, self._owner, "FailedCreate", text)
            raise
        text = f"create Pod {name} in StatefulSet {owner} successful"
        self._world.events.normal(COMPONENT, self._owner, "SuccessfulCreate", text)

    def _revision_for(self, ordinal: int) -> Object:
        start = rules.first_ordinal(self._owner)
        if rules.is_on_delete(self._owner):
            return self._update
        partition = rules.partition_of(self._owner)
        if partition is None:
            partition = (self._owner.get("status") or {}).get("currentReplicas", 0)
        return self._current if ordinal < start + partition else self._update

    async def _delete(self, pod: Object) -> None:
        name, owner = pod["metadata"]["name"], self._owner["metadata"]["name"]
        if await self._world.delete(PODS, pod):
            text = f"delete Pod {name} in StatefulSet {owner} successful"
            self._world.events.normal(COMPONENT, self._owner, "SuccessfulDelete", text)

    async def _keep_claims(self, ordinal: int, pod: Object | None, *, condemned: bool) -> None:
        claims = self._world.informer(PERSISTENT_VOLUME_CLAIMS)
        for manifest in rules.claims_of(self._owner, ordinal):
            metadata = manifest["metadata"]
            known = claims.get(metadata["name"], metadata["namespace"])
            references = (known or manifest)["metadata"].get("ownerReferences") or []
            wanted = rules.claim_owners(self._owner, pod, references, condemned=condemned)
            if known is None and not condemned:
                made = {**manifest, "metadata": {**metadata, **({"ownerReferences": wanted} if wanted else {})}}
                await self._world.create(PERSISTENT_VOLUME_CLAIMS, made)
                text = f"create Claim {metadata['name']} Pod {self._owner['metadata']['name']}-{ordinal} in StatefulSet"
                text += f" {self._owner['metadata']['name']} success"
                self._world.events.normal(COMPONENT, self._owner, "SuccessfulCreate", text)
            elif known is not None and not is_deleting(known) and references != wanted:
                changed = {**known, "metadata": {**known["metadata"], "ownerReferences": wanted}}
                try:
                    await self._world.replace(PERSISTENT_VOLUME_CLAIMS, changed)
                except NotFoundError:
                    claims.remove(known)


def status_of(owner: Object, pods: Sequence[Object], current: Object, update: Object, world: World) -> dict[str, Any]:
    """The status that the Pods give a StatefulSet; a rolling update that is through makes its revision the current one."""
    before, pause, now = owner.get("status") or {}, owner["spec"].get("minReadySeconds", 0), world.now()
    current_name, update_name = current["metadata"]["name"], update["metadata"]["name"]
    staying = [pod for pod in pods if not is_deleting(pod)]
    at_current = sum(rules.revision_of_pod(pod) == current_name for pod in staying)
    at_update = sum(rules.revision_of_pod(pod) == update_name for pod in staying)
    ready = [pod for pod in pods if rules.is_running_and_ready(pod)]
    wanted = len(rules.ordinals(owner))
    is_through = at_update == len(pods) == len(ready) == wanted and not rules.is_on_delete(owner)
    if is_through and current_name != update_name:
        current_name, at_current = update_name, at_update
    status: dict[str, Any] = {
        "observedGeneration": owner["metadata"].get("generation", 1),
        "replicas": len(pods),
        "availableReplicas": sum(is_available(pod, pause, now) for pod in ready),
        "currentRevision": current_name,
        "updateRevision": update_name,
        "collisionCount": before.get("collisionCount", 0),
    }
    counts = {"readyReplicas": len(ready), "currentReplicas": at_current, "updatedReplicas": at_update}
    return status | {name: count for name, count in counts.items() if count}
