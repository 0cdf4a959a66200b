from __future__ import annotations

import asyncio

import pytest

from haori.cluster.flow import FlowControl, Priority


def flow(**changes: float) -> FlowControl:
    return FlowControl(clock=lambda: asyncio.get_running_loop().time(), **changes)


@pytest.mark.looptime
async def test_writes_go_before_reads_that_wait():
    control = flow(start=1)
    order: list[str] = []

    async def request(name: str, priority: Priority) -> None:
        async with control.slot(priority):
            order.append(name)
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        for name, priority in (("first", Priority.READ), ("read", Priority.READ), ("write", Priority.WRITE)):
            group.create_task(request(name, priority))
    assert order == ["first", "write", "read"]


@pytest.mark.looptime
async def test_the_window_halves_and_pauses_on_429_and_grows_again():
    control = flow(start=16)
    control.throttled(retry_after=3)
    assert control.statistics()["window"] == 8
    started = asyncio.get_running_loop().time()
    async with control.slot(Priority.WRITE):
        assert asyncio.get_running_loop().time() - started == pytest.approx(3)
    for _ in range(20):
        control.answered(0.01)
    assert control.statistics()["window"] > 9


async def test_the_window_shrinks_when_answers_become_slow():
    control = flow(start=16)
    control.answered(0.01)
    control.answered(2.0)
    assert control.statistics()["window"] < 16


@pytest.mark.looptime
async def test_a_cancelled_waiter_gives_its_place_back():
    control = flow(start=1)
    async with control.slot(Priority.READ):
        waiting = asyncio.create_task(control.slot(Priority.READ).__aenter__())
        await asyncio.wait([waiting], timeout=1)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with asyncio.timeout(1), control.slot(Priority.READ):
        assert control.statistics()["in_flight"] == 1
