"""The operation's state as values: beginning one, what is written of it, what follows a failure. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from haori.delivery.model import Application, OperationState, ResourceResult, Retry, Source
from haori.delivery.model.application import parse_retry
from haori.delivery.model.operation import parse_operation
from haori.delivery.model.problems import Fields, word_of
from haori.delivery.plan import retry_at
from haori.delivery.plan.next import TaskKey
from haori.delivery.plan.timeouts import WaveKey
from haori.objects import nested_list
from haori.objects.times import format_micro_time, format_time, parse_time
from haori.resources import haori
from haori.resources.argo import OperationPhase, SyncPhase

_WAVE = re.compile(r"-?[0-9]{1,19}")
LAST_FAILED = "Retrying attempt #{count} at {time}."


def begin(
    application: Application, raw: Mapping[str, Any], *, sources: Sequence[Source], now: datetime
) -> OperationState:
    """A new operation. Two of one application never begin in the same second: what they make is told apart by it."""
    started = now.replace(microsecond=0)
    before = application.operation_state
    if before is not None and before.started_at is not None and before.started_at >= started:
        started = before.started_at + timedelta(seconds=1)
    return OperationState(
        operation=parse_operation(raw),
        phase=OperationPhase.RUNNING,
        started_at=started,
        sources=tuple(source.raw for source in sources),
    )


def operation_id(application: Application, state: OperationState) -> str:
    """What marks the hooks of one try: the same after a restart."""
    started = int(state.started_at.timestamp()) if state.started_at else 0
    return f"{application.uid[:8]}-{started}-{state.retry_count}"


def rows_of(state: OperationState) -> dict[TaskKey, ResourceResult]:
    """The results so far, by object and phase."""
    return {(row.key, row.phase): row for row in state.resources}


def with_rows(state: OperationState, rows: Mapping[TaskKey, ResourceResult], message: str = "") -> OperationState:
    """The state with these results."""
    return replace(state, resources=tuple(rows.values()), message=message or state.message)


def end_of(state: OperationState, now: datetime) -> datetime:
    """When an operation that ends now has ended: never before it began, which may be a second from now (see `begin`)."""
    ended = now.replace(microsecond=0)
    return max(ended, state.started_at) if state.started_at is not None else ended


def finish(state: OperationState, phase: OperationPhase, message: str, now: datetime) -> OperationState:
    """The state at its end, or waiting for its next try."""
    ended = replace(state, phase=phase, message=message, finished_at=end_of(state, now))
    if phase is OperationPhase.SUCCEEDED:
        return ended
    policy = retry_of(state)
    at = retry_at(policy, ended) if policy is not None else None
    if at is None:
        return ended
    count = state.retry_count + 1
    text = f"{message}. {LAST_FAILED.format(count=count, time=format_time(at))}"
    return replace(ended, phase=OperationPhase.RUNNING, message=text, retry_count=count)


def next_try_at(state: OperationState) -> datetime | None:
    """When a state that waits for a retry goes on; None where it does not wait."""
    policy = retry_of(state)
    if state.phase is not OperationPhase.RUNNING or state.finished_at is None or policy is None:
        return None
    return retry_at(policy, replace(state, retry_count=state.retry_count - 1)) or state.finished_at


def is_ahead(known: OperationState, state: OperationState) -> bool:
    """Whether what the cluster holds (`known`) has gone further than `state`, which then was read too long ago to be written.

    One engine writes at a time, so this happens only to one that took over and had not seen the last writes of the other.
    """
    if known.started_at is None or state.started_at is None or known.started_at != state.started_at:
        return known.started_at is not None and state.started_at is not None and known.started_at > state.started_at
    if known.retry_count > state.retry_count or (known.phase.is_completed and not state.phase.is_completed):
        return True
    if known.finished_at is not None or state.finished_at is not None or state.phase.is_completed:
        return False  # One of them waits for its next try, or has ended: rows come and go there.
    ours = rows_of(state)
    pairs = [(before, ours.get(place)) for place, before in rows_of(known).items()]
    return any(row is None or (_has_ended(before) and not _has_ended(row)) for before, row in pairs)


def respecting(newest: Application, state: OperationState) -> OperationState:
    """The state to write: neither somebody who asked to terminate while we worked is overwritten, nor what went further."""
    known = newest.operation_state
    if known is not None and is_ahead(known, state):
        return known
    if known is None or state.phase.is_completed or known.started_at != state.started_at:
        return state
    return replace(state, phase=known.phase) if known.phase is OperationPhase.TERMINATING else state


def _has_ended(row: ResourceResult) -> bool:
    return row.hook_phase is not None and row.hook_phase.is_completed


def try_again(state: OperationState, revisions: Sequence[str]) -> OperationState:
    """The next try: the results of the last one are gone."""
    return replace(_with_info(state, {}), finished_at=None, resources=(), revisions=tuple(revisions))


def began_of(state: OperationState) -> dict[WaveKey, datetime]:
    """When waves with a time-out began: an entry of the operation's `info`, which Argo CD's own schema lets stand."""
    found: dict[WaveKey, datetime] = {}
    for entry in nested_list(state.operation.raw, "info"):
        if not isinstance(entry, Mapping) or entry.get("name") != haori.WAVES_BEGAN:
            continue
        for part in str(entry.get("value") or "").split(", "):
            phase, _, rest = part.partition(" ")
            number, _, time = rest.partition(" ")
            known, at = word_of(SyncPhase, phase), parse_time(time)
            if known is not None and at is not None and _WAVE.fullmatch(number):
                found[known, int(number)] = at
    return found


def with_beginning(state: OperationState, wave: WaveKey, now: datetime) -> OperationState:
    """The state that knows when `wave` began; a beginning that is known already stays."""
    began = began_of(state)
    return state if wave in began else _with_info(state, {**began, wave: now})


def _with_info(state: OperationState, began: Mapping[WaveKey, datetime]) -> OperationState:
    before = nested_list(state.operation.raw, "info")
    rest = [entry for entry in before if not isinstance(entry, Mapping) or entry.get("name") != haori.WAVES_BEGAN]
    if began:
        text = ", ".join(f"{phase.value} {number} {format_micro_time(at)}" for (phase, number), at in began.items())
        rest = [*rest, {"name": haori.WAVES_BEGAN, "value": text}]
    if rest == before:
        return state
    raw = {name: value for name, value in state.operation.raw.items() if name != "info"}
    return replace(state, operation=parse_operation(raw | ({"info": rest} if rest else {})))


def retry_of(state: OperationState) -> Retry | None:
    """The retry policy that the operation asks for."""
    raw = state.operation.retry
    return None if raw is None else parse_retry(Fields(raw, "retry", [], []))


def state_json(state: OperationState, *, has_many: bool) -> dict[str, Any]:
    """`status.operationState` as Argo CD writes it."""
    result: dict[str, Any] = {"resources": [row.to_json() for row in state.resources]}
    if has_many:
        result |= {"revision": "", "revisions": list(state.revisions), "sources": [dict(raw) for raw in state.sources]}
    else:
        result["revision"] = state.revisions[0] if state.revisions else ""
        if state.sources:
            result["source"] = dict(state.sources[0])
    found: dict[str, Any] = {
        "operation": dict(state.operation.raw),
        "phase": state.phase.value,
        "message": state.message,
        "syncResult": result,
    }
    if state.started_at:
        found["startedAt"] = format_time(state.started_at)
    if state.finished_at:
        found["finishedAt"] = format_time(state.finished_at)
    if state.retry_count:
        found["retryCount"] = state.retry_count
    return found
