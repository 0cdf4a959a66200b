"""One look at one application: what Git wants, what lives, what is done about it, what is said of it.

Level, not edge: a look decides from what is wanted and what is there, whatever it was asked for, so a lost or doubled
reason changes nothing in the end. Everything it learns can be worked out again; everything it promises stands in the cluster.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.compare import Targets
from haori.delivery.controller import progress
from haori.delivery.controller.admit import check_scope
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.desired import operation_sources
from haori.delivery.controller.faults import Faults, describe_fault
from haori.delivery.controller.memory import ApplicationKey, Assessment, Desired, Findings, Memory
from haori.delivery.controller.pins import decide_revisions
from haori.delivery.controller.publishing import build_status
from haori.delivery.controller.queue import Level, Wish, WorkQueue
from haori.delivery.controller.reasons import failed_operation
from haori.delivery.controller.recording import Recording
from haori.delivery.controller.sites import Site, Sites
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, Condition, OperationState, Pin, format_pin
from haori.delivery.model.operation import parse_operation
from haori.delivery.plan import AutoVerdict, decide_automated
from haori.delivery.plan.deletion_hooks import finalizers_for
from haori.delivery.plan.messages import read_message
from haori.errors import HaoriError, TransientError
from haori.objects import ResourceKey, annotations_of, nested_mapping, nested_text
from haori.observe import Counter, Histogram, bound, span
from haori.resources import argo, haori
from haori.resources.argo import ConditionType, HealthStatus, OperationPhase, SyncStatus
from haori.words import Sentence

log = logging.getLogger(__name__)

RECONCILED = Histogram(
    "argocd_app_reconcile",
    "How long looks at applications took, in seconds.",
    ("namespace", "dest_server"),
    (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
)
_APPLICATION = ("namespace", "name", "project", "dest_server")
SYNCS = Counter("argocd_app_sync", "Operations that ended.", (*_APPLICATION, "phase", "dry_run"))
SYNC_SECONDS = Counter("argocd_app_sync_duration_seconds", "Time that successful operations took.", _APPLICATION)
HIDDEN_SECONDS = 180.0
"""How long a repository may be out of reach before it is said of an application whose state is known."""
TRANSIENT_SECONDS = 30.0
"""How long until what could not be rendered through trouble that passes is tried again."""
AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a look works with."""

    declared: Declared
    sites: Sites
    recording: Recording
    writer: ApplicationWriter
    check: Callable[[Application], tuple[Condition, ...]]
    """What forbids that an application is synced."""
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an application is to be held against in this look."""

    desired: Desired | None = None
    error: HaoriError | None = None
    sentence: Sentence | None = None
    """What a person should know of its pin."""
    is_pinned: bool = False


class Reconciler:
    """The work of the queue."""

    def __init__(
        self, parts: Parts, *, resync_seconds: float, on_wanted: Callable[[ApplicationKey, str, Targets | None], None]
    ) -> None:
        """`on_wanted` hears which objects an application wants on which cluster (its server)."""
        self._parts = parts
        self._resync_seconds = resync_seconds
        self._on_wanted = on_wanted
        self._rng = random.Random()  # noqa: S311 - spreads load, hides nothing
        self._faults: Faults[ApplicationKey] = Faults(self._rng)
        self.memories: dict[ApplicationKey, Memory] = {}
        self.queue: WorkQueue[ApplicationKey]
        self._counts = {"looks": 0, "failures": 0, "faults": 0}

    def statistics(self) -> dict[str, int]:
        """looks, failures (peers that refused or were away), faults (ours)."""
        return dict(self._counts)

    def forget(self, key: ApplicationKey) -> None:
        """The application is gone."""
        self.memories.pop(key, None)
        self._on_wanted(key, "", None)
        self._faults.clear(key)
        self.queue.forget(key)
        SYNCS.forget(key.namespace, key.name)
        SYNC_SECONDS.forget(key.namespace, key.name)

    async def work(self, key: ApplicationKey, wish: Wish) -> None:
        """One look; what fails is told and tried again, only a lost Lease ends the engine's term."""
        application = self._parts.declared.applications.get(key)
        if application is None or annotations_of(application.manifest).get(argo.SKIP_RECONCILE) == "true":
            return
        now = asyncio.get_running_loop().time()
        if wish.level < Level.FORCED and (left := self._faults.seconds_left(key, _asked_of(application), now)):
            self.queue.ask(key, wish.level, "fault", delay=left)
            return
        self._counts["looks"] += 1
        began = time.monotonic()
        try:
            place = self._parts.sites.place_of(application)
            if not place.is_ready and place.problem is None:
                return  # It is being read; when that is done everything on it is looked at.
            with bound(application=str(key)), span("look", level=wish.level.name.lower()):
                if application.is_deleting:
                    await self._delete(application, place, wish)
                else:
                    await self._look(key, application, place, wish)
                self._tell(application, place, wish, time.monotonic() - began)
            self._faults.clear(key)
        except LostLeadershipError:
            raise
        except HaoriError as error:
            self._counts["failures"] += 1
            if isinstance(error, TransientError):
                self._parts.sites.suspect(application)
            log.warning("look failed", extra={"application": str(key), "code": error.code, "reason": str(error)})
            self.queue.ask(key, max(wish.level, Level.LIVE), "failed", delay=AGAIN_SECONDS)
        except Exception as error:
            # One application's surprise must not stop the others; the supervisor's right to a broad except is used here.
            await self._fail(key, application, wish, error)

    async def _fail(self, key: ApplicationKey, application: Application, wish: Wish, error: Exception) -> None:
        """A fault of ours: told on the application, in the log without the exception's text, and tried again later.

        What was remembered may be what it stumbled over, so the next look begins from nothing.
        """
        self._counts["faults"] += 1
        fault = describe_fault(error)
        _log_fault("fault while looking", key, error)
        delay = self._faults.note(key, _asked_of(application), asyncio.get_running_loop().time())
        self.queue.ask(key, max(wish.level, Level.NEWEST), "fault", delay=delay)
        memory = self.memories.pop(key, Memory())
        condition = fault.condition(application.name)
        findings = replace(
            memory.findings or Findings(sync=SyncStatus.UNKNOWN, health=HealthStatus.UNKNOWN),
            sync=SyncStatus.UNKNOWN,
            health=HealthStatus.UNKNOWN,
            health_message="",
            revisions=application.revisions,
            conditions=(condition,),
            why=condition.sentence,
            pin=pin_json(application.pin) if application.pin is not None else None,
            state=None,
            has_ended=False,
        )
        self.memories[key] = Memory(server=memory.server, has_ended_pin=memory.has_ended_pin, findings=findings)
        try:
            await self._tell_fault(key, findings)
        except LostLeadershipError:
            raise
        except HaoriError as refused:
            log.warning("fault not told", extra={"application": str(key), "code": refused.code})
        except Exception as second:  # The fault may lie in the telling itself; then the log alone has it.
            _log_fault("fault while telling a fault", key, second)

    async def _tell_fault(self, key: ApplicationKey, findings: Findings) -> None:
        """Says on the application what is to be said after a fault."""
        now = self._parts.clock()
        await self._parts.writer.write_status(key, lambda newest: build_status(newest, findings, now))

    def _tell(self, application: Application, place: Place, wish: Wish, seconds: float) -> None:
        RECONCILED.observe(seconds, application.namespace, place.server)
        if log.isEnabledFor(logging.DEBUG):
            reasons = ",".join(sorted(wish.reasons))
            log.debug("looked", extra={"level_asked": wish.level.name.lower(), "reasons": reasons, "seconds": seconds})

    async def _delete(self, application: Application, place: Place, wish: Wish) -> None:
        site = self._parts.sites.at(place)
        deletion = (site or self._parts.sites.control).deletion
        if not place.is_known and self._parts.sites.has_read_secrets:
            cluster = place.name or place.server or "-"
            log.warning("objects left behind", extra={"application": application.name, "cluster": cluster})
            await deletion.let_go(application)
        elif place.problem is not None:
            await deletion.wait(application, place.problem.sentence)
        elif site is not None:
            look_at = await deletion.step(application, place, fresh_after=wish.fresh_after)
            if look_at is not None:
                key = ApplicationKey(application.namespace, application.name)
                delay = max(0.01, (look_at - self._parts.clock()).total_seconds())
                self.queue.ask(key, Level.LIVE, "time-out", delay=delay)

    async def _look(self, key: ApplicationKey, application: Application, place: Place, wish: Wish) -> None:
        parts, memory = self._parts, self._memory_of(key, place)
        site = parts.sites.at(place) or parts.sites.control
        now = parts.clock()
        refused = parts.check(application)
        is_refused = any(condition.type.is_error for condition in refused)
        wanted = Wanted() if is_refused else await self._want(site, application, memory, wish, now)
        if wanted.desired is not None and (outside := check_scope(wanted.desired.targets.manifests, place)):
            refused, is_refused = (*refused, *outside), True
        self._on_wanted(key, place.server, wanted.desired.targets if wanted.desired is not None else None)
        with span("compare"):
            assessment = None if is_refused else await site.assessor.assess(application, wanted.desired, memory)
        conditions = [*refused, *(assessment.conditions if assessment is not None else ())]
        if wanted.error is not None:
            sentence = Sentence(code="target-state-failed", parameters={"reason": wanted.error.sentence})
            conditions.append(Condition(type=ConditionType.COMPARISON_ERROR, sentence=sentence))
        await self._note_pin(application, memory)
        ended = False
        state = application.operation_state
        waiting: tuple[ResourceKey, ...] = ()
        # On a cluster that does not answer nothing begins and nothing fails: all goes on when it does.
        is_away = place.problem is not None and place.problem.type is ConditionType.COMPARISON_ERROR
        begun = None
        if not is_away:
            begun = await self._begin(site, key, application, memory, wanted, assessment, conditions)
        if begun is not None:
            state = begun
        if state is not None and not state.phase.is_completed and not is_away:
            current = parts.declared.applications.get(key, application)
            about = progress.operation_id(current, state)
            with bound(operation=about, revision=",".join(state.revisions)), span("operation"):
                outcome = await site.operating.advance(current, state, memory, wanted.desired, conditions)
            state, waiting, ended = outcome.state, outcome.waiting_for, outcome.state.phase.is_completed
            if outcome.look_at is not None:
                delay = max(0.01, (outcome.look_at - parts.clock()).total_seconds())
                self.queue.ask(key, Level.LIVE, "time-out", delay=delay)
            if outcome.again_at is not None:
                self.queue.ask(key, Level.NEWEST, "retry", delay=max(0.01, (outcome.again_at - now).total_seconds()))
            if not is_refused:
                assessment = await site.assessor.assess(application, wanted.desired, memory)
        await self._publish(site, key, memory, wanted, assessment, conditions, state, waiting, ended=ended)
        if ended:
            memory.run = None
            self.queue.ask(key, Level.NEWEST, "operation ended")
        if self._resync_seconds:
            delay = self._resync_seconds * (1 + self._rng.uniform(-0.1, 0.1))
            self.queue.ask(key, Level.NEWEST, "resync", delay=delay)

    # What Git wants

    def _memory_of(self, key: ApplicationKey, place: Place) -> Memory:
        memory = self.memories.get(key)
        if (
            memory is None or memory.server != place.server
        ):  # What was known of another cluster says nothing of this one.
            memory = self.memories[key] = Memory(server=place.server)
        return memory

    async def _want(self, site: Site, application: Application, memory: Memory, wish: Wish, now: datetime) -> Wanted:
        sources, level = application.spec.sources, wish.level
        try:
            if level >= Level.NEWEST or not memory.git:
                with span("resolve"):
                    memory.git = await site.desired.resolve(sources, fresh_after=wish.fresh_after)
            decided = decide_revisions(application.pin, memory.git, now)
            if application.pin is not None and application.pin.until is not None and application.pin.until > now:
                key = ApplicationKey(application.namespace, application.name)
                self.queue.ask(key, Level.NEWEST, "pin", delay=(application.pin.until - now).total_seconds() + 0.5)
            if decided.ends_pin:
                await self._end_pin(application)
                memory.has_ended_pin = True
            revisions = memory.git
            if decided.revisions != memory.git:
                revisions = await site.desired.resolve(sources, revisions=decided.revisions)
            is_known = memory.desired is not None and memory.desired.revisions == revisions
            if level >= Level.NEWEST or not is_known:
                with span("desired", revision=",".join(revisions)):
                    memory.desired = await site.desired.build(
                        application,
                        sources,
                        revisions,
                        discovery=await site.cluster.client.discover(),
                        settings=self._parts.declared.settings,
                        again=level >= Level.HARD,
                        known=memory.desired,
                    )
            memory.failure, memory.failing_since = None, None
            return Wanted(desired=memory.desired, sentence=decided.sentence, is_pinned=decided.pin is not None)
        except HaoriError as error:
            if isinstance(error, TransientError):
                key = ApplicationKey(application.namespace, application.name)
                self.queue.ask(key, Level.NEWEST, "transient", delay=TRANSIENT_SECONDS)
            return self._failed(memory, error, level)

    def _failed(self, memory: Memory, error: HaoriError, level: Level) -> Wanted:
        """A repository that is away for a moment leaves what is known standing; everything else is told at once."""
        loop = asyncio.get_running_loop()
        memory.failing_since = memory.failing_since or loop.time()
        memory.failure = error
        is_hidden = isinstance(error, TransientError) and level < Level.FORCED
        if memory.desired is not None and is_hidden and loop.time() - memory.failing_since < HIDDEN_SECONDS:
            return Wanted(desired=memory.desired)
        return Wanted(error=error)

    async def _end_pin(self, application: Application) -> None:
        def build(newest: Application) -> Mapping[str, Any] | None:
            if newest.pin is None or newest.pin != application.pin:
                return None
            version = nested_text(newest.manifest, "metadata", "resourceVersion")
            return {"metadata": {"annotations": {haori.PIN: None}, "resourceVersion": version}}

        await self._parts.writer.write(ApplicationKey(application.namespace, application.name), build)

    async def _note_pin(self, application: Application, memory: Memory) -> None:
        """Records that a pin came or went; the status holds the last one that was recorded."""
        before = nested_mapping(application.manifest, "status", "haori", "pin")
        pin = self._parts.declared.applications.get(
            ApplicationKey(application.namespace, application.name), application
        ).pin
        if pin is not None and pin_json(pin) != dict(before):
            self._parts.recording.pin_set(application, pin)
        elif pin is None and before:
            revision = str(before.get("revision") or "")
            self._parts.recording.pin_ended(application, revision, by_us=memory.has_ended_pin)
            memory.has_ended_pin = False

    # Operations

    async def _begin(
        self,
        site: Site,
        key: ApplicationKey,
        application: Application,
        memory: Memory,
        wanted: Wanted,
        assessment: Assessment | None,
        conditions: list[Condition],
    ) -> OperationState | None:
        """The operation that begins in this look, written before anything is done; None where none does."""
        state = application.operation_state
        if state is not None and not state.phase.is_completed:
            return None
        raw: Mapping[str, Any] | None = None
        if application.operation is not None:
            raw = application.operation.raw
        elif wanted.desired is not None and assessment is not None and not _stops(conditions):
            raw = self._automated(key, application, wanted, assessment, conditions)
        if raw is None:
            return None
        sources = operation_sources(application, parse_operation(raw).sources)
        begun = progress.begin(application, raw, sources=sources, now=self._parts.clock())
        revisions = await site.operating.resolve(begun, sources, wanted.desired)
        begun = replace(begun, revisions=revisions)
        memory.run = None
        await self._publish(site, key, memory, wanted, assessment, conditions, begun, (), takes_operation=True)
        self._parts.recording.operation_started(application, begun)
        return begun

    def _automated(
        self,
        key: ApplicationKey,
        application: Application,
        wanted: Wanted,
        assessment: Assessment,
        conditions: list[Condition],
    ) -> Mapping[str, Any] | None:
        assert wanted.desired is not None
        now = self._parts.clock()
        decision = decide_automated(
            application,
            status=assessment.status,
            revisions=wanted.desired.revisions,
            comparisons=assessment.comparisons,
            desired=wanted.desired.targets.manifests,
            now=now,
        )
        if decision.sentence is not None:
            conditions.append(Condition(type=ConditionType.SYNC_ERROR, sentence=decision.sentence))
        if decision.verdict is AutoVerdict.WAIT and decision.retry_at is not None:
            self.queue.ask(key, Level.LIVE, "self-heal", delay=max(0.01, (decision.retry_at - now).total_seconds()))
        operation = decision.operation
        if operation is not None and wanted.is_pinned:
            # As Argo CD rolls back: the old release's hooks (its migrations) are not run again.
            operation = {**operation, "sync": {**operation["sync"], "syncStrategy": {"apply": {}}}}
        return operation

    # What is said

    async def _publish(
        self,
        site: Site,
        key: ApplicationKey,
        memory: Memory,
        wanted: Wanted,
        assessment: Assessment | None,
        conditions: Sequence[Condition],
        state: OperationState | None,
        waiting_for: Sequence[ResourceKey],
        *,
        ended: bool = False,
        takes_operation: bool = False,
    ) -> None:
        parts = self._parts
        application = parts.declared.applications.get(key)
        if application is None:
            return
        revisions = wanted.desired.revisions if wanted.desired is not None else ()
        told = list(conditions)
        if failed_operation(state) and ended and state is not None:
            parameters = {"revision": ", ".join(state.revisions), "message": read_message(state.message)}
            sentence = Sentence(code="sync-attempt-failed", parameters=parameters)
            told = [item for item in told if item.type is not ConditionType.SYNC_ERROR]
            told.append(Condition(type=ConditionType.SYNC_ERROR, sentence=sentence))
        why = await site.reasons.find(
            application, assessment, conditions=told, state=state, waiting_for=waiting_for, revisions=revisions
        )
        if waiting_for and memory.run is not None and (found := _cause(why)) is not None:
            memory.run.reasons[waiting_for[0]] = found
        sync, health, message = verdict_of(assessment, wanted)
        findings = Findings(
            sync=sync,
            health=health,
            health_message=message,
            revisions=revisions or application.revisions,
            assessment=assessment,
            desired=wanted.desired,
            conditions=tuple(told),
            why=why or wanted.sentence,
            pin=pin_json(application.pin) if application.pin is not None else None,
            state=state,
            has_ended=ended,
            urls=site.assessor.urls(application),
        )
        before = application.health_status
        await parts.writer.write_status(
            key,
            lambda newest: build_status(
                newest, replace(findings, state=state and respecting(newest, state)), parts.clock()
            ),
            takes_operation=takes_operation,
            finalizers=_finalizers(assessment, wanted),
        )
        memory.findings = findings
        if before is not health and application.manifest.get("status"):
            reason = why if why is not None else message
            parts.recording.health_changed(application, before, health, reason, ",".join(revisions))
        if ended and state is not None:
            _count(application, site.cluster.server, state)
            await parts.recording.operation_finished(application, state)


def _asked_of(application: Application) -> object:
    """What people ask of an application: once that is another, a look that failed may come through."""
    raw = application.operation.raw if application.operation is not None else None
    phase = nested_text(application.manifest, "status", "operationState", "phase")
    return application.manifest.get("spec"), raw, application.is_deleting, phase == OperationPhase.TERMINATING


def _log_fault(event: str, key: ApplicationKey, error: Exception) -> None:
    fault = describe_fault(error)
    log.error(event, extra={"application": str(key), "fault": fault.type, "trace": list(fault.trace)})


def _count(application: Application, server: str, state: OperationState) -> None:
    """An operation that ended, as Argo CD counts it."""
    about = (application.namespace, application.name, application.spec.project, server)
    SYNCS.add(*about, state.phase.value, str(state.operation.dry_run).lower())
    if state.started_at and state.finished_at and state.phase is OperationPhase.SUCCEEDED:
        SYNC_SECONDS.add(*about, amount=(state.finished_at - state.started_at).total_seconds())


def _cause(why: Sentence | None) -> Sentence | None:
    """What holds an object up, taken out of the sentence about the whole."""
    if why is None or why.code == "why-sync-waits":
        return None
    reason = why.parameters.get("reason") if why.code == "why-with-commit" else why
    return reason if isinstance(reason, Sentence) else None


def _finalizers(assessment: Assessment | None, wanted: Wanted) -> Callable[[Application], Sequence[str] | None] | None:
    """Holds an Application for the hooks of its deletion, from when Git asks for them until it asks no more."""
    if assessment is None or wanted.desired is None:
        return None
    return lambda newest: None if newest.is_deleting else finalizers_for(newest.finalizers, assessment.deletion_phases)


def _stops(conditions: Sequence[Condition]) -> bool:
    return any(condition.type.is_error for condition in conditions)


def verdict_of(assessment: Assessment | None, wanted: Wanted) -> tuple[SyncStatus, HealthStatus, str]:
    """(sync status, health, its message) of an application."""
    if assessment is None:
        return SyncStatus.UNKNOWN, HealthStatus.UNKNOWN, ""
    status = SyncStatus.UNKNOWN if wanted.desired is None else assessment.status
    return status, assessment.health.status, assessment.health.message


def respecting(newest: Application, state: OperationState) -> OperationState:
    """The state to write: neither somebody who asked to terminate while we worked is overwritten, nor what went further."""
    known = newest.operation_state
    if known is not None and progress.is_ahead(known, state):
        return known
    if known is None or state.phase.is_completed or known.started_at != state.started_at:
        return state
    return replace(state, phase=known.phase) if known.phase is OperationPhase.TERMINATING else state


def pin_json(pin: Pin) -> dict[str, Any]:
    """A pin as `status` and rows carry it."""
    value: dict[str, Any] = orjson.loads(format_pin(pin))
    return value
