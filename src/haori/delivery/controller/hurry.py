"""Whose turn comes first after a commit: those in whose folders it changed something.

A thousand applications of one repository are all asked to look when it moved, and one of them has work to do. What a
commit changed costs one git command; the applications whose path lies above a changed file are put before the others. It
is a hint for the order and no more: what an application really reads (bases, shared values) is known when it is looked at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import PurePosixPath
from typing import NoReturn

from haori.errors import HaoriError
from haori.git import Refs, Repositories

log = logging.getLogger(__name__)

BRANCHES = 8
"""A push to more branches than these is no release of one application: the others keep their turn."""

HURRIED = "commit"
"""Why an application is looked at that is known to have work."""
MOST_HURRIED = 32
"""A commit that touches more applications than this has no first among them."""

Hurried = Callable[[str, Collection[str]], None]
"""Hears of a URL and of all folders at or above changed files, "" for the repository's root."""


class Hurry:
    """Listens to one `Repositories` while `run` does."""

    def __init__(self, repositories: Repositories, on_hurry: Hurried) -> None:
        self._repositories, self._on_hurry = repositories, on_hurry
        self._moves: dict[str, tuple[Refs, Refs]] = {}
        """By URL: the refs that were looked at last and the newest; several moves are one."""
        self._wake = asyncio.Event()

    async def run(self) -> NoReturn:
        """Until cancelled."""
        self._repositories.on_moved = self._moved
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._moves:
                    url, (before, after) = self._moves.popitem()
                    await self._look(url, before, after)
        finally:
            self._repositories.on_moved = lambda url, before, after: None

    def _moved(self, url: str, before: Refs, after: Refs) -> None:
        first = self._moves[url][0] if url in self._moves else before
        self._moves[url] = (first, after)
        self._wake.set()

    async def _look(self, url: str, before: Refs, after: Refs) -> None:
        known = before.commits
        moved = {(known[name], commit) for name, commit in after.commits.items() if known.get(name, commit) != commit}
        folders: set[str] = set()
        try:
            for old, new in sorted(moved)[:BRANCHES]:
                for path in await self._repositories.changed_paths(url, old, new):
                    folders |= folders_above(path)
        except HaoriError as error:
            log.debug("changed paths not read", extra={"code": error.code})
            return
        self._on_hurry(url, folders)


def folders_above(path: str) -> set[str]:
    """`a/b`, `a` and "" for `a/b/c.yaml`."""
    return {"" if each == PurePosixPath(".") else str(each) for each in PurePosixPath(path).parents}
