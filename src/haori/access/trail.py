"""The way of a change into the store: nobody waits for it, and it waits for the store.

Each change is a line of the log at once. It is kept in a bounded queue until the store has it; what finds the queue full is
counted, said in the log, and not kept (the newest go, so that the beginning of a story stays whole).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

import psycopg

from haori.access.audit import Outcome, describe_change
from haori.access.identity import Identity
from haori.observe import Counter
from haori.store import Event, Events, StoreUnavailableError, check_cancelled

log = logging.getLogger("haori.server.audit")

AT_MOST = 10_000
"""Changes that wait; each takes about a kilobyte."""
AT_ONCE = 100
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 15.0
LAST_SECONDS = 3.0
"""For what is left when the process ends."""

LOST = Counter(
    "haori_server_audit_lost_total", "Changes that are in the log and not in the audit: nothing could keep them."
)


class AuditTrail:
    """Of one process; `run` until cancelled, then `finish`."""

    def __init__(self, events: Events, clock: Callable[[], datetime], *, at_most: int = AT_MOST) -> None:
        self._events, self._clock, self._at_most = events, clock, at_most
        self._waiting: deque[Event] = deque()
        self._added = asyncio.Event()
        self._is_away = False

    @property
    def waiting(self) -> int:
        """Changes that the store does not have yet."""
        return len(self._waiting)

    def record(
        self,
        identity: Identity,
        action: str,
        object: str,
        outcome: Outcome,
        details: Mapping[str, Any] | None = None,
        *,
        project: str = "",
        rule: str = "",
        request_id: str = "",
    ) -> None:
        """Keeps a change (see `describe_change`); returns at once."""
        event = describe_change(
            self._clock(), identity, action, object, outcome, details, project=project, rule=rule, request_id=request_id
        )
        log.info("change", extra={"facts": _facts(event)})
        if len(self._waiting) >= self._at_most:
            _lose(event, "too many wait for the store")
            return
        self._waiting.append(event)
        self._added.set()

    async def run(self) -> NoReturn:
        """Brings what waits into the store."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            await self._added.wait()
            has_gone = await self._bring()
            check_cancelled()
            if has_gone:
                pause = FIRST_PAUSE_SECONDS
                continue
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def finish(self) -> None:
        """Brings what it can in a few seconds; the rest is in the log."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while self._waiting and await self._bring():
                    pass
        for event in self._waiting:
            _lose(event, "the server ended first")
        self._waiting.clear()

    async def _bring(self) -> bool:
        """Whether some, or all, of what waits has gone."""
        batch = [self._waiting[number] for number in range(min(AT_ONCE, len(self._waiting)))]
        try:
            await self._events.append(batch)
        except StoreUnavailableError as error:
            if not self._is_away:
                log.warning("audit waits for the store", extra={"facts": {"waiting": self.waiting, "why": str(error)}})
            self._is_away = True
            return False
        except psycopg.Error:
            await self._bring_singly(batch)
        if self._is_away:
            log.info("audit goes on", extra={"facts": {"waiting": self.waiting}})
        self._is_away = False
        for _ in batch:
            self._waiting.popleft()
        if not self._waiting:
            self._added.clear()
        return True

    async def _bring_singly(self, batch: list[Event]) -> None:
        """One of them cannot be kept: the others are."""
        for event in batch:
            try:
                await self._events.append([event])
            except (psycopg.Error, StoreUnavailableError) as error:
                _lose(event, type(error).__name__)


def _lose(event: Event, why: str) -> None:
    LOST.add()
    log.error("change not in the audit", extra={"facts": {**_facts(event), "why": why}})


def _facts(event: Event) -> dict[str, Any]:
    told = event.parameters
    facts = {name: told[name] for name in ("who", "issuer", "token", "action", "object", "rule")}
    return {**facts, "outcome": event.outcome, "project": event.project}
