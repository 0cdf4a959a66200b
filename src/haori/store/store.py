"""An open store: connections that are sound when they are handed out, and one way for a dead server to be said.

One use of it has one deadline. The driver knows none: a statement whose server hangs waits for ever, and one that is cancelled
waits ten seconds more for the server to agree. So at the deadline the socket is shut instead, which the driver takes for what
it is, a connection that broke.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from haori.store.embedded import join_embedded, run_embedded
from haori.store.errors import StoreDataError, StoreMissingError, StoreUnavailableError
from haori.store.events import Events
from haori.store.schema import SCHEMA, migrate
from haori.store.settings import StoreSettings

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
WAITING = 200
"""Callers that may wait for a connection; more are refused at once."""
MIGRATION_SECONDS = 300
REASON = 300
"""Characters of a driver's words that an error shows."""
STATEMENT_SHARE = 0.8
"""Of a use, for a single statement: a server that is only slow ends it itself, and is not taken for one that hangs."""

_deadline: ContextVar[float] = ContextVar("deadline")
"""Of the use under way, by the loop's clock."""


class Store:
    """The store of one process."""

    def __init__(self, pool: AsyncConnectionPool[Connection], where: str, answer_seconds: float) -> None:
        self._pool, self._answer_seconds = pool, answer_seconds
        self.where = where
        """The server's address, without what is secret in it."""
        self.events = Events(self.transaction)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction, which ends with the block: kept, or undone where the block raises.

        Raises StoreUnavailableError where the server does not answer, not in time, or goes away meanwhile.
        """
        deadline = asyncio.get_running_loop().time() + self._answer_seconds
        with _named(self.where, deadline, self._answer_seconds):
            token = _deadline.set(deadline)
            try:
                connection = await self._pool.getconn(self._answer_seconds)
            finally:
                _deadline.reset(token)
            try:
                with _cut_at(deadline, connection):
                    async with connection:
                        yield connection
            finally:
                await self._pool.putconn(connection)


def check_cancelled() -> None:
    """Raises CancelledError in a task that was cancelled and does not know it.

    The driver waits by asyncio.wait_for, which up to Python 3.11 forgets a cancellation that comes in the moment of an
    answer (bpo-37658). A loop that asks the store again and again would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@contextlib.asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[Store]:
    """The store of these settings, its schema brought up to date.

    Raises StoreUnavailableError, StoreSchemaError (a newer database), StoreDataError, StoreMissingError.
    """
    async with contextlib.AsyncExitStack() as stack:
        url = settings.url
        if not url:
            if settings.folder is None:
                raise StoreMissingError("store-not-given")
            if settings.joins:
                url = await join_embedded(settings.folder, settings.wait_seconds)
            else:
                url = (await stack.enter_async_context(run_embedded(settings.folder))).url
        where = _where(url)
        with _named(where):
            await _prepare(url, where, settings)
            pool = _pool(url, settings)
            await stack.enter_async_context(pool)
        yield Store(pool, where, settings.answer_seconds)


async def _prepare(url: str, where: str, settings: StoreSettings) -> None:
    options = f"-c statement_timeout={MIGRATION_SECONDS * 1000}"
    seconds = max(2, round(settings.wait_seconds))
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=seconds, options=options) as connection:
        now = asyncio.get_running_loop().time()
        with _cut_at(now + seconds, connection):
            await connection.execute("SELECT 1")
        with _cut_at(now + MIGRATION_SECONDS, connection):
            await migrate(connection, where)


def _pool(url: str, settings: StoreSettings) -> AsyncConnectionPool[Connection]:
    milliseconds = max(1, round(settings.answer_seconds * STATEMENT_SHARE * 1000))
    options = (
        f"-c search_path={SCHEMA} -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
        f" -c idle_in_transaction_session_timeout={milliseconds} -c timezone=UTC"
    )
    return AsyncConnectionPool(
        make_conninfo(
            url, options=options, application_name="haori", connect_timeout=max(2, round(settings.wait_seconds))
        ),
        min_size=1,
        max_size=settings.connections,
        timeout=settings.answer_seconds,
        max_waiting=WAITING,
        # Attempts in the background grow apart without bound; given up early, the next caller makes a new one at once.
        reconnect_timeout=settings.wait_seconds,
        check=_check,
        open=False,
        name="store",
    )


async def _check(connection: Connection) -> None:
    """Raises where a connection that is about to be handed out is broken, or does not answer before the use of it ends."""
    with _cut_at(_deadline.get(), connection):
        await AsyncConnectionPool.check_connection(connection)


@contextlib.contextmanager
def _cut_at(deadline: float, connection: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Breaks the connection at the deadline, unless the block has ended."""
    cut = asyncio.get_running_loop().call_at(deadline, _shut, connection)
    try:
        yield
    finally:
        cut.cancel()


def _shut(connection: psycopg.AsyncConnection[Any]) -> None:
    if connection.closed:
        return
    # A second descriptor of the same socket: libpq goes on to own, and to close, the first.
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _named(where: str, deadline: float | None = None, seconds: float = 0.0) -> Iterator[None]:
    """The driver's ways to say that nobody answers, as one error that names the server; after the deadline of so many
    `seconds` they all mean that it came."""
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise StoreUnavailableError("store-too-slow", where=where) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TooManyRequests) as error:
        if deadline is not None and asyncio.get_running_loop().time() >= deadline:
            raise StoreUnavailableError("store-silent", where=where, seconds=seconds) from error
        raise StoreUnavailableError("store-unreachable", where=where, reason=_reason(error)) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:REASON] or type(error).__name__


def _where(url: str) -> str:
    """`HOST:PORT/DATABASE`: what names a server, and nothing that opens it."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The driver's words repeat the URL, and with it the password.
        raise StoreDataError("store-url-unreadable") from None
    host, port, database = (parts.get(name) for name in ("host", "port", "dbname"))
    return f"{host or 'localhost'}{f':{port}' if port else ''}/{database or parts.get('user') or ''}"
