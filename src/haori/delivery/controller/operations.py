"""Carries operations out, one pass at a time.

A pass does everything that can be done now and returns; what it waits for (a hook's end, an object's health, the next
try) brings the application back to the queue. The state stands in the cluster before anything that depends on it is done (see
`beginning`), and the plan is remade from there after a restart, so a crash at any point costs a pass.

Where we differ from Argo CD: everything is validated before the first write, the namespace's included; between waves
there is no pause unless one is set, since what was just written is judged by its own new version, not by an old one;
and an automated operation that waits gives way when Git asks for another revision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from haori.cluster import (
    KubernetesClient,
)
from haori.delivery.apply import Applier, ApplySettings, Outcome, Task, WriteDoor
from haori.delivery.apply.results import untried_outcome
from haori.delivery.controller import progress
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.hook_objects import HookObjects, is_held, marked_hook
from haori.delivery.controller.memory import Run
from haori.delivery.controller.validating import Validator
from haori.delivery.model import OperationState, ResourceResult
from haori.delivery.plan import (
    Next,
    NextKind,
    Observed,
    Plan,
    Step,
    decide_next,
    decide_termination,
    plan_of_live_hooks,
)
from haori.delivery.plan.next import NOT_VALID, TERMINATED, TaskKey
from haori.errors import TransientError
from haori.objects import Manifest, ResourceKey, annotations_of, nested_list
from haori.observe import span
from haori.resources import haori
from haori.resources.argo import HookDeletePolicy, OperationPhase, ResultCode, SyncPhase
from haori.words import Language, Sentence

Store = Callable[[OperationState], Awaitable[OperationState]]

NOT_APPLIED = "one or more objects failed to apply, reason: "
SUPERSEDED = "superseded: Git asks for another revision"
SETBACKS = 5
"""How often in a row a wave is tried again, look by look, while the cluster is in trouble that may pass."""


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
        self._hooks = HookObjects(client, door, cache, settings)

    async def advance(self, run: Run, state: OperationState, store: Store) -> Pass:
        """Goes as far as possible; `store(state)` writes a state that has to stand before what comes next is done."""
        if state.phase is OperationPhase.TERMINATING:
            return await self.terminate(run, state, TERMINATED, store)
        if not run.plan.is_permitted:
            return Pass(state=_not_valid(run.plan, state, self._clock()))
        applier = self._applier(run.plan)
        rows = progress.rows_of(state)
        while True:
            decision = decide_next(
                run.plan,
                rows,
                self._observe(run.plan, run.reasons),
                validated=run.validated,
                now=self._clock(),
                began=progress.began_of(state),
            )
            rows = dict(decision.results)
            if decision.overdue:
                state = await self._keep(state, rows, store)
                rows |= await self._stop(applier, run, decision.overdue, rows)
            if ended := self._ended_hooks(run.plan, rows):
                state = await self._keep(state, rows, store)
                await self._hooks.release_all(ended)
            match decision.kind:
                case NextKind.VALIDATE:
                    run.validated = True
                    if refused := await self._validate(run.plan):
                        return Pass(state=self._refused(state, refused))
                case NextKind.CREATE_NAMESPACE:
                    self._take(run, rows, [await self._create_namespace(applier, decision.steps[0])])
                case NextKind.DELETE_HOOKS:
                    refused = await self._delete_hooks(applier, decision.steps)
                    rows |= {(item.result.key, item.result.phase): _undeleted(item) for item in refused}
                    if not refused and any(self._cache.get(step.key) is not None for step in decision.steps):
                        return Pass(state=progress.with_rows(state, rows, decision.message), waiting=decision)
                case NextKind.RUN if (held := self._hold(run, decision)) is not None:
                    return Pass(state=progress.with_rows(state, rows, held.message), waiting=held)
                case NextKind.RUN:
                    state = await self._keep(self._begin_wave(run.plan, state, decision), rows, store, before=state)
                    if state.phase is OperationPhase.TERMINATING:
                        return await self.terminate(run, state, TERMINATED, store)
                    phase = decision.phase.value if decision.phase is not None else ""
                    with span("wave", phase=phase, wave=decision.wave, steps=len(decision.steps)):
                        outcomes = await self._run(applier, run, decision.steps)
                    _pass_over(run, outcomes)
                    self._take(run, rows, outcomes)
                case NextKind.WAIT:
                    return Pass(state=progress.with_rows(state, rows, decision.message), waiting=decision)
                case NextKind.FINISH:
                    return Pass(state=self._finished(await self._leave(applier, state, decision, store), decision))

    async def terminate(self, run: Run, state: OperationState, message: str, store: Store) -> Pass:
        """Ends it now: running hooks are deleted, the operation has failed and is not tried again."""
        rows = progress.rows_of(state)
        decision = decide_termination(run.plan, rows, self._observe(run.plan))
        state = await self._leave(self._applier(run.plan), state, decision, store)
        await self._hooks.release_all(self._ended_hooks(run.plan, decision.results))
        ended = progress.end_of(state, self._clock())
        return Pass(state=replace(state, phase=OperationPhase.FAILED, message=message, finished_at=ended))

    async def terminate_unplanned(
        self, name: str, state: OperationState, operation_id: str, message: str, store: Store
    ) -> Pass:
        """As `terminate`, where no plan can be made (Git is away, the spec is broken): by the hooks that are there."""
        there = {live.key: live.manifest for live in self._cache.of_application(name)}
        run = Run(plan=plan_of_live_hooks(there, operation_id), operation_id=operation_id)
        return await self.terminate(run, state, message, store)

    def _hold(self, run: Run, decision: Next) -> Next | None:
        """The wait for the pause before another wave; None where it is over, or there is none."""
        wave, pause = (decision.phase or SyncPhase.SYNC, decision.wave), self._settings.wave_delay_seconds
        now = self._clock()
        if pause and run.ran not in (None, wave) and not run.plan.is_dry_run:
            run.held_until = run.held_until or now + timedelta(seconds=pause)
            if now < run.held_until:
                message = f"waiting {pause:g} s before the next wave"
                return replace(decision, kind=NextKind.WAIT, message=message, look_at=run.held_until)
        run.ran, run.held_until = wave, None
        return None

    def _begin_wave(self, plan: Plan, state: OperationState, decision: Next) -> OperationState:
        """The state that says when this wave began, where a time-out counts from it; one that began before stays so."""
        waves = (*plan.waves, *plan.on_failure)
        steps = [
            step
            for wave in waves
            for step in wave.steps
            if (wave.phase, wave.number) == (decision.phase, decision.wave)
        ]
        if decision.phase is None or all(step.timeout_seconds is None for step in steps):
            return state
        return progress.with_beginning(state, (decision.phase, decision.wave), self._clock())

    async def _keep(
        self,
        state: OperationState,
        rows: Mapping[TaskKey, ResourceResult],
        store: Store,
        *,
        before: OperationState | None = None,
    ) -> OperationState:
        """The state with these rows, once they stand in the cluster; `before` is what stands there, if not `state`."""
        if rows == progress.rows_of(state) and (before is None or before == state):
            return state
        return await store(progress.with_rows(state, rows))

    async def _leave(self, applier: Applier, state: OperationState, decision: Next, store: Store) -> OperationState:
        """Deletes the hooks that go at the end. How they ended is stored before: afterwards nothing else tells it."""
        rows = dict(decision.results)
        found = [(step, live) for step in decision.steps if (live := self._cache.get(step.key)) is not None]
        if not found:
            return progress.with_rows(state, rows)
        state = await self._keep(state, rows, store)
        refused = await self._hooks.delete(applier, [Task.delete_hook(step, live.manifest) for step, live in found])
        rows |= {(item.result.key, item.result.phase): _undeleted(item, rows) for item in refused}
        return progress.with_rows(state, rows)

    def _applier(self, plan: Plan, *, dry_run: bool = False) -> Applier:
        settings = replace(self._settings, dry_run=dry_run or plan.is_dry_run)
        return Applier(self._client, self._door, settings)

    def _observe(self, plan: Plan, reasons: Mapping[ResourceKey, Sentence] | None = None) -> dict[Any, Observed]:
        found = {}
        for step in (*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)):
            live = self._cache.get(step.key)
            if live is not None:
                found[step.key] = Observed(
                    health=live.health,
                    is_terminating=live.is_terminating,
                    reason=_reason_of(live, (reasons or {}).get(step.key)),
                    operation_id=str(annotations_of(live.manifest).get(haori.OPERATION_ID) or ""),
                    hook_phase=str(annotations_of(live.manifest).get(haori.HOOK_PHASE) or ""),
                )
        return found

    async def _validate(self, plan: Plan) -> list[Outcome]:
        """What the cluster would refuse of all that is to be written."""
        steps = [*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)]
        return await self._validator.refused(plan, self._live(steps), self._applier(plan, dry_run=True))

    async def _create_namespace(self, applier: Applier, step: Step) -> Outcome:
        metadata = {name: value for name, value in step.manifest["metadata"].items() if name != "name"}
        return await applier.create_namespace(step.key.name, metadata, is_live=step.is_live)

    async def _run(self, applier: Applier, run: Run, steps: Sequence[Step]) -> list[Outcome]:
        untried: list[Outcome] = []
        if run.plan.is_dry_run:
            may_try = await self._validator.triable(run.plan)
            tried = [step for step in steps if may_try(step) and not self._makes_way(step)]
            untried = [untried_outcome(step) for step in steps if step not in tried]
            steps = tried
        fitted = await self._validator.fitted(steps)
        marked = [marked_hook(step, run.operation_id) if step.hook_type else step for step in fitted]
        return untried + await applier.run_steps(marked, self._live(steps))

    def _makes_way(self, step: Step) -> bool:
        """Whether an object of its name goes first: tried while that stands, a Job would be refused as a change of itself."""
        goes_first = step.hook_type is not None and HookDeletePolicy.BEFORE_CREATION in step.delete_policies
        return goes_first and self._cache.get(step.key) is not None

    def _live(self, steps: Sequence[Step]) -> dict[Any, Manifest]:
        found = {step.key: self._cache.get(step.key) for step in steps}
        return {key: live.manifest for key, live in found.items() if live is not None}

    def _take(self, run: Run, rows: dict[TaskKey, ResourceResult], outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            rows[outcome.result.key, outcome.result.phase] = outcome.result
            if outcome.live is not None and not run.plan.is_dry_run:
                # The watch may be behind: what was just written must not be judged by what stood there before.
                self._hooks.see(outcome.live)

    async def _delete_hooks(self, applier: Applier, steps: Sequence[Step]) -> list[Outcome]:
        """Sends the old hooks that still stand on their way; those that the cluster does not let go."""
        standing = [(step, live) for step in steps if (live := self._cache.get(step.key)) is not None]
        held = [(step, live) for step, live in standing if not live.is_terminating or is_held(live.manifest)]
        return await self._hooks.delete(applier, [Task.delete_hook(step, live.manifest) for step, live in held])

    async def _stop(
        self, applier: Applier, run: Run, steps: Sequence[Step], rows: Mapping[TaskKey, ResourceResult]
    ) -> dict[TaskKey, ResourceResult]:
        """Deletes hooks that took too long, each once; the rows of those that the cluster does not let go."""
        known = [(step, self._cache.get(step.key)) for step in steps]
        found = [(step, live) for step, live in known if live is not None and live.uid not in run.stopped]
        refused = await self._hooks.delete(applier, [Task.delete_hook(step, live.manifest) for step, live in found])
        run.stopped |= {live.uid for _, live in found}
        return {(item.result.key, item.result.phase): _undeleted(item, rows) for item in refused}

    def _ended_hooks(self, plan: Plan, rows: Mapping[TaskKey, ResourceResult]) -> list[Manifest]:
        """Hooks that our finalizer holds although their end was read."""
        if plan.is_dry_run:
            return []
        found = {}
        for step in (*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)):
            if not step.hook_type or (row := rows.get((step.key, step.phase))) is None:
                continue
            live = self._cache.get(step.key)
            has_ended = row.hook_phase is not None and row.hook_phase.is_completed
            if live is None or not has_ended or not is_held(live.manifest):
                continue
            if annotations_of(live.manifest).get(haori.HOOK_PHASE) in (None, step.phase.value):
                found[step.key] = live.manifest
        return list(found.values())

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


def _pass_over(run: Run, outcomes: Sequence[Outcome]) -> None:
    """Raises trouble that may pass, for the next look to go on from what the cluster holds; what stays becomes a failure.

    An answer that was lost says nothing of the write: the hook it made may run already.
    """
    passing = next((each.error for each in outcomes if each.error is not None and each.error.transient), None)
    if passing is None:
        run.setbacks = 0
    elif run.setbacks < SETBACKS:
        run.setbacks += 1
        raise passing


def _undeleted(outcome: Outcome, rows: Mapping[TaskKey, ResourceResult] | None = None) -> ResourceResult:
    """The row of a hook that could not be deleted: the end of its own run stays, where there was one."""
    message = f"failed to delete resource: {outcome.result.message}"
    known = (rows or {}).get((outcome.result.key, outcome.result.phase))
    if known is not None:
        return replace(known, message=message)
    return replace(outcome.result, hook_phase=OperationPhase.ERROR, message=message)


def _reason_of(live: Live, found: Sentence | None) -> str:
    """What an object waits for: what was found below it, or what keeps it from going."""
    if live.is_terminating and (finalizers := nested_list(live.manifest, "metadata", "finalizers")):
        return Sentence(code="finalizers-hold", parameters={"finalizers": list(finalizers)}).text(Language.ENGLISH)
    return found.text(Language.ENGLISH) if found is not None else ""
