"""One engine a data folder, known by one name for as long as the folder lives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from haori.delivery.controller.seat import take_seat


async def name_of(folder: Path) -> str:
    async with take_seat(folder, on_wait=lambda: None) as identity:
        return identity


async def test_the_name_outlives_the_process_and_differs_between_folders(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert await name_of(one) == await name_of(one)
    assert await name_of(one) != await name_of(other)


@pytest.mark.looptime
async def test_a_second_engine_of_a_folder_waits_for_the_first(tmp_path: Path):
    waits: list[str] = []
    async with take_seat(tmp_path, on_wait=lambda: None):
        second = asyncio.create_task(_wait_for_seat(tmp_path, waits))
        await asyncio.sleep(3.5)
        assert not second.done()
    await second
    assert waits


async def _wait_for_seat(folder: Path, waits: list[str]) -> None:
    async with take_seat(folder, on_wait=lambda: waits.append("waits")):
        pass
