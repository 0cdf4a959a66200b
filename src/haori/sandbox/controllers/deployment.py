"""Deployments: ReplicaSets of one template after the other, rolled out within their bounds.

see: Kubernetes `pkg/controller/deployment/{deployment_controller,sync,rolling,recreate,progress}.go` (1.37). What to do is
decided by `deployment_rules` and `deployment_status`; this module does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haori.cluster import AlreadyExistsError
from haori.cluster.well_known import DEPLOYMENTS, PODS, REPLICA_SETS
from haori.errors import PeerError
from haori.objects import annotations_of
from haori.sandbox.controllers import deployment_rules as rules
from haori.sandbox.controllers.conditions import condition, find_condition, with_condition
from haori.sandbox.controllers.deployment_rules import ReplicaSet
from haori.sandbox.controllers.deployment_status import (
    TIMED_OUT_REASON,
    conditions_of,
    counted_status,
    is_complete,
    rollout_status,
    seconds_left,
)
from haori.sandbox.controllers.informers import Object, controller_of
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import (
    Key,
    OwnerIndex,
    claim,
    is_controlled_by,
    is_deleting,
    key_of_object,
    owner_reference,
)
from haori.sandbox.controllers.pods import is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import refusal_text
from haori.sandbox.controllers.world import World

COMPONENT = "deployment-controller"


class DeploymentController:
    """Rolls out every Deployment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._deployments = world.informer(DEPLOYMENTS)
        self._sets = world.informer(REPLICA_SETS)
        self._pods = world.informer(PODS)
        self.queue: KeyedQueue[Key] = KeyedQueue("deployment", self.reconcile)

    def start(self) -> None:
        """Listens to what concerns Deployments."""
        self._deployments.subscribe(asks(self.queue.ask))
        self._sets.subscribe(OwnerIndex(self._deployments, self.queue.ask).child_changed)
        self._pods.subscribe(self._pod_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        # Only Recreate asks for Pods themselves: the last old one must have ended before the first new one is made.
        pod = after or before
        reference = controller_of(pod) if pod else None
        set_ = self._sets.by_uid(reference["uid"]) if reference else None
        owner = controller_of(set_) if set_ else None
        deployment = self._deployments.by_uid(owner["uid"]) if owner else None
        if deployment is not None and not rules.is_rolling(deployment["spec"]):
            self.queue.ask(key_of_object(deployment))

    async def reconcile(self, key: Key) -> None:
        """One look at one Deployment."""
        deployment = self._deployments.get(key[1], key[0])
        if deployment is None:
            return
        if deployment["spec"].get("selector") == {}:
            self._world.events.warning(
                COMPONENT, deployment, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required."
            )  # fmt: skip
            return
        sets = await claim(self._world, DEPLOYMENTS, deployment, self._sets)
        look = _Look(self._world, deployment, sets)
        if is_deleting(deployment):
            await look.write_counts()
            return
        await look.note_pause()
        if deployment["spec"].get("paused") or rules.is_scaling(deployment, sets):
            await look.resize()
        elif rules.is_rolling(deployment["spec"]):
            await look.roll()
        else:
            await look.recreate(self._has_old_pods)
        if (wait := look.next_look()) is not None:
            self.queue.ask(key, wait)

    def _has_old_pods(self, olds: Sequence[ReplicaSet]) -> bool:
        owned = (pod for each in olds for pod in self._pods.controlled_by(each["metadata"]["uid"]))
        return any(not is_terminal(pod) for pod in owned)


class _Look:
    """One look at one Deployment: its state moves along with what is written."""

    def __init__(self, world: World, deployment: Object, sets: list[ReplicaSet]) -> None:
        self._world = world
        self._deployment = deployment
        self._sets = [each for each in sets if not is_deleting(each)]
        self._new: ReplicaSet | None = None

    @property
    def _olds(self) -> list[ReplicaSet]:
        uid = self._new["metadata"]["uid"] if self._new else None
        return [each for each in self._sets if each["metadata"]["uid"] != uid]

    async def note_pause(self) -> None:
        """A paused Deployment says so, so that its deadline does not run."""
        spec = self._deployment["spec"]
        if not rules.has_deadline(spec):
            return
        current = find_condition(conditions_of(self._deployment), "Progressing") or {}
        if current.get("reason") == TIMED_OUT_REASON:
            return
        says_paused = current.get("reason") == "DeploymentPaused"
        if bool(spec.get("paused")) == says_paused:
            return
        word = "Resumed" if says_paused else "Paused"
        await self._write_condition("Unknown", f"Deployment{word}", f"Deployment is {word.lower()}")

    async def resize(self) -> None:
        """The Deployment's size changed, or it is paused: sizes follow, templates do not."""
        await self._find_new(create=False)
        for set_, size in rules.scaled_sizes(self._deployment, self._new, self._olds):
            await self._scale(set_, size)
        if self._deployment["spec"].get("paused"):
            await self._clean_up()
        await self.write_counts()

    async def roll(self) -> None:
        """One step of a rolling update."""
        new = await self._find_new(create=True)
        wanted = rules.replicas_of(self._deployment)
        size = rules.replicas_of(new)
        target = wanted if size > wanted else rules.new_set_size(self._deployment, self._sets, size)
        moved = size != wanted and await self._scale(new, target)
        if not moved:
            moved = await self._shrink_olds()
        await self._finish(moved=moved)

    async def _shrink_olds(self) -> bool:
        assert self._new is not None
        unhealthy, healthy = rules.old_sizes(self._deployment, rules.active(self._olds), self._new)
        moved = False
        for set_, size in [*unhealthy, *healthy]:
            current = next(each for each in self._sets if each["metadata"]["uid"] == set_["metadata"]["uid"])
            moved |= await self._scale(current, size)
        return moved

    async def recreate(self, has_old_pods: Any) -> None:
        """Everything old ends before anything new begins."""
        await self._find_new(create=False)
        moved = False
        for set_ in rules.active(self._olds):
            moved |= await self._scale(set_, 0)
        if moved or has_old_pods(self._olds):
            await self._finish(moved=True)
            return
        new = await self._find_new(create=True)
        await self._scale(new, rules.replicas_of(self._deployment))
        await self._finish(moved=False)

    async def write_counts(self) -> None:
        """The counts alone."""
        if self._new is None:
            self._new = rules.find_new(self._deployment, self._sets)
        await self._write_status(counted_status(self._deployment, self._sets, self._new, self._world.now()))

    def next_look(self) -> float | None:
        """In how many seconds the progress deadline passes, where one runs."""
        status = self._deployment.get("status") or {}
        current = find_condition(status.get("conditions") or (), "Progressing")
        if current is None or not rules.has_deadline(self._deployment["spec"]):
            return None
        if current.get("reason") in (TIMED_OUT_REASON, "DeploymentPaused") or is_complete(self._deployment, status):
            return None
        return max(0.05, seconds_left(self._deployment, status, self._world.now()) + 0.05)

    async def _finish(self, *, moved: bool) -> None:
        if not moved and is_complete(self._deployment, self._deployment.get("status") or {}):
            await self._clean_up()
        await self._write_status(rollout_status(self._deployment, self._sets, self._new, self._world.now()))

    async def _find_new(self, *, create: bool) -> ReplicaSet:
        found = rules.find_new(self._deployment, self._sets)
        olds = [each for each in self._sets if each is not found]
        revision = max(map(rules.revision_of, olds), default=0) + 1
        if found is not None:
            self._new = await self._renew(found, revision)
        elif create:
            self._new = await self._create(revision)
        else:
            return {}
        await self._write_revision(annotations_of(self._new).get(rules.REVISION, ""))
        if rules.has_deadline(self._deployment["spec"]) and (
            found is None or find_condition(conditions_of(self._deployment), "Progressing") is None
        ):
            word, reason = ("Found", "FoundNewReplicaSet") if found else ("Created", "NewReplicaSetCreated")
            name = self._new["metadata"]["name"]
            said = f'{word} new replica set "{name}"'
            await self._write_condition("True", reason, said)
        return self._new

    async def _renew(self, found: ReplicaSet, revision: int) -> ReplicaSet:
        annotations = rules.renewed_annotations(self._deployment, found, revision)
        pause = self._deployment["spec"].get("minReadySeconds", 0)
        if annotations == annotations_of(found) and pause == found["spec"].get("minReadySeconds", 0):
            return found
        return await self._replace_set(
            {
                **found,
                "metadata": {**found["metadata"], "annotations": annotations},
                "spec": {**found["spec"], "minReadySeconds": pause},
            }
        )

    async def _create(self, revision: int) -> ReplicaSet:
        manifest = rules.new_set(self._deployment, self._sets, revision)
        manifest["metadata"]["ownerReferences"] = [owner_reference(self._deployment)]
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        try:
            made = await self._world.create(REPLICA_SETS, manifest)
        except AlreadyExistsError:
            made = await self._world.client.get(REPLICA_SETS, name, namespace)
            template = self._deployment["spec"]["template"]
            if not is_controlled_by(made, self._deployment) or not rules.same_template(
                made["spec"]["template"], template
            ):
                await self._count_collision()
                raise
            self._sets.append(made)
            return made
        except PeerError as error:
            text = refusal_text(error)
            await self._write_condition(
                "False", "ReplicaSetCreateError", f'Failed to create new replica set "{name}": {text}'
            )
            self._warn("ReplicaSetCreateError", f'Failed to create new replica set "{name}": {text}')
            raise
        self._sets.append(made)
        if size := rules.replicas_of(made):
            self._say("ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}")
        return made

    async def _scale(self, set_: ReplicaSet, size: int) -> bool:
        before = rules.replicas_of(set_)
        annotations = {**annotations_of(set_), **rules.size_annotations(self._deployment)}
        if size == before and annotations == annotations_of(set_):
            return False
        await self._replace_set(
            {
                **set_,
                "metadata": {**set_["metadata"], "annotations": annotations},
                "spec": {**set_["spec"], "replicas": size},
            }
        )
        if size == before:
            return False
        word = "up" if size > before else "down"
        name = set_["metadata"]["name"]
        self._say("ScalingReplicaSet", f"Scaled {word} replica set {name} from {before} to {size}")
        return True

    async def _clean_up(self) -> None:
        limit = self._deployment["spec"].get("revisionHistoryLimit")
        if limit is None or limit == rules.NO_DEADLINE:
            return
        olds = sorted(self._olds, key=rules.revision_of)
        for each in olds[: max(0, len(olds) - limit)]:
            seen = rules.observed(each, "observedGeneration") >= each["metadata"].get("generation", 1)
            if seen and rules.replicas_of(each) == 0 and rules.observed(each, "replicas") == 0:
                await self._world.delete(REPLICA_SETS, each)
                self._sets.remove(each)

    async def _replace_set(self, changed: ReplicaSet) -> ReplicaSet:
        made = await self._world.replace(REPLICA_SETS, changed)
        uid = made["metadata"]["uid"]
        self._sets = [made if each["metadata"]["uid"] == uid else each for each in self._sets]
        if self._new is not None and self._new["metadata"]["uid"] == uid:
            self._new = made
        return made

    async def _write_revision(self, revision: str) -> None:
        annotations = annotations_of(self._deployment)
        if not revision or annotations.get(rules.REVISION) == revision:
            return
        metadata = {**self._deployment["metadata"], "annotations": {**annotations, rules.REVISION: revision}}
        changed = {**self._deployment, "metadata": metadata}
        # By the status, as Kubernetes' own does: there a change of annotations is no new generation.
        written = await self._world.replace(DEPLOYMENTS, changed, subresource="status")
        if annotations_of(written).get(rules.REVISION) != revision:
            written = await self._world.replace(
                DEPLOYMENTS, {**written, "metadata": {**written["metadata"], "annotations": metadata["annotations"]}}
            )
        self._deployment = written

    async def _write_condition(self, status: str, reason: str, message: str) -> None:
        said = condition("Progressing", status, reason, message, self._world.now(), updated=True)
        conditions = with_condition(conditions_of(self._deployment), said, refresh=False)
        await self._write_status({**(self._deployment.get("status") or {}), "conditions": conditions})

    async def _count_collision(self) -> None:
        status = self._deployment.get("status") or {}
        await self._write_status({**status, "collisionCount": (status.get("collisionCount") or 0) + 1})

    async def _write_status(self, status: dict[str, Any]) -> None:
        self._deployment = await self._world.write_status(DEPLOYMENTS, self._deployment, status)

    def _say(self, reason: str, message: str) -> None:
        self._world.events.normal(COMPONENT, self._deployment, reason, message)

    def _warn(self, reason: str, message: str) -> None:
        self._world.events.warning(COMPONENT, self._deployment, reason, message)
