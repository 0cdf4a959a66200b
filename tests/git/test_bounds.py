"""A transfer brings no more than a mirror may hold, and what was begun and not ended is taken away."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from haori.git import Repositories, RepositoryError, RepositorySettings, process
from tests.git.conftest import Origin

LIMIT = 2 << 20


@pytest_asyncio.fixture
async def bounded(tmp_path: Path) -> AsyncIterator[Repositories]:
    made = Repositories(RepositorySettings(folder=tmp_path / "mirrors", allow_file=True, limit_bytes=LIMIT))
    yield made
    await made.aclose()


def weight(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def large(origin: Origin, name: str = "large", size: int = 4 * LIMIT) -> str:
    (origin.folder / name).write_bytes(os.urandom(size))
    return origin.commit({})


async def refused(repositories: Repositories, origin: Origin) -> RepositoryError:
    with pytest.raises(RepositoryError) as raised:
        await repositories.refresh(origin.url)
    assert raised.value.code == "git-repository-too-large"
    return raised.value


async def test_a_repository_beyond_the_bound_is_refused_and_leaves_nothing(
    origin: Origin, bounded: Repositories, tmp_path: Path
) -> None:
    large(origin)
    error = await refused(bounded, origin)
    assert error.parameters == {"url": origin.url, "limit": LIMIT}
    assert weight(tmp_path / "mirrors") < LIMIT // 8


async def test_many_small_files_count_together(origin: Origin, bounded: Repositories, tmp_path: Path) -> None:
    for number in range(64):
        (origin.folder / f"{number}").write_bytes(os.urandom(LIMIT // 16))
    origin.commit({})
    await refused(bounded, origin)
    assert weight(tmp_path / "mirrors") < LIMIT // 8


async def test_the_same_is_not_transferred_again_and_another_is(origin: Origin, bounded: Repositories) -> None:
    large(origin)
    await refused(bounded, origin)
    before = bounded.statistics()["fetches"]
    await refused(bounded, origin)
    assert bounded.statistics()["fetches"] == before

    origin.git("checkout", "-q", "--orphan", "small")
    origin.git("rm", "-rfq", ".")
    sha = origin.commit({"a": "1"})
    origin.git("branch", "-f", "main", "small")
    assert (await bounded.refresh(origin.url)).commits["refs/heads/main"] == sha


async def test_what_was_there_before_stays_when_a_commit_is_too_large(origin: Origin, bounded: Repositories) -> None:
    sha = origin.commit({"a": "1"})
    await bounded.refresh(origin.url)
    large(origin)
    await refused(bounded, origin)
    assert await (await bounded.tree(origin.url, sha)).read("a") == b"1"


async def test_a_mirror_full_of_what_is_gone_is_made_anew(origin: Origin, bounded: Repositories) -> None:
    large(origin, size=LIMIT * 3 // 4)
    await bounded.refresh(origin.url)
    origin.git("checkout", "-q", "--orphan", "other")
    sha = large(origin, size=LIMIT * 3 // 4)
    origin.git("branch", "-f", "main", "other")
    assert (await bounded.refresh(origin.url)).commits["refs/heads/main"] == sha


async def test_what_a_killed_transfer_left_is_gone_after_the_next_start(
    origin: Origin, bounded: Repositories, tmp_path: Path
) -> None:
    first = origin.commit({"a": "1"})
    await bounded.refresh(origin.url)
    (folder,) = (tmp_path / "mirrors").iterdir()
    half = folder / "objects" / "pack" / "tmp_pack_Ab12"
    half.write_bytes(b"PACK" + bytes(1 << 20))
    lock = folder / "refs" / "heads" / "main.lock"
    lock.touch()
    second = origin.commit({"a": "2"})

    again = Repositories(RepositorySettings(folder=tmp_path / "mirrors", allow_file=True))
    refs = await again.refresh(origin.url)
    assert await (await again.tree(origin.url, second)).read("a") == b"2"
    await again.aclose()

    assert (refs.commits["refs/heads/main"], half.exists(), lock.exists()) == (second, False, False)
    assert first != second


async def test_a_mirror_that_was_cut_off_while_it_was_made_is_made_anew(
    origin: Origin, bounded: Repositories, tmp_path: Path
) -> None:
    sha = origin.commit({"a": "1"})
    await bounded.refresh(origin.url)
    (folder,) = (tmp_path / "mirrors").iterdir()
    shutil.rmtree(folder / "objects")
    shutil.rmtree(folder / "refs")
    again = Repositories(RepositorySettings(folder=tmp_path / "mirrors", allow_file=True))
    assert (await again.refresh(origin.url)).commits["refs/heads/main"] == sha
    await again.aclose()


async def test_a_full_disk_is_said_and_leaves_nothing(
    origin: Origin, bounded: Repositories, tmp_path: Path, monkeypatch
) -> None:
    """The kernel's answer is git's own words; they are put into its mouth here."""
    origin.commit({"a": "1"})
    real = process.run_git

    async def run_git(arguments, **options) -> bytes:
        if arguments[0] == "fetch":
            pack = options["folder"] / "objects" / "pack"
            (pack / "tmp_pack_x").write_bytes(bytes(1 << 16))
            raise process.failure("fatal: write error: No space left on device", "u")
        return await real(arguments, **options)

    monkeypatch.setattr("haori.git.mirror.run_git", run_git)
    with pytest.raises(RepositoryError) as raised:
        await bounded.refresh(origin.url)
    assert raised.value.code == "git-disk-full"
    assert not list((tmp_path / "mirrors").rglob("tmp_*"))

    monkeypatch.undo()
    assert (await bounded.refresh(origin.url)).commits


async def test_another_repository_is_fetched_while_one_is_being_refused(
    origin: Origin, bounded: Repositories, tmp_path: Path, monkeypatch
) -> None:
    """One slot is one repository's: the neighbour comes while the large one has not ended."""
    neighbour = Origin(tmp_path / "neighbour")
    sha = neighbour.commit({"a": "1"})
    large(origin)
    real, begun, go_on = process.run_git, asyncio.Event(), asyncio.Event()

    async def run_git(arguments, **options) -> bytes:
        if arguments[0] == "fetch" and origin.url in arguments:
            begun.set()
            await go_on.wait()
        return await real(arguments, **options)

    monkeypatch.setattr("haori.git.mirror.run_git", run_git)
    refusing = asyncio.create_task(refused(bounded, origin))
    await begun.wait()
    assert (await bounded.refresh(neighbour.url)).commits["refs/heads/main"] == sha
    assert not refusing.done()
    go_on.set()
    await refusing
