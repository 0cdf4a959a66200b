"""Carries operations out, one pass at a time.

A pass does everything that can be done now and returns; what it waits for (a hook's end, an object's health, the next
try) brings the application back to the queue. The state stands in the cluster before anything is done under it, and the
plan is remade from there after a restart, so a crash at any point costs a pass.

Where we differ from Argo CD: everything is validated before the first write, the namespace's included; between waves
there is no fixed pause, since what was just written is judged by its own new version and not by what stood there before;
and an automated operation that waits gives way when Git asks for another revision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from haori.cluster import EventType, KubernetesClient, NotFoundError, PatchType, WatchEvent
from haori.delivery.apply import Applier, ApplySettings, Outcome, Task, WriteDoor
from haori.delivery.controller import progress
from haori.delivery.controller.cache import ClusterCache
from haori.delivery.controller.memory import Run
from haori.delivery.controller.validating import Validator
from haori.delivery.model import OperationState, ResourceResult
from haori.delivery.plan import Next, NextKind, Observed, Plan, Step, decide_next, decide_termination
from haori.delivery.plan.next import NOT_VALID, TaskKey
from haori.errors import TransientError
from haori.objects import Manifest, annotations_of, copy_manifest, nested_list
from haori.resources import haori
from haori.resources.argo import HOOK_FINALIZER, OperationPhase, ResultCode
from haori.words import Language

Store = Callable[[OperationState], Awaitable[OperationState]]

NOT_APPLIED = "one or more objects failed to apply, reason: "
SUPERSEDED = "superseded: Git asks for another revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Where one pass left the operation."""

    state: OperationState
    waiting: Next | None = None
    """What it waits for, where it does."""


class OperationRunner:
    """Runs the plan of one operation against one cluster."""

    def __init__(
        self,
        client: KubernetesClient,
        door: WriteDoor,
        cache: ClusterCache,
        validator: Validator,
        settings: ApplySettings,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._door, self._cache = client, door, cache
        self._validator, self._settings, self._clock = validator, settings, clock

    async def advance(self, run: Run, state: OperationState, store: Store) -> Pass:
        """Goes as far as possible; `store(state)` writes a state that has to stand before what comes next is done."""
        if state.phase is OperationPhase.TERMINATING:
            return await self.terminate(run, state, "Operation terminated")
        if not run.plan.is_permitted:
            return Pass(state=_not_valid(run.plan, state, self._clock()))
        applier = self._applier(run.plan)
        rows = progress.rows_of(state)
        while True:
            decision = decide_next(run.plan, rows, self._observe(run.plan), validated=run.validated)
            rows = dict(decision.results)
            await self._release_finished(run.plan, rows)
            match decision.kind:
                case NextKind.VALIDATE:
                    run.validated = True
                    if refused := await self._validate(run.plan):
                        return Pass(state=self._refused(state, refused))
                case NextKind.CREATE_NAMESPACE:
                    self._take(run, rows, [await self._create_namespace(applier, decision.steps[0])])
                case NextKind.DELETE_HOOKS:
                    if not await self._delete_hooks(applier, decision.steps):
                        state = progress.with_rows(
                            state, rows, f"waiting for deletion of hook {_name(decision.steps[0])}"
                        )
                        return Pass(state=state, waiting=decision)
                case NextKind.RUN:
                    if rows != progress.rows_of(state):
                        state = await store(progress.with_rows(state, rows))
                        if state.phase is OperationPhase.TERMINATING:
                            return await self.terminate(run, state, "Operation terminated")
                    self._take(run, rows, await self._run(applier, run, decision.steps))
                case NextKind.WAIT:
                    return Pass(state=progress.with_rows(state, rows, decision.message), waiting=decision)
                case NextKind.FINISH:
                    await self._delete_finished(applier, decision.steps)
                    return Pass(state=self._finished(state, decision))

    async def terminate(self, run: Run, state: OperationState, message: str) -> Pass:
        """Ends it now: running hooks are deleted, the operation has failed and is not tried again."""
        decision = decide_termination(run.plan, progress.rows_of(state))
        await self._delete_finished(self._applier(run.plan), decision.steps)
        state = progress.with_rows(state, decision.results)
        now = self._clock().replace(microsecond=0)
        return Pass(state=replace(state, phase=OperationPhase.FAILED, message=message, finished_at=now))

    def _applier(self, plan: Plan, *, dry_run: bool = False) -> Applier:
        settings = replace(self._settings, dry_run=dry_run or plan.is_dry_run)
        return Applier(self._client, self._door, settings)

    def _observe(self, plan: Plan) -> dict[Any, Observed]:
        found = {}
        for step in (*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)):
            live = self._cache.get(step.key)
            if live is not None:
                found[step.key] = Observed(
                    health=live.health,
                    is_terminating=live.is_terminating,
                    operation_id=str(annotations_of(live.manifest).get(haori.OPERATION_ID) or ""),
                )
        return found

    async def _validate(self, plan: Plan) -> list[Outcome]:
        """What the cluster would refuse of all that is to be written."""
        steps = [*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)]
        return await self._validator.refused(plan, self._live(steps), self._applier(plan, dry_run=True))

    async def _create_namespace(self, applier: Applier, step: Step) -> Outcome:
        metadata = {name: value for name, value in step.manifest["metadata"].items() if name != "name"}
        return await applier.create_namespace(step.key.name, metadata)

    async def _run(self, applier: Applier, run: Run, steps: Sequence[Step]) -> list[Outcome]:
        fitted = await self._validator.fitted(steps)
        marked = [_marked(step, run.operation_id) if step.hook_type else step for step in fitted]
        return await applier.run_steps(marked, self._live(steps))

    def _live(self, steps: Sequence[Step]) -> dict[Any, Manifest]:
        found = {step.key: self._cache.get(step.key) for step in steps}
        return {key: live.manifest for key, live in found.items() if live is not None}

    def _take(self, run: Run, rows: dict[TaskKey, ResourceResult], outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            rows[outcome.result.key, outcome.result.phase] = outcome.result
            if outcome.live is not None and not run.plan.is_dry_run:
                # The watch may be behind: what was just written must not be judged by what stood there before.
                self._see(outcome.live)

    def _see(self, manifest: dict[str, Any]) -> None:
        self._cache.observe(WatchEvent(type=EventType.MODIFIED, object=manifest))

    async def _delete_hooks(self, applier: Applier, steps: Sequence[Step]) -> bool:
        """Whether all of them are gone; those not yet on their way are deleted first."""
        standing = [(step, live) for step in steps if (live := self._cache.get(step.key)) is not None]
        tasks = [Task.delete_hook(step, live.manifest) for step, live in standing if not live.is_terminating]
        tasks += [
            Task.delete_hook(step, live.manifest)
            for step, live in standing
            if live.is_terminating and HOOK_FINALIZER in nested_list(live.manifest, "metadata", "finalizers")
        ]
        if tasks:
            await applier.run_wave(tasks)
        return not standing

    async def _delete_finished(self, applier: Applier, steps: Sequence[Step]) -> None:
        found = [(step, self._cache.get(step.key)) for step in steps]
        tasks = [Task.delete_hook(step, live.manifest) for step, live in found if live is not None]
        if tasks:
            await applier.run_wave(tasks)

    async def _release_finished(self, plan: Plan, rows: Mapping[TaskKey, ResourceResult]) -> None:
        """Takes our finalizer from hooks whose end has been read."""
        for step in (*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)):
            row, live = rows.get((step.key, step.phase)), self._cache.get(step.key)
            if not step.hook_type or row is None or live is None or plan.is_dry_run:
                continue
            if row.hook_phase is None or not row.hook_phase.is_completed:
                continue
            if HOOK_FINALIZER in nested_list(live.manifest, "metadata", "finalizers"):
                await self.release(live.manifest)

    async def release(self, manifest: Manifest) -> None:
        """Takes our finalizer from a hook's object."""
        finalizers = [each for each in nested_list(manifest, "metadata", "finalizers") if each != HOOK_FINALIZER]
        resource = (await self._client.discover()).resource_of(str(manifest["apiVersion"]), str(manifest["kind"]))
        if resource is None:
            return
        metadata = manifest["metadata"]
        body = {"metadata": {"finalizers": finalizers, "resourceVersion": metadata.get("resourceVersion")}}

        async def send() -> dict[str, Any]:
            return await self._client.patch(
                resource, metadata["name"], metadata.get("namespace", ""), body,
                patch_type=PatchType.MERGE, field_manager=haori.FIELD_MANAGER,
            )  # fmt: skip

        try:
            self._see(await self._door.write(send))
        except NotFoundError:
            return

    def _refused(self, state: OperationState, refused: Sequence[Outcome]) -> OperationState:
        rows = {(item.result.key, item.result.phase): item.result for item in refused}
        reasons = list(dict.fromkeys(item.result.message for item in refused))
        state = progress.with_rows(state, rows)
        return progress.finish(state, OperationPhase.FAILED, NOT_APPLIED + ",".join(reasons), self._clock())

    def _finished(self, state: OperationState, decision: Next) -> OperationState:
        state = progress.with_rows(state, decision.results)
        return progress.finish(state, decision.outcome or OperationPhase.FAILED, decision.message, self._clock())


def fail(state: OperationState, message: str, now: datetime, *, error: Exception | None = None) -> OperationState:
    """The state of an operation that could not be planned: Error where trying again may help, else Failed."""
    phase = OperationPhase.ERROR if isinstance(error, TransientError) else OperationPhase.FAILED
    return progress.finish(state, phase, message, now)


def _not_valid(plan: Plan, state: OperationState, now: datetime) -> OperationState:
    reasons = [refusal.sentence.text(Language.ENGLISH) for refusal in plan.refusals]
    reasons += [sentence.text(Language.ENGLISH) for _, sentence in plan.invalid]
    steps = {step.key: step for step in plan.steps}
    told = [(refusal.key, refusal.sentence) for refusal in plan.refusals] + list(plan.invalid)
    rows: dict[TaskKey, ResourceResult] = {}
    for key, sentence in told:
        if key is not None and (step := steps.get(key)) is not None:
            text = sentence.text(Language.ENGLISH)
            rows[key, step.phase] = ResourceResult(
                key=key, version=step.version, phase=step.phase, status=ResultCode.SYNC_FAILED, message=text
            )
    message = f"{NOT_VALID}: {'; '.join(dict.fromkeys(reasons))}"
    return progress.finish(progress.with_rows(state, rows), OperationPhase.FAILED, message, now)


def _marked(step: Step, operation_id: str) -> Step:
    """A hook's step whose object says which operation made it, and stays until its end was read."""
    manifest = copy_manifest(step.manifest)
    metadata = manifest["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), haori.OPERATION_ID: operation_id}
    metadata["finalizers"] = [*(metadata.get("finalizers") or ()), HOOK_FINALIZER]
    return replace(step, manifest=manifest)


def _name(step: Step) -> str:
    return f"{step.key.group}/{step.key.kind}/{step.key.name}"
