"""Remote bases of kustomizations: brought by us, pinned to commits, within bounds; the renderer has no network.

A base may come from a repository that a stranger named, so it is opened under an `OutboundPolicy`, with the credentials of
the Secrets that the application's project may use and no others. A branch is what it was at the last look; its place
(`base+URL`) is watched like a repository of an application.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from haori.delivery.render.base_urls import RemoteFile, RemoteFolder
from haori.delivery.render.errors import RenderError
from haori.errors import TransientError
from haori.git import Refs, Repositories, Tree
from haori.outbound import OutboundError, OutboundPolicy, fetch

PLACE = "base+"
MOST_BASES = 32
"""Remote entries of one source, nested ones included."""
DEEPEST = 6
"""Remote bases of remote bases."""
FILE_BYTES = 4 << 20
FILE_SECONDS = 60.0
"""How long a file at a URL is taken to be what it was."""
FILES_KEPT = 64
TREES_KEPT = 32


class BaseUnreachableError(TransientError):
    """A file at a URL cannot be had now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSettings:
    """How bases are reached."""

    repositories: Repositories
    """Mirrors of their own: what a stranger named is no repository of an application."""
    policy: OutboundPolicy = field(default_factory=lambda: OutboundPolicy(allow_private=True))
    """For files; that of `repositories` is theirs."""
    projects_for: Callable[[str], frozenset[str]] = field(default=lambda url: frozenset())
    """The projects that alone may read a URL; empty: all."""


class Bases:
    """Brings them. Raises RenderError, OutboundError, and what `Repositories` raises."""

    def __init__(self, settings: BaseSettings) -> None:
        self._settings = settings
        self._files: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._trees: OrderedDict[tuple[str, str], Tree] = OrderedDict()

    async def tree(self, base: RemoteFolder, project: str) -> Tree:
        """The files of the commit that `base` means by the last look."""
        self._check(base.url, project)
        repositories = self._settings.repositories
        commit = await repositories.resolve(base.url, "" if base.revision == "HEAD" else base.revision)
        found = self._trees.get((base.url, commit))
        if found is None:
            found = self._trees[base.url, commit] = await repositories.tree(base.url, commit)
            while len(self._trees) > TREES_KEPT:
                self._trees.popitem(last=False)
        return found

    async def file(self, base: RemoteFile, project: str) -> bytes:
        """What is at the URL, as of a moment ago."""
        self._check(base.url, project)
        now = asyncio.get_running_loop().time()
        read_at, content = self._files.get(base.url, (0.0, b""))
        if base.url in self._files and now - read_at < FILE_SECONDS:
            return content
        policy = OutboundPolicy(
            allow_loopback=self._settings.policy.allow_loopback,
            allow_private=self._settings.policy.allow_private,
            size_bytes=FILE_BYTES,
        )
        try:
            answer = await fetch(base.url, policy)
        except OutboundError as error:
            if error.code != "outbound-failed":
                raise
            raise BaseUnreachableError(error.code, **error.parameters) from error
        if answer.status != 200:
            raise RenderError("render-base-status", base=answer.url, status=answer.status)
        self._files.pop(base.url, None)
        self._files[base.url] = (now, answer.body)
        while len(self._files) > FILES_KEPT:
            self._files.popitem(last=False)
        return answer.body

    async def refresh(self, place: str) -> Refs:
        """Looks at a place now."""
        return await self._settings.repositories.refresh(place.removeprefix(PLACE))

    async def aclose(self) -> None:
        """Ends the readers of its mirrors."""
        await self._settings.repositories.aclose()

    def _check(self, url: str, project: str) -> None:
        projects = self._settings.projects_for(url)
        if projects and project not in projects:
            raise RenderError("render-base-project", base=url, project=project)


def digest_of(content: bytes) -> str:
    """By which a file counts in a key."""
    return hashlib.sha256(content).hexdigest()
