"""What a container is to the rest of the node, and the simulated kind of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from haori.sandbox.node.simulation import Behaviour

FORCED_EXIT_CODE = 137
"""128 + SIGKILL, as container runtimes count."""


class Kind(StrEnum):
    """A container's place in its Pod."""

    INIT = "init"
    SIDECAR = "sidecar"
    MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not running, for `reason`."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Running since."""

    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """Ran once, and ended so."""

    exit_code: int
    reason: str
    started_at: datetime
    finished_at: datetime
    container_id: str = ""
    message: str = ""
    signal: int = 0


State = Waiting | Running | Terminated


@dataclass(slots=True)
class ContainerRecord:
    """What is known of one container; its Pod's status is made of these."""

    name: str
    kind: Kind
    image: str
    state: State = field(default_factory=lambda: Waiting(reason="ContainerCreating"))
    last_state: Terminated | None = None
    restart_count: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""
    paused_seconds: float | None = None
    """The pause that an earlier node had begun after the container's end; None: none."""

    @property
    def finished(self) -> Terminated | None:
        """How it ended, where it has and is not running again; a container in back-off counts as ended."""
        if isinstance(self.state, Terminated):
            return self.state
        return self.last_state if isinstance(self.state, Waiting) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a container's run came to its end."""

    exit_code: int
    reason: str = ""
    message: str = ""
    signal: int = 0

    @property
    def status_reason(self) -> str:
        """The reason a status gives."""
        return self.reason or ("Completed" if self.exit_code == 0 else "Error")


class ContainerRun(Protocol):
    """One run of one container."""

    async def wait(self) -> Ended:
        """Until it has ended."""
        ...

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and end it by force after `grace_seconds`; returns once it has ended."""
        ...


class SimulatedRun:
    """A container that is a promise and a timer."""

    def __init__(self, behaviour: Behaviour, *, ran_seconds: float = 0.0) -> None:
        self._behaviour = behaviour
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        if behaviour.exit_after_seconds is not None:
            pause = max(0.0, behaviour.exit_after_seconds - ran_seconds)
            asyncio.get_running_loop().call_later(pause, self._end, self._natural_end())

    async def wait(self) -> Ended:
        """Until it has ended."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace_seconds: float) -> None:
        """A simulated container always minds SIGTERM."""
        self._end(Ended(exit_code=0))

    def _natural_end(self) -> Ended:
        if self._behaviour.out_of_memory:
            return Ended(exit_code=FORCED_EXIT_CODE, reason="OOMKilled")
        return Ended(exit_code=self._behaviour.exit_code)

    def _end(self, how: Ended) -> None:
        if not self._ended.done():
            self._ended.set_result(how)
