"""One run for all who ask for the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(slots=True)
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    waiting: int = 0


class SingleFlight(Generic[Result]):
    """Shares the outcome, good or bad; a run that nobody waits for any more is cancelled."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}
        self._tasks: set[asyncio.Task[Result]] = set()

    async def run(self, key: str, make: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `make()` gives, from the run under way for `key` where there is one."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(make()))
            self._tasks.add(flight.task)
            flight.task.add_done_callback(lambda task: self._landed(key, task))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                flight.task.cancel()
                self._drop(key, flight.task)

    async def aclose(self) -> None:
        """Cancels what runs and waits until it has ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: str, task: asyncio.Task[Result]) -> None:
        self._tasks.discard(task)
        self._drop(key, task)
        if not task.cancelled():
            # Taken here too: those who waited may all have left a moment ago.
            task.exception()

    def _drop(self, key: str, task: asyncio.Task[Result]) -> None:
        if key in self._flights and self._flights[key].task is task:
            del self._flights[key]
