"""One wave's steps to named results.

Pruning comes first and all at once, then old hooks go, then objects are written kind by kind in the order they were
planned, those of one kind in parallel, and so are neighbouring kinds of which none waits for another. A kind that fails does
not keep later kinds from being written, but its outcome says so.
Nothing is read before it is written: the plan knows what is there. Every write goes through the door; when that
shuts, LostLeadershipError ends the wave at once. see: argoproj/argo-cd `gitops-engine/pkg/sync/sync_context.go` (3.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from haori.cluster.client import (
    AlreadyExistsError,
    ApiResource,
    ConflictError,
    InvalidError,
    KubernetesClient,
    NotFoundError,
    PatchType,
    Propagation,
)
from haori.delivery.apply.client_side import plan_patch, with_last_applied
from haori.delivery.apply.door import LostLeadershipError, WriteDoor
from haori.delivery.apply.errors import ApplyError, explain, is_immutable
from haori.delivery.apply.migrate import has_string_data, is_owned, plan_give_up, plan_take_over
from haori.delivery.apply.results import failed_result
from haori.delivery.apply.steps import Action, ApplySettings, Outcome, Task
from haori.delivery.model.operation import ResourceResult
from haori.delivery.model.options import Propagation as PropagationOption
from haori.delivery.plan.types import Step
from haori.errors import PeerError
from haori.objects import GroupVersionKind, Manifest, ResourceKey, format_object, gvk_of, nested_list, nested_text
from haori.resources.argo import (
    APPLICATION_RECORDS,
    HOOK_FINALIZER,
    OperationPhase,
    ResultCode,
    SyncPhase,
    is_application,
)

_PROPAGATION = {
    PropagationOption.FOREGROUND: Propagation.FOREGROUND,
    PropagationOption.BACKGROUND: Propagation.BACKGROUND,
    PropagationOption.ORPHAN: Propagation.ORPHAN,
}
_NEVER_RECREATED = frozenset({("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")})
"""All that is in them would go with them, so Argo CD updates them whatever is asked."""
_PASSIVE = frozenset({("", "ServiceAccount"), ("", "Secret"), ("", "ConfigMap"), ("", "Service")})
"""Kinds that only lie there until what comes later uses them, so that it is all the same which of them comes first."""
_OF_ACCOUNT = "kubernetes.io/service-account-token"
"""A Secret of this type is taken away again where its ServiceAccount is not there yet."""
_CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")


class Applier:
    """Carries out steps on one cluster."""

    def __init__(self, client: KubernetesClient, door: WriteDoor, settings: ApplySettings | None = None) -> None:
        self._client = client
        self._door = door
        self._settings = settings or ApplySettings()

    async def run_wave(self, tasks: Sequence[Task]) -> list[Outcome]:
        """One outcome a task, in the order given; raises LostLeadershipError, never for a single object's failure."""
        limit = asyncio.Semaphore(self._settings.parallel)
        outcomes: dict[int, Outcome] = {}
        for batch in _batches(tasks):
            try:
                async with asyncio.TaskGroup() as group:
                    running = {index: group.create_task(self._run(tasks[index], limit)) for index in batch}
            except ExceptionGroup as problems:
                raise problems.exceptions[0] from None
            outcomes |= {index: task.result() for index, task in running.items()}
        return [outcomes[index] for index in range(len(tasks))]

    async def run_steps(self, steps: Sequence[Step], live: Mapping[ResourceKey, Manifest]) -> list[Outcome]:
        """`run_wave` for planned steps; `live` holds the objects that are there, as cached."""
        return await self.run_wave([Task.of(step, live.get(step.key)) for step in steps])

    async def create_namespace(
        self, name: str, metadata: Mapping[str, Any] | None = None, *, is_live: bool = False
    ) -> Outcome:
        """The destination namespace, made where it lacks; `metadata` (labels, annotations) is kept as ours.

        What was ours on one that lives and is not in `metadata` any more goes.
        """
        manifest: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        managed = {key: dict(value) for key, value in (metadata or {}).items() if value}
        manifest["metadata"] |= managed
        action = Action.APPLY if managed or is_live else Action.CREATE
        task = Task(action=action, desired=manifest, phase=SyncPhase.PRE_SYNC)
        outcome = await self._run(task, asyncio.Semaphore(1))
        cause = outcome.error.__cause__ if outcome.error else None
        if isinstance(cause, AlreadyExistsError):
            return Outcome(task=task, result=_result(task, ResultCode.SYNCED, f"namespace/{name} unchanged"))
        return outcome

    async def _run(self, task: Task, limit: asyncio.Semaphore) -> Outcome:
        async with limit:
            try:
                live, message = await self._do(task)
            except LostLeadershipError:
                raise
            except PeerError as error:
                explained = explain(error, task.key)
                return Outcome(task=task, result=failed_result(task, explained), error=explained)
        return Outcome(task=task, result=_result(task, _code_of(task), message), live=live)

    async def _do(self, task: Task) -> tuple[dict[str, Any] | None, str]:
        if task.action is Action.SKIP_PRUNE:
            return None, "ignored (requires pruning)"
        resource = await self._resource(task.manifest)
        if task.action is Action.KEEP:
            return None, f"{_singular(resource)}/{task.key.name} unchanged"
        match task.action:
            case Action.PRUNE:
                await self._prune(resource, task)
                return None, "pruned (dry run)" if self._settings.dry_run else "pruned"
            case Action.DELETE_HOOK:
                await self._delete_hook(resource, task)
                return None, "deleted"
        stored, word = await self._write(resource, task)
        if (task.key.group, task.key.kind) == _CRD and not self._settings.dry_run:
            stored = await self._wait_established(resource, task.key, stored)
        suffix = " (server dry run)" if self._settings.dry_run else ""
        return stored, f"{_singular(resource)}/{_name(stored)} {word}{suffix}"

    async def _resource(self, manifest: Manifest) -> ApiResource:
        gvk = gvk_of(manifest)
        found = (await self._client.discover()).resource(gvk)
        if found is None:
            found = (await self._client.discover(refresh=True)).resource(gvk)
        if found is None:
            raise ApplyError("kind-not-served", kind=gvk.kind, version=gvk.api_version, cluster=self._client.cluster)
        return found

    async def _write(self, resource: ApiResource, task: Task) -> tuple[dict[str, Any], str]:
        desired = task.desired
        assert desired is not None, "a write without a manifest"
        if task.action is Action.CREATE:
            return await self._create(resource, desired), "created"
        if task.action is Action.REPLACE:
            return await self._replace(resource, task, desired)
        try:
            if task.options.server_side_apply is False:
                return await self._apply_client_side(resource, task, desired)
            return await self._apply(resource, task, desired), "serverside-applied"
        except PeerError as error:
            is_forced = task.options.force or self._settings.force
            if not is_forced or not is_immutable(error) or task.key.group_kind in _NEVER_RECREATED:
                raise
            return await self._recreate(resource, task, desired), "replaced"

    async def _apply(self, resource: ApiResource, task: Task, desired: Manifest) -> dict[str, Any]:
        if task.live is not None and task.options.client_side_apply_migration and not self._settings.dry_run:
            await self._take_over(resource, task.live)
        return await self._door.write(
            lambda: self._client.apply(
                resource,
                desired,
                field_manager=self._settings.field_manager,
                force=True,
                dry_run=self._settings.dry_run,
            )
        )

    async def _take_over(self, resource: ApiResource, live: Manifest) -> None:
        """Make others' fields ours; on a conflict with a newer object once more, from what is there then.

        What is cached is trimmed to our own entry, so an object that we do not own yet is read once, whole.
        """
        settings = self._settings
        if not is_owned(live, settings.field_manager) or has_string_data(live, settings.field_manager):
            try:
                live = await self._client.get(resource, _name(live), _namespace(live))
            except NotFoundError:
                return
        for _ in range(3):
            patch = plan_take_over(live, settings.field_manager, settings.taken_over)
            if not patch:
                return
            try:
                await self._patch(resource, live, patch, PatchType.JSON)
                return
            except (ConflictError, InvalidError):
                live = await self._client.get(resource, _name(live), _namespace(live))
        raise ApplyError(
            "apply-refused", object=_written(live), message="it keeps changing while its fields are taken over"
        )

    async def _apply_client_side(
        self, resource: ApiResource, task: Task, desired: Manifest
    ) -> tuple[dict[str, Any], str]:
        if task.live is None:
            return await self._create(resource, with_last_applied(desired)), "created"
        live = task.live
        if is_owned(live, self._settings.field_manager) and not self._settings.dry_run:
            live = await self._give_up(resource, live)
        patch, patch_type = plan_patch(live, desired)
        if not patch:
            return dict(live), "unchanged"
        return await self._patch(resource, desired, patch, patch_type), "configured"

    async def _replace(self, resource: ApiResource, task: Task, desired: Manifest) -> tuple[dict[str, Any], str]:
        if task.live is None:
            return await self._create_anew(resource, task, desired), "created"
        if (task.options.force or self._settings.force) and task.key.group_kind not in _NEVER_RECREATED:
            return await self._recreate(resource, task, desired), "replaced"
        version = nested_text(task.live, "metadata", "resourceVersion")
        kept: dict[str, Any] = {}
        if not version or is_application(desired):
            found = await self._client.get(resource, _name(desired), _namespace(desired))
            version = nested_text(found, "metadata", "resourceVersion")
            if is_application(desired):
                kept = {name: found[name] for name in APPLICATION_RECORDS if name in found}
        manifest = {**desired, **kept, "metadata": {**(desired.get("metadata") or {}), "resourceVersion": version}}
        stored = await self._door.write(
            lambda: self._client.replace(
                resource, manifest, field_manager=self._settings.field_manager, dry_run=self._settings.dry_run
            )
        )
        if task.options.server_side_apply is not False and not self._settings.dry_run:
            stored = await self._own(resource, desired)
        return stored, "replaced"

    async def _own(self, resource: ApiResource, desired: Manifest) -> dict[str, Any]:
        """Makes all that was just written ours by apply as well: comparing goes by that, a replacement is an update."""
        manager = self._settings.field_manager
        stored = await self._door.write(
            lambda: self._client.apply(resource, desired, field_manager=manager, force=True)
        )
        patch = plan_take_over(stored, manager, {*self._settings.taken_over, (manager, "Update")})
        return await self._patch(resource, stored, patch, PatchType.JSON) if patch else stored

    async def _give_up(self, resource: ApiResource, live: Manifest) -> Manifest:
        """The whole object after what was ours by apply became an update's: it is applied on the client from now on."""
        found = await self._client.get(resource, _name(live), _namespace(live))
        patch = plan_give_up(found, self._settings.field_manager)
        return await self._patch(resource, found, patch, PatchType.JSON) if patch else found

    async def _recreate(self, resource: ApiResource, task: Task, desired: Manifest) -> dict[str, Any]:
        if self._settings.dry_run:  # The server cannot try a deletion and a creation together.
            return dict(desired)
        name, namespace = _name(desired), _namespace(desired)
        try:
            await self._door.write(
                lambda: self._client.delete(resource, name, namespace, propagation=Propagation.BACKGROUND)
            )
            await self._wait_gone(resource, name, namespace)
        except NotFoundError:
            pass  # Gone is what was wanted.
        return await self._create_anew(resource, task, desired)

    async def _create_anew(self, resource: ApiResource, task: Task, desired: Manifest) -> dict[str, Any]:
        if task.options.server_side_apply is False:
            return await self._create(resource, with_last_applied(desired))
        settings = self._settings
        return await self._door.write(
            lambda: self._client.apply(
                resource, desired, field_manager=settings.field_manager, force=True, dry_run=settings.dry_run
            )
        )

    async def _create(self, resource: ApiResource, desired: Manifest) -> dict[str, Any]:
        return await self._door.write(
            lambda: self._client.create(
                resource, desired, field_manager=self._settings.field_manager, dry_run=self._settings.dry_run
            )
        )

    async def _patch(
        self, resource: ApiResource, object_: Manifest, patch: Any, patch_type: PatchType
    ) -> dict[str, Any]:
        return await self._door.write(
            lambda: self._client.patch(
                resource,
                _name(object_),
                _namespace(object_),
                patch,
                patch_type=patch_type,
                field_manager=self._settings.field_manager,
                dry_run=self._settings.dry_run,
            )
        )

    async def _prune(self, resource: ApiResource, task: Task) -> None:
        live = task.manifest
        try:
            await self._door.write(
                lambda: self._client.delete(
                    resource,
                    _name(live),
                    _namespace(live),
                    propagation=_PROPAGATION[task.options.propagation],
                    uid=nested_text(live, "metadata", "uid"),
                    dry_run=self._settings.dry_run,
                )
            )
        except NotFoundError:
            return  # Gone is what was wanted.

    async def _delete_hook(self, resource: ApiResource, task: Task) -> None:
        live = task.manifest
        finalizers = nested_list(live, "metadata", "finalizers")
        try:
            if HOOK_FINALIZER in finalizers:
                rest = [each for each in finalizers if each != HOOK_FINALIZER]
                # The uid makes it a conflict where another object has taken the name meanwhile.
                uid = nested_text(live, "metadata", "uid")
                metadata = {"finalizers": rest} | ({"uid": uid} if uid else {})
                await self._patch(resource, live, {"metadata": metadata}, PatchType.MERGE)
        except NotFoundError:
            return
        await self._prune(resource, task)

    async def _wait_gone(self, resource: ApiResource, name: str, namespace: str) -> None:
        async def look() -> bool:
            try:
                await self._client.get(resource, name, namespace)
            except NotFoundError:
                return True
            return False

        if not await _wait_for(look, self._settings.recreate_seconds):
            raise ApplyError("object-not-deleted", object=format_object(resource.kind, namespace, name))

    async def _wait_established(
        self, resource: ApiResource, key: ResourceKey, stored: dict[str, Any]
    ) -> dict[str, Any]:
        """The definition once what it defines is served; the API tells of new types a moment after it has established one."""
        latest = [stored]

        async def look() -> bool:
            if not _is_established(latest[0]):
                latest[0] = await self._client.get(resource, key.name)
            return _is_established(latest[0])

        async def told(*, refresh: bool = True) -> bool:
            known = await self._client.discover(refresh=refresh)
            return all(known.resource(each) is not None for each in _defined_by(latest[0]))

        if not await _wait_for(look, self._settings.establish_seconds):
            raise ApplyError("crd-not-established", object=str(key), seconds=self._settings.establish_seconds)
        if not await told(refresh=False):
            # One that is never told of, since another API took its place, is for the objects of its types to say.
            await _wait_for(told, self._settings.establish_seconds)
        return latest[0]


async def _wait_for(look: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    pause = 0.05
    try:
        async with asyncio.timeout(seconds):
            while not await look():
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 1.0)
    except TimeoutError:
        return False
    return True


def _batches(tasks: Sequence[Task]) -> list[list[int]]:
    """Indices that run together: prunes, then deletions of old hooks, then each kind's writes, passive kinds' at once."""
    pruned = [index for index, task in enumerate(tasks) if task.action in (Action.PRUNE, Action.SKIP_PRUNE)]
    hooks = [index for index, task in enumerate(tasks) if task.action is Action.DELETE_HOOK]
    apart = {*pruned, *hooks}
    rest = [index for index in range(len(tasks)) if index not in apart]
    kinds = [list(group) for _, group in groupby(rest, key=lambda index: _turn(tasks[index]))]
    return [batch for batch in (pruned, hooks, *kinds) if batch]


def _turn(task: Task) -> tuple[str, str] | None:
    """What neighbours share that are written together; None for all that is passive."""
    is_token = task.desired is not None and task.desired.get("type") == _OF_ACCOUNT
    kind = task.key.group, task.key.kind
    return None if kind in _PASSIVE and not is_token else kind


def _is_established(crd: Manifest) -> bool:
    return any(
        condition.get("type") == "Established" and condition.get("status") == "True"
        for condition in nested_list(crd, "status", "conditions")
    )


def _defined_by(crd: Manifest) -> list[GroupVersionKind]:
    """The types that a definition has served."""
    group, kind = nested_text(crd, "spec", "group"), nested_text(crd, "spec", "names", "kind")
    versions = [each for each in nested_list(crd, "spec", "versions") if each.get("served")]
    return [GroupVersionKind(group, str(each["name"]), kind) for each in versions]


def _code_of(task: Task) -> ResultCode:
    match task.action:
        case Action.PRUNE:
            return ResultCode.PRUNED
        case Action.SKIP_PRUNE:
            return ResultCode.PRUNE_SKIPPED
        case _:
            return ResultCode.SYNCED


def _result(task: Task, code: ResultCode, message: str) -> ResourceResult:
    # A pruned object is gone only when nothing holds it any more, so its row runs on until then.
    is_write = task.action not in (Action.DELETE_HOOK, Action.SKIP_PRUNE)
    return ResourceResult(
        key=task.key,
        version=task.version,
        phase=task.phase,
        status=code,
        message=message,
        hook_type=task.hook_type,
        hook_phase=OperationPhase.RUNNING if is_write else OperationPhase.SUCCEEDED,
    )


def _singular(resource: ApiResource) -> str:
    """`deployment.apps` as kubectl writes a type."""
    word = resource.singular or resource.kind.lower()
    return f"{word}.{resource.group}" if resource.group else word


def _name(manifest: Manifest) -> str:
    return nested_text(manifest, "metadata", "name")


def _namespace(manifest: Manifest) -> str:
    return nested_text(manifest, "metadata", "namespace")


def _written(manifest: Manifest) -> str:
    return format_object(str(manifest.get("kind") or ""), _namespace(manifest), _name(manifest))
