"""Keyed work: one at a time for a key, many keys at once, nothing while it is quiet.

Level, not edge: the queue holds the set of keys to look at again. Asking twice costs nothing; a key that is asked for
while it is worked on runs once more. The first ask runs at once, further ones no closer together than `spacing`, so
that a burst of events costs one look and a lone one no delay. Work that fails is tried again, later each time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NoReturn, TypeVar

from haori.cluster import ConflictError
from haori.errors import PeerError

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)

SPACING_SECONDS = 0.02
FIRST_RETRY_SECONDS = 0.01
LONGEST_RETRY_SECONDS = 30.0


class KeyedQueue(Generic[Key]):
    """Runs `work(key)` for every key asked for, at most `workers` at once; unbounded in keys, as it is a set of them."""

    def __init__(
        self,
        name: str,
        work: Callable[[Key], Awaitable[None]],
        *,
        workers: int = 8,
        spacing: float = SPACING_SECONDS,
    ) -> None:
        self.name = name
        self._work, self._workers, self._spacing = work, workers, spacing
        self._ready: deque[Key] = deque()
        self._asked: set[Key] = set()
        self._held: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._group: asyncio.TaskGroup | None = None
        self._busy = 0
        self._counts = {"done": 0, "failed": 0}

    def ask(self, key: Key, delay: float = 0.0) -> None:
        """Asks to look at `key` again, at once or in `delay` seconds; the earliest of several delays counts."""
        if delay > 0:
            self._ask_later(key, delay)
        elif key not in self._asked:
            self._asked.add(key)
            if key not in self._held:
                self._ready.append(key)
                self._pump()

    async def run(self) -> NoReturn:
        """Works until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._pump()
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._group = None  # A group that ends takes no new tasks.
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
        raise AssertionError("a queue runs until it is cancelled")

    def statistics(self) -> dict[str, int]:
        """asked, running, later, failing (keys); done, failed (pieces of work)."""
        return {
            "asked": len(self._asked), "running": self._busy, "later": len(self._timers),
            "failing": len(self._failures), **self._counts,
        }  # fmt: skip

    def _ask_later(self, key: Key, delay: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        if before := self._timers.get(key):
            if before.when() <= due:
                return
            before.cancel()
        self._timers[key] = loop.call_at(due, self._due, key)

    def _due(self, key: Key) -> None:
        del self._timers[key]
        self.ask(key)

    def _pump(self) -> None:
        while self._group is not None and self._ready and self._busy < self._workers:
            key = self._ready.popleft()
            self._asked.discard(key)
            self._held.add(key)
            self._busy += 1
            self._group.create_task(self._run(key), name=f"{self.name} {key}")

    async def _run(self, key: Key) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await self._work(key)
            self._counts["done"] += 1
            self._failures.pop(key, None)
        except PeerError as error:
            log.debug("work refused", extra={"controller": self.name, "key": str(key), "code": error.code})
            self._retry(key, quickly=isinstance(error, ConflictError))
        except Exception:  # A fault in one controller must not stop the others; it is told, and tried again.
            log.exception("work failed", extra={"controller": self.name, "key": str(key)})
            self._retry(key, quickly=False)
        finally:
            self._busy -= 1
            loop.call_at(started + self._spacing, self._release, key)
            self._pump()

    def _release(self, key: Key) -> None:
        self._held.discard(key)
        if key in self._asked:
            self._ready.append(key)
            self._pump()

    def _retry(self, key: Key, *, quickly: bool) -> None:
        self._counts["failed"] += 1
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        steps = min(failures if quickly else failures + 2, 20)
        pause = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**steps)
        self._ask_later(key, pause * (0.75 + random.random() / 4))  # noqa: S311  # jitter, not a secret
