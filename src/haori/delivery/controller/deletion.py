"""Takes a deleted application's objects away, one wave at a time, and then its finalizer.

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
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.operations import OperationRunner
from haori.delivery.controller.status import build_conditions
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, Condition, Project
from haori.delivery.model.application import deletion_approved_at
from haori.delivery.plan import plan_deletion
from haori.objects import Manifest, ResourceKey, nested_list, nested_text
from haori.objects.times import parse_time
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.words import Sentence


class Deletion:
    """Deletes what applications leave behind."""

    def __init__(
        self,
        client: KubernetesClient,
        door: WriteDoor,
        cache: ClusterCache,
        runner: OperationRunner,
        writer: ApplicationWriter,
        *,
        control_namespace: str,
        project_of: Callable[[Application], Project | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._door, self._cache = client, door, cache
        self._runner, self._writer = runner, writer
        self._control_namespace, self._clock = control_namespace, clock
        self._project_of = project_of

    async def step(self, application: Application, place: Place) -> None:
        """Deletes what may go now; the finalizer once nothing is left."""
        key = ApplicationKey(application.namespace, application.name)
        ours = [each for each in application.finalizers if each.startswith(argo.RESOURCES_FINALIZER)]
        if not ours:
            return
        if place.problem is not None:
            parameters = {"application": application.name, "cluster": place.name or place.server or "-"}
            await self._tell(key, Sentence(code="deletion-impossible", parameters=parameters))
            return
        project = self._project_of(application)
        if forbidden := check_deletion(application, project):
            told = {"application": application.name, "reason": forbidden[0].sentence}
            await self._tell(key, Sentence(code="deletion-forbidden", parameters=told))
            return
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
            await self._writer.write(key, _without_finalizers)
            return
        is_background = any(each.endswith("/background") for each in ours)
        propagation = Propagation.BACKGROUND if is_background else Propagation.FOREGROUND
        for name in plan.next_wave:
            await self._delete(live[name], propagation)
        for name in plan.terminating:
            await self._release(live[name])
        if plan.awaiting_approval:
            objects = [str(name) for name in plan.awaiting_approval]
            asked = {"application": application.name, "objects": objects}
            await self._tell(key, Sentence(code="deletion-needs-approval", parameters=asked))

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
            await self._door.write(send)
        except NotFoundError:
            return

    async def _release(self, live: Live) -> None:
        """A hook's finalizer is ours to take away."""
        if argo.HOOK_FINALIZER in nested_list(live.manifest, "metadata", "finalizers"):
            await self._runner.release(live.manifest)

    async def _tell(self, key: ApplicationKey, sentence: Sentence) -> None:
        condition = Condition(type=ConditionType.DELETION_ERROR, sentence=sentence)

        def status(application: Application) -> Mapping[str, Any]:
            before: Manifest = application.manifest.get("status") or {}
            return {**before, "conditions": build_conditions(application, [condition], now=self._clock())}

        await self._writer.write_status(key, status)


def _without_finalizers(application: Application) -> dict[str, Any]:
    left = [each for each in application.finalizers if not each.startswith(argo.RESOURCES_FINALIZER)]
    version = nested_text(application.manifest, "metadata", "resourceVersion")
    return {"metadata": {"finalizers": left, "resourceVersion": version}}
