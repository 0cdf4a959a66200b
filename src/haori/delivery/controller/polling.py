"""One watch a repository, however many applications read it: begun when the first names it, ended with the last.

What is watched is a place (`places`): the URL of a Git repository, or what may change of a chart repository or registry.

Who reads what is an index in both directions, so an application that changes costs its own sources and not those of all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from haori.errors import HaoriError
from haori.git import Refreshes, RepositoryWatch, mirror_identity, normalize_url, repository_place

log = logging.getLogger(__name__)
Reader = TypeVar("Reader", bound=Hashable)


class Watchable(Refreshes, Protocol):
    """What is watched; `Places` are."""

    def statistics(self) -> dict[str, int]:
        """Counts."""
        ...


class RepositoryWatches(Generic[Reader]):
    """The watches of all repositories that applications (`Reader`: their key) name."""

    def __init__(self, repositories: Watchable, *, interval_seconds: float, on_change: Callable[[str], None]) -> None:
        self._repositories, self._interval, self._on_change = repositories, interval_seconds, on_change
        self._watches: dict[str, tuple[RepositoryWatch, asyncio.Task[None]]] = {}
        self._readers: dict[str, dict[Reader, None]] = {}
        """By mirror; one that nobody reads has no entry."""
        self._places: dict[str, set[str]] = {}
        """Mirrors that somebody reads, by what all URLs of their repository share."""
        self._read: dict[Reader, frozenset[str]] = {}
        self._urls: dict[str, str] = {}
        self._failing: set[str] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Keeps the watches until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for url in [url for url in self._watches if url not in self._readers]:
                    self._watches.pop(url)[1].cancel()
                for url in self._readers.keys() - self._watches.keys():
                    watch = RepositoryWatch(
                        self._repositories,
                        self._urls[url],
                        changed=self._changed,
                        failed=self._failed,
                        interval_seconds=self._interval,
                    )
                    self._watches[url] = (watch, group.create_task(watch.run()))
                await self._wake.wait()

    def follow(self, reader: Reader, urls: Iterable[str]) -> None:
        """The repositories that `reader` reads from now on; none: it reads no longer."""
        named = {mirror_identity(url): url for url in urls}
        before, after = self._read.get(reader, frozenset()), frozenset(named)
        if before == after:
            return
        for url in before - after:
            del self._readers[url][reader]
            if not self._readers[url]:
                del self._readers[url]
                self._unplace(url)
        for url in after - before:
            self._readers.setdefault(url, {})[reader] = None
            self._places.setdefault(_place(url), set()).add(url)
        self._urls |= named
        if after:
            self._read[reader] = after
        else:
            del self._read[reader]
        self._wake.set()

    def readers_of(self, url: str) -> list[Reader]:
        """Who reads a repository."""
        return list(dict.fromkeys(reader for mirror in self._mirrors_of(url) for reader in self._readers[mirror]))

    def notify(self, url: str) -> int:
        """Somebody pushed to the repository of `url`, by whatever protocol it is read; how many read it."""
        mirrors = self._places.get(repository_place(url), ())
        for mirror in mirrors:
            if mirror in self._watches:
                self._watches[mirror][0].notify()
        return len({reader for mirror in mirrors for reader in self._readers[mirror]})

    def _unplace(self, mirror: str) -> None:
        place = _place(mirror)
        self._places[place].discard(mirror)
        if not self._places[place]:
            del self._places[place]

    def _mirrors_of(self, url: str) -> list[str]:
        """The mirrors of a repository that somebody reads: one, and another for each password that stands in a URL."""
        known = normalize_url(url)
        return [mirror for mirror in self._readers if mirror.partition(" ")[0] == known]

    def notify_below(self, prefix: str) -> None:
        """Looks now at every repository whose normalized URL begins with `prefix`."""
        for mirror, (watch, _) in self._watches.items():
            url = mirror.partition(" ")[0]
            if url == prefix or url.startswith(f"{prefix}/"):
                watch.notify()

    def statistics(self) -> dict[str, int]:
        """repositories watched, and how many of them fail now."""
        return {"watched": len(self._watches), "failing": len(self._failing), **self._repositories.statistics()}

    def _changed(self, url: str, refs: Any) -> None:
        self._failing.discard(normalize_url(url))
        self._on_change(normalize_url(url))

    def _failed(self, url: str, error: HaoriError) -> None:
        known = normalize_url(url)
        if known not in self._failing:
            self._failing.add(known)
            log.warning("repository cannot be read", extra={"repository": known, "code": error.code})
        self._on_change(known)


def _place(mirror: str) -> str:
    return repository_place(mirror.partition(" ")[0])
