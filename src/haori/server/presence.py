"""Whether the engine answers, so that nobody waits for one that is known not to.

A question may take long: an engine that renders is no engine that hangs. So no time limit on questions tells the two
apart, but a look does: a question that costs nothing, with a short limit. Somebody looks every few seconds while anybody is
connected, and so does each request that waits longer than is usual. An engine that misses a look is silent: who waits for it
is told at once, and so is who comes, until a look is answered. One that refuses connections, or that does not lead (it may have
slept through its Lease), is away as well, but no door is closed for it: who asks finds out just as quickly, and may find it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from haori.errors import HaoriError
from haori.server.errors import Kind, RefusedError

T = TypeVar("T")

LOOK_SECONDS = 3.0
"""For the answer to a look. Loops that are late by half a second are worth an alert, so this is none by chance."""
EVERY_SECONDS, AWAY_EVERY_SECONDS = 5.0, 2.0
"""Between looks at an engine that is there, and at one that is not."""
SUSPECT_SECONDS = 2.0
"""What a question may take before whoever asked has a look taken; then again and again."""
FRESH_SECONDS = 1.0
"""A look that was taken so short a time ago is not taken again."""


class Presence:
    """Of one engine. `run` looks until cancelled."""

    def __init__(
        self,
        look: Callable[[], Awaitable[object]],
        *,
        hear: Callable[[HaoriError | None], None] = lambda problem: None,
        is_watched: Callable[[], bool] = lambda: False,
    ) -> None:
        """`look` asks what costs nothing, and raises RefusedError where nobody is there who could work; `hear` is told what was
        found; while nobody is connected (`is_watched`) no look is taken without need."""
        self._look, self._hear, self._is_watched = look, hear, is_watched
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self.is_there = True
        self.is_silent = False
        """Whether it missed a look: whoever asks is refused without being kept waiting."""

    def missed(self, problem: HaoriError) -> None:
        """Nobody is where it should be, or nobody who leads."""
        self.is_there, self.is_silent = False, False
        self._hear(problem)

    async def hold(self, question: Coroutine[Any, Any, T]) -> T:
        """What the question is answered with. Raises RefusedError (`engine-away`) as soon as the engine is known to be silent."""
        if self.is_silent:
            question.close()
            raise _away()
        asked = asyncio.ensure_future(question)
        try:
            while True:
                await asyncio.wait({asked}, timeout=SUSPECT_SECONDS)
                if asked.done():
                    return asked.result()
                await self.look()
                if self.is_silent and not asked.done():
                    raise _away()
        finally:
            if not asked.done():
                asked.cancel()
                await asyncio.wait({asked})

    async def look(self, *, older_than_seconds: float = FRESH_SECONDS) -> None:
        """Looks, unless somebody did a moment ago; one look serves all who want one."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() - self._looked_at < older_than_seconds:
                return
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look()
            except TimeoutError:
                self.is_there, self.is_silent = False, True
                self._hear(_away())
            except RefusedError as error:
                self.missed(error)
            else:
                self.is_there, self.is_silent = True, False
                self._hear(None)
            self._looked_at = loop.time()

    async def run(self) -> NoReturn:
        """Looks every few seconds while somebody is connected, and at a silent one in any case."""
        while True:
            await asyncio.sleep(EVERY_SECONDS if self.is_there else AWAY_EVERY_SECONDS)
            if self.is_silent or self._is_watched():
                await self.look()


def _away() -> RefusedError:
    return RefusedError(Kind.UNAVAILABLE, "engine-away")
