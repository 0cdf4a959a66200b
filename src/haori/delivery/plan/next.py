"""What a sync does next: one decision, made anew in every pass from plan, results and what is live.

The order is Argo CD's (`gitops-engine/pkg/sync/sync_context.go`, 3.6) but for the first two: once, validation of
everything before anything is touched; the namespace; the states of what runs; waiting while it runs; after a failure the
SyncFail hooks and the end; else the first wave that has not run. Where we differ besides: a hook found live with this
operation's id is taken as run, even if its result was lost in a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from haori.delivery.health import Health
from haori.delivery.model import ResourceResult
from haori.delivery.plan.types import Action, Plan, Step, Wave
from haori.objects import ResourceKey
from haori.resources.argo import HealthStatus, HookDeletePolicy, OperationPhase, ResultCode, SyncPhase

TaskKey = tuple[ResourceKey, SyncPhase]
Results = Mapping[TaskKey, ResourceResult]

ALL_RUN = "successfully synced (all tasks run)"
NO_MORE = "successfully synced (no more tasks)"
INCOMPLETE = "one or more synchronization tasks completed unsuccessfully"
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


_HOOK_PHASES = {
    HealthStatus.HEALTHY: OperationPhase.SUCCEEDED,
    HealthStatus.SUSPENDED: OperationPhase.RUNNING,
    HealthStatus.PROGRESSING: OperationPhase.RUNNING,
    HealthStatus.MISSING: OperationPhase.RUNNING,
    HealthStatus.DEGRADED: OperationPhase.FAILED,
    HealthStatus.UNKNOWN: OperationPhase.FAILED,
}
_PLAIN_PHASES = {**_HOOK_PHASES, HealthStatus.UNKNOWN: OperationPhase.RUNNING}


def decide_next(plan: Plan, results: Results, live: Mapping[ResourceKey, Observed], *, validated: bool = False) -> Next:
    """The next thing to do. `validated`: the validation was done in this operation (any result says so too)."""
    rows = refresh_results(plan, results, live)
    if not plan.is_permitted:
        return _finish(plan, rows, OperationPhase.FAILED, NOT_VALID)
    if not rows and not validated and plan.steps:
        return Next(kind=NextKind.VALIDATE, results=rows, steps=plan.steps)
    if plan.namespace is not None and _task(plan.namespace) not in rows:
        return Next(kind=NextKind.CREATE_NAMESPACE, results=rows, steps=(plan.namespace,))
    has_failed = any(_has_failed(row) for task, row in rows.items() if task[1] is not SyncPhase.SYNC_FAIL)
    running = [step for step in _all_steps(plan) if _is_running(rows.get(_task(step)))]
    if has_failed:
        return _after_failure(plan, rows, running, live)
    pending = next((wave for wave in plan.waves if any(_task(step) not in rows for step in wave.steps)), None)
    blocking = running if pending is not None or plan.waits_for_last else [s for s in running if s.hook_type]
    gone = [step for step in running if step.action is Action.PRUNE]
    if blocking or gone:
        return _wait(rows, blocking or gone)
    if pending is None:
        message = ALL_RUN if len(plan.waves) == 1 and not any(s.hook_type for s in plan.steps) else NO_MORE
        return _finish(plan, rows, OperationPhase.SUCCEEDED, message)
    return _run(plan, rows, pending, live)


def decide_termination(plan: Plan, results: Results) -> Next:
    """Terminating: running hooks are deleted, then the operation has Failed."""
    running = tuple(step for step in _all_steps(plan) if step.hook_type and _is_running(results.get(_task(step))))
    ended = dict(results)
    for step in running:
        row = ended[_task(step)]
        ended[_task(step)] = replace(row, hook_phase=OperationPhase.FAILED, message="Terminated")
    message = "Operation terminated"
    return Next(kind=NextKind.FINISH, results=ended, steps=running, outcome=OperationPhase.FAILED, message=message)


def refresh_results(
    plan: Plan, results: Results, live: Mapping[ResourceKey, Observed]
) -> dict[TaskKey, ResourceResult]:
    """The rows with the states of what runs, and hooks of this operation that live without a row taken up."""
    rows = dict(results)
    last = plan.waves[-1].steps if plan.waves and not plan.waits_for_last else ()
    # The plain objects of the last wave are not waited for, so what becomes of them is the health's to say.
    unwatched = {_task(step) for step in last if not step.hook_type and step.action is not Action.PRUNE}
    for step in _all_steps(plan):
        task, observed = _task(step), live.get(step.key)
        row = rows.get(task)
        if row is None and step.hook_type and observed is not None and _is_of(plan, observed):
            row = rows[task] = _adopted(step)
        if row is not None and _is_running(row) and task not in unwatched:
            rows[task] = _refreshed(step, row, observed, is_dry_run=plan.is_dry_run)
    return rows


def _refreshed(step: Step, row: ResourceResult, observed: Observed | None, *, is_dry_run: bool) -> ResourceResult:
    if is_dry_run:
        return replace(row, hook_phase=OperationPhase.SUCCEEDED)
    if step.action is Action.PRUNE:
        return row if observed is not None else replace(row, hook_phase=OperationPhase.SUCCEEDED)
    if observed is None:
        # What vanished will not become healthy: an end is better than an endless wait.
        return replace(row, hook_phase=OperationPhase.ERROR, message="resource not found")
    if observed.health is None:
        return replace(row, hook_phase=OperationPhase.SUCCEEDED)
    phases = _HOOK_PHASES if step.hook_type else _PLAIN_PHASES
    phase = phases[observed.health.status]
    message = observed.health.message if step.hook_type or phase is OperationPhase.FAILED else row.message
    return replace(row, hook_phase=phase, message=message or row.message)


def _after_failure(
    plan: Plan, rows: dict[TaskKey, ResourceResult], running: list[Step], live: Mapping[ResourceKey, Observed]
) -> Next:
    pending = next((wave for wave in plan.on_failure if any(_task(step) not in rows for step in wave.steps)), None)
    failing = {_task(step) for wave in plan.on_failure for step in wave.steps}
    if pending is not None and not any(_task(step) in failing for step in running):
        return _run(plan, rows, pending, live)
    if hooks := [step for step in running if step.hook_type]:
        return _wait(rows, hooks)
    reasons = [row.message for _, row in sorted(rows.items()) if _has_failed(row) and row.message]
    message = f"{INCOMPLETE}, reason: {','.join(dict.fromkeys(reasons))}" if reasons else INCOMPLETE
    return _finish(plan, rows, OperationPhase.FAILED, message)


def _run(plan: Plan, rows: dict[TaskKey, ResourceResult], wave: Wave, live: Mapping[ResourceKey, Observed]) -> Next:
    steps = tuple(step for step in wave.steps if _task(step) not in rows)
    unapproved = [step for step in steps if step.needs_approval]
    if unapproved:
        return replace(_wait(rows, unapproved), awaiting_approval=True, message="waiting for pruning confirmation")
    old = tuple(step for step in steps if step.hook_type and _is_old(plan, step, live.get(step.key)))
    if old and not plan.is_dry_run:
        return Next(kind=NextKind.DELETE_HOOKS, results=rows, steps=old, phase=wave.phase, wave=wave.number)
    return Next(kind=NextKind.RUN, results=rows, steps=steps, phase=wave.phase, wave=wave.number)


def _finish(plan: Plan, rows: dict[TaskKey, ResourceResult], outcome: OperationPhase, message: str) -> Next:
    succeeded = outcome is OperationPhase.SUCCEEDED
    policy = HookDeletePolicy.SUCCEEDED if succeeded else HookDeletePolicy.FAILED
    steps = tuple(step for step in _all_steps(plan) if policy in step.delete_policies and _task(step) in rows)
    return Next(kind=NextKind.FINISH, results=rows, steps=steps, outcome=outcome, message=message)


def _wait(rows: dict[TaskKey, ResourceResult], steps: Iterable[Step]) -> Next:
    keys = tuple(step.key for step in steps)
    first, hook, prune = keys[0], any(s.hook_type for s in steps), any(s.action is Action.PRUNE for s in steps)
    what = "completion of hook" if hook else "deletion of" if prune else "healthy state of"
    name = f"{first.group}/{first.kind}/{first.name}"
    more = f" and {len(keys) - 1} more {'hooks' if hook else 'resources'}" if len(keys) > 1 else ""
    return Next(kind=NextKind.WAIT, results=rows, waiting_for=keys, message=f"waiting for {what} {name}{more}")


def _all_steps(plan: Plan) -> list[Step]:
    return [*plan.steps, *(step for wave in plan.on_failure for step in wave.steps)]


def _task(step: Step) -> TaskKey:
    return step.key, step.phase


def _is_running(row: ResourceResult | None) -> bool:
    return row is not None and row.hook_phase is OperationPhase.RUNNING


def _has_failed(row: ResourceResult) -> bool:
    return row.status is ResultCode.SYNC_FAILED or row.hook_phase in (OperationPhase.FAILED, OperationPhase.ERROR)


def _is_of(plan: Plan, observed: Observed) -> bool:
    return bool(plan.operation_id) and observed.operation_id == plan.operation_id


def _is_old(plan: Plan, step: Step, observed: Observed | None) -> bool:
    if observed is None or _is_of(plan, observed):
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
