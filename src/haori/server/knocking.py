"""Repositories that were pushed to, on their way to the engine: a webhook is answered before anybody looks at Git.

Each waits once, however often it is named. While the engine is away they wait on; polling would find the commit as well,
so that one that finds no room is refused and nothing is lost. How often an address may knock is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter as Counted
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from haori.errors import HaoriError
from haori.observe import Counter
from haori.server.engine import Engine
from haori.server.errors import Kind, RefusedError

log = logging.getLogger(__name__)

WAITING = 1000
"""Repositories that wait at most."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
TRIES = 8
"""About two minutes; polling has found it by then."""
BURST, PER_SECOND = 100.0, 10.0
"""Requests of one address: so many at once, so many a second in the long run."""
BODIES, BODIES_OF_ONE = 16, 8
"""Bodies that are read at once, of all and of one address."""
BODY_SECONDS = 20.0
"""For one of them to come."""
ADDRESSES = 10_000
"""Addresses that are remembered; the one that is silent longest is forgotten first."""

HOOKS = Counter("haori_server_webhooks_total", "Webhooks, by who sent them and how they ended.", ("service", "outcome"))


@dataclass(slots=True)
class Bodies:
    """Those that are being read: each may be large, and its sender is nobody known."""

    _open: Counted[str] = field(default_factory=Counted)

    @contextmanager
    def read(self, address: str) -> Iterator[None]:
        """A place for one of this address. Raises RefusedError where none is left."""
        if self._open[address] >= BODIES_OF_ONE or self._open.total() >= BODIES:
            raise RefusedError(Kind.UNAVAILABLE, "webhook-bodies-full", limit=BODIES)
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


@dataclass(slots=True)
class Buckets:
    """How much each address has left."""

    seconds: Callable[[], float]
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """(requests left, when that was so)."""

    def take(self, address: str) -> None:
        """One request. Raises RefusedError where there were too many."""
        now = self.seconds()
        left, then = self._left.pop(address, (BURST, now))
        left = min(BURST, left + (now - then) * PER_SECOND)
        self._left[address] = max(0.0, left - 1), now
        if len(self._left) > ADDRESSES:
            del self._left[next(iter(self._left))]
        if left < 1:
            raise RefusedError(Kind.TOO_MANY, "webhook-too-often", per_second=int(PER_SECOND))


class Knocking:
    """Tells the engine; `run` until cancelled."""

    def __init__(self, engine: Engine, seconds: Callable[[], float]) -> None:
        self._engine = engine
        self.buckets, self.bodies = Buckets(seconds), Bodies()
        self._waiting: dict[str, None] = {}
        self._changed = asyncio.Event()

    def put(self, url: str) -> None:
        """A repository was pushed to. Raises RefusedError where no room is left."""
        if url not in self._waiting and len(self._waiting) >= WAITING:
            raise RefusedError(Kind.UNAVAILABLE, "webhooks-full", limit=WAITING)
        self._waiting[url] = None
        self._changed.set()

    async def run(self) -> None:
        """Tells one after the other."""
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            url = next(iter(self._waiting))
            del self._waiting[url]
            await self._tell(url)

    async def _tell(self, url: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        for _ in range(TRIES):
            try:
                told = await self._engine.post("repositories", "changed", body={"url": url})
            except HaoriError as error:
                log.info("engine not told of a push", extra={"facts": {"code": error.code}})
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
            else:
                log.info("pushed", extra={"facts": {"applications": told.get("applications")}})
                return
