"""Few renders at once, and one that never ends holds up nobody.

A place in the quick lane is meant for the fraction of a second that a render takes. One that takes longer moves to the slow
lane, where there is room, and gives its place back. A source that was stopped at a limit (it never ends, or eats memory)
has had its chance: until it comes out well once, it waits in a lane of its own with others of its kind.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_SECONDS = 3.0
SLOW_PLACES = 1
MOST_STOPPED = 1000
Result = TypeVar("Result")


class Lanes:
    """Where renders wait for each other."""

    def __init__(self, quick_places: int) -> None:
        self._quick = asyncio.Semaphore(quick_places)
        self._stopped = asyncio.Semaphore(1)
        self._slow_left = SLOW_PLACES
        self._wanting: list[Callable[[], None]] = []
        self._known: OrderedDict[str, None] = OrderedDict()

    async def run(self, source: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """What `work()` gives, once `source` has a place."""
        if source in self._known:
            async with self._stopped:
                return await work()
        await self._quick.acquire()
        is_slow = False

        def move() -> None:
            nonlocal is_slow
            if not self._slow_left:
                self._wanting.append(move)
                return
            self._slow_left -= 1
            is_slow = True
            self._quick.release()

        patience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, move)
        try:
            return await work()
        finally:
            patience.cancel()
            if move in self._wanting:
                self._wanting.remove(move)
            if is_slow:
                self._slow_left += 1
                if self._wanting:
                    self._wanting.pop(0)()
            else:
                self._quick.release()

    def note(self, source: str, *, was_stopped: bool) -> None:
        """How a render of `source` came out."""
        if not was_stopped:
            self._known.pop(source, None)
            return
        self._known[source] = None
        while len(self._known) > MOST_STOPPED:
            self._known.popitem(last=False)
