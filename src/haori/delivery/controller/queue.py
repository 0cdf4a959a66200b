"""Keyed work: one at a time for a key, many keys at once, and only the strongest wish is kept.

Level, not edge: the queue holds the set of keys to look at again, each with the highest level anybody asked for and the
reasons why; asking twice costs nothing. A key that is being worked on and is asked for again runs once more afterwards.
A later wish (`delay`) waits on a timer of the loop and never holds back an earlier one. A quiet key costs nothing.
see: nolar/kopf `kopf/_core/reactor/queueing.py` for the idea; Argo CD's compare levels are reference section 2.9.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, NoReturn, TypeVar

from haori.observe import Counter, Histogram

Key = TypeVar("Key", bound=Hashable)
NAME = "app_reconciliation_queue"
"""As Argo CD names the queue that does this work."""
ADDS = Counter("workqueue_adds", "Keys that were put into the queue.", ("name",))
WAITED = Histogram("workqueue_queue_duration_seconds", "How long keys waited in the queue.", ("name",))
WORKED = Histogram("workqueue_work_duration_seconds", "How long work on a key took.", ("name",))

URGENT_TURNS = 4


class Level(IntEnum):
    """How much has to be looked at again; each level includes those below."""

    TREE = 0
    """Health and tree only: a child changed."""
    LIVE = 1
    """Compare again with the revision resolved last: a managed object changed."""
    NEWEST = 2
    """Resolve the revision: time has passed, the destination changed, an automated operation ended."""
    FORCED = 3
    """Ask the repository whatever was asked a moment ago: an application came, a source changed, a person asked."""
    HARD = 4
    """As FORCED, and render without the cache."""


MOVED = "live"
"""The reason of who looks because a live object changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What has been asked of a key since it was last worked on."""

    level: Level
    reasons: frozenset[str] = frozenset()
    fresh_after: float | None = field(default=None, compare=False)
    """Loop time of the last wish to ask the repository (FORCED, HARD): what was fetched since will do. None: nobody did."""

    is_urgent: bool = field(default=False, compare=False)
    """Something is known to have changed for it, where others only ask whether."""

    def joined(self, other: Wish) -> Wish:
        """Both at once."""
        times = [each for each in (self.fresh_after, other.fresh_after) if each is not None]
        return Wish(
            level=max(self.level, other.level),
            reasons=self.reasons | other.reasons,
            fresh_after=max(times, default=None),
            is_urgent=self.is_urgent or other.is_urgent,
        )


class WorkQueue(Generic[Key]):
    """Runs `work(key, wish)` for every key asked for, at most `workers` at once in each lane (all are in one by default).

    Lanes keep those that wait for something slow from holding up the others. Unbounded in keys on purpose: a set never
    holds more than there are applications. `work` handles its own expected failures; what it raises ends `run`.
    """

    def __init__(
        self,
        work: Callable[[Key, Wish], Awaitable[None]],
        *,
        workers: int = 10,
        lane_of: Callable[[Key], Hashable] = lambda key: None,
    ) -> None:
        if workers < 1:
            raise ValueError("a queue needs a worker")
        self._work, self._workers, self._lane_of = work, workers, lane_of
        self._wishes: dict[Key, Wish] = {}
        self._lanes: dict[Hashable, _Lane[Key]] = {}
        self._busy: set[Key] = set()
        self._timers: dict[Key, dict[Level, tuple[float, asyncio.TimerHandle, Wish]]] = {}
        self._group: asyncio.TaskGroup | None = None
        """Owns the workers while `run` does."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._done = 0
        self._since: dict[Key, float] = {}
        """When keys that wait now were asked for (loop time)."""

    def ask(self, key: Key, level: Level, reason: str, *, delay: float = 0.0, is_urgent: bool = False) -> None:
        """Asks to look at `key` again, at once or in `delay` seconds; of several delays of one level the earliest counts.

        An urgent key goes before those that are not, but for one in five turns, which are the others'.
        """
        time = asyncio.get_running_loop().time() if level >= Level.FORCED else None
        wish = Wish(level=level, reasons=frozenset({reason}), fresh_after=time, is_urgent=is_urgent)
        if delay > 0:
            self._ask_later(key, wish, delay)
            return
        self._ask_now(key, wish)

    def forget(self, key: Key) -> None:
        """Drops every wish for `key`; work on it that has begun goes on."""
        self._wishes.pop(key, None)
        self._since.pop(key, None)
        for _, handle, _ in self._timers.pop(key, {}).values():
            handle.cancel()

    def drop(self, key: Key, reason: str) -> None:
        """Drops wishes for `key` that have this reason alone: the work under way is about to see what they were about."""
        dropped = frozenset({reason})
        wish = self._wishes.get(key)
        if wish is not None and wish.reasons == dropped and key in self._busy:
            del self._wishes[key], self._since[key]
        timers = self._timers.get(key, {})
        for level in [level for level, (_, _, wish) in timers.items() if wish.reasons == dropped]:
            timers.pop(level)[1].cancel()
        if not timers:
            self._timers.pop(key, None)

    async def run(self) -> NoReturn:
        """Works until cancelled; timers stop with it."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    for lane in list(self._lanes.values()):
                        self._staff(lane)
                    await asyncio.Event().wait()
                finally:
                    self._group = None
        finally:
            for _, handle, _ in (each for timers in self._timers.values() for each in timers.values()):
                handle.cancel()
            self._timers.clear()
        raise AssertionError("workers run until they are cancelled")

    async def wait_idle(self) -> None:
        """Until nothing is ready and nothing runs; wishes for later are not waited for."""
        await self._idle.wait()

    def statistics(self) -> dict[str, int]:
        """waiting, running, later (keys) and done (pieces of work)."""
        return {
            "waiting": len(self._wishes), "running": len(self._busy), "later": len(self._timers), "done": self._done,
        }  # fmt: skip

    def _ask_now(self, key: Key, wish: Wish) -> None:
        before = self._wishes.get(key)
        after = self._wishes[key] = wish if before is None else before.joined(wish)
        if before is None:
            ADDS.add(NAME)
            self._since[key] = asyncio.get_running_loop().time()
        self._idle.clear()
        is_hurried = before is not None and after.is_urgent and not before.is_urgent
        if key not in self._busy and (before is None or is_hurried):
            self._line_up(key, is_urgent=after.is_urgent)

    def _ask_later(self, key: Key, wish: Wish, delay: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        timers = self._timers.setdefault(key, {})
        if before := timers.pop(wish.level, None):
            before[1].cancel()
            due, wish = min(due, before[0]), before[2].joined(wish)
        timers[wish.level] = (due, loop.call_at(due, self._due, key, wish.level), wish)

    def _due(self, key: Key, level: Level) -> None:
        timers = self._timers[key]
        _, _, wish = timers.pop(level)
        if not timers:
            del self._timers[key]
        self._ask_now(key, wish)

    def _line_up(self, key: Key, *, is_urgent: bool) -> None:
        name = self._lane_of(key)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
        (lane.urgent if is_urgent else lane.ready).append(key)
        self._staff(lane)

    def _staff(self, lane: _Lane[Key]) -> None:
        """One worker more for what waits, up to as many as a lane may have; a worker leaves an empty lane."""
        if self._group is not None:
            for _ in range(min(self._workers - lane.workers, len(lane) - lane.arriving)):
                lane.workers += 1
                lane.arriving += 1
                self._group.create_task(self._worker(lane))

    async def _worker(self, lane: _Lane[Key]) -> None:
        lane.arriving -= 1
        try:
            while lane:
                key = lane.pop()
                if key in self._busy:  # Forgotten and asked for again: its wish waits for the work to end.
                    continue
                wish = self._wishes.pop(key, None)
                if wish is None:  # Forgotten meanwhile, or it was urgent and has had its turn.
                    self._settle()
                    continue
                await self._serve(key, wish)
        finally:
            lane.workers -= 1

    async def _serve(self, key: Key, wish: Wish) -> None:
        self._busy.add(key)
        began = asyncio.get_running_loop().time()
        WAITED.observe(began - self._since.pop(key, began), NAME)
        try:
            await self._work(key, wish)
        except BaseException:
            self._group = None  # It is over for all; nobody is called to work any more.
            raise
        finally:
            self._busy.discard(key)
            self._done += 1
            WORKED.observe(asyncio.get_running_loop().time() - began, NAME)
            if key in self._wishes:
                self._line_up(key, is_urgent=self._wishes[key].is_urgent)
            self._settle()

    def _settle(self) -> None:
        if not self._wishes and not self._busy:
            self._idle.set()


@dataclass(slots=True)
class _Lane(Generic[Key]):
    """Keys that are ready, and who works on them."""

    ready: deque[Key] = field(default_factory=deque)
    urgent: deque[Key] = field(default_factory=deque)
    """Go first; a key that was ready before it became urgent stands in both, and counts where it comes up first."""
    turns: int = 0
    """Urgent ones in a row."""
    workers: int = 0
    arriving: int = 0
    """Workers that were called and have not looked yet."""

    def __len__(self) -> int:
        return len(self.ready) + len(self.urgent)

    def pop(self) -> Key:
        """The next key; after URGENT_TURNS urgent ones one of the others, so that nobody waits for ever."""
        if self.urgent and (not self.ready or self.turns < URGENT_TURNS):
            self.turns += 1
            return self.urgent.popleft()
        self.turns = 0
        return self.ready.popleft()
