"""The remote bases of one source: which were found while reading, and how they are put beside its repository.

Each tree stands in a folder of its own, each file beside the kustomization that names it (Kustomize reads no file outside its
folder), and the entries of that kustomization become paths.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haori.delivery.render.base_urls import RemoteFile, RemoteFolder, parse_remote
from haori.delivery.render.bases import DEEPEST, MOST_BASES, PLACE, Bases
from haori.delivery.render.detect import KUSTOMIZATION_NAMES
from haori.delivery.render.errors import RenderError
from haori.errors import HaoriError
from haori.git import Entry, Tree, normalize_url, redact_url
from haori.objects.yaml import dump, load

BASES = ".haori-bases"
_FIELDS = ("resources", "components", "bases", "generators", "transformers", "validators")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseReading:
    """What is read of one remote tree."""

    url: str
    tree: Tree
    entries: Mapping[str, Entry | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """All that a source reads of other places by its kustomizations."""

    trees: tuple[BaseReading, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By the path at which each stands in the working copy."""
    rewrites: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the path of a kustomization in the working copy: entries, and the paths that take their place."""
    places: tuple[str, ...] = ()
    """Where what it reads may change."""


NOWHERE = Elsewhere()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A folder of a remote tree."""

    number: int
    tree: Tree
    path: str


class Finder:
    """Opens the remote entries of one source, in the order in which they are found."""

    def __init__(self, bases: Bases | None, project: str) -> None:
        self._bases, self._project = bases, project
        self._trees: dict[tuple[str, str], int] = {}
        self.urls: list[str] = []
        self.files: dict[str, bytes] = {}
        self.rewrites: dict[str, dict[str, str]] = {}
        self.places: dict[str, None] = {}
        self._count = 0

    async def open(self, entry: str, root: str, folder: str, depth: int) -> Opened | None:
        """The tree that an entry of the kustomization in `folder` (below `root` in the working copy) means; None: a file.

        Raises RenderError, and what may pass (TransientError).
        """
        remote = parse_remote(entry)
        shown = redact_url(entry)
        if self._bases is None or remote is None:
            raise RenderError("render-remote-base", base=shown, path=folder or ".")
        self._count += 1
        if self._count > MOST_BASES or depth >= DEEPEST:
            raise RenderError("render-base-bounds", base=shown, path=folder or ".", most=MOST_BASES, deepest=DEEPEST)
        try:
            return await self._open(remote, entry, root, folder)
        except HaoriError as error:
            if error.transient or isinstance(error, RenderError):
                raise
            raise RenderError("render-base-failed", base=shown, path=folder or ".", reason=error.sentence) from error

    async def _open(self, remote: RemoteFolder | RemoteFile, entry: str, root: str, folder: str) -> Opened | None:
        if self._bases is None:
            return None
        here = posixpath.normpath(posixpath.join(root, folder))
        rewrites = self.rewrites.setdefault(here, {})
        if isinstance(remote, RemoteFile):
            name = f".haori-file-{len(self.files)}.yaml"
            self.files[posixpath.normpath(posixpath.join(here, name))] = await self._bases.file(remote, self._project)
            rewrites[entry] = name
            return None
        tree = await self._bases.tree(remote, self._project)
        if not remote.is_pinned:
            self.places[f"{PLACE}{remote.url}"] = None
        number = self._trees.setdefault((normalize_url(remote.url), tree.commit), len(self._trees))
        if number == len(self.urls):
            self.urls.append(remote.url)
        target = posixpath.normpath(posixpath.join(root_of(number), remote.path))
        rewrites[entry] = posixpath.relpath(target, here)
        return Opened(number=number, tree=tree, path=remote.path)


def root_of(number: int) -> str:
    """Where a remote tree stands in the working copy."""
    return f"{BASES}/{number}"


async def put_elsewhere(elsewhere: Elsewhere, repository: Path) -> None:
    """Puts it below `repository`, the working copy, and rewrites the kustomizations that name it."""
    for number, each in enumerate(elsewhere.trees):
        target = repository / root_of(number)
        target.mkdir(parents=True)
        await each.tree.export([path for path, entry in sorted(each.entries.items()) if entry is not None], target)
    await asyncio.to_thread(_rewrite_all, elsewhere, repository)


def _rewrite_all(elsewhere: Elsewhere, repository: Path) -> None:
    for place, content in elsewhere.files.items():
        (repository / place).write_bytes(content)
    for folder, entries in elsewhere.rewrites.items():
        candidates = [repository / folder / name for name in KUSTOMIZATION_NAMES]
        path = next(candidate for candidate in candidates if candidate.is_file())
        path.write_text(dump(_rewritten(load(path.read_bytes(), source=path.name), entries)))


def _rewritten(content: Mapping[str, Any], entries: Mapping[str, str]) -> dict[str, Any]:
    changed = dict(content)
    for name in _FIELDS:
        if isinstance(content.get(name), list):
            changed[name] = [entries.get(item, item) if isinstance(item, str) else item for item in content[name]]
    return changed
