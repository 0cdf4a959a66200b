"""What a sync does next: one decision, made anew in every pass from plan, results and what is live.

The order is Argo CD's (`gitops-engine/pkg/sync/sync_context.go`, 3.6) but for the first two: once, validation of
everything before anything is touched; the namespace; the states of what runs; waiting while it runs; after a failure the
SyncFail hooks and the end; else the first wave that has not run. Where we differ besides: a hook found live with this
operation's id and phase is taken as run, even if its result was lost in a crash; and a failure does not wait for plain
objects that are still on their way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from haori.delivery.health import Health
from haori.delivery.model import ResourceResult
from haori.delivery.plan.timeouts import Began, deadline_of, timed_out
from haori.delivery.plan.types import Action, Plan, SkipReason, Step, Wave
from haori.objects import ResourceKey, gvk_of
from haori.resources.argo import HealthStatus, HookDeletePolicy, OperationPhase, ResultCode, SyncPhase

TaskKey = tuple[ResourceKey, SyncPhase]
Results = Mapping[TaskKey, ResourceResult]

ALL_RUN = "successfully synced (all tasks run)"
NO_MORE = "successfully synced (no more tasks)"
INCOMPLETE = "one or more synchronization tasks completed unsuccessfully"
SYNC_FAIL_FAILED = "one or more SyncFail hooks failed"
TERMINATED = "Operation terminated"
STOPPED = "Terminated"
"""The row of a hook that was deleted because its operation was terminated."""
NOT_VALID = "one or more synchronization tasks are not valid"


class NextKind(StrEnum):
    """What to do."""

    CREATE_NAMESPACE = "create-namespace"
    VALIDATE = "validate"
    DELETE_HOOKS = "delete-hooks"
    """Old objects of hooks that are about to run; then ask again."""
    RUN = "run"
    WAIT = "wait"
    FINISH = "finish"
    """`outcome` is set; `steps` are hooks whose objects are deleted now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A live object as the decision sees it; `health` None: its kind has no check."""

    health: Health | None = None
    is_terminating: bool = False
    operation_id: str = ""
    """Of the annotation on hooks."""
    reason: str = ""
    """What it waits for, where that is known better than by its health."""
    hook_phase: str = ""
    """Of the annotation on hooks: the phase it was made for; empty on those of an older engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """One decision; `results` are the rows brought up to date, to be stored before anything is done."""

    kind: NextKind
    results: Results
    steps: tuple[Step, ...] = ()
    phase: SyncPhase | None = None
    wave: int = 0
    outcome: OperationPhase | None = None
    message: str = ""
    """As `operationState.message` has it on the wire."""
    waiting_for: tuple[ResourceKey, ...] = ()
    awaiting_approval: bool = False
    overdue: tuple[Step, ...] = ()
    """Hooks that took too long and still run: they are stopped at once, by deletion."""
    look_at: datetime | None = None
    """When a time-out is due, while something waits that has one."""


_SKIPPED = {
    SkipReason.PRUNE_OFF: "ignored (requires pruning)",
    SkipReason.PRUNE_FORBIDDEN: "ignored (no prune)",
}
HOOK_PHASES = {
    HealthStatus.HEALTHY: OperationPhase.SUCCEEDED,
    HealthStatus.SUSPENDED: OperationPhase.RUNNING,
    HealthStatus.PROGRESSING: OperationPhase.RUNNING,
    HealthStatus.MISSING: OperationPhase.RUNNING,
    HealthStatus.DEGRADED: OperationPhase.FAILED,
    HealthStatus.UNKNOWN: OperationPhase.FAILED,
}
_PLAIN_PHASES = {**HOOK_PHASES, HealthStatus.UNKNOWN: OperationPhase.RUNNING}


def decide_next(
    plan: Plan,
    results: Results,
    live: Mapping[ResourceKey, Observed],
    *,
    validated: bool = False,
    now: datetime | None = None,
    began: Began | None = None,
) -> Next:
    """The next thing to do. `validated`: the validation was done in this operation (any result says so too).

    `began`: when the waves with a time-out began; without `now` no time-out is due.
    """
    rows = refresh_results(plan, results, live)
    began = began or {}
    if now is not None:
        _expire(plan, rows, live, began, now)
    decision = _decide(plan, rows, live, validated=validated)
    due = [at for step in _all_steps(plan) if _is_running(rows.get(_task(step))) and (at := deadline_of(step, began))]
    overdue = tuple(step for step in _all_steps(plan) if _is_overdue(plan, step, rows.get(_task(step)), live))
    return replace(decision, overdue=overdue, look_at=min(due, default=None))


def _decide(
    plan: Plan, rows: dict[TaskKey, ResourceResult], live: Mapping[ResourceKey, Observed], *, validated: bool
) -> Next:
    if not plan.is_permitted:
        return _finish(plan, rows, OperationPhase.FAILED, NOT_VALID)
    if not rows and not validated and plan.steps:
        return Next(kind=NextKind.VALIDATE, results=rows, steps=plan.steps)
    if plan.namespace is not None and _task(plan.namespace) not in rows:
        return Next(kind=NextKind.CREATE_NAMESPACE, results=rows, steps=(plan.namespace,))
    for row in _skipped_prunes(plan):
        rows.setdefault((row.key, row.phase), row)
    has_failed = any(_has_failed(row) for task, row in rows.items() if task[1] is not SyncPhase.SYNC_FAIL)
    running = [step for step in _all_steps(plan) if _is_running(rows.get(_task(step)))]
    pending = next((wave for wave in plan.waves if any(_task(step) not in rows for step in wave.steps)), None)
    if pending is not None and _is_begun(pending, rows):
        # A crash cut the wave short: what was left of it goes out before anything is made of what ran.
        running = [step for step in running if step not in pending.steps]
    elif has_failed:
        return _after_failure(plan, rows, running, live)
    blocking = running if pending is not None or plan.waits_for_last else [s for s in running if s.hook_type]
    gone = [step for step in running if step.action is Action.PRUNE]
    if blocking or gone:
        return _wait(rows, blocking or gone)
    if pending is None:
        message = ALL_RUN if len(plan.waves) == 1 and not any(s.hook_type for s in plan.steps) else NO_MORE
        return _finish(plan, rows, OperationPhase.SUCCEEDED, message)
    return _run(plan, rows, pending, live)


def _skipped_prunes(plan: Plan) -> Iterator[ResourceResult]:
    """Rows of what is not in Git any more and stays."""
    for item in plan.skipped:
        if (message := _SKIPPED.get(item.reason)) is not None:
            yield ResourceResult(
                key=item.key,
                version=gvk_of(item.manifest).version,
                phase=SyncPhase.SYNC,
                status=ResultCode.PRUNE_SKIPPED,
                message=message,
                hook_phase=OperationPhase.SUCCEEDED,
            )


def decide_termination(plan: Plan, results: Results, live: Mapping[ResourceKey, Observed]) -> Next:
    """Terminating: running hooks are deleted, then the operation has failed; a hook that has just ended keeps its end.

    Asked again after a crash it gives the same: what it stopped before is deleted if it still stands.
    """
    rows = _adopt(plan, results, live)
    stopped: list[Step] = []
    for step in _all_steps(plan):
        row, observed = rows.get(_task(step)), live.get(step.key)
        if row is None or not step.hook_type:
            continue
        if _is_running(row) and observed is not None:
            row = _refreshed(step, row, observed, is_dry_run=plan.is_dry_run)
        if _is_running(row):
            row = replace(row, hook_phase=OperationPhase.FAILED, message=STOPPED)
        rows[_task(step)] = row
        if row.message == STOPPED or HookDeletePolicy.FAILED in step.delete_policies:
            stopped.append(step)
    return Next(
        kind=NextKind.FINISH,
        results=rows,
        steps=tuple(stopped),
        outcome=OperationPhase.FAILED,
        message=TERMINATED,
    )


def refresh_results(
    plan: Plan, results: Results, live: Mapping[ResourceKey, Observed]
) -> dict[TaskKey, ResourceResult]:
    """The rows with the states of what runs, and hooks of this operation that live without a row taken up."""
    rows = _adopt(plan, results, live)
    unwatched = _unwatched(plan)
    for step in _all_steps(plan):
        task = _task(step)
        row = rows.get(task)
        if row is not None and _is_running(row) and task not in unwatched:
            rows[task] = _refreshed(step, row, live.get(step.key), is_dry_run=plan.is_dry_run)
    return rows


def _unwatched(plan: Plan) -> set[TaskKey]:
    """The plain objects of the last wave are not waited for, so what becomes of them is the health's to say."""
    last = plan.waves[-1].steps if plan.waves and not plan.waits_for_last else ()
    return {_task(step) for step in last if not step.hook_type and step.action is not Action.PRUNE}


def _expire(
    plan: Plan,
    rows: dict[TaskKey, ResourceResult],
    live: Mapping[ResourceKey, Observed],
    began: Began,
    now: datetime,
) -> None:
    """Fails what has run longer than it may."""
    unwatched = _unwatched(plan)
    for step in _all_steps(plan):
        row, observed, due = rows.get(_task(step)), live.get(step.key), deadline_of(step, began)
        if row is None or not _is_running(row) or due is None or now < due or _task(step) in unwatched:
            continue
        health = observed.health if observed is not None else None
        reason = (observed.reason if observed is not None else "") or (health.message if health is not None else "")
        message = timed_out(step, reason or (health.status.value if health is not None else "-"))
        rows[_task(step)] = replace(row, hook_phase=OperationPhase.FAILED, message=message)


def _is_overdue(plan: Plan, step: Step, row: ResourceResult | None, live: Mapping[ResourceKey, Observed]) -> bool:
    observed = live.get(step.key)
    if not step.hook_type or step.timeout_seconds is None or row is None or observed is None or plan.is_dry_run:
        return False
    is_running = observed.health is not None and HOOK_PHASES[observed.health.status] is OperationPhase.RUNNING
    has_failed = row.hook_phase is OperationPhase.FAILED
    return has_failed and is_running and not observed.is_terminating and _is_of(plan, step, observed)


def _adopt(plan: Plan, results: Results, live: Mapping[ResourceKey, Observed]) -> dict[TaskKey, ResourceResult]:
    """The rows, and one for each hook that this operation made and whose row was lost."""
    rows = dict(results)
    for step in _all_steps(plan):
        observed = live.get(step.key)
        if step.hook_type and observed is not None and _task(step) not in rows and _is_of(plan, step, observed):
            rows[_task(step)] = _adopted(step)
    return rows


def _refreshed(step: Step, row: ResourceResult, observed: Observed | None, *, is_dry_run: bool) -> ResourceResult:
    if is_dry_run:
        return replace(row, hook_phase=OperationPhase.SUCCEEDED)
    if step.action is Action.PRUNE:
        return row if observed is not None else replace(row, hook_phase=OperationPhase.SUCCEEDED)
    if observed is None:
        # What vanished will not become healthy: an end is better than an endless wait.
        name = f"{step.key.group}/{step.key.kind}/{step.key.name}"
        message = f"Resource {name} is missing, it might have been deleted"
        return replace(row, status=ResultCode.SYNC_FAILED, hook_phase=OperationPhase.ERROR, message=message)
    if observed.health is None:
        message = f"{step.key.name} created" if step.hook_type else row.message
        return replace(row, hook_phase=OperationPhase.SUCCEEDED, message=message)
    phases = HOOK_PHASES if step.hook_type else _PLAIN_PHASES
    phase = phases[observed.health.status]
    message = _words_of(observed.health) if step.hook_type or phase is OperationPhase.FAILED else row.message
    return replace(row, hook_phase=phase, message=message or row.message)


def _words_of(health: Health) -> str:
    """What the object itself says of its state, as Argo CD's rows have it; else what we say of it."""
    said = health.sentence.parameters.get("message") if health.sentence is not None else None
    return said if isinstance(said, str) and said else health.message


def _after_failure(
    plan: Plan, rows: dict[TaskKey, ResourceResult], running: list[Step], live: Mapping[ResourceKey, Observed]
) -> Next:
    pending = next((wave for wave in plan.on_failure if any(_task(step) not in rows for step in wave.steps)), None)
    hooks = [step for step in running if step.hook_type]
    # Where an apply failed the SyncFail hooks begin at once; a failed hook lets the other hooks of its wave end first.
    is_held = any(_is_failure_hook(step) for step in hooks) or not _is_apply_failed(rows)
    if pending is not None and not (hooks and is_held):
        return _run(plan, rows, pending, live)
    if hooks:
        return _wait(rows, hooks)
    return _finish(plan, rows, OperationPhase.FAILED, _failure_message(rows))


def _failure_message(rows: Results) -> str:
    """What failed, in Argo CD's words; what became of SyncFail hooks stands on a line of its own."""
    failed = [(task, _reason(row)) for task, row in sorted(rows.items()) if _has_failed(row) and row.message]
    reasons = dict.fromkeys(text for task, text in failed if task[1] is not SyncPhase.SYNC_FAIL)
    hooks = dict.fromkeys(text for task, text in failed if task[1] is SyncPhase.SYNC_FAIL)
    message = f"{INCOMPLETE}, reason: {','.join(reasons)}" if reasons else INCOMPLETE
    return f"{message}\n{SYNC_FAIL_FAILED}, reason: {','.join(hooks)}" if hooks else message


def _reason(row: ResourceResult) -> str:
    """A refusal names its object itself; what an object says of its state does not."""
    names_itself = row.status is ResultCode.SYNC_FAILED or row.message.startswith(str(row.key))
    return row.message if names_itself else f"{row.key}: {row.message}"


def _is_apply_failed(rows: Results) -> bool:
    """Whether something could not be written at all; what vanished afterwards is another matter."""
    return any(
        row.status is ResultCode.SYNC_FAILED and row.hook_phase is not OperationPhase.ERROR
        for task, row in rows.items()
        if task[1] is not SyncPhase.SYNC_FAIL
    )


def _is_failure_hook(step: Step) -> bool:
    return step.phase is SyncPhase.SYNC_FAIL


def _run(plan: Plan, rows: dict[TaskKey, ResourceResult], wave: Wave, live: Mapping[ResourceKey, Observed]) -> Next:
    steps = tuple(step for step in wave.steps if _task(step) not in rows)
    unapproved = [step for step in steps if step.needs_approval]
    if unapproved:
        message = f"Waiting for pruning confirmation of {_named(unapproved, 'resources')}"
        return replace(_wait(rows, unapproved), awaiting_approval=True, message=message)
    old = tuple(step for step in steps if step.hook_type and _is_old(plan, step, live.get(step.key)))
    if old and not plan.is_dry_run:
        if prunes := tuple(step for step in steps if step.action is Action.PRUNE):
            # Pruning comes before old hooks go, as it does before anything is written.
            return Next(kind=NextKind.RUN, results=rows, steps=prunes, phase=wave.phase, wave=wave.number)
        waits = _wait(rows, old, is_deletion=True)
        return replace(waits, kind=NextKind.DELETE_HOOKS, steps=old, phase=wave.phase, wave=wave.number)
    return Next(kind=NextKind.RUN, results=rows, steps=steps, phase=wave.phase, wave=wave.number)


def _finish(plan: Plan, rows: dict[TaskKey, ResourceResult], outcome: OperationPhase, message: str) -> Next:
    succeeded = outcome is OperationPhase.SUCCEEDED
    policy = HookDeletePolicy.SUCCEEDED if succeeded else HookDeletePolicy.FAILED
    steps = tuple(step for step in _all_steps(plan) if policy in step.delete_policies and _task(step) in rows)
    return Next(kind=NextKind.FINISH, results=rows, steps=steps, outcome=outcome, message=message)


def _wait(rows: dict[TaskKey, ResourceResult], steps: Iterable[Step], *, is_deletion: bool = False) -> Next:
    """Waiting, in Argo CD's words: the first hook is named, else the first object."""
    given = list(steps)
    hooks = [step for step in given if step.hook_type]
    first = (hooks or given)[0]
    if is_deletion or (first.action is Action.PRUNE and not hooks):
        what = "deletion of hook" if hooks else "deletion of"
    else:
        what = "completion of hook" if hooks else "healthy state of"
    name = f"{first.key.group}/{first.key.kind}/{first.key.name}"
    more = f" and {len(given) - 1} more {'hooks' if len(hooks) == len(given) else 'resources'}" if given[1:] else ""
    ordered = [first, *(step for step in given if step is not first)]
    keys = tuple(dict.fromkeys(step.key for step in ordered))
    return Next(kind=NextKind.WAIT, results=rows, waiting_for=keys, message=f"waiting for {what} {name}{more}")


def _named(steps: Sequence[Step], noun: str) -> str:
    """`apps/Deployment/web and 2 more resources`."""
    first = steps[0].key
    more = f" and {len(steps) - 1} more {noun}" if len(steps) > 1 else ""
    return f"{first.group}/{first.kind}/{first.name}{more}"


def _all_steps(plan: Plan) -> list[Step]:
    return [*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)]


def _task(step: Step) -> TaskKey:
    return step.key, step.phase


def _is_running(row: ResourceResult | None) -> bool:
    return row is not None and row.hook_phase is OperationPhase.RUNNING


def _is_begun(wave: Wave, rows: Results) -> bool:
    """Whether something of a wave was written (pruning, which comes first, apart)."""
    found = (rows.get(_task(step)) for step in wave.steps if step.action is not Action.PRUNE)
    return any(row is not None and row.status is ResultCode.SYNCED for row in found)


def _has_failed(row: ResourceResult) -> bool:
    return row.status is ResultCode.SYNC_FAILED or row.hook_phase in (OperationPhase.FAILED, OperationPhase.ERROR)


def _is_of(plan: Plan, step: Step, observed: Observed) -> bool:
    """Whether this operation made it for this phase: a hook of several phases is made anew in each."""
    is_ours = bool(plan.operation_id) and observed.operation_id == plan.operation_id
    return is_ours and observed.hook_phase in ("", step.phase.value)


def _is_old(plan: Plan, step: Step, observed: Observed | None) -> bool:
    if observed is None or _is_of(plan, step, observed):
        return False
    return HookDeletePolicy.BEFORE_CREATION in step.delete_policies


def _adopted(step: Step) -> ResourceResult:
    return ResourceResult(
        key=step.key,
        version=step.version,
        phase=step.phase,
        status=ResultCode.SYNCED,
        hook_type=step.hook_type,
        hook_phase=OperationPhase.RUNNING,
    )
