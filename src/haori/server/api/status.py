"""How what the server leans on stands, once and as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response

from haori.server.answering import EVENTS, answer_json, answer_stream
from haori.server.api.listing import follow
from haori.server.asking import Ask
from haori.server.presence import EVERY_SECONDS
from haori.server.routing import Open, Route


async def _status(ask: Ask) -> Response:
    # While nobody is connected nobody looks: what is told is no older than it would be then.
    engine, store = ask.context.engine.presence, ask.context.entrance.store
    await asyncio.gather(engine.look(older_than_seconds=EVERY_SECONDS), store.look())
    return await answer_json(ask.request, ask.context.standing.to_json())


async def _stream(ask: Ask) -> Response:
    ask.context.streams.check_room()
    return answer_stream(_events(ask), media_type=EVENTS, language=ask.language)


async def _events(ask: Ask) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for told in follow(ask, ask.context.table.cursor, beat=b": \n\n", tells_standing=True):
        if isinstance(told, bytes):
            yield told


ROUTES = (
    Route(
        method="GET",
        path="/api/haori/v1/status",
        handler=_status,
        access=Open.SIGNED_IN,
        summary="Whether engine, store and the watch of the cluster are there",
    ),
    Route(
        method="GET",
        path="/api/haori/v1/status/stream",
        handler=_stream,
        access=Open.SIGNED_IN,
        summary="The same as it changes: events named status",
        streams=True,
    ),
)
