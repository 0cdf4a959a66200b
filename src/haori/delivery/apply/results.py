"""Rows of `syncResult.resources` out of what became of tasks."""

from __future__ import annotations

from haori.delivery.apply.steps import Outcome, Task
from haori.delivery.model.operation import ResourceResult
from haori.delivery.plan.types import Step
from haori.errors import HaoriError
from haori.resources.argo import OperationPhase, ResultCode


def untried_outcome(step: Step) -> Outcome:
    """The outcome, in a dry run, of a step that the server could not try yet: it was validated, and that is all."""
    task = Task.of(step)
    word = step.key.kind.lower() + (f".{step.key.group}" if step.key.group else "")
    row = ResourceResult(
        key=task.key,
        version=task.version,
        phase=task.phase,
        status=ResultCode.SYNCED,
        message=f"{word}/{step.key.name} created (dry run)",
        hook_type=task.hook_type,
        hook_phase=OperationPhase.RUNNING,
    )
    return Outcome(task=task, result=row)


def failed_result(task: Task, error: HaoriError) -> ResourceResult:
    """The row of a task that the cluster refused, or would."""
    return ResourceResult(
        key=task.key,
        version=task.version,
        phase=task.phase,
        status=ResultCode.SYNC_FAILED,
        message=str(error),
        hook_type=task.hook_type,
        hook_phase=None if error.code == "kind-not-served" else OperationPhase.FAILED,
    )
