"""Whether the engine answers: by whom that is found out, and who waits for it meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from haori.errors import HaoriError
from haori.server.errors import Kind, RefusedError
from haori.server.presence import AWAY_EVERY_SECONDS, EVERY_SECONDS, LOOK_SECONDS, SUSPECT_SECONDS, Presence

pytestmark = pytest.mark.looptime
AWAY = RefusedError(Kind.UNAVAILABLE, "engine-away")


@dataclass
class Process:
    """An engine that answers, hangs, or is gone."""

    hangs: bool = False
    """From now on: what is asked meanwhile is never answered."""
    is_gone: bool = False
    looks: int = 0
    heard: list[str | None] = field(default_factory=list)

    async def look(self) -> None:
        self.looks += 1
        await self.answer(0.01)

    async def answer(self, seconds: float) -> str:
        """What takes it so long."""
        if self.is_gone:
            raise AWAY
        await (asyncio.Event().wait() if self.hangs else asyncio.sleep(seconds))
        return "answer"

    def hear(self, problem: HaoriError | None) -> None:
        self.heard.append(problem.code if problem is not None else None)

    def presence(self, *, watched: bool = False) -> Presence:
        return Presence(self.look, hear=self.hear, is_watched=lambda: watched)


@asynccontextmanager
async def running(presence: Presence) -> Any:
    task = asyncio.create_task(presence.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def elapsed() -> float:
    return asyncio.get_running_loop().time()


async def test_a_long_question_is_waited_for_as_long_as_looks_are_answered():
    process = Process()
    assert await process.presence().hold(process.answer(50)) == "answer"
    assert process.looks > 5


async def test_who_asks_one_that_hangs_first_is_refused_as_soon_as_a_look_is_missed():
    process = Process(hangs=True)
    presence, began = process.presence(), elapsed()
    with pytest.raises(RefusedError) as refused:
        await presence.hold(process.answer(0.1))
    assert (refused.value.code, refused.value.kind) == ("engine-away", Kind.UNAVAILABLE)
    assert elapsed() - began == pytest.approx(SUSPECT_SECONDS + LOOK_SECONDS, abs=0.1)
    assert process.heard == ["engine-away"]


async def test_whoever_comes_then_is_refused_at_once_and_nothing_is_asked():
    process = Process(hangs=True)
    presence = process.presence()
    await presence.look()
    began, looks = elapsed(), process.looks
    for _ in range(3):
        with pytest.raises(RefusedError):
            await presence.hold(process.answer(0.1))
    assert (elapsed(), process.looks) == (began, looks)


async def test_all_who_wait_share_one_look():
    process = Process(hangs=True)
    presence, began = process.presence(), elapsed()
    found = await asyncio.gather(*(presence.hold(process.answer(0.1)) for _ in range(20)), return_exceptions=True)
    assert {each.code for each in found if isinstance(each, RefusedError)} == {"engine-away"}
    assert (len(found), process.looks) == (20, 1)
    assert elapsed() - began < SUSPECT_SECONDS + LOOK_SECONDS + 0.5


async def test_one_that_goes_on_is_back_by_the_next_look():
    process = Process(hangs=True)
    presence = process.presence()
    async with running(presence):
        await presence.look()
        process.hangs = False
        await asyncio.sleep(AWAY_EVERY_SECONDS + 0.1)
        assert await presence.hold(process.answer(0.1)) == "answer"
    assert process.heard == ["engine-away", None]


async def test_one_that_hangs_is_found_out_while_somebody_is_connected():
    process = Process(hangs=True)
    presence = process.presence(watched=True)
    async with running(presence):
        await asyncio.sleep(EVERY_SECONDS + LOOK_SECONDS + 0.1)
    assert presence.is_silent


async def test_nobody_looks_while_nobody_is_connected():
    process = Process()
    async with running(process.presence()):
        await asyncio.sleep(10 * EVERY_SECONDS)
    assert process.looks == 0


async def test_one_that_is_gone_is_away_but_whoever_asks_may_find_it_back():
    process = Process(is_gone=True)
    presence = process.presence()
    await presence.look()
    assert (presence.is_there, presence.is_silent, process.heard) == (False, False, ["engine-away"])
    process.is_gone = False
    assert await presence.hold(process.answer(0.1)) == "answer"


async def test_a_question_whose_asker_has_gone_ends():
    process, ended = Process(), asyncio.Event()

    async def question() -> None:
        try:
            await process.answer(100)
        finally:
            ended.set()

    asking = asyncio.create_task(process.presence().hold(question()))
    await asyncio.sleep(1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert ended.is_set()
