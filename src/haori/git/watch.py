"""Looks at one repository from time to time, and at once when told.

Level, not edge: the callback hears that the refs are not those of the last look, and whoever cares resolves anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any, Protocol

from haori.errors import HaoriError

INTERVAL_SECONDS = 60.0
LONGEST_SECONDS = 600.0
JITTER = 0.1


class Refreshes(Protocol):
    """What can be looked at: `Repositories`, and what else answers by URL."""

    async def refresh(self, url: str) -> Any:
        """What is there now; another value when it has changed."""
        ...


class RepositoryWatch:
    """Polls one URL until cancelled; `notify` makes it look now. With an interval of 0 it looks once, and when told."""

    def __init__(
        self, repositories: Refreshes, url: str, *, changed: Callable[[str, Any], None],
        failed: Callable[[str, HaoriError], None], interval_seconds: float = INTERVAL_SECONDS,
        rng: random.Random | None = None,
    ) -> None:  # fmt: skip
        self._repositories = repositories
        self._url = url
        self._changed = changed
        self._failed = failed
        self._interval = interval_seconds
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._told = asyncio.Event()

    def notify(self) -> None:
        """Somebody pushed, or wants to know now."""
        self._told.set()

    async def run(self) -> None:
        """Looks, calls back, waits; failures double the pause up to ten minutes."""
        last: Any = None
        failures = 0
        while True:
            self._told.clear()
            try:
                refs = await self._repositories.refresh(self._url)
            except HaoriError as error:
                failures += 1
                self._failed(self._url, error)
            else:
                failures = 0
                if refs != last:
                    last = refs
                    self._changed(self._url, refs)
            pause = min(self._interval * 2 ** min(failures, 8), max(LONGEST_SECONDS, self._interval))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause * (1 + self._rng.uniform(-JITTER, JITTER)) if pause else None):
                    await self._told.wait()
