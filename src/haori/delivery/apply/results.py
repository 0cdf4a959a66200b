"""Rows of `syncResult.resources` out of what became of tasks."""

from __future__ import annotations

from haori.delivery.apply.steps import Task
from haori.delivery.model.operation import ResourceResult
from haori.errors import HaoriError
from haori.resources.argo import OperationPhase, ResultCode


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
