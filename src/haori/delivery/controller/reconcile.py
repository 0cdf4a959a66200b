"""What a leading engine does in a look: begins and advances operations, deletes, and says what came of it.

Level, not edge: a look decides from what is wanted and what is there, whatever it was asked for, so a lost or doubled
reason changes nothing in the end. Everything it learns can be worked out again; everything it promises stands in the cluster.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

from haori.delivery.compare.ownership import trees_of
from haori.delivery.controller import progress
from haori.delivery.controller.beginning import Beginning
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.desired import operation_sources
from haori.delivery.controller.memory import ApplicationKey, Assessment, Desired, Findings, Memory
from haori.delivery.controller.operating import Outcome
from haori.delivery.controller.publishing import build_status, pin_json
from haori.delivery.controller.queue import MOVED, Level, Wish
from haori.delivery.controller.reasons import failed_operation
from haori.delivery.controller.sight import Parts, Seen, Sight
from haori.delivery.model import Application, Condition, OperationState
from haori.delivery.model.operation import parse_operation
from haori.delivery.plan import AutoVerdict, decide_automated, is_evident, is_hook, lacks_record
from haori.delivery.plan.deletion_hooks import finalizers_for
from haori.delivery.plan.messages import read_message
from haori.errors import HaoriError
from haori.objects import Manifest, ResourceKey, nested_mapping, nested_text
from haori.observe import Counter, bound, span
from haori.resources import haori
from haori.resources.argo import ConditionType, OperationPhase, SyncStatus
from haori.words import Sentence

log = logging.getLogger(__name__)

_APPLICATION = ("namespace", "name", "project", "dest_server")
SYNCS = Counter("argocd_app_sync", "Operations that ended.", (*_APPLICATION, "phase", "dry_run"))
SYNC_SECONDS = Counter("argocd_app_sync_duration_seconds", "Time that successful operations took.", _APPLICATION)


class Reconciler:
    """Delivers."""

    def __init__(self, parts: Parts, sight: Sight, *, resync_seconds: float) -> None:
        self._parts, self._sight, self._ask = parts, sight, parts.queue.ask
        self._resync_seconds = resync_seconds
        self._rng = random.Random()  # noqa: S311 - spreads load, hides nothing

    def forget(self, key: ApplicationKey) -> None:
        """The application is gone."""
        SYNCS.forget(key.namespace, key.name)
        SYNC_SECONDS.forget(key.namespace, key.name)

    async def delete(self, application: Application, place: Place, wish: Wish) -> None:
        """One step, or why there is none."""
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
                self._ask_at(key, Level.LIVE, "time-out", look_at)

    async def look(self, key: ApplicationKey, application: Application, place: Place, wish: Wish) -> None:
        """Sees the application, begins its operation or takes it on, and says what came of it."""
        seen = await self._sight.see(key, application, place, wish)
        if seen.wanted.ends_pin:
            await self._end_pin(application)
            seen.memory.has_ended_pin = True
        await self._note_pin(application, seen.memory)
        state = self._state_of(application, seen.memory)
        waiting: tuple[ResourceKey, ...] = ()
        beginning: Beginning | None = None
        begins = ended = False
        if not seen.is_away:
            seen, beginning = await self._begin(key, application, seen)
            begins = beginning is not None
            state = beginning.state if beginning is not None else state
            if beginning is None and state is not None and state is seen.memory.unrecorded:
                beginning = self._beginning(key, seen, state)
        if state is not None and not state.phase.is_completed and not seen.is_away:
            seen, outcome = await self._advance(key, application, seen, state, beginning)
            state, waiting, ended = outcome.state, outcome.waiting_for, outcome.state.phase.is_completed
        await self._publish(key, seen, state, waiting, ended=ended)
        if ended:
            seen.memory.run = None
            if not begins or not _is_settled(seen, state):
                self._ask(key, Level.NEWEST, "operation ended")
        if self._resync_seconds:
            self._ask(key, Level.NEWEST, "resync", delay=self._resync_seconds * (1 + self._rng.uniform(-0.1, 0.1)))

    def _state_of(self, application: Application, memory: Memory) -> OperationState | None:
        """The last operation: as its Application has it, or one that could not be recorded yet and goes on."""
        known, unrecorded = application.operation_state, memory.unrecorded
        if unrecorded is None or unrecorded.started_at is None:
            return known
        is_told = known is not None and known.started_at is not None and known.started_at >= unrecorded.started_at
        return known if is_told else unrecorded

    def _ask_at(self, key: ApplicationKey, level: Level, reason: str, at: datetime) -> None:
        self._ask(key, level, reason, delay=max(0.01, (at - self._parts.clock()).total_seconds()))

    async def _advance(
        self,
        key: ApplicationKey,
        application: Application,
        seen: Seen,
        state: OperationState,
        beginning: Beginning | None,
    ) -> tuple[Seen, Outcome]:
        """Takes an operation on, and the application as it is seen then."""
        site, memory, desired = seen.site, seen.memory, seen.wanted.desired
        current = self._parts.declared.applications.get(key, application)
        about = progress.operation_id(current, state)
        with bound(operation=about, revision=",".join(state.revisions)), span("operation"):
            async with beginning.watched() if beginning is not None else nullcontext():
                outcome = await site.operating.advance(current, state, memory, desired, seen.conditions, beginning)
        if outcome.look_at is not None:
            self._ask_at(key, Level.LIVE, "time-out", outcome.look_at)
        if outcome.again_at is not None:
            self._ask_at(key, Level.NEWEST, "retry", outcome.again_at)
        if outcome.state.phase.is_completed:
            self._parts.queue.drop(key, MOVED)  # What it wrote itself is seen now.
        if not seen.is_refused:
            seen = replace(seen, assessment=await site.assessor.assess(application, desired, memory))
        return seen, outcome

    async def tell_fault(self, key: ApplicationKey, findings: Findings) -> None:
        """Says on the application what is to be said after a fault."""
        now = self._parts.clock()
        await self._parts.writer.write_status(key, lambda newest: build_status(newest, findings, now))

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

    async def _begin(self, key: ApplicationKey, application: Application, seen: Seen) -> tuple[Seen, Beginning | None]:
        """The operation that begins in this look, None where none does; and what was seen, with why none begins by itself.

        One that was asked for is recorded here: its request goes from the Application with that. So is one that begins by
        itself, but where the Application shows anyway that it is due.
        """
        state = self._state_of(application, seen.memory)
        if state is not None and not state.phase.is_completed:
            return seen, None
        raw: Mapping[str, Any] | None = None
        is_asked = application.operation is not None
        if application.operation is not None:
            raw = application.operation.raw
        elif seen.wanted.desired is not None and seen.assessment is not None and not seen.is_stopped:
            seen, raw = await self._automated(key, application, seen, seen.wanted.desired, seen.assessment)
        if raw is None:
            return seen, None
        sources = operation_sources(application, parse_operation(raw).sources)
        begun = progress.begin(application, raw, sources=sources, now=self._parts.clock())
        revisions = await seen.site.operating.resolve(begun, sources, seen.wanted.desired)
        begun = replace(begun, revisions=revisions)
        seen.memory.run = None
        beginning = self._beginning(key, seen, begun, takes_operation=is_asked)
        has_hooks = seen.wanted.desired is None or _has_hooks(seen.wanted.desired)
        if is_asked or seen.wanted.is_pinned or has_hooks or not is_evident(application, revisions):
            await beginning.write()
        else:
            seen.memory.unrecorded = begun
        self._parts.recording.operation_started(application, begun)
        return seen, beginning

    def _beginning(
        self, key: ApplicationKey, seen: Seen, state: OperationState, *, takes_operation: bool = False
    ) -> Beginning:
        return Beginning(state, lambda: self._publish(key, seen, state, (), takes_operation=takes_operation))

    async def _automated(
        self, key: ApplicationKey, application: Application, seen: Seen, desired: Desired, assessment: Assessment
    ) -> tuple[Seen, Mapping[str, Any] | None]:
        status = assessment.status
        if not seen.memory.has_read_record:
            if await self._lacks_record(key, application, seen, desired, assessment):
                status = SyncStatus.OUT_OF_SYNC
            seen.memory.has_read_record, seen.memory.found = True, None
        decision = decide_automated(
            application,
            status=status,
            revisions=desired.revisions,
            comparisons=assessment.comparisons,
            desired=desired.targets.manifests,
            now=self._parts.clock(),
        )
        if decision.sentence is not None:
            told = Condition(type=ConditionType.SYNC_ERROR, sentence=decision.sentence)
            seen = replace(seen, conditions=(*seen.conditions, told))
        if decision.verdict is AutoVerdict.WAIT and decision.retry_at is not None:
            self._ask_at(key, Level.LIVE, "self-heal", decision.retry_at)
        operation = decision.operation
        if operation is not None and seen.wanted.is_pinned:
            # As Argo CD rolls back: the old release's hooks (its migrations) are not run again.
            operation = {**operation, "sync": {**operation["sync"], "syncStrategy": {"apply": {}}}}
        return seen, operation

    async def _lacks_record(
        self, key: ApplicationKey, application: Application, seen: Seen, desired: Desired, assessment: Assessment
    ) -> bool:
        """Whether an earlier engine may have delivered what is wanted and been killed before it could say so.

        Then it syncs once more: nothing is sent, as all is as it should be, and the release gets its place in history. What has
        hooks has its record first, so there is nothing to mend, and its hooks do not run for this.
        """
        found, state = seen.memory.found or application, application.operation_state
        is_synced = assessment.status is SyncStatus.SYNCED and application.spec.sync_policy.automated is not None
        is_told = state is not None and state.revisions == desired.revisions
        if is_told or not is_synced or _has_hooks(desired) or not lacks_record(found, desired.revisions):
            return False
        if not found.revisions:
            return any(_is_ours(assessment.live[each]) for each in assessment.owned)
        self._ask(key, Level.NEWEST, "record read")  # What is read of Git last is to be what is wanted now.
        try:
            before = await seen.site.operating.would_be(application, found.revisions)
        except HaoriError as error:
            log.info("earlier release not readable", extra={"application": application.name, "code": error.code})
            return True
        return before.targets.manifests != desired.targets.manifests

    # What is said

    async def _publish(
        self,
        key: ApplicationKey,
        seen: Seen,
        state: OperationState | None,
        waiting_for: Sequence[ResourceKey],
        *,
        ended: bool = False,
        takes_operation: bool = False,
    ) -> None:
        parts, site, memory = self._parts, seen.site, seen.memory
        application = parts.declared.applications.get(key)
        if application is None:
            return
        if ended and state is not None and failed_operation(state):
            seen = replace(seen, conditions=_with_failure(seen.conditions, state))
        why = await site.reasons.find(
            application,
            seen.assessment,
            conditions=seen.conditions,
            state=state,
            waiting_for=waiting_for,
            revisions=seen.revisions,
        )
        if waiting_for and memory.run is not None and (found := _cause(why)) is not None:
            memory.run.reasons[waiting_for[0]] = found
        findings = replace(
            seen.findings(why or seen.wanted.sentence),
            revisions=seen.revisions or application.revisions,
            pin=pin_json(application.pin) if application.pin is not None else None,
            state=state,
            has_ended=ended,
            urls=site.assessor.urls(application),
        )
        before = application.health_status
        await parts.writer.write_status(
            key,
            lambda newest: build_status(
                newest, replace(findings, state=state and progress.respecting(newest, state)), parts.clock()
            ),
            takes_operation=takes_operation,
            finalizers=_finalizers(seen),
        )
        memory.findings = findings
        if state is not None:
            memory.unrecorded = None
        if before is not findings.health and application.manifest.get("status"):
            reason = why if why is not None else findings.health_message
            parts.recording.health_changed(application, before, findings.health, reason, ",".join(seen.revisions))
        if ended and state is not None:
            _count(application, site.cluster.server, state)
            await parts.recording.operation_finished(application, state)


def _has_hooks(desired: Desired) -> bool:
    targets = desired.targets
    return bool(targets.generated) or any(map(is_hook, targets.manifests.values()))


def _is_ours(live: Manifest) -> bool:
    return any(True for _ in trees_of(live, (haori.FIELD_MANAGER,)))


def _is_settled(seen: Seen, state: OperationState | None) -> bool:
    """Whether an operation that began and ended in one look leaves nothing to look for: what changes later asks by itself."""
    assessment, wanted = seen.assessment, seen.wanted
    if state is None or state.phase is not OperationPhase.SUCCEEDED or assessment is None:
        return False
    is_here = assessment.status is SyncStatus.SYNCED and state.revisions == seen.revisions
    brings_types = any(row.key.kind == "CustomResourceDefinition" for row in assessment.rows)
    is_pin = wanted.is_pinned or wanted.ends_pin or wanted.sentence is not None
    return is_here and not brings_types and not is_pin and not seen.conditions and not assessment.conditions


def _with_failure(conditions: Sequence[Condition], state: OperationState) -> tuple[Condition, ...]:
    """The conditions after an operation that ended badly: why it did stands in the place of why none began."""
    parameters = {"revision": ", ".join(state.revisions), "message": read_message(state.message)}
    sentence = Sentence(code="sync-attempt-failed", parameters=parameters)
    others = (item for item in conditions if item.type is not ConditionType.SYNC_ERROR)
    return (*others, Condition(type=ConditionType.SYNC_ERROR, sentence=sentence))


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


def _finalizers(seen: Seen) -> Callable[[Application], Sequence[str] | None] | None:
    """Holds an Application for the hooks of its deletion, from when Git asks for them until it asks no more."""
    assessment = seen.assessment
    if assessment is None or seen.wanted.desired is None:
        return None
    return lambda newest: None if newest.is_deleting else finalizers_for(newest.finalizers, assessment.deletion_phases)
