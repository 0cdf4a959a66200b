"""One watch a repository, and the index of who reads what."""

from __future__ import annotations

import asyncio

import pytest

from haori.cli.engine import REPOSITORY_MEGABYTES
from haori.delivery.controller.polling import RepositoryWatches
from haori.delivery.controller.settings import POLL_SECONDS, GitSettings
from haori.delivery.controller.watching import poll_seconds
from haori.delivery.model import parse_settings
from haori.git import Refs, Repositories, RepositorySettings

SHOP, PLATFORM = "https://git.example/shop.git", "https://git.example/platform.git"


class Counted(Repositories):
    """Repositories that never change, and how often each was looked at."""

    def __init__(self, folder):
        super().__init__(RepositorySettings(folder=folder))
        self.looked: list[str] = []
        self.seen = asyncio.Event()

    async def refresh(self, url: str) -> Refs:
        self.looked.append(url)
        self.seen.set()
        return Refs()


def watches(tmp_path) -> RepositoryWatches[str]:
    return RepositoryWatches(Counted(tmp_path), interval_seconds=0, on_change=lambda url: None)


def test_readers_are_found_by_any_spelling_of_the_url(tmp_path):
    found = watches(tmp_path)
    found.follow("cart", [SHOP])
    found.follow("mail", [PLATFORM, SHOP])
    assert found.readers_of("https://git.example/shop") == ["cart", "mail"]
    assert found.readers_of(PLATFORM) == ["mail"]


def test_who_reads_something_else_is_no_reader_any_more(tmp_path):
    found = watches(tmp_path)
    found.follow("cart", [SHOP])
    found.follow("cart", [PLATFORM])
    assert found.readers_of(SHOP) == []
    found.follow("cart", [])
    assert found.readers_of(PLATFORM) == []


async def test_without_polling_a_repository_is_looked_at_once_and_when_told(tmp_path):
    repositories = Counted(tmp_path)
    found: RepositoryWatches[str] = RepositoryWatches(repositories, interval_seconds=0, on_change=lambda url: None)
    found.follow("cart", [SHOP])
    task = asyncio.create_task(found.run())
    await repositories.seen.wait()
    repositories.seen.clear()
    assert found.notify(SHOP)
    await repositories.seen.wait()
    task.cancel()
    assert repositories.looked == [SHOP, SHOP]


async def test_a_repository_that_nobody_reads_is_no_longer_watched(tmp_path):
    repositories = Counted(tmp_path)
    found: RepositoryWatches[str] = RepositoryWatches(repositories, interval_seconds=0, on_change=lambda url: None)
    found.follow("cart", [SHOP])
    task = asyncio.create_task(found.run())
    await repositories.seen.wait()
    found.follow("cart", [PLATFORM])
    repositories.seen.clear()
    await repositories.seen.wait()
    assert not found.notify(SHOP)
    assert found.notify(PLATFORM)
    task.cancel()


@pytest.mark.parametrize(
    ("option", "setting", "pause"),
    [(None, None, POLL_SECONDS), (None, "3m", 180.0), (None, "0", 0.0), (5.0, "3m", 5.0), (0.0, "3m", 0.0)],
    ids=["neither", "argocd-cm", "argocd-cm: never", "the option first", "the option: never"],
)
def test_the_pause_is_the_option_s_or_that_of_argocd_cm(option, setting, pause):
    settings = parse_settings({"data": {} if setting is None else {"timeout.reconciliation": setting}})
    assert poll_seconds(GitSettings(poll_seconds=option), settings) == pause


def test_the_commands_bound_on_repositories_is_the_engines():
    assert GitSettings().repository_bytes == REPOSITORY_MEGABYTES << 20


async def test_urls_with_credentials_of_their_own_are_watched_each_for_itself_and_told_together(tmp_path):
    first, second = "https://ann:one@git.example/shop.git", "https://bob:two@git.example/shop.git"
    repositories = Counted(tmp_path)
    found: RepositoryWatches[str] = RepositoryWatches(repositories, interval_seconds=0, on_change=lambda url: None)
    found.follow("cart", [first])
    found.follow("mail", [second])
    assert found.readers_of(SHOP) == ["cart", "mail"]
    task = asyncio.create_task(found.run())
    while len(repositories.looked) < 2:
        repositories.seen.clear()
        await repositories.seen.wait()
    assert sorted(repositories.looked) == [first, second]
    assert found.notify(SHOP)
    while len(repositories.looked) < 4:
        repositories.seen.clear()
        await repositories.seen.wait()
    task.cancel()
    assert sorted(repositories.looked) == [first, first, second, second]
