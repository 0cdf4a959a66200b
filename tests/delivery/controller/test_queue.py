from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from haori.delivery.controller.queue import MOVED, Level, Wish, WorkQueue


@asynccontextmanager
async def running(queue: WorkQueue[str]):
    task = asyncio.ensure_future(queue.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_wishes_for_one_key_join_into_the_strongest():
    seen: list[tuple[str, Wish]] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append((key, wish))

    queue = WorkQueue(work)
    queue.ask("shop", Level.TREE, "child")
    queue.ask("shop", Level.FORCED, "annotation")
    async with running(queue):
        await queue.wait_idle()

    assert seen == [("shop", Wish(level=Level.FORCED, reasons=frozenset({"child", "annotation"})))]


async def test_a_key_asked_for_while_worked_on_runs_once_more_and_never_twice_at_once():
    started, go, runs = asyncio.Event(), asyncio.Event(), []
    at_once = 0

    async def work(key: str, wish: Wish) -> None:
        nonlocal at_once
        at_once += 1
        assert at_once == 1
        runs.append(wish.reasons)
        started.set()
        await go.wait()
        at_once -= 1

    queue = WorkQueue(work, workers=4)
    async with running(queue):
        queue.ask("shop", Level.LIVE, "first")
        await started.wait()
        queue.ask("shop", Level.LIVE, "second")
        queue.ask("shop", Level.LIVE, "third")
        go.set()
        await queue.wait_idle()

    assert runs == [{"first"}, {"second", "third"}]


async def test_keys_run_in_parallel_under_the_cap():
    running_now, most, two = 0, 0, asyncio.Event()

    async def work(key: str, wish: Wish) -> None:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        if running_now == 2:
            two.set()
        await two.wait()
        running_now -= 1

    queue = WorkQueue(work, workers=2)
    for key in "abcd":
        queue.ask(key, Level.TREE, "start")
    async with running(queue):
        await queue.wait_idle()

    assert most == 2


async def test_a_slow_lane_keeps_nobody_of_another_waiting():
    never, seen = asyncio.Event(), asyncio.Event()

    async def work(key: str, wish: Wish) -> None:
        if key.startswith("slow"):
            await never.wait()
        seen.set()

    queue = WorkQueue(work, workers=2, lane_of=lambda key: key.split("/")[0])
    async with running(queue):
        for number in range(5):
            queue.ask(f"slow/{number}", Level.LIVE, "start")
        queue.ask("quick/shop", Level.LIVE, "start")
        await seen.wait()

        assert (queue.statistics()["running"], queue.statistics()["waiting"]) == (2, 3)


async def test_a_key_forgotten_while_worked_on_and_asked_for_again_is_not_worked_on_twice_at_once():
    started, go, at_once, most = asyncio.Event(), asyncio.Event(), 0, 0

    async def work(key: str, wish: Wish) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        started.set()
        await go.wait()
        at_once -= 1

    queue = WorkQueue(work, workers=4)
    queue.ask("shop", Level.LIVE, "first")
    queue.forget("shop")
    queue.ask("shop", Level.LIVE, "second")
    async with running(queue):
        await started.wait()
        queue.ask("shop", Level.LIVE, "third")
        go.set()
        await queue.wait_idle()

    assert (most, queue.statistics()["done"]) == (1, 2)


@pytest.mark.looptime
async def test_the_earliest_of_several_delays_counts():
    loop = asyncio.get_running_loop()
    at: list[float] = []

    async def work(key: str, wish: Wish) -> None:
        at.append(loop.time())
        done.set()

    done = asyncio.Event()
    queue = WorkQueue(work)
    began = loop.time()
    async with running(queue):
        queue.ask("shop", Level.NEWEST, "resync", delay=60)
        queue.ask("shop", Level.LIVE, "heal", delay=2)
        queue.ask("shop", Level.LIVE, "later", delay=30)
        await done.wait()

    assert [moment - began for moment in at] == [2]
    assert queue.statistics()["later"] == 0


@pytest.mark.looptime
async def test_a_delay_of_one_level_stays_when_another_is_over():
    loop = asyncio.get_running_loop()
    seen: list[tuple[float, Level]] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append((loop.time() - began, wish.level))

    queue = WorkQueue(work)
    began = loop.time()
    async with running(queue):
        queue.ask("shop", Level.NEWEST, "resync", delay=60)
        queue.ask("shop", Level.LIVE, "live", delay=2)
        await asyncio.sleep(100)

    assert seen == [(2, Level.LIVE), (60, Level.NEWEST)]


@pytest.mark.looptime
async def test_what_the_work_under_way_has_seen_itself_is_not_looked_at_again():
    seen: list[frozenset[str]] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append(wish.reasons)
        if len(seen) > 1:
            return
        queue.ask("shop", Level.LIVE, MOVED)
        queue.ask("shop", Level.LIVE, MOVED, delay=1)
        queue.ask("shop", Level.NEWEST, "resync", delay=60)
        queue.drop("shop", MOVED)
        queue.ask("shop", Level.LIVE, MOVED, delay=2)
        queue.drop("other", MOVED)

    queue = WorkQueue(work)
    async with running(queue):
        queue.ask("shop", Level.NEWEST, "begun")
        queue.ask("other", Level.LIVE, "ready", delay=3)
        await asyncio.sleep(100)

    assert seen == [frozenset({"begun"}), frozenset({MOVED}), frozenset({"ready"}), frozenset({"resync"})]
    assert queue.statistics()["later"] == 0


@pytest.mark.looptime
@pytest.mark.parametrize("delay", [0, 1], ids=["now", "later"])
async def test_a_wish_that_somebody_else_has_too_stays(delay: float):
    seen: list[frozenset[str]] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append(wish.reasons)
        if len(seen) == 1:
            queue.ask("shop", Level.LIVE, MOVED, delay=delay)
            queue.ask("shop", Level.LIVE, "declared", delay=delay)
            queue.drop("shop", MOVED)

    queue = WorkQueue(work)
    queue.ask("shop", Level.LIVE, "begun")
    async with running(queue):
        await asyncio.sleep(100)

    assert seen == [frozenset({"begun"}), frozenset({MOVED, "declared"})]


async def test_a_forgotten_key_is_not_worked_on():
    seen: list[str] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append(key)

    queue = WorkQueue(work)
    queue.ask("gone", Level.TREE, "start")
    queue.ask("shop", Level.TREE, "start")
    queue.forget("gone")
    async with running(queue):
        await queue.wait_idle()

    assert seen == ["shop"]


async def test_the_last_wish_to_ask_the_repository_says_how_fresh_it_must_be():
    seen: list[Wish] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append(wish)

    queue = WorkQueue(work)
    asked = asyncio.get_running_loop().time()
    queue.ask("shop", Level.FORCED, "annotation")
    queue.ask("shop", Level.LIVE, "live")
    queue.ask("other", Level.NEWEST, "resync")
    async with running(queue):
        await queue.wait_idle()

    assert seen[0].fresh_after is not None
    assert seen[0].fresh_after >= asked
    assert seen[1].fresh_after is None


async def order_of(*asked: tuple[str, bool]) -> list[str]:
    seen: list[str] = []

    async def work(key: str, wish: Wish) -> None:
        seen.append(key)

    queue = WorkQueue(work, workers=1)
    for key, is_urgent in asked:
        queue.ask(key, Level.LIVE, "test", is_urgent=is_urgent)
    async with running(queue):
        await queue.wait_idle()
    return seen


async def test_urgent_keys_go_first():
    assert await order_of(("a", False), ("b", False), ("c", True)) == ["c", "a", "b"]


async def test_a_waiting_key_that_becomes_urgent_goes_first_and_once():
    assert await order_of(("a", False), ("b", False), ("b", True)) == ["b", "a"]


async def test_an_urgent_key_stays_urgent_when_asked_for_again():
    assert await order_of(("a", False), ("b", True), ("b", False)) == ["b", "a"]


async def test_many_urgent_keys_leave_one_turn_in_five_to_the_others():
    urgent = [(f"u{number}", True) for number in range(10)]
    seen = await order_of(("a", False), ("b", False), *urgent)
    assert (seen.index("a"), seen.index("b")) == (4, 9)
