"""Takes a deleted application's objects away, one wave at a time, and then its finalizer; hooks run before and behind.

Without our finalizer the objects stay, as Argo CD leaves them; what the project does not permit stays in any case. Each pass
deletes what may go now and returns; that an object is gone brings the application back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from haori.cluster import KubernetesClient, NotFoundError, Propagation
from haori.delivery.apply import WriteDoor
from haori.delivery.controller.admit import check_deletion, permits_live
from haori.delivery.controller.assessment import gather
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.deletion_hooks import DeletionHooks, Stage
from haori.delivery.controller.hook_objects import HookObjects
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.status import build_conditions
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, Condition, Project
from haori.delivery.model.application import deletion_approved_at
from haori.delivery.plan import plan_deletion
from haori.delivery.plan.deletion_hooks import FINALIZERS, cleanup_of
from haori.objects import Manifest, ResourceKey, nested_list, nested_text
from haori.objects.times import parse_time
from haori.resources import argo
from haori.resources.argo import ConditionType, SyncPhase
from haori.words import Sentence

TAKEN_BACK = frozenset({ConditionType.DELETION_ERROR, ConditionType.UNKNOWN_ERROR})
"""What no longer holds once a deletion goes on."""
Done = tuple[Stage, Application | None]
"""How far a part of the deletion is, and the Application as it is then (None: gone)."""


class Deletion:
    """Deletes what applications leave behind."""

    def __init__(
        self,
        client: KubernetesClient,
        door: WriteDoor,
        cache: ClusterCache,
        hook_objects: HookObjects,
        writer: ApplicationWriter,
        *,
        control_namespace: str,
        project_of: Callable[[Application], Project | None],
        hooks: DeletionHooks,
        clock: Callable[[], datetime],
    ) -> None:
        self._hooks = hooks
        self._client, self._door, self._cache = client, door, cache
        self._hook_objects, self._writer = hook_objects, writer
        self._control_namespace, self._clock = control_namespace, clock
        self._project_of = project_of

    async def step(
        self, application: Application, place: Place, *, fresh_after: float | None = None
    ) -> datetime | None:
        """Does what can be done now: PreDelete hooks, the objects, PostDelete hooks, and after each its finalizer.

        Hooks are read from Git by what was fetched since `fresh_after` (loop time), where it is given. Gives when to look again
        though nothing happens, for a time-out of a hook.
        """
        key = ApplicationKey(application.namespace, application.name)
        if not any(_is_ours(each) for each in application.finalizers):
            return None
        project = self._project_of(application)
        if forbidden := check_deletion(application, project, place):
            told = {"application": application.name, "reason": forbidden[0].sentence}
            await self._tell(key, Sentence(code="deletion-forbidden", parameters=told))
            return None
        for phase in (SyncPhase.PRE_DELETE, SyncPhase.SYNC, SyncPhase.POST_DELETE):
            if phase is SyncPhase.SYNC:
                stage, newest = await self._delete_objects(application, project, place)
            else:
                stage, newest = await self._hook_stage(application, phase, project, place, fresh_after)
            if newest is None or stage.problem is not None or not stage.is_done:
                await self._tell(key, stage.problem)
                return stage.look_at
            application = newest
        return None

    async def _hook_stage(
        self,
        application: Application,
        phase: SyncPhase,
        project: Project | None,
        place: Place,
        fresh_after: float | None,
    ) -> Done:
        """The hooks of one phase, as far as the Application's finalizers ask for them."""
        newest: Application | None = application
        name = application.qualified_name(self._control_namespace)
        if FINALIZERS[phase] in application.finalizers:
            stage = await self._hooks.run(application, phase, project, place, fresh_after)
            if not stage.is_done:
                return stage, application
            newest = await self._remove(application, FINALIZERS[phase])
        if newest is not None and cleanup_of(phase) in newest.finalizers:
            if not await self._hooks.clean_up(application, name, phase):
                return Stage(), newest
            newest = await self._remove(newest, cleanup_of(phase))
        return Stage(is_done=True), newest

    async def _remove(self, application: Application, finalizer: str) -> Application | None:
        key = ApplicationKey(application.namespace, application.name)
        return await self._writer.write(key, lambda newest: _without(newest, lambda each: each == finalizer))

    async def _delete_objects(self, application: Application, project: Project | None, place: Place) -> Done:
        """Deletes what may go now, where the Application's finalizer asks for it; the finalizer once nothing is left."""
        key = ApplicationKey(application.namespace, application.name)
        ours = [each for each in application.finalizers if each.startswith(argo.RESOURCES_FINALIZER)]
        if not ours:
            return Stage(is_done=True), application
        live = gather(self._cache, application.qualified_name(self._control_namespace), None)
        live = {name: item for name, item in live.items() if permits_live(project, name, place.server, place.name)}
        plan = plan_deletion(
            {name: item.manifest for name, item in live.items()},
            itself=ResourceKey(argo.ARGO_GROUP, argo.APPLICATION, application.namespace, application.name),
            option_texts=application.spec.sync_policy.option_texts,
            approved_at=deletion_approved_at(application),
            deleted_at=parse_time(nested_text(application.manifest, "metadata", "deletionTimestamp")),
        )
        if plan.is_done:
            return Stage(is_done=True), await self._writer.write(
                key, lambda newest: _without(newest, lambda each: each.startswith(argo.RESOURCES_FINALIZER))
            )
        is_background = any(each.endswith("/background") for each in ours)
        propagation = Propagation.BACKGROUND if is_background else Propagation.FOREGROUND
        for name in plan.next_wave:
            await self._delete(live[name], propagation)
        for name in plan.terminating:
            await self._release(live[name])
        if plan.awaiting_approval:
            objects = [str(name) for name in plan.awaiting_approval]
            asked = {"application": application.name, "objects": objects}
            return Stage(problem=Sentence(code="deletion-needs-approval", parameters=asked)), application
        return Stage(), application

    async def wait(self, application: Application, sentence: Sentence) -> None:
        """Says why nothing can be deleted now."""
        if any(_is_ours(each) for each in application.finalizers):
            parameters = {"application": application.name, "reason": sentence}
            key = ApplicationKey(application.namespace, application.name)
            await self._tell(key, Sentence(code="deletion-impossible", parameters=parameters))

    async def let_go(self, application: Application) -> None:
        """Drops our finalizers and leaves the objects: their cluster is gone from the settings, as in Argo CD."""
        if any(_is_ours(each) for each in application.finalizers):
            key = ApplicationKey(application.namespace, application.name)
            await self._writer.write(key, lambda newest: _without(newest, _is_ours))

    async def _delete(self, live: Live, propagation: Propagation) -> None:
        await self._release(live)
        resource = (await self._client.discover()).resource(live.key.group_kind)
        if resource is None:
            return

        async def send() -> Any:
            return await self._client.delete(
                resource, live.key.name, live.key.namespace, propagation=propagation, uid=live.uid
            )

        try:
            answer = await self._door.write(send)
        except NotFoundError:
            return
        known = self._cache.get(live.key)
        # Not to be deleted again before the watch tells of it; what the watch has told to be gone stays gone.
        if known is not None and known.uid == live.uid and nested_text(answer or {}, "metadata", "deletionTimestamp"):
            self._hook_objects.see(answer)

    async def _release(self, live: Live) -> None:
        """A hook's finalizer is ours to take away."""
        if argo.HOOK_FINALIZER in nested_list(live.manifest, "metadata", "finalizers"):
            await self._hook_objects.release(live.manifest)

    async def _tell(self, key: ApplicationKey, sentence: Sentence | None) -> None:
        """Says why the deletion does not go on; what was said before and no longer holds is taken back."""
        conditions = [Condition(type=ConditionType.DELETION_ERROR, sentence=sentence)] if sentence is not None else []

        def status(application: Application) -> Mapping[str, Any]:
            before: Manifest = application.manifest.get("status") or {}
            told = nested_list(before, "conditions")
            if not conditions and not any(each.get("type") in TAKEN_BACK for each in told):
                return before
            return {**before, "conditions": build_conditions(application, conditions, now=self._clock())}

        await self._writer.write_status(key, status)


def _is_ours(finalizer: str) -> bool:
    hooks = [name for phase in FINALIZERS for name in (FINALIZERS[phase], cleanup_of(phase))]
    return finalizer.startswith(argo.RESOURCES_FINALIZER) or finalizer in hooks


def _without(application: Application, goes: Callable[[str], bool]) -> dict[str, Any]:
    left = [each for each in application.finalizers if not goes(each)]
    version = nested_text(application.manifest, "metadata", "resourceVersion")
    return {"metadata": {"finalizers": left, "resourceVersion": version}}
