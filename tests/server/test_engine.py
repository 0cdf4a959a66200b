"""What the server reads of the engine's answers, from a listener of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web

from haori.server import engine as module
from haori.server import presence
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


async def test_one_that_stands_by_is_away_until_it_leads_whatever_it_answers_meanwhile():
    leads = False

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"leading": leads})

    async with listening(answer) as engine:
        await engine.presence.look()
        assert not engine.presence.is_there
        assert await engine.get("figures") == {"leading": False}
        assert (engine.presence.is_there, engine.presence.is_silent) == (False, False)
        leads = True
        await engine.get("figures")
        assert engine.presence.is_there


async def test_an_engine_that_hangs_is_found_out_while_it_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(presence, "SUSPECT_SECONDS", 0.1)
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.1)
    hangs = True
    goes_on = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if hangs:
            await goes_on.wait()
        return web.json_response({"leading": True})

    async with listening(answer) as engine:
        for _ in range(2):
            with pytest.raises(RefusedError) as refused:
                await engine.get("figures")
            assert refused.value.code == "engine-away"
        hangs = False
        goes_on.set()
        await engine.presence.look(older_than_seconds=0.0)
        assert await engine.get("figures") == {"leading": True}
