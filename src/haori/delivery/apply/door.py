"""The one door that every write goes through, so that a leader that lost its Lease stops before its next write.

A write's time-out is what the Lease has left (`seconds_left`, from the elector): it starts only while that is more than
`margin_seconds`, waits for the next renewal where it is less, and is cut off when the Lease is over, wherever renewals
have moved that meanwhile. So nothing is under way any more when another leader may begin, and a slow admission webhook
still gets all the time there is. `check` is for the last moment before the bytes go out: a process that was stopped
between door and socket asks again there.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from haori.errors import TransientError
from haori.observe import Counter

T = TypeVar("T")
WRITES = Counter("haori_writes", "Writes that were let through to a cluster.")
REFUSED = Counter("haori_writes_refused", "Writes that were stopped because the Lease was lost.")


class LostLeadershipError(TransientError):
    """`leadership-lost` (term), `leadership-superseded` (term, other): nothing more is written under this term."""


class WriteDoor:
    """Checks, cuts off and counts writes made under one `term` of the Lease."""

    def __init__(
        self,
        *,
        term: int = 0,
        seconds_left: Callable[[], float] = lambda: math.inf,
        margin_seconds: float = 0.0,
        wait_renewed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`wait_renewed` returns when the Lease was renewed or is over; without it a write inside the margin is refused."""
        self.term = term
        self._seconds_left, self._margin_seconds, self._wait_renewed = seconds_left, margin_seconds, wait_renewed
        self._under_way: set[asyncio.Timeout] = set()
        self._writes = 0
        self._refused = 0

    def check(self) -> None:
        """LostLeadershipError where the Lease was lost."""
        if self._seconds_left() <= 0:
            self._refuse()

    async def write(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` gives; it is not even begun where the door is shut, and ends with the Lease."""
        left = await self._wait_open()
        self._writes += 1
        WRITES.add()
        if math.isinf(left):
            return await call()
        try:
            async with asyncio.timeout(left) as cut:
                self._under_way.add(cut)
                try:
                    return await call()
                finally:
                    self._under_way.discard(cut)
        except TimeoutError:
            if cut.expired():
                self._refuse()
            raise

    def renewed(self) -> None:
        """The Lease lasts longer now, and so may what is under way."""
        until = asyncio.get_running_loop().time() + self._seconds_left()
        for cut in self._under_way:
            if not cut.expired():
                cut.reschedule(until)

    def statistics(self) -> dict[str, int]:
        """writes, refused, term."""
        return {"writes": self._writes, "refused": self._refused, "term": self.term}

    async def _wait_open(self) -> float:
        while (left := self._seconds_left()) <= self._margin_seconds:
            if left <= 0 or self._wait_renewed is None:
                self._refuse()
            else:
                await self._wait_renewed()
        return left

    def _refuse(self) -> None:
        self._refused += 1
        REFUSED.add()
        raise LostLeadershipError("leadership-lost", term=self.term)
