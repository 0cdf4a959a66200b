"""How one application is seen: what forbids it, what Git wants of it, what lives, and how the two differ.

An engine that leads and one that observes see by this very code, so that both refuse the same things in the same words.
Nothing is written here: what follows from what was seen is `reconcile`'s and `observing`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from haori.delivery.compare import Targets
from haori.delivery.controller.admit import check_scope
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.hurry import HURRIED
from haori.delivery.controller.memory import ApplicationKey, Assessment, Desired, Findings, Memory
from haori.delivery.controller.pins import decide_revisions
from haori.delivery.controller.queue import Level, Wish, WorkQueue
from haori.delivery.controller.recording import Recording
from haori.delivery.controller.sites import Site, Sites
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, Condition
from haori.errors import HaoriError, TransientError
from haori.observe import span
from haori.resources.argo import ConditionType, HealthStatus, SyncStatus
from haori.words import Sentence

HIDDEN_SECONDS = 180.0
"""How long a repository may be out of reach before it is said of an application whose state is known."""
TRANSIENT_SECONDS = 30.0
"""How long until what could not be rendered through trouble that passes is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a look works with."""

    queue: WorkQueue[ApplicationKey]
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
    ends_pin: bool = False
    """Whether its pin has had its time and is to be taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One application as it was seen."""

    site: Site
    memory: Memory
    wanted: Wanted
    assessment: Assessment | None
    """None where it is refused."""
    conditions: tuple[Condition, ...]
    is_refused: bool
    is_away: bool
    """Whether its cluster does not answer: then nothing begins and nothing fails, all goes on when it does."""

    @property
    def revisions(self) -> tuple[str, ...]:
        """Those it was held against; none where there is no desired state."""
        return self.wanted.desired.revisions if self.wanted.desired is not None else ()

    @property
    def is_stopped(self) -> bool:
        """Whether a condition forbids that anything begins by itself."""
        return any(condition.type.is_error for condition in self.conditions)

    def findings(self, why: Sentence | None) -> Findings:
        """What there is to say of it."""
        assessment, desired = self.assessment, self.wanted.desired
        sync, health, message = SyncStatus.UNKNOWN, HealthStatus.UNKNOWN, ""
        if assessment is not None:
            health, message = assessment.health.status, assessment.health.message
            sync = assessment.status if desired is not None else SyncStatus.UNKNOWN
        return Findings(
            sync=sync,
            health=health,
            health_message=message,
            revisions=self.revisions,
            assessment=assessment,
            desired=desired,
            conditions=self.conditions,
            why=why,
        )


class Sight:
    """Sees applications, and remembers of them what makes the next look cheap."""

    def __init__(self, parts: Parts, *, on_wanted: Callable[[ApplicationKey, str, Targets | None], None]) -> None:
        """`on_wanted` hears which objects an application wants on which cluster (its server)."""
        self._parts, self._on_wanted = parts, on_wanted
        self.memories: dict[ApplicationKey, Memory] = {}

    def forget(self, key: ApplicationKey) -> None:
        """The application is gone."""
        self.memories.pop(key, None)
        self._on_wanted(key, "", None)

    async def see(self, key: ApplicationKey, application: Application, place: Place, wish: Wish) -> Seen:
        """The application now; what could not be had of its sources is a condition. Raises what its cluster answers."""
        parts, memory = self._parts, self._memory_of(key, application, place)
        site = parts.sites.at(place) or parts.sites.control
        refused = parts.check(application)
        is_refused = any(condition.type.is_error for condition in refused)
        wanted = Wanted() if is_refused else await self._want(site, application, memory, wish, parts.clock())
        if wanted.desired is not None and (outside := check_scope(wanted.desired.targets.manifests, place)):
            refused, is_refused = (*refused, *outside), True
        self._on_wanted(key, place.server, wanted.desired.targets if wanted.desired is not None else None)
        with span("compare"):
            assessment = None if is_refused else await site.assessor.assess(application, wanted.desired, memory)
        conditions = [*refused, *(assessment.conditions if assessment is not None else ())]
        if wanted.error is not None:
            sentence = Sentence(code="target-state-failed", parameters={"reason": wanted.error.sentence})
            conditions.append(Condition(type=ConditionType.COMPARISON_ERROR, sentence=sentence))
        return Seen(
            site=site,
            memory=memory,
            wanted=wanted,
            assessment=assessment,
            conditions=tuple(conditions),
            is_refused=is_refused,
            is_away=place.problem is not None and place.problem.type is ConditionType.COMPARISON_ERROR,
        )

    def _memory_of(self, key: ApplicationKey, application: Application, place: Place) -> Memory:
        memory = self.memories.get(key)
        if memory is None or (memory.server, memory.uid) != (place.server, application.uid):
            # What was known of another cluster, or another of its name, says nothing of this one.
            memory = self.memories[key] = Memory(server=place.server, uid=application.uid, found=application)
        return memory

    async def _want(self, site: Site, application: Application, memory: Memory, wish: Wish, now: datetime) -> Wanted:
        sources, level, ends_pin = application.spec.sources, wish.level, False
        try:
            if level >= Level.NEWEST or not memory.git:
                with span("resolve"):
                    hurried = HURRIED in wish.reasons
                    memory.git = await site.desired.resolve(sources, fresh_after=wish.fresh_after, at_once=hurried)
            decided = decide_revisions(application.pin, memory.git, now)
            if application.pin is not None and application.pin.until is not None and application.pin.until > now:
                key = ApplicationKey(application.namespace, application.name)
                self._parts.queue.ask(
                    key, Level.NEWEST, "pin", delay=(application.pin.until - now).total_seconds() + 0.5
                )
            ends_pin = decided.ends_pin
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
            return Wanted(
                desired=memory.desired,
                sentence=decided.sentence,
                is_pinned=decided.pin is not None,
                ends_pin=ends_pin,
            )
        except HaoriError as error:
            if isinstance(error, TransientError):
                key = ApplicationKey(application.namespace, application.name)
                self._parts.queue.ask(key, Level.NEWEST, "transient", delay=TRANSIENT_SECONDS)
            return replace(self._failed(memory, error, level), ends_pin=ends_pin)

    def _failed(self, memory: Memory, error: HaoriError, level: Level) -> Wanted:
        """A repository that is away for a moment leaves what is known standing; everything else is told at once."""
        loop = asyncio.get_running_loop()
        memory.failing_since = memory.failing_since or loop.time()
        memory.failure = error
        is_hidden = isinstance(error, TransientError) and level < Level.FORCED
        if memory.desired is not None and is_hidden and loop.time() - memory.failing_since < HIDDEN_SECONDS:
            return Wanted(desired=memory.desired)
        return Wanted(error=error)
