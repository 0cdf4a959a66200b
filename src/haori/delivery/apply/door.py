"""The one door that every write goes through, so that a leader that lost its Lease stops before its next write.

The door is told how long the Lease still holds (`seconds_left`, from the elector) and opens only while that is more
than a request may take; a write that starts inside the margin could still land after another leader began.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from haori.errors import TransientError

T = TypeVar("T")


class LostLeadershipError(TransientError):
    """`leadership-lost` (term): another engine may lead by now; nothing more is written under this term."""


class WriteDoor:
    """Checks and counts writes made under one `term` of the Lease."""

    def __init__(
        self,
        *,
        term: int = 0,
        seconds_left: Callable[[], float] = lambda: float("inf"),
        margin_seconds: float = 0.0,
    ) -> None:
        self.term = term
        self._seconds_left = seconds_left
        self._margin_seconds = margin_seconds
        self._writes = 0
        self._refused = 0

    def check(self) -> None:
        """LostLeadershipError where the Lease was lost, or holds no longer than a write may take."""
        if self._seconds_left() <= self._margin_seconds:
            self._refused += 1
            raise LostLeadershipError("leadership-lost", term=self.term)

    async def write(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` gives; it is not even begun where the door is shut."""
        self.check()
        self._writes += 1
        return await call()

    def statistics(self) -> dict[str, int]:
        """writes, refused, term."""
        return {"writes": self._writes, "refused": self._refused, "term": self.term}
