"""The history of deployments in `status.history`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from haori.delivery.model import HistoryEntry, OperationState
from haori.resources.argo import OperationPhase


def append_history(
    history: Sequence[HistoryEntry], state: OperationState, *, limit: int, has_many: bool
) -> tuple[HistoryEntry, ...]:
    """The history after an operation: grown by one for a Succeeded sync that was whole and real, cut to `limit`."""
    operation = state.operation
    is_written = state.phase is OperationPhase.SUCCEEDED and not operation.dry_run and not operation.is_partial
    if not is_written:
        return tuple(history)
    entry = HistoryEntry(
        id=max((item.id for item in history), default=-1) + 1,
        revisions=state.revisions,
        sources=state.sources,
        has_many=has_many,
        deploy_started_at=state.started_at,
        deployed_at=state.finished_at,
        username=operation.username,
        automated=operation.automated,
    )
    return tuple([*history, replace(entry)][-limit:]) if limit else ()
