"""Long answers: how many at once, how long, and how they end when the server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from haori.server.errors import Kind, RefusedError

STREAMS_AT_MOST = 400
"""Of the process; each costs a connection and its buffers. A further one is refused: the client comes again."""
STREAM_SECONDS = 1800.0
"""A stream ends after so long and is begun anew by its client, so that a right that was taken away ends as well."""
BEAT_SECONDS = 15.0
"""Silence after which something is sent, so that proxies keep the connection and dead ones are found."""


class Streams:
    """Those under way."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """Set when the server ends: streams close in good order."""
        self.open = 0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """One place. Raises RefusedError where all are taken."""
        self.check_room()
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    def check_room(self) -> None:
        """Raises RefusedError where no place is left."""
        if self.open >= STREAMS_AT_MOST:
            raise RefusedError(Kind.UNAVAILABLE, "server-streams-full", limit=STREAMS_AT_MOST)
