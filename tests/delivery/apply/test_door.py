from __future__ import annotations

import asyncio

import pytest

from haori.delivery.apply.door import LostLeadershipError, WriteDoor

pytestmark = pytest.mark.looptime


class Clock:
    """A Lease that is over at `until`."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.renewals = asyncio.Event()

    def left(self) -> float:
        return max(0.0, self.until - asyncio.get_running_loop().time())

    def door(self) -> WriteDoor:
        return WriteDoor(term=7, seconds_left=self.left, margin_seconds=2, wait_renewed=self._wait)

    async def _wait(self) -> None:
        async with asyncio.timeout(self.left()):
            await self.renewals.wait()


async def _write(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "written"


async def test_a_write_that_ends_in_time_is_made():
    assert await Clock(8).door().write(lambda: _write(5)) == "written"


async def test_a_write_is_cut_off_when_the_lease_is_over():
    began = []

    async def write() -> None:
        began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(30)

    with pytest.raises(LostLeadershipError):
        await Clock(8).door().write(write)

    assert (began, asyncio.get_running_loop().time()) == ([0], 8)


async def test_a_slow_write_goes_on_as_long_as_the_lease_is_renewed():
    clock = Clock(8)
    door = clock.door()
    writing = asyncio.ensure_future(door.write(lambda: _write(13)))
    await asyncio.sleep(6)
    clock.until = 14
    door.renewed()

    assert await writing == "written"


async def test_a_write_waits_where_a_renewal_is_late():
    clock = Clock(1)
    door = clock.door()
    writing = asyncio.ensure_future(door.write(lambda: _write(3)))
    await asyncio.sleep(0.5)
    assert door.statistics()["writes"] == 0
    clock.until = 9
    clock.renewals.set()

    assert await writing == "written"


async def test_the_time_out_of_the_write_itself_is_no_lost_lease():
    async def write() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Clock(8).door().write(write)


async def test_the_last_look_before_the_bytes_go_out_says_that_the_lease_is_over():
    clock = Clock(1)
    door = clock.door()
    door.check()
    await asyncio.sleep(1)
    with pytest.raises(LostLeadershipError):
        door.check()
    assert door.statistics()["refused"] == 1
