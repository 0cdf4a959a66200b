"""Faults of ours: a look that ended in an exception nobody foresaw, what is said of it, and when the look is tried again.

Neither the condition nor the log holds the exception's own text: it may quote what a repository or a cluster sent, Secrets
included. Its type and the places in our code are enough to find the fault, and stay the same from one try to the next, so
that a fault that lasts is written once.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from haori.delivery.model import Condition
from haori.resources.argo import ConditionType
from haori.words import Sentence

Key = TypeVar("Key", bound=Hashable)
FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0
DEEPEST_TRACE = 20
_SOURCE = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An exception without its text."""

    type: str
    trace: tuple[str, ...]
    """`haori/delivery/…/x.py:12 name`, outermost first: frames of ours alone, the last of them at most."""

    @property
    def place(self) -> str:
        """Where it was raised, or where we called what raised it."""
        return self.trace[-1].split(" ")[0] if self.trace else "-"

    def condition(self, application: str) -> Condition:
        """The condition that tells it."""
        parameters = {"application": application, "reason": f"{self.type} ({self.place})"}
        return Condition(
            type=ConditionType.UNKNOWN_ERROR, sentence=Sentence(code="internal-failure", parameters=parameters)
        )


def describe_fault(error: BaseException) -> Fault:
    """The fault behind an exception; of a group that behind its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    trace = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_SOURCE):
            trace.append(f"{path.relative_to(_SOURCE)}:{line} {frame.f_code.co_name}")
    return Fault(type=type(error).__name__, trace=tuple(trace[-DEEPEST_TRACE:]))


@dataclass(frozen=True, slots=True)
class _Held:
    count: int
    until: float
    about: object


class Faults(Generic[Key]):
    """Who failed by a fault, how often in a row, and until when nobody tries again. Times are of the loop's clock."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._held: dict[Key, _Held] = {}

    def note(self, key: Key, about: object, now: float) -> float:
        """One more fault of `key` as it is now (`about`); seconds until the next try: twice as long each time, to a ceiling."""
        known = self._held.get(key)
        count = known.count + 1 if known is not None and known.about == about else 1
        seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(count - 1, 16)) * self._rng.uniform(0.9, 1.1)
        self._held[key] = _Held(count, now + seconds, about)
        return seconds

    def seconds_left(self, key: Key, about: object, now: float) -> float:
        """How long `key` is to be left alone still; 0.0 once somebody changed it."""
        known = self._held.get(key)
        return max(0.0, known.until - now) if known is not None and known.about == about else 0.0

    def clear(self, key: Key) -> None:
        """A look came through, or the application is gone."""
        self._held.pop(key, None)
