"""How many requests may be in flight at once: as many as the API server takes gladly, and no fixed rate.

The window grows by one for each window's worth of answers that came as quickly as usual, halves when the server says
429 (and nothing starts until the pause it asked for is over), and shrinks a little when answers take several times as
long as the quickest lately. Writes go before reads that wait, since a sync that waits holds more than a list does.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum

SLOW_FACTOR = 8.0
SLOW_SECONDS = 0.5


class Priority(IntEnum):
    """Who goes first when the window is full."""

    WRITE = 0
    READ = 1


class FlowControl:
    """The window of one cluster."""

    def __init__(self, *, clock: Callable[[], float], start: float = 16, least: float = 1, most: float = 96) -> None:
        self._clock = clock
        self._window = start
        self._least, self._most = least, most
        self._in_flight = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._paused_until = 0.0
        self._usual_seconds = 0.0
        self._throttled = 0

    @asynccontextmanager
    async def slot(self, priority: Priority) -> AsyncIterator[None]:
        """A place in the window, held while the request is under way."""
        await self._enter(priority)
        try:
            yield
        finally:
            self._in_flight -= 1
            self._wake()

    async def _enter(self, priority: Priority) -> None:
        if self._in_flight >= int(self._window) or self._waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, next(self._order), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._in_flight -= 1
                    self._wake()
                raise
        else:
            self._in_flight += 1
        while (pause := self._paused_until - self._clock()) > 0:
            try:
                await asyncio.sleep(pause)
            except asyncio.CancelledError:
                self._in_flight -= 1
                self._wake()
                raise

    def _wake(self) -> None:
        while self._waiting and self._in_flight < int(self._window):
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)

    def answered(self, seconds: float) -> None:
        """An answer came after `seconds`."""
        if not self._usual_seconds or seconds < self._usual_seconds:
            self._usual_seconds = seconds
        else:  # The quickest lately, not ever: drift upwards so that a new normal is learnt.
            self._usual_seconds += (seconds - self._usual_seconds) * 0.01
        if seconds > SLOW_SECONDS and seconds > self._usual_seconds * SLOW_FACTOR:
            self._window = max(self._least, self._window * 0.9)
        else:
            self._window = min(self._most, self._window + 1 / self._window)

    def throttled(self, retry_after: float) -> None:
        """The server said 429 and asked for a pause."""
        self._throttled += 1
        self._window = max(self._least, self._window / 2)
        self._paused_until = max(self._paused_until, self._clock() + retry_after)

    def statistics(self) -> dict[str, float]:
        """window, in_flight, waiting, throttled, usual_seconds."""
        return {
            "window": self._window,
            "in_flight": self._in_flight,
            "waiting": len(self._waiting),
            "throttled": self._throttled,
            "usual_seconds": self._usual_seconds,
        }
