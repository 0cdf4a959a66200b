"""What the server reads of the engine's answers, from a listener of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web

from haori.server import engine as module
from haori.server.engine import Engine, EngineAnswerError
from haori.server.errors import Kind, RefusedError

PIECE = b"x" * 10_000
PIECES = 300


class Place:
    """One place, always there."""

    def __init__(self, url: str) -> None:
        self.url, self.forgotten = url, 0

    async def find(self) -> dict[str, str]:
        return {"url": self.url, "token": "t"}

    def forget(self) -> None:
        self.forgotten += 1


@asynccontextmanager
async def listening(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Engine]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    engine = Engine(Place(f"http://127.0.0.1:{runner.addresses[0][1]}"))
    try:
        yield engine
    finally:
        await engine.aclose()
        await runner.cleanup()


async def _in_pieces(request: web.Request) -> web.StreamResponse:
    """A JSON text of three megabytes, each piece of which leaves by itself."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"text": "')
    for _ in range(PIECES):
        await response.write(PIECE)
        await asyncio.sleep(0)
    await response.write(b'"}')
    return response


async def test_an_answer_that_comes_in_pieces_is_read_whole():
    async with listening(_in_pieces) as engine:
        assert len((await engine.get("applications", "large", "tree"))["text"]) == PIECES * len(PIECE)


async def test_an_answer_beyond_the_limit_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ANSWER_BYTES", 100_000)
    async with listening(_in_pieces) as engine:
        with pytest.raises(RefusedError) as refused:
            await engine.get("applications")
    assert (refused.value.code, refused.value.kind) == ("engine-answer-too-large", Kind.TOO_LARGE)


async def test_what_the_engine_refuses_keeps_its_code():
    async def refuse(request: web.Request) -> web.Response:
        error = {"error": {"code": "application-not-found", "parameters": {"application": "shop"}}}
        return web.Response(status=404, body=orjson.dumps(error))

    async with listening(refuse) as engine:
        with pytest.raises(EngineAnswerError) as refused:
            await engine.get("applications", "shop")
    assert (refused.value.code, refused.value.kind) == ("application-not-found", Kind.NOT_FOUND)
