"""How engine, store and watch stand: told once, and to streams as it changes."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from haori.server.context import ServerContext
from haori.server.errors import Kind, RefusedError
from haori.server.standing import Part, Standing, State
from tests.server.talking import Answer, Talk

STATUS = "/api/haori/v1/status"
AWAY = RefusedError(Kind.UNAVAILABLE, "engine-away")
SINCE = "2026-11-26T00:00:00+00:00"


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.minute = 0

    def __call__(self) -> datetime:
        return datetime(2026, 11, 26, 3, self.minute, tzinfo=UTC)


def test_a_state_lasts_since_it_was_found_out_first():
    clock = Clock()
    standing = Standing(clock)
    for minute, problem in ((5, AWAY), (6, AWAY), (7, None), (8, None)):
        clock.minute = minute
        standing.tell(Part.ENGINE, problem)
        if minute == 6:
            assert (standing[Part.ENGINE].state, standing[Part.ENGINE].since.minute) == (State.AWAY, 5)
    assert (standing[Part.ENGINE].state, standing[Part.ENGINE].since.minute, standing.version) == (State.PRESENT, 7, 2)
    assert standing[Part.ENGINE].problem is None


async def test_whoever_is_signed_in_is_told_of_each_part(talk: Talk):
    told = (await talk.ask("GET", STATUS, who="member")).json()
    assert told == {
        "engine": {"state": "away", "since": SINCE, "problem": "engine-away"},
        "store": {"state": "none", "since": SINCE, "problem": None},
        "watch": {"state": "present", "since": SINCE, "problem": None},
    }


async def test_nobody_else_is(talk: Talk):
    assert (await talk.ask("GET", STATUS)).status == 401
    assert (await talk.ask("GET", f"{STATUS}/stream")).status == 401


async def told_by(talk: Talk, context: ServerContext, path: str) -> list[dict[str, Any]]:
    """What the events named `status` said while the engine went away and came back."""
    asking: asyncio.Task[Answer] = asyncio.create_task(
        talk.ask("GET", path, who="admin", accept="text/event-stream")
    )  # fmt: skip
    for problem in (AWAY, None):
        await asyncio.sleep(1)
        context.standing.tell(Part.ENGINE, problem)
    await asyncio.sleep(1)
    context.streams.stopping.set()
    body = (await asking).body.decode()
    lines = [event.split("\n") for event in body.split("\n\n")]
    return [json.loads(event[1].removeprefix("data: ")) for event in lines if event[0] == "event: status"]


@pytest.mark.looptime
@pytest.mark.parametrize(
    "path",
    [
        f"{STATUS}/stream",
        "/api/haori/v1/applications/stream?status=true",
        "/api/v1/stream/applications?status=true",
    ],
    ids=["its own", "rows", "applications"],
)
async def test_a_stream_tells_it_at_first_and_whenever_it_changes(talk: Talk, context: ServerContext, path: str):
    told = await told_by(talk, context, path)
    assert [each["engine"]["state"] for each in told] == ["present", "away", "present"]


@pytest.mark.looptime
@pytest.mark.parametrize("path", ["/api/haori/v1/applications/stream", "/api/v1/stream/applications"])
async def test_clients_that_do_not_ask_for_it_are_not_told(talk: Talk, context: ServerContext, path: str):
    assert await told_by(talk, context, path) == []
