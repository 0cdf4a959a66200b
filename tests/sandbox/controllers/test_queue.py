"""Keyed work: serial for a key, again when asked meanwhile, later each time it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from haori.cluster import UnreachableError
from haori.sandbox.controllers.queue import SPACING_SECONDS, KeyedQueue

pytestmark = pytest.mark.looptime


async def run_for(seconds: float, work: Callable[[str], Awaitable[None]], *keys: str) -> KeyedQueue[str]:
    queue = KeyedQueue("test", work)
    for key in keys:
        queue.ask(key)
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return queue


async def test_a_burst_of_asks_is_one_look_and_another_no_closer_than_the_spacing():
    looks: list[float] = []
    queue: KeyedQueue[str]

    async def work(key: str) -> None:
        looks.append(asyncio.get_running_loop().time())
        if len(looks) == 1:
            for _ in range(5):
                queue.ask(key)

    queue = KeyedQueue("test", work)
    for _ in range(3):
        queue.ask("a")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(looks) == 2
    assert looks[1] - looks[0] >= SPACING_SECONDS


async def test_what_fails_is_tried_again_and_others_go_on():
    tries: dict[str, int] = {}

    async def work(key: str) -> None:
        tries[key] = tries.get(key, 0) + 1
        if key == "bad" and tries[key] < 4:
            raise UnreachableError(cluster="c", action="a", problem="p")

    queue = await run_for(5, work, "bad", "good")
    assert tries == {"bad": 4, "good": 1}
    assert queue.statistics()["failing"] == 0


async def test_a_quiet_queue_does_nothing():
    looks = 0

    async def work(key: str) -> None:
        nonlocal looks
        looks += 1

    queue = await run_for(3600, work, "a")
    assert looks == 1
    assert queue.statistics()["later"] == 0
