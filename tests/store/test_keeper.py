"""A store that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from haori.errors import HaoriError
from haori.store import StoreKeeper, StoreSettings, StoreUnavailableError
from haori.store.keeper import EVERY_SECONDS
from haori.words import Language


@asynccontextmanager
async def kept(keeper: StoreKeeper) -> AsyncIterator[StoreKeeper]:
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ask(keeper: StoreKeeper) -> int:
    async with keeper.transaction() as connection:
        row = await (await connection.execute("SELECT 7")).fetchone()
        assert row is not None
        return int(row[0])


@dataclass
class Fake:
    """A store whose server is there or not."""

    is_there: bool = True
    opened: int = 0
    closed: int = 0
    where: str = "db:5432/haori"
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, settings: StoreSettings) -> AsyncIterator[Fake]:
        self._check()
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Fake]:
        self._check()
        yield self

    async def execute(self, statement: str) -> None:
        self.asked.append(statement)

    def _check(self) -> None:
        if not self.is_there:
            raise StoreUnavailableError("store-unreachable", where=self.where, reason="gone")


def keeper_of(fake: Fake, **parts: Any) -> StoreKeeper:
    open_: Callable[..., object] = fake.open
    return StoreKeeper(StoreSettings(url="postgresql://db"), open_=open_, **parts)  # type: ignore[arg-type]


async def use(keeper: StoreKeeper) -> None:
    async with keeper.transaction():
        pass


async def test_a_real_one_is_opened_and_asked(settings: StoreSettings):
    async with kept(StoreKeeper(settings)) as keeper:
        await keeper.wait_open()
        assert await ask(keeper) == 7


async def test_without_settings_it_says_that_there_is_none():
    keeper = StoreKeeper(None)
    with pytest.raises(StoreUnavailableError) as raised:
        await use(keeper)
    assert "Neither the URL" in raised.value.sentence.text(Language.ENGLISH)


async def test_before_it_is_open_everybody_is_told_so():
    with pytest.raises(StoreUnavailableError) as raised:
        await use(keeper_of(Fake()))
    assert raised.value.code == "store-opening"


@pytest.mark.looptime
async def test_one_that_is_away_at_first_is_opened_when_it_comes():
    fake = Fake(is_there=False)
    async with kept(keeper_of(fake)) as keeper:
        await asyncio.sleep(10)
        with pytest.raises(StoreUnavailableError) as raised:
            await use(keeper)
        assert (raised.value.code, fake.opened) == ("store-away", 0)
        fake.is_there = True
        await keeper.wait_open()
        await use(keeper)


@pytest.mark.looptime
async def test_one_that_was_lost_is_said_at_once_and_opened_anew():
    fake = Fake()
    async with kept(keeper_of(fake)) as keeper:
        await keeper.wait_open()
        fake.is_there = False
        codes = []
        for _ in range(2):
            with pytest.raises(StoreUnavailableError) as raised:
                await use(keeper)
            codes.append(raised.value.code)
        assert codes == ["store-away", "store-away"]

        await asyncio.sleep(60)
        fake.is_there = True
        await keeper.wait_open()
        await use(keeper)
        assert (fake.opened, fake.closed) == (2, 1)


@pytest.mark.looptime
async def test_a_moment_of_silence_opens_nothing_anew():
    fake = Fake()
    async with kept(keeper_of(fake)) as keeper:
        await keeper.wait_open()
        fake.is_there = False
        with pytest.raises(StoreUnavailableError):
            await use(keeper)
        fake.is_there = True
        await keeper.wait_open()
        await use(keeper)
        assert fake.opened == 1


@pytest.mark.looptime
async def test_one_that_hangs_is_found_out_while_somebody_is_connected_and_before_anybody_needs_it():
    fake, heard = Fake(), list[HaoriError | None]()
    async with kept(keeper_of(fake, hear=heard.append, is_watched=lambda: True)) as keeper:
        await keeper.wait_open()
        fake.is_there = False
        await asyncio.sleep(EVERY_SECONDS + 0.1)
        assert not keeper.is_open
        fake.is_there = True
        await keeper.wait_open()
    codes = [problem.code if problem is not None else None for problem in heard]
    assert (codes[0], codes[1], codes[-1]) == ("store-opening", None, None)
    assert set(codes[2:-1]) == {"store-unreachable"}


@pytest.mark.looptime
async def test_nobody_looks_while_nobody_is_connected():
    fake = Fake()
    async with kept(keeper_of(fake)) as keeper:
        await keeper.wait_open()
        await asyncio.sleep(10 * EVERY_SECONDS)
        assert fake.asked == []
        await keeper.look()
        assert fake.asked == ["SELECT 1"]


@pytest.mark.looptime
async def test_one_that_is_only_slow_is_not_away():
    fake = Fake()
    async with kept(keeper_of(fake)) as keeper:
        await keeper.wait_open()
        with pytest.raises(StoreUnavailableError) as raised:
            async with keeper.transaction():
                raise StoreUnavailableError("store-too-slow", where=fake.where)
        assert (raised.value.code, keeper.is_open) == ("store-too-slow", True)
