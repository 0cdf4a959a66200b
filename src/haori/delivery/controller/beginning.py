"""The record of an operation that begins: in its Application before anything depends on it, and no earlier.

Most operations are one wave of plain applies and end in the look that begins them. Doing that twice is doing it once: an
engine that is killed meanwhile leaves nothing that the next cannot work out, so such an operation is recorded as it ends,
which spares the API server a third of an Application's writes. Hooks, pruning, several waves, and all that takes long,
have their record first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from haori.delivery.model import OperationState
from haori.errors import HaoriError

log = logging.getLogger(__name__)

LATE_SECONDS = 1.0
"""How long an operation may go on without a record: people want to see what they wait for."""

Record = Callable[[], Coroutine[Any, Any, None]]


class Beginning:
    """One operation's record, written once: when it is asked for, when the operation takes long, or when it stumbles."""

    def __init__(self, state: OperationState, record: Record) -> None:
        self.state = state
        self._record = record
        self._task: asyncio.Task[None] | None = None

    async def write(self) -> None:
        """The record stands when this returns. Raises what its writing met."""
        await self._started()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Around what is done under it. What the writing itself met is left to the writer that follows."""
        timer = asyncio.get_running_loop().call_later(LATE_SECONDS, self._started)
        try:
            yield
        except Exception:
            await self._quietly(self._started())
            raise
        else:
            if self._task is not None:
                await self._quietly(self._task)
        finally:
            timer.cancel()
            if self._task is not None and not self._task.done():  # The look is cancelled, and with it what it began.
                self._task.cancel()
                await asyncio.wait({self._task})

    def _started(self) -> asyncio.Task[None]:
        task = self._task
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._task = asyncio.get_running_loop().create_task(self._record())
        return task

    async def _quietly(self, task: Awaitable[None]) -> None:
        try:
            await task
        except HaoriError as error:
            log.debug("beginning not recorded", extra={"code": error.code, "reason": str(error)})
