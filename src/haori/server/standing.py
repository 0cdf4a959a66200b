"""How what the server leans on stands: the engine, the store, the watch of the cluster; since when, and why.

Whoever finds out tells it here; requests and streams read it. Nothing is asked: a figure of what is known, and a way to
wait until it changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from haori.errors import HaoriError


class Part(StrEnum):
    """What the server leans on."""

    ENGINE = "engine"
    STORE = "store"
    WATCH = "watch"
    """Of the cluster: what keeps lists true."""


class State(StrEnum):
    """How a part stands."""

    PRESENT = "present"
    AWAY = "away"
    NONE = "none"
    """There is none, and none is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One part."""

    state: State
    since: datetime
    problem: HaoriError | None = None
    """What keeps it away, as it was said first."""

    def to_json(self) -> dict[str, Any]:
        """As it is told: of the problem its code, since whoever is signed in reads it, and addresses and logs are not for all."""
        code = self.problem.code if self.problem is not None else None
        return {"state": self.state.value, "since": self.since.isoformat(), "problem": code}


class Standing:
    """Of one server. All is taken for present until somebody says otherwise."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        began = clock()
        self._parts = {part: Stand(state=State.PRESENT, since=began) for part in Part}
        self._waiting: set[asyncio.Event] = set()
        self.version = 0
        """Rises whenever the state of a part changes."""

    def __getitem__(self, part: Part) -> Stand:
        return self._parts[part]

    def tell(self, part: Part, problem: HaoriError | None) -> None:
        """What was found out just now; None: it is there."""
        self._put(part, State.PRESENT if problem is None else State.AWAY, problem)

    def tell_none(self, part: Part) -> None:
        """There is no such part."""
        self._put(part, State.NONE, None)

    def _put(self, part: Part, state: State, problem: HaoriError | None) -> None:
        if self._parts[part].state is state:
            return
        self._parts[part] = Stand(state=state, since=self._clock(), problem=problem)
        self.version += 1
        for each in self._waiting:
            each.set()

    async def wait_changed(self, version: int) -> None:
        """Until a state is another one than at `version`."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while self.version == version:
                changed.clear()
                await changed.wait()
        finally:
            self._waiting.discard(changed)

    def to_json(self) -> dict[str, Any]:
        """All parts by name."""
        return {part.value: stand.to_json() for part, stand in self._parts.items()}
