"""Runs the PreDelete and PostDelete hooks of an application that is being deleted.

What they are is read from Git when they are needed, at the revision that the application asks for. That they have ended
stands in the cluster alone: in the finalizers of the Application, and in the hooks' objects, which our finalizer holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from haori.cluster import KubernetesClient
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.desired import DesiredStates, namespaced_of
from haori.delivery.controller.hook_objects import HookObjects
from haori.delivery.model import Application, Project, Settings
from haori.delivery.plan import Action, Observed, Step
from haori.delivery.plan.deletion_hooks import (
    decide_deletion_hooks,
    deletion_steps,
    goes_at_the_end,
    hook_mark,
    named,
)
from haori.delivery.plan.timeouts import timeout_of
from haori.errors import HaoriError
from haori.objects import annotations_of, key_of, nested_text
from haori.objects.times import parse_time
from haori.resources import haori
from haori.resources.argo import SyncPhase
from haori.words import Sentence

AGAIN_SECONDS = 30.0
"""How long until Git is asked again for hooks that could not be read or have failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far the hooks of one phase are."""

    is_done: bool = False
    problem: Sentence | None = None
    """Why they do not go on by themselves."""
    look_at: datetime | None = None


class DeletionHooks:
    """The hooks of deletions on one cluster."""

    def __init__(
        self,
        client: KubernetesClient,
        cache: ClusterCache,
        objects: HookObjects,
        desired: DesiredStates,
        *,
        settings: Callable[[], Settings],
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._cache, self._objects, self._desired = client, cache, objects, desired
        self._settings, self._clock = settings, clock

    async def run(
        self,
        application: Application,
        phase: SyncPhase,
        project: Project | None,
        place: Place,
        fresh_after: float | None = None,
    ) -> Stage:
        """Does what can be done now."""
        try:
            steps = await self._steps(application, phase, fresh_after)
        except HaoriError as error:
            reason = {"application": application.name, "phase": phase.value, "reason": error.sentence}
            return self._stands(Sentence(code="deletion-hooks-unknown", parameters=reason))
        if (refused := await self._refused(steps, project, place)) is not None:
            told = {"application": application.name, "phase": phase.value, "reason": refused}
            return self._stands(Sentence(code="deletion-hooks-unknown", parameters=told))
        id_ = _deletion_id(application)
        live = {step.key: found for step in steps if (found := self._cache.get(step.key)) is not None}
        decision = decide_deletion_hooks(
            steps,
            {key: _observed(found) for key, found in live.items()},
            id_,
            now=self._clock(),
            created={key: at for key, found in live.items() if (at := _created(found)) is not None},
        )
        if decision.remake:
            await self._objects.remove([(step, live[step.key]) for step in decision.remake])
        outcomes = await self._objects.make([(step, hook_mark(step, id_)) for step in decision.create])
        problems = [(item.result.key, item.result.message) for item in outcomes if item.error is not None]
        problems += [(step.key, reason) for step, reason in decision.failed]
        if problems:
            key, text = problems[0]
            parameters = {"application": application.name, "phase": phase.value, "object": str(key), "reason": text}
            return self._stands(Sentence(code="deletion-hook-failed", parameters=parameters))
        return Stage(is_done=decision.is_done, look_at=decision.look_at)

    def _stands(self, problem: Sentence) -> Stage:
        return Stage(problem=problem, look_at=self._clock() + timedelta(seconds=AGAIN_SECONDS))

    async def clean_up(self, application: Application, name: str, phase: SyncPhase) -> bool:
        """Lets go of the hooks that have ended, deletes those that go; whether these are gone."""
        ours = [live for live in self._cache.of_application(name) if _is_of(live, application, phase)]
        for live in ours:
            await self._objects.release_if_held(live.manifest)
        going = [live for live in ours if goes_at_the_end(live.manifest, phase)]
        for live in going:
            if not live.is_terminating:
                step = Step(key=live.key, phase=phase, wave=0, action=Action.HOOK, manifest=live.manifest)
                await self._objects.remove([(step, live)])
        return not going

    async def _steps(self, application: Application, phase: SyncPhase, fresh_after: float | None) -> list[Step]:
        sources = application.spec.sources
        revisions = await self._desired.resolve(sources, fresh_after=fresh_after)
        discovery = await self._client.discover()
        desired = await self._desired.build(
            application, sources, revisions, discovery=discovery, settings=self._settings()
        )
        targets = desired.targets
        made = named(targets.generated, phase, revisions[0] if revisions else "", _deleted_at(application))
        return deletion_steps(
            {**targets.manifests, **{key_of(each): each for each in made}}, phase, timeout_of(application.manifest)
        )

    async def _refused(self, steps: list[Step], project: Project | None, place: Place) -> Sentence | None:
        namespaced = namespaced_of(await self._client.discover())
        for step in steps:
            if project is None:
                continue
            scope = namespaced(step.key.group_kind)
            is_namespaced = bool(step.key.namespace) if scope is None else scope
            refusal = project.refuse_object(step.key, place.server, place.name, namespaced=is_namespaced)
            if refusal is not None:
                return refusal.sentence
        return None


def _deleted_at(application: Application) -> datetime:
    found = parse_time(nested_text(application.manifest, "metadata", "deletionTimestamp"))
    assert found is not None, "hooks of an application that is not being deleted"
    return found


def _deletion_id(application: Application) -> str:
    """What marks the hooks of one deletion."""
    return f"{application.uid[:8]}-delete-{int(_deleted_at(application).timestamp())}"


def _is_of(live: Live, application: Application, phase: SyncPhase) -> bool:
    notes = annotations_of(live.manifest)
    is_ours = str(notes.get(haori.OPERATION_ID) or "").startswith(f"{_deletion_id(application)}-")
    return is_ours and notes.get(haori.HOOK_PHASE) == phase.value


def _observed(live: Live) -> Observed:
    notes = annotations_of(live.manifest)
    return Observed(
        health=live.health,
        is_terminating=live.is_terminating,
        operation_id=str(notes.get(haori.OPERATION_ID) or ""),
        hook_phase=str(notes.get(haori.HOOK_PHASE) or ""),
    )


def _created(live: Live) -> datetime | None:
    return parse_time(nested_text(live.manifest, "metadata", "creationTimestamp"))
