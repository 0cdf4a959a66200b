"""Which things happen most, without counting all of them: the space-saving sketch.

A bounded number of counters; a newcomer takes the place of the least counted and goes on from its count. What happens more
often than one in `capacity` of all is always among them, and no count is ever too small.
see: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams" (2005).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


@dataclass(slots=True)
class Frequent(Generic[T]):
    """The most frequent of what was counted."""

    capacity: int = 256
    _counts: dict[T, int] = field(default_factory=dict)
    _least: list[tuple[int, int, T]] = field(default_factory=list)
    """A heap of (count, number, thing), one a counter; a count in it may be an older one, and so too small."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def add(self, thing: T) -> None:
        """It happened once more."""
        if thing in self._counts:
            self._counts[thing] += 1
            return
        count = 1 if len(self._counts) < self.capacity else self._give_up_least() + 1
        self._counts[thing] = count
        heapq.heappush(self._least, (count, next(self._numbers), thing))

    def _give_up_least(self) -> int:
        while True:
            count, number, thing = self._least[0]
            now = self._counts[thing]
            if now == count:
                heapq.heappop(self._least)
                return self._counts.pop(thing)
            heapq.heapreplace(self._least, (now, number, thing))

    def most(self, number: int) -> list[tuple[T, int]]:
        """(thing, at most so often), the most frequent first."""
        return heapq.nlargest(number, self._counts.items(), key=lambda item: item[1])
