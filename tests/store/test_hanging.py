"""A server that hangs (SIGSTOP) rather than dies: nothing that is asked of it ever comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from haori.store import Store, StoreSettings, StoreUnavailableError, open_store, run_embedded
from haori.store.embedded import STOP_SECONDS

SECONDS = 1.0
"""For one use."""
GENEROUS = 8 * SECONDS
"""Far less than the ten seconds that the driver waits for a cancelled statement to end."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hanging(tmp_path_factory: pytest.TempPathFactory, wheel) -> AsyncIterator[tuple[StoreSettings, int]]:
    """(settings, pid) of a server of this module's own."""
    async with run_embedded(tmp_path_factory.mktemp("hanging"), wheel) as running:
        assert running.pid is not None
        yield StoreSettings(url=running.url, wait_seconds=2, answer_seconds=SECONDS), running.pid


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The server and its processes stand still meanwhile."""
    family = [pid, *children(pid)]
    for each in family:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def use(store: Store) -> None:
    async with store.transaction() as connection:
        await connection.execute("SELECT 1")


async def test_waiting_for_one_that_hangs_ends_at_the_limit_and_the_next_use_after_it_works(hanging):
    settings, pid = hanging
    async with open_store(settings) as store:
        await use(store)
        with stopped(pid):
            began = asyncio.get_running_loop().time()
            with pytest.raises(StoreUnavailableError) as raised:
                await use(store)
            assert SECONDS <= asyncio.get_running_loop().time() - began < GENEROUS
            assert raised.value.code == "store-silent"
        await use(store)


async def test_a_statement_under_way_ends_at_the_limit(hanging):
    settings, pid = hanging
    async with open_store(settings) as store:
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def hang() -> None:
            async with store.transaction() as connection:
                with stopped(pid):
                    await connection.execute("SELECT 1")

        with pytest.raises(StoreUnavailableError):
            await hang()
        assert loop.time() - began < GENEROUS


async def test_all_who_wait_at_once_are_refused_at_the_limit(hanging):
    settings, pid = hanging
    async with open_store(settings) as store:
        await use(store)
        with stopped(pid):
            began = asyncio.get_running_loop().time()
            found = await asyncio.gather(*(use(store) for _ in range(20)), return_exceptions=True)
            assert asyncio.get_running_loop().time() - began < GENEROUS
        assert {type(each) for each in found} == {StoreUnavailableError}


async def test_one_that_hangs_is_not_opened_in_time(hanging):
    settings, pid = hanging
    with stopped(pid), pytest.raises(StoreUnavailableError):
        async with open_store(settings):
            pass


async def test_one_that_stands_still_is_ended_all_the_same(tmp_path: Path, wheel):
    loop = asyncio.get_running_loop()
    async with run_embedded(tmp_path, wheel) as running:
        assert running.child is not None
        os.kill(running.child.pid, signal.SIGSTOP)
        began = loop.time()
    assert loop.time() - began < STOP_SECONDS
    assert running.child.returncode == 0
