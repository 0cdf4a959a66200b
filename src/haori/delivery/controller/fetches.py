"""One fetch for all who want to see what was pushed: a thousand new applications of one repository cost one.

Whoever asks says since when the answer must be; a fetch that began later will do, its failure as well. Those who come
while one runs wait together for the next, and the fetches of one repository keep a distance.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict

from haori.errors import HaoriError
from haori.git import Refreshes

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 0.5
PACE = 8.0
"""A fetch of a repository has a distance of eight times what one takes, within these bounds: what is asked meanwhile is
gathered, and a quick repository answers quickly without keeping a core busy. One may follow another at once (somebody pushed
again), the third begins when both have had their distance. Who is known to have work waits for none."""


class SharedFetches:
    """Fetches, shared by all looks."""

    def __init__(self, repositories: Refreshes) -> None:
        self._repositories = repositories
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last: dict[str, tuple[float, HaoriError | None]] = {}
        """By URL: when the last fetch began (loop time), and how it failed."""
        self._next: dict[str, float] = {}
        """By URL: when the next one may begin."""
        self._hurried: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """By URL: somebody cannot wait until then."""

    async def fetch(self, url: str, after: float, *, at_once: bool = False) -> None:
        """Returns once a fetch that began at `after` (loop time) or later is over. Raises what it failed with.

        `at_once` keeps no distance to the last one; for the few of whom something is known to have changed.
        """
        if at_once:
            self._hurried[url].set()
        async with self._locks[url]:
            last = self._last.get(url)
            if last is None or last[0] < after:
                last = await self._fetch(url)
        if last[1] is not None:
            raise type(last[1])(last[1].code, **last[1].parameters)

    async def _fetch(self, url: str) -> tuple[float, HaoriError | None]:
        loop = asyncio.get_running_loop()
        if (pause := self._next.get(url, 0.0) - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurried[url].wait(), pause)
        self._hurried[url].clear()
        began, failure = loop.time(), None
        try:
            await self._repositories.refresh(url)
        except HaoriError as error:
            failure = error
        distance = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, PACE * (loop.time() - began)))
        if (last := self._last.get(url)) is not None:
            self._next[url] = last[0] + 2 * distance
        self._last[url] = (began, failure)
        return began, failure
