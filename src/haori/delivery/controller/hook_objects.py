"""Hooks as objects of one cluster: made under a mark, held by our finalizer until their end was read, let go, deleted.

Which hooks are due is decided elsewhere (`plan`); operations and deletions carry that out by this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from haori.cluster import (
    ApiResource,
    ConflictError,
    EventType,
    KubernetesClient,
    NotFoundError,
    PatchType,
    WatchEvent,
)
from haori.delivery.apply import Applier, ApplySettings, Outcome, Task, WriteDoor
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.plan import Step
from haori.objects import Manifest, copy_manifest, nested_list, nested_text
from haori.resources import haori
from haori.resources.argo import HOOK_FINALIZER

RELEASE_TRIES = 5
"""How often a hook that keeps changing is read again to take our finalizer from it."""


class HookObjects:
    """The hooks of one cluster."""

    def __init__(self, client: KubernetesClient, door: WriteDoor, cache: ClusterCache, settings: ApplySettings) -> None:
        self._client, self._door, self._cache, self._settings = client, door, cache, settings

    async def make(self, hooks: Sequence[tuple[Step, str]]) -> list[Outcome]:
        """Applies hooks outside an operation, each under its own mark."""
        marked = [marked_hook(step, mark) for step, mark in hooks]
        live = {step.key: found.manifest for step in marked if (found := self._cache.get(step.key)) is not None}
        outcomes = await self._applier().run_steps(marked, live) if marked else []
        for outcome in outcomes:
            if outcome.live is not None:
                self.see(outcome.live)
        return outcomes

    async def remove(self, hooks: Sequence[tuple[Step, Live]]) -> None:
        """Deletes hooks outside an operation; raises PeerError of the first that the cluster does not let go."""
        applier = self._applier()
        held = [(step, live) for step, live in hooks if not live.is_terminating or is_held(live.manifest)]
        for outcome in await self.delete(applier, [Task.delete_hook(step, live.manifest) for step, live in held]):
            if outcome.error is not None:
                raise outcome.error

    async def release_if_held(self, manifest: Manifest) -> None:
        """Takes our finalizer from a hook's object that has it."""
        if is_held(manifest):
            await self.release(manifest)

    def see(self, manifest: dict[str, Any]) -> None:
        """Takes in an object that was just written, since the watch may be behind."""
        self._cache.observe(WatchEvent(type=EventType.MODIFIED, object=manifest))

    async def delete(self, applier: Applier, tasks: Sequence[Task]) -> list[Outcome]:
        """What was refused for good; TransientError and ConflictError are raised, for the next look to try again."""
        failed = [outcome for outcome in await applier.run_wave(tasks) if outcome.error is not None]
        for outcome in failed:
            cause = getattr(outcome.error, "__cause__", None)
            if outcome.error is not None and (outcome.error.transient or isinstance(cause, ConflictError)):
                raise outcome.error
        return failed

    async def release_all(self, manifests: Sequence[Manifest]) -> None:
        """As `release`, one after the other."""
        for manifest in manifests:
            await self.release(manifest)

    async def release(self, manifest: Manifest) -> None:
        """Takes our finalizer from a hook's object; one that somebody changed meanwhile is read again."""
        resource = (await self._client.discover()).resource_of(str(manifest["apiVersion"]), str(manifest["kind"]))
        if resource is None:
            return
        uid = nested_text(manifest, "metadata", "uid")
        try:
            for tried in range(1, RELEASE_TRIES + 1):
                try:
                    self.see(await self._release_once(resource, manifest))
                    return
                except ConflictError:
                    if tried == RELEASE_TRIES:
                        raise
                manifest = await self._client.get(resource, _name_of(manifest), _namespace_of(manifest))
                if nested_text(manifest, "metadata", "uid") != uid or not is_held(manifest):
                    return
        except NotFoundError:
            return

    async def _release_once(self, resource: ApiResource, manifest: Manifest) -> dict[str, Any]:
        finalizers = [each for each in nested_list(manifest, "metadata", "finalizers") if each != HOOK_FINALIZER]
        version = nested_text(manifest, "metadata", "resourceVersion")
        body = {"metadata": {"finalizers": finalizers, "resourceVersion": version}}

        async def send() -> dict[str, Any]:
            return await self._client.patch(
                resource, _name_of(manifest), _namespace_of(manifest), body,
                patch_type=PatchType.MERGE, field_manager=haori.FIELD_MANAGER,
            )  # fmt: skip

        return await self._door.write(send)

    def _applier(self) -> Applier:
        return Applier(self._client, self._door, replace(self._settings, dry_run=False))


def marked_hook(step: Step, operation_id: str) -> Step:
    """A hook's step whose object says which operation made it, and stays until its end was read."""
    manifest = copy_manifest(step.manifest)
    metadata = manifest["metadata"]
    marks = {haori.OPERATION_ID: operation_id, haori.HOOK_PHASE: step.phase.value}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    metadata["finalizers"] = list(dict.fromkeys([*(metadata.get("finalizers") or ()), HOOK_FINALIZER]))
    return replace(step, manifest=manifest)


def is_held(manifest: Manifest) -> bool:
    """Whether our finalizer is on a hook's object."""
    return HOOK_FINALIZER in nested_list(manifest, "metadata", "finalizers")


def _name_of(manifest: Manifest) -> str:
    return nested_text(manifest, "metadata", "name")


def _namespace_of(manifest: Manifest) -> str:
    return nested_text(manifest, "metadata", "namespace")
