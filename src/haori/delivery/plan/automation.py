"""Whether an application syncs by itself now, and when a failed sync is tried again.

see: argoproj/argo-cd `controller/appcontroller.go` autoSync, alreadyAttemptedSync, shouldSelfHeal (3.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from haori.delivery.compare import Comparison
from haori.delivery.model import Application, OperationState, Retry
from haori.delivery.plan.hooks import is_hook
from haori.delivery.plan.messages import read_message
from haori.objects import Manifest, ResourceKey, nested_mapping
from haori.resources.argo import OperationPhase, SyncStatus
from haori.words import Sentence

MOST_FACTOR = 1_000_000
"""Beyond this a pause is the longest one at once, and its power no number."""
SELF_HEAL_FIRST_SECONDS, SELF_HEAL_FACTOR, SELF_HEAL_CAP_SECONDS = 2.0, 3, 300.0


class AutoVerdict(StrEnum):
    """What automated sync does now, and why not."""

    SYNC = "sync"
    SELF_HEAL = "self-heal"
    WAIT = "wait"
    """For the back-off of self-heal: look again at `retry_at`."""
    OFF = "off"
    BUSY = "busy"
    DELETING = "deleting"
    SYNCED = "synced"
    UNKNOWN = "unknown"
    ONLY_PRUNING = "only-pruning"
    ATTEMPTED_FAILED = "attempted-failed"
    ATTEMPTED = "attempted"
    WOULD_EMPTY = "would-empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoDecision:
    """The verdict; `operation` is the mapping to put into `operation` where it is sync or self-heal."""

    verdict: AutoVerdict
    operation: dict[str, Any] | None = None
    retry_at: datetime | None = None
    sentence: Sentence | None = None


def decide_automated(
    application: Application,
    *,
    status: SyncStatus,
    revisions: Sequence[str],
    comparisons: Mapping[ResourceKey, Comparison],
    desired: Mapping[ResourceKey, Manifest],
    now: datetime,
) -> AutoDecision:
    """What automated sync does, given a fresh comparison with `revisions` (one a source)."""
    automated = application.spec.sync_policy.automated
    stop = _precondition(application, status)
    if stop is not None or automated is None:
        return AutoDecision(verdict=stop or AutoVerdict.OFF)
    counted = {key: item for key, item in comparisons.items() if item.counts and not item.is_synced}
    if counted and not automated.prune and all(item.is_extra for item in counted.values()):
        return AutoDecision(verdict=AutoVerdict.ONLY_PRUNING)
    would_empty = not any(not is_hook(manifest) for manifest in desired.values())
    if automated.prune and not automated.allow_empty and would_empty and any(c.is_extra for c in counted.values()):
        sentence = Sentence(code="sync-would-empty", parameters={"application": application.name})
        return AutoDecision(verdict=AutoVerdict.WOULD_EMPTY, sentence=sentence)
    state = application.operation_state
    if state is None or not already_attempted(application, state, revisions):
        return AutoDecision(verdict=AutoVerdict.SYNC, operation=_operation(application, revisions, [], 0))
    if state.phase is not OperationPhase.SUCCEEDED:
        parameters = {"revision": ", ".join(revisions), "message": read_message(state.message)}
        sentence = Sentence(code="sync-failed-last-attempt", parameters=parameters)
        return AutoDecision(verdict=AutoVerdict.ATTEMPTED_FAILED, sentence=sentence)
    if not automated.self_heal:
        return AutoDecision(verdict=AutoVerdict.ATTEMPTED)
    attempts = state.operation.self_heal_attempts
    at = (state.finished_at or now) + timedelta(seconds=self_heal_seconds(attempts))
    if now < at:
        return AutoDecision(verdict=AutoVerdict.WAIT, retry_at=at)
    refs = [_ref(key) for key in sorted(counted)]
    return AutoDecision(verdict=AutoVerdict.SELF_HEAL, operation=_operation(application, revisions, refs, attempts + 1))


def _precondition(application: Application, status: SyncStatus) -> AutoVerdict | None:
    if application.spec.sync_policy.automated is None:
        return AutoVerdict.OFF
    if application.is_deleting:
        return AutoVerdict.DELETING
    state = application.operation_state
    if application.operation is not None or (state is not None and not state.phase.is_completed):
        return AutoVerdict.BUSY
    match status:
        case SyncStatus.SYNCED:
            return AutoVerdict.SYNCED
        case SyncStatus.UNKNOWN:
            return AutoVerdict.UNKNOWN
        case SyncStatus.OUT_OF_SYNC:
            return None


def already_attempted(application: Application, state: OperationState, revisions: Sequence[str]) -> bool:
    """Whether the last operation was for these revisions and these sources; one without a result counts as such."""
    if not state.has_result:
        return True
    sources = [dict(source.raw) for source in application.spec.sources]
    return tuple(revisions) == state.revisions and sources == [dict(source) for source in state.sources]


def lacks_record(application: Application, revisions: Sequence[str]) -> bool:
    """Whether the Application tells of no operation for `revisions`, and was last compared with none or with others.

    Of a sync to them that nobody recorded this is all that is left; where there was none, it looks the same.
    """
    state, sync = application.operation_state, nested_mapping(application.manifest, "status", "sync")
    if state is not None and (not state.has_result or tuple(revisions) == state.revisions):
        return False
    if not sync:
        return state is None
    compared, spec = nested_mapping(sync, "comparedTo"), nested_mapping(application.manifest, "spec")
    is_same = all(compared.get(name) == spec.get(name) for name in ("source", "sources", "destination"))
    return is_same and application.revisions not in ((), tuple(revisions))


def is_evident(application: Application, revisions: Sequence[str]) -> bool:
    """Whether a sync to `revisions` would be begun by anybody who sees this Application, now and when it is half done.

    So it is recorded as it ends. Where drift is left alone, what is half done would be left as well.
    """
    automated, state = application.spec.sync_policy.automated, application.operation_state
    if state is not None and state.phase is not OperationPhase.SUCCEEDED:
        return False
    status = nested_mapping(application.manifest, "status", "sync").get("status", SyncStatus.SYNCED.value)
    heals = automated is not None and automated.self_heal
    return heals and status == SyncStatus.SYNCED.value and lacks_record(application, revisions)


def self_heal_seconds(attempts: int) -> float:
    """The pause before the next self-heal: at once, then 2 s, 6 s, 18 s … to five minutes."""
    if attempts <= 0:
        return 0.0
    return min(SELF_HEAL_CAP_SECONDS, SELF_HEAL_FIRST_SECONDS * float(SELF_HEAL_FACTOR) ** min(attempts - 1, 10))


def retry_at(retry: Retry, state: OperationState) -> datetime | None:
    """When a failed operation is tried again, None where it is not; `retry_count` has the tries so far.

    The count is raised before it is used, so the first pause is twice the duration (10 s by default), as in Argo CD.
    """
    if state.finished_at is None or (retry.limit >= 0 and state.retry_count >= retry.limit):
        return None
    pause = retry.duration_seconds * float(min(max(1, retry.factor), MOST_FACTOR)) ** min(state.retry_count + 1, 30)
    return state.finished_at + timedelta(seconds=min(pause, retry.max_seconds))


def _operation(
    application: Application, revisions: Sequence[str], refs: list[dict[str, Any]], attempts: int
) -> dict[str, Any]:
    policy = application.spec.sync_policy
    sync: dict[str, Any] = {"prune": policy.automated is not None and policy.automated.prune}
    if application.spec.has_many:
        sync["revisions"] = list(revisions)
    else:
        sync["revision"] = revisions[0] if revisions else ""
    if policy.option_texts:
        sync["syncOptions"] = list(policy.option_texts)
    if refs:
        sync |= {"resources": refs, "selfHealAttemptsCount": attempts}
    retry: dict[str, Any] = {"limit": 5}
    written = (application.manifest.get("spec") or {}).get("syncPolicy", {}).get("retry")
    initiated: dict[str, Any] = {"automated": True}
    pin = application.pin
    if pin is not None and pin.owner and pin.revisions == tuple(revisions):
        # It leads where somebody pinned it: history names them.
        initiated["username"] = pin.owner
    return {"sync": sync, "initiatedBy": initiated, "retry": written or retry}


def _ref(key: ResourceKey) -> dict[str, Any]:
    # The namespace is named too: Argo CD leaves it out and so heals a twin in another namespace along with it.
    fields = {"group": key.group, "kind": key.kind, "name": key.name, "namespace": key.namespace}
    return {name: value for name, value in fields.items() if value}
