"""When to sync without being asked, when to try again, and which revision counts: decisions, made from values alone.

see: argoproj/argo-cd `controller/appcontroller.go` (autoSync, alreadyAttemptedSync, shouldSelfHeal) and
`pkg/apis/application/v1alpha1/types.go` (DefaultSyncRetry*), 3.6. No network, no files; the time is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.delivery.compare import Comparison
from haori.delivery.model import Application, Condition, Pin
from haori.delivery.model.application import AUTOMATED_RETRY, Retry
from haori.delivery.model.operation import OperationState
from haori.delivery.model.pin import PinState
from haori.objects.times import format_time
from haori.resources.argo import ConditionType, OperationPhase, SyncStatus
from haori.words import Sentence

SELF_HEAL_FIRST_SECONDS = 2.0
SELF_HEAL_FACTOR = 3
SELF_HEAL_MAX_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What automated sync does: start `operation`, look again in `wait_seconds`, or nothing; `condition` says why not."""

    operation: dict[str, Any] | None = None
    wait_seconds: float | None = None
    condition: Condition | None = None


NOTHING = Decision()


def decide_sync(
    application: Application,
    *,
    status: SyncStatus,
    revisions: Sequence[str],
    comparisons: Iterable[Comparison],
    now: datetime,
) -> Decision:
    """Whether to sync to `revisions` by ourselves; the caller has made sure that nothing restricts the application."""
    automated = application.spec.sync_policy.automated
    state = application.operation_state
    if automated is None or application.is_deleting or application.operation is not None:
        return NOTHING
    if status is not SyncStatus.OUT_OF_SYNC or (state is not None and not state.phase.is_completed):
        return NOTHING
    counted = [item for item in comparisons if item.counts]
    different = [item for item in counted if not item.is_synced]
    if all(item.is_extra for item in different) and not automated.prune and different:
        return NOTHING
    if automated.prune and not automated.allow_empty and counted and all(item.is_extra for item in counted):
        return Decision(condition=_refuse_empty(application, len(counted)))
    if not is_attempted(application, revisions):
        return Decision(operation=automated_operation(application, revisions, prune=automated.prune))
    assert state is not None
    if state.phase is not OperationPhase.SUCCEEDED:
        return Decision(condition=sync_error(state, revisions))
    if not automated.self_heal:
        return NOTHING
    return _heal(application, state, different, revisions, now)


def is_attempted(application: Application, revisions: Sequence[str]) -> bool:
    """Whether the last operation was for these revisions and sources: no state means no, a state without a result yes."""
    state = application.operation_state
    if state is None:
        return False
    if not state.has_result:
        return state.phase.is_completed
    sources = tuple(dict(source.raw) for source in application.spec.sources)
    return state.revisions == tuple(revisions) and tuple(dict(source) for source in state.sources) == sources


def automated_operation(
    application: Application,
    revisions: Sequence[str],
    *,
    prune: bool,
    resources: Sequence[Comparison] = (),
    attempts: int = 0,
) -> dict[str, Any]:
    """The `operation` that the engine asks of itself."""
    sync: dict[str, Any] = {"prune": prune}
    if application.spec.has_many:
        sync["revisions"] = list(revisions)
    else:
        sync["revision"] = revisions[0] if revisions else ""
    if options := application.spec.sync_policy.option_texts:
        sync["syncOptions"] = list(options)
    if resources:
        sync["resources"] = [_reference(item) for item in resources]
    if attempts:
        sync["autoHealAttemptsCount"] = attempts
    retry = application.spec.sync_policy.retry or AUTOMATED_RETRY
    return {"sync": sync, "initiatedBy": {"automated": True}, "retry": {"limit": retry.limit}}


def self_heal_pause(attempts: int) -> float:
    """Seconds between the end of the last sync and the next healing: none at first, then 2 s x 3^(n-1), at most 300 s."""
    if attempts <= 0:
        return 0.0
    return min(SELF_HEAL_FIRST_SECONDS * float(SELF_HEAL_FACTOR) ** min(attempts - 1, 10), SELF_HEAL_MAX_SECONDS)


def retry_pause(state: OperationState, retry: Retry | None) -> float | None:
    """Seconds after a failure until the operation is tried again, None where it is not.

    Argo CD raises the count before it computes the pause, so the first one is twice the configured duration.
    """
    if retry is None or (0 <= retry.limit <= state.retry_count):
        return None
    power = min(state.retry_count + 1, 32)
    return float(min(retry.duration_seconds * retry.factor**power, retry.max_seconds))


def sync_error(state: OperationState, revisions: Sequence[str]) -> Condition:
    """The condition of a sync that failed and is not tried again by itself."""
    parameters = {"revision": ",".join(revisions), "message": state.message}
    return Condition(
        type=ConditionType.SYNC_ERROR, sentence=Sentence(code="sync-attempt-failed", parameters=parameters)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which revisions an application is held at, and what a person should know of its pin."""

    revisions: tuple[str, ...]
    pin: Pin | None = None
    sentence: Sentence | None = None
    ends_pin: bool = False


def decide_revisions(pin: Pin | None, git: Sequence[str], now: datetime) -> Wanted:
    """The pinned revisions while the pin holds, else those Git wants; `ends_pin` asks to remove the annotation."""
    if pin is None:
        return Wanted(revisions=tuple(git))
    state = pin.state(now, git)
    if state is PinState.ENDED:
        return Wanted(revisions=tuple(git), ends_pin=True)
    revision = ",".join(pin.revisions)
    if state is PinState.OVERDUE and pin.until is not None:
        parameters = {"revision": revision, "owner": pin.owner, "until": format_time(pin.until)}
        return Wanted(revisions=pin.revisions, pin=pin, sentence=Sentence(code="pin-overdue", parameters=parameters))
    parameters = {"revision": revision, "owner": pin.owner, "reason": pin.reason}
    return Wanted(revisions=pin.revisions, pin=pin, sentence=Sentence(code="pin-holds", parameters=parameters))


def _heal(
    application: Application,
    state: OperationState,
    different: Sequence[Comparison],
    revisions: Sequence[str],
    now: datetime,
) -> Decision:
    attempts = state.operation.self_heal_attempts
    if state.finished_at is not None:
        left = self_heal_pause(attempts) - (now - state.finished_at).total_seconds()
        if left > 0:
            return Decision(wait_seconds=left)
    automated = application.spec.sync_policy.automated
    prune = automated is not None and automated.prune
    return Decision(
        operation=automated_operation(application, revisions, prune=prune, resources=different, attempts=attempts + 1)
    )


def _refuse_empty(application: Application, count: int) -> Condition:
    parameters = {"application": application.name, "count": count}
    return Condition(
        type=ConditionType.SYNC_ERROR, sentence=Sentence(code="sync-would-prune-all", parameters=parameters)
    )


def _reference(item: Comparison) -> dict[str, str]:
    """Argo CD names group, kind and name; we add the namespace, so that a twin elsewhere is left alone."""
    key = item.key
    named = {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
    return {name: value for name, value in named.items() if value or name in ("kind", "name")}
