"""Counters and histograms, kept as plain numbers until somebody looks.

Each is made once, beside the code it counts for, and is known by its name from then on. The event loop's thread counts, and
the one that shows them reads a copy. Names and labels are those of Prometheus; where Argo CD has a name for a thing, its
name is taken.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of buckets that fit most waits."""

MEASURES: dict[str, Counter | Histogram] = {}
"""All of the process, by name."""


@dataclass(slots=True)
class Counter:
    """What only grows, by the values of its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _register(self)

    def add(self, *labels: str, amount: float = 1) -> None:
        """Counts one more, or `amount`."""
        self.values[labels] = self.values.get(labels, 0) + amount

    def forget(self, *labels: str) -> None:
        """Drops whatever begins with these values: the thing they name is gone."""
        for known in [each for each in self.values if each[: len(labels)] == labels]:
            del self.values[known]


@dataclass(slots=True)
class Tally:
    """One histogram's numbers: how many fell into each bucket (the last has no bound), and their sum."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class Histogram:
    """How much things take, in buckets, by the values of its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = SECONDS
    values: dict[tuple[str, ...], Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _register(self)

    def observe(self, value: float, *labels: str) -> None:
        """Takes one value in."""
        tally = self.values.get(labels)
        if tally is None:
            tally = self.values[labels] = Tally([0] * (len(self.bounds) + 1))
        tally.counts[bisect_left(self.bounds, value)] += 1
        tally.total += value


def _register(measure: Counter | Histogram) -> None:
    if measure.name in MEASURES:
        raise ValueError(f"there are two measures of the name {measure.name}")
    MEASURES[measure.name] = measure
