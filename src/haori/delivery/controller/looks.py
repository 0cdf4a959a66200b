"""The work of the queue: one look at one application, whatever comes of it.

What is done in a look is the actor's: an engine that leads delivers (`reconcile`), one that observes only tells
(`observing`). Around it stands here what both need: who is passed over, what fails and is tried again, and faults.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
import time
from dataclasses import replace
from typing import Protocol

from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.faults import Faults, describe_fault
from haori.delivery.controller.memory import ApplicationKey, Findings, Memory
from haori.delivery.controller.publishing import pin_json
from haori.delivery.controller.queue import Level, Wish
from haori.delivery.controller.sight import Parts, Sight
from haori.delivery.model import Application
from haori.errors import HaoriError, TransientError
from haori.objects import annotations_of, nested_text
from haori.observe import Histogram, bound, span
from haori.resources import argo
from haori.resources.argo import HealthStatus, OperationPhase, SyncStatus

log = logging.getLogger(__name__)

RECONCILED = Histogram(
    "argocd_app_reconcile",
    "How long looks at applications took, in seconds.",
    ("namespace", "dest_server"),
    (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
)
AGAIN_SECONDS = 5.0
NEWEST_WEIGHT = 0.3
"""Of the newest look in what an application's looks are said to take."""


class Actor(Protocol):
    """What an engine does in a look."""

    async def look(self, key: ApplicationKey, application: Application, place: Place, wish: Wish) -> None:
        """Sees the application and does what follows."""
        ...

    async def delete(self, application: Application, place: Place, wish: Wish) -> None:
        """One step of a deletion that was asked for."""
        ...

    async def tell_fault(self, key: ApplicationKey, findings: Findings) -> None:
        """Says of the application what is to be said after a fault."""
        ...

    def forget(self, key: ApplicationKey) -> None:
        """The application is gone."""
        ...


class Looks:
    """Looks at applications."""

    def __init__(self, parts: Parts, sight: Sight, act: Actor) -> None:
        self._declared, self._sites, self._queue = parts.declared, parts.sites, parts.queue
        self._sight, self._act = sight, act
        self._faults: Faults[ApplicationKey] = Faults(random.Random())  # noqa: S311 - spreads load, hides nothing
        self._counts = {"looks": 0, "failures": 0, "faults": 0}
        self._seconds: dict[ApplicationKey, float] = {}

    def statistics(self) -> dict[str, int]:
        """looks, failures (peers that refused or were away), faults (ours)."""
        return dict(self._counts)

    def slowest(self, number: int) -> list[tuple[ApplicationKey, float]]:
        """The applications whose looks take longest, in seconds; later looks count more than earlier ones."""
        return heapq.nlargest(number, self._seconds.items(), key=lambda item: item[1])

    def forget(self, key: ApplicationKey) -> None:
        """The application is gone."""
        self._seconds.pop(key, None)
        self._sight.forget(key)
        self._faults.clear(key)
        self._queue.forget(key)
        self._act.forget(key)

    async def work(self, key: ApplicationKey, wish: Wish) -> None:
        """One look; what fails is told and tried again, only a lost Lease ends the engine's term."""
        application = self._declared.applications.get(key)
        if application is None or annotations_of(application.manifest).get(argo.SKIP_RECONCILE) == "true":
            return
        now = asyncio.get_running_loop().time()
        if wish.level < Level.FORCED and (left := self._faults.seconds_left(key, _asked_of(application), now)):
            self._queue.ask(key, wish.level, "fault", delay=left)
            return
        self._counts["looks"] += 1
        began = time.monotonic()
        try:
            place = self._sites.place_of(application)
            if not place.is_ready and place.problem is None:
                return  # It is being read; when that is done everything on it is looked at.
            with bound(application=str(key)), span("look", level=wish.level.name.lower()):
                if application.is_deleting:
                    await self._act.delete(application, place, wish)
                else:
                    await self._act.look(key, application, place, wish)
                seconds = time.monotonic() - began
                before = self._seconds.get(key, seconds)
                self._seconds[key] = before + (seconds - before) * NEWEST_WEIGHT
                self._tell(application, place, wish, seconds)
            self._faults.clear(key)
        except LostLeadershipError:
            raise
        except HaoriError as error:
            self._counts["failures"] += 1
            if isinstance(error, TransientError):
                self._sites.suspect(application)
            log.warning("look failed", extra={"application": str(key), "code": error.code, "reason": str(error)})
            self._queue.ask(key, max(wish.level, Level.LIVE), "failed", delay=AGAIN_SECONDS)
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
        self._queue.ask(key, max(wish.level, Level.NEWEST), "fault", delay=delay)
        memory = self._sight.memories.pop(key, Memory())
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
        self._sight.memories[key] = Memory(
            server=memory.server,
            uid=memory.uid,
            unrecorded=memory.unrecorded,
            found=memory.found,
            has_read_record=memory.has_read_record,
            has_ended_pin=memory.has_ended_pin,
            findings=findings,
        )
        try:
            await self._act.tell_fault(key, findings)
        except LostLeadershipError:
            raise
        except HaoriError as refused:
            log.warning("fault not told", extra={"application": str(key), "code": refused.code})
        except Exception as second:  # The fault may lie in the telling itself; then the log alone has it.
            _log_fault("fault while telling a fault", key, second)

    def _tell(self, application: Application, place: Place, wish: Wish, seconds: float) -> None:
        RECONCILED.observe(seconds, application.namespace, place.server)
        if log.isEnabledFor(logging.DEBUG):
            reasons = ",".join(sorted(wish.reasons))
            log.debug("looked", extra={"level_asked": wish.level.name.lower(), "reasons": reasons, "seconds": seconds})


def _asked_of(application: Application) -> object:
    """What people ask of an application: once that is another, a look that failed may come through."""
    raw = application.operation.raw if application.operation is not None else None
    phase = nested_text(application.manifest, "status", "operationState", "phase")
    return application.manifest.get("spec"), raw, application.is_deleting, phase == OperationPhase.TERMINATING


def _log_fault(event: str, key: ApplicationKey, error: Exception) -> None:
    fault = describe_fault(error)
    log.error(event, extra={"application": str(key), "fault": fault.type, "trace": list(fault.trace)})
