"""A store that may be away, for a process that goes on without it.

`run` opens it, opens it again when it was lost (an embedded server is started anew then), and says what is wrong. Meanwhile
whoever asks is told at once: requests do not wait, one after the other, for a server that is known not to answer. While
anybody is connected it is looked at every few seconds, so that a server that hangs is known before somebody needs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import NoReturn

from haori.errors import HaoriError, PeerError, UserError
from haori.store.errors import StoreMissingError, StoreUnavailableError
from haori.store.events import Events
from haori.store.settings import StoreSettings
from haori.store.store import Connection, Store, check_cancelled, open_store

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 5.0
EVERY_SECONDS = 5.0
"""Between looks at a store that is open."""
LOOKS = 3
"""At a server that did not answer, before everything is opened anew."""

Open = Callable[[StoreSettings], AbstractAsyncContextManager[Store]]


class StoreKeeper:
    """The store of a process, where there is one now."""

    def __init__(
        self,
        settings: StoreSettings | None,
        *,
        open_: Open = open_store,
        hear: Callable[[HaoriError | None], None] = lambda problem: None,
        is_watched: Callable[[], bool] = lambda: False,
    ) -> None:
        """None: there is none, and nothing to wait for. `hear` is told why it is away, and None when it is there; while nobody
        is connected (`is_watched`) no look is taken without need."""
        self._settings, self._open = settings, open_
        self._hear, self._is_watched = hear, is_watched
        self._store: Store | None = None
        self._lost = asyncio.Event()
        self._changed = asyncio.Event()
        self.problem: HaoriError | None = StoreMissingError("store-not-given") if settings is None else None
        """Why it is away; None: it is there, or is being opened for the first time."""
        self.events = Events(self.transaction)
        if settings is not None:
            hear(StoreUnavailableError("store-opening"))

    @property
    def is_open(self) -> bool:
        """Whether it answers, as far as is known."""
        return self._store is not None

    async def wait_open(self) -> None:
        """Until it answers."""
        while self._store is None:
            self._changed.clear()
            await self._changed.wait()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """As `Store.transaction`. Raises StoreUnavailableError at once while the store is away."""
        store = self._store
        if store is None:
            raise self._away()
        try:
            async with store.transaction() as connection:
                yield connection
        except StoreUnavailableError as error:
            if error.code == "store-too-slow":  # It does answer.
                raise
            if self._store is store:
                self._lose(error)
            raise self._away() from error

    async def look(self) -> None:
        """Finds out whether one that is open still answers."""
        if not self.is_open:
            return
        with contextlib.suppress(StoreUnavailableError):  # The transaction has told what was to be told.
            async with self.transaction() as connection:
                await connection.execute("SELECT 1")

    def _away(self) -> StoreUnavailableError:
        if self.problem is None:
            return StoreUnavailableError("store-opening")
        return StoreUnavailableError("store-away", reason=self.problem.sentence)

    def _lose(self, error: HaoriError) -> None:
        self._store = None
        self._trouble(error)
        self._lost.set()

    def _trouble(self, error: HaoriError) -> None:
        self.problem = error
        self._hear(error)

    async def run(self) -> NoReturn:
        """Opens and keeps open, until cancelled."""
        if self._settings is None:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._open(self._settings) as store:
                    pause = FIRST_PAUSE_SECONDS
                    await self._keep(store)
            except (PeerError, UserError) as error:
                if self.problem is None or self.problem.code != error.code:
                    log.warning("store away", extra={"facts": {"code": error.code, "why": str(error)}})
                self._trouble(error)
            finally:
                self._store = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _keep(self, store: Store) -> None:
        """Until it is lost for longer than a moment."""
        while True:
            self._lost.clear()
            self._store, self.problem = store, None
            self._hear(None)
            self._changed.set()
            log.info("store open", extra={"facts": {"where": store.where}})
            check_cancelled()
            await self._wait_lost()
            log.warning("store lost", extra={"facts": {"where": store.where, "why": str(self.problem)}})
            if not await self._answers(store):
                return

    async def _wait_lost(self) -> None:
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._lost.wait()
            if self._is_watched():
                await self.look()
            check_cancelled()

    async def _answers(self, store: Store) -> bool:
        for _ in range(LOOKS):
            try:
                async with store.transaction() as connection:
                    await connection.execute("SELECT 1")
                return True
            except StoreUnavailableError as error:
                if error.code == "store-too-slow":
                    return True
                self._trouble(error)
            check_cancelled()
            await asyncio.sleep(FIRST_PAUSE_SECONDS)
        return False
