"""When an operation's beginning is recorded: before what depends on it, when it takes long, when it stumbles; else not."""

from __future__ import annotations

import asyncio

import pytest

from haori.cluster import UnreachableError
from haori.delivery.controller.beginning import LATE_SECONDS, Beginning
from haori.delivery.model import Operation, OperationState
from haori.resources.argo import OperationPhase

STATE = OperationState(operation=Operation(), phase=OperationPhase.RUNNING)


class Records:
    """What was written, and after how many seconds."""

    def __init__(self, *, takes: float = 0.0, fails: bool = False) -> None:
        self.at: list[float] = []
        self.ended = 0
        self._takes, self.fails = takes, fails
        self._began = asyncio.get_running_loop().time()

    async def write(self) -> None:
        self.at.append(asyncio.get_running_loop().time() - self._began)
        await asyncio.sleep(self._takes)
        if self.fails:
            raise UnreachableError(cluster="in-cluster", action="patch", problem="down")
        self.ended += 1


@pytest.mark.looptime
async def test_what_ends_quickly_is_not_recorded():
    records = Records()
    async with Beginning(STATE, records.write).watched():
        await asyncio.sleep(LATE_SECONDS / 2)
    await asyncio.sleep(LATE_SECONDS * 2)
    assert records.at == []


@pytest.mark.looptime
async def test_what_takes_long_is_recorded_while_it_goes_on_and_before_it_has_ended():
    records = Records(takes=5)
    async with Beginning(STATE, records.write).watched():
        await asyncio.sleep(LATE_SECONDS * 2)
    assert records.at == [LATE_SECONDS]
    assert records.ended == 1


@pytest.mark.looptime
async def test_it_is_recorded_once_whoever_asks():
    records = Records(takes=0.5)
    beginning = Beginning(STATE, records.write)
    async with beginning.watched():
        await asyncio.gather(beginning.write(), beginning.write())
        assert records.ended == 1
        await asyncio.sleep(LATE_SECONDS * 2)
    assert records.at == [0]


@pytest.mark.looptime
async def test_an_operation_that_stumbles_is_recorded_first():
    records = Records()
    with pytest.raises(ZeroDivisionError):
        async with Beginning(STATE, records.write).watched():
            raise ZeroDivisionError
    assert records.ended == 1


@pytest.mark.looptime
async def test_who_needs_the_record_hears_why_there_is_none():
    beginning = Beginning(STATE, Records(fails=True).write)
    with pytest.raises(UnreachableError):
        await beginning.write()


@pytest.mark.looptime
async def test_a_record_that_fails_by_the_way_leaves_the_operation_alone():
    records = Records(fails=True)
    async with Beginning(STATE, records.write).watched():
        await asyncio.sleep(LATE_SECONDS * 2)
    with pytest.raises(ZeroDivisionError):
        async with Beginning(STATE, records.write).watched():
            raise ZeroDivisionError
    assert len(records.at) == 2


@pytest.mark.looptime
async def test_a_record_that_failed_is_tried_again_by_who_needs_it():
    records = Records(fails=True)
    beginning = Beginning(STATE, records.write)
    async with beginning.watched():
        await asyncio.sleep(LATE_SECONDS * 2)
        records.fails = False
        await beginning.write()
    assert (len(records.at), records.ended) == (2, 1)


@pytest.mark.looptime
async def test_a_look_that_is_cancelled_takes_the_record_along():
    records = Records(takes=60)

    async def look() -> None:
        async with Beginning(STATE, records.write).watched():
            await asyncio.sleep(300)

    task = asyncio.create_task(look())
    await asyncio.sleep(LATE_SECONDS * 2)
    task.cancel()
    await asyncio.wait({task})
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert (len(records.at), records.ended, others) == (1, 0, set())
