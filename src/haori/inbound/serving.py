"""Serves an application on a socket in the caller's own loop and task, until left. Imported only where a server is started."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn

from haori.inbound.bounds import CONNECTIONS, BoundedProtocol

SHUTDOWN_SECONDS = 2
KEEP_ALIVE_SECONDS = 90
"""Longer than our own clients keep an idle connection, so that a request never meets a closing one."""


@contextlib.asynccontextmanager
async def serve_bounded(
    app: Any,
    listening: socket.socket,
    *,
    stop: Callable[[], None],
    connections: int = CONNECTIONS,
    keep_alive_seconds: int = KEEP_ALIVE_SECONDS,
    **options: Any,
) -> AsyncIterator[uvicorn.Server]:
    """Serves `app` (ASGI) with the bounds of `haori.inbound.bounds`; `stop` ends its streams before connections are closed.

    Beyond `connections` at once requests are answered 503. `options` are Uvicorn's own.
    Ending takes SHUTDOWN_SECONDS and a second more at most.
    """
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        limit_concurrency=connections,
        proxy_headers=False,
        log_level="warning",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        # Uvicorn's is renewed by its main loop, which does not run here.
        date_header=False,
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **options,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not `serve`: it would take over the process's signals, which belong to the caller, and wake up ten times a second.
    await server.startup(sockets=[listening])
    try:
        yield server
    finally:
        stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS + 1):
                await server.shutdown(sockets=[listening])
