"""After a commit those come first in whose folders it changed something."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import asynccontextmanager

import pytest

from haori.delivery.controller.hurry import Hurry, folders_above
from haori.git import Repositories
from tests.git.conftest import Origin, origin, repositories

__all__ = ["origin", "repositories"]


class Heard:
    def __init__(self) -> None:
        self.folders: list[set[str]] = []
        self.told = asyncio.Event()

    def __call__(self, url: str, folders: Collection[str]) -> None:
        self.folders.append(set(folders))
        self.told.set()


@asynccontextmanager
async def listening(repositories: Repositories, heard: Heard):
    task = asyncio.create_task(Hurry(repositories, heard).run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_folders_above_changed_added_and_removed_files_are_told(origin: Origin, repositories: Repositories):
    heard = Heard()
    origin.commit({"apps/a/x.yaml": "1", "apps/b/x.yaml": "1", "apps/c/x.yaml": "1"})
    async with listening(repositories, heard):
        await repositories.refresh(origin.url)
        (origin.folder / "apps/c/x.yaml").unlink()
        origin.commit({"apps/a/x.yaml": "2", "apps/d/deep/x.yaml": "1"})
        await repositories.refresh(origin.url)
        await heard.told.wait()
    assert heard.folders == [{"", "apps", "apps/a", "apps/c", "apps/d", "apps/d/deep"}]


async def test_a_first_look_and_one_that_finds_nothing_new_hurry_nobody(origin: Origin, repositories: Repositories):
    heard = Heard()
    origin.commit({"a.yaml": "1"})
    async with listening(repositories, heard):
        await repositories.refresh(origin.url)
        await repositories.refresh(origin.url)
        origin.commit({"b.yaml": "1"})
        await repositories.refresh(origin.url)
        await heard.told.wait()
    assert heard.folders == [{""}]


async def test_a_commit_that_cannot_be_compared_ends_nothing(origin: Origin, repositories: Repositories, monkeypatch):
    heard = Heard()
    origin.commit({"a.yaml": "1"})
    async with listening(repositories, heard):
        before = await repositories.refresh(origin.url)
        unknown = type(before)(commits=dict.fromkeys(before.commits, "0" * 39 + "1"), head=before.head)
        repositories.on_moved(origin.url, before, unknown)
        await asyncio.sleep(0)
        origin.commit({"b/b.yaml": "1"})
        await repositories.refresh(origin.url)
        await heard.told.wait()
    assert {"", "b"} in heard.folders


@pytest.mark.parametrize(
    ("path", "folders"), [("a/b/c.yaml", {"a/b", "a", ""}), ("c.yaml", {""}), ("", set())], ids=["deep", "root", "none"]
)
def test_folders_above(path, folders):
    assert folders_above(path) == folders
