"""Which things happen most, without counting all of them: the space-saving sketch.

A bounded number of counters; a newcomer takes the place of the least counted and goes on from its count. What happens more
often than one in `capacity` of all is always among them, and no count is ever too small.
see: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams" (2005).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


@dataclass(slots=True)
class Frequent(Generic[T]):
    """The most frequent of what was counted."""

    capacity: int = 256
    _counts: dict[T, int] = field(default_factory=dict)

    def add(self, thing: T) -> None:
        """It happened once more."""
        if thing in self._counts:
            self._counts[thing] += 1
        elif len(self._counts) < self.capacity:
            self._counts[thing] = 1
        else:
            least = min(self._counts, key=self._counts.__getitem__)
            self._counts[thing] = self._counts.pop(least) + 1

    def most(self, number: int) -> list[tuple[T, int]]:
        """(thing, at most so often), the most frequent first."""
        return heapq.nlargest(number, self._counts.items(), key=lambda item: item[1])
