"""One commit's files, read from the object store without a checkout.

Folders are read when they are walked, so an application in a large repository costs what lies on its path. A symbolic
link or submodule is an entry like another: it is never followed here.
"""

from __future__ import annotations

import asyncio
import builtins
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Protocol

from haori.git.errors import RepositoryError, RepositoryRefusedError, RevisionMissingError
from haori.git.objects import GitObject

LARGEST_FOLDER_BYTES = 16 << 20


class EntryType(StrEnum):
    """What a tree holds under a name."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SUBMODULE = "submodule"


_TYPES = {"040000": EntryType.FOLDER, "120000": EntryType.LINK, "160000": EntryType.SUBMODULE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name in a tree; `object_id` is the hash of its content (for a folder: of all below it)."""

    path: str
    mode: str
    object_id: str

    @property
    def type(self) -> EntryType:
        """What stands there, by its mode."""
        return _TYPES.get(self.mode.zfill(6), EntryType.FILE)

    @property
    def is_executable(self) -> bool:
        """Whether the file may be run."""
        return self.type is EntryType.FILE and self.mode.endswith("755")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLimits:
    """How much of a repository one export may write."""

    files: int = 20_000
    file_bytes: int = 32 << 20
    total_bytes: int = 256 << 20


class ReadsObjects(Protocol):
    """Where objects come from: a mirror, or an archive taken apart as Git would."""

    async def read(self, names: Sequence[str], *, limit_bytes: int) -> builtins.list[GitObject | None]:
        """The objects of `names`, None for one that is missing; RepositoryError for one beyond the limit."""
        ...


class Tree:
    """The files of one commit."""

    def __init__(self, reader: ReadsObjects, tree_id: str, commit: str) -> None:
        self._reader = reader
        self._folders: dict[str, dict[str, Entry]] = {}
        """Of each folder that was walked, its entries by path."""
        self.commit = commit
        self.object_id = tree_id

    async def entry(self, path: str) -> Entry | None:
        """What stands at `path` ("" or ".": the root), None where nothing does; links on the way are not followed."""
        parts = split_path(path)
        entry = Entry(path="", mode="040000", object_id=self.object_id)
        for part in parts:
            if entry.type is not EntryType.FOLDER:
                return None
            wanted = f"{entry.path}/{part}" if entry.path else part
            found = (await self._list(entry)).get(wanted)
            if found is None:
                return None
            entry = found
        return entry

    async def hash_of(self, path: str) -> str | None:
        """The object id at `path`: equal for two commits exactly when all below it is equal."""
        entry = await self.entry(path)
        return None if entry is None else entry.object_id

    async def list(self, path: str = "", *, recursive: bool = False) -> tuple[Entry, ...]:
        """The entries of the folder at `path` in Git's order; `recursive`: all that are not folders, below it too.

        Raises RevisionMissingError where `path` is no folder.
        """
        folder = await self.entry(path)
        if folder is None or folder.type is not EntryType.FOLDER:
            raise RevisionMissingError("git-path-missing", path=path or ".", revision=self.commit)
        if not recursive:
            return tuple((await self._list(folder)).values())
        return tuple([entry async for entry in self._walk(folder)])

    async def read(self, path: str, *, limit_bytes: int = 32 << 20) -> bytes:
        """The content of the file at `path`. Raises RevisionMissingError where no regular file is there."""
        entry = await self.entry(path)
        if entry is None or entry.type is not EntryType.FILE:
            raise RevisionMissingError("git-path-missing", path=path, revision=self.commit)
        return (await self.read_all([entry], limit_bytes=limit_bytes))[0]

    async def read_all(self, entries: Sequence[Entry], *, limit_bytes: int = 32 << 20) -> tuple[bytes, ...]:
        """The contents of files and links, in the order asked. Raises RepositoryRefusedError for one beyond the limit."""
        try:
            found = await self._reader.read([entry.object_id for entry in entries], limit_bytes=limit_bytes)
        except RepositoryError as error:
            large = next((entry for entry in entries if entry.object_id == error.parameters.get("object")), None)
            if error.code != "git-object-too-large" or large is None:
                raise
            size = error.parameters["size"]
            raise RepositoryRefusedError("git-file-too-large", path=large.path, size=size, limit=limit_bytes) from error
        missing = next((entry for entry, item in zip(entries, found, strict=True) if item is None), None)
        if missing is not None:
            raise RevisionMissingError("git-path-missing", path=missing.path, revision=self.commit)
        return tuple(item.content for item in found if item is not None)

    async def export(self, paths: Sequence[str], target: Path, *, limits: ExportLimits | None = None) -> int:
        """Writes the files at and below `paths` into the empty folder `target` at their own paths; gives their number.

        Submodules become empty folders. Raises RepositoryRefusedError for a name that could leave the folder, a link
        that does, and more than `limits`.
        """
        entries: dict[str, Entry] = {}
        for path in paths:
            found = await self.entry(path)
            if found is None:
                raise RevisionMissingError("git-path-missing", path=path, revision=self.commit)
            below = [entry async for entry in self._walk(found)] if found.type is EntryType.FOLDER else [found]
            entries |= {entry.path: entry for entry in below}
        return await self._write(
            sorted(entries.values(), key=lambda entry: entry.path), target, limits or ExportLimits()
        )

    async def _write(self, entries: Sequence[Entry], target: Path, limits: ExportLimits) -> int:
        if len(entries) > limits.files:
            raise RepositoryRefusedError("git-export-too-many", files=len(entries), limit=limits.files)
        plain = [entry for entry in entries if entry.type is EntryType.FILE]
        links = [entry for entry in entries if entry.type is EntryType.LINK]
        total = 0
        for start in range(0, len(plain), 64):
            batch = plain[start : start + 64]
            contents = await self.read_all(batch, limit_bytes=limits.file_bytes)
            total += sum(map(len, contents))
            if total > limits.total_bytes:
                raise RepositoryRefusedError("git-export-too-large", size=total, limit=limits.total_bytes)
            await asyncio.to_thread(_write_files, target, list(zip(batch, contents, strict=True)))
        goals = await self.read_all(links, limit_bytes=4096)
        # Links come last: a file is never written through one.
        await asyncio.to_thread(_write_links, target, list(zip(links, goals, strict=True)))
        return len(entries)

    async def _walk(self, folder: Entry) -> AsyncIterator[Entry]:
        for entry in (await self._list(folder)).values():
            if entry.type is EntryType.FOLDER:
                async for below in self._walk(entry):
                    yield below
            else:
                yield entry

    async def _list(self, folder: Entry) -> dict[str, Entry]:
        known = self._folders.get(folder.path)
        if known is None:
            (found,) = await self._reader.read([folder.object_id], limit_bytes=LARGEST_FOLDER_BYTES)
            if found is None or found.type != "tree":
                raise RevisionMissingError("git-path-missing", path=folder.path or ".", revision=self.commit)
            try:
                known = {entry.path: entry for entry in parse_tree(found.content, folder.path)}
            except ValueError as error:
                raise RepositoryRefusedError("git-path-refused", path=folder.path or ".") from error
            self._folders[folder.path] = known
        return known


def split_path(path: str) -> tuple[str, ...]:
    """The parts of a path inside a repository. Raises RepositoryRefusedError where it climbs out."""
    parts = tuple(part for part in PurePosixPath(path.strip("/")).parts if part != ".")
    if ".." in parts:
        raise RepositoryRefusedError("git-path-refused", path=path)
    return parts


def parse_tree(content: bytes, folder: str) -> builtins.list[Entry]:
    """The entries of a tree object. Raises RepositoryRefusedError for names no honest Git writes."""
    entries = []
    position = 0
    while position < len(content):
        space = content.index(b" ", position)
        end = content.index(b"\0", space)
        name = os.fsdecode(content[space + 1 : end])
        if name in ("", ".", "..") or "/" in name or name.lower() == ".git":
            raise RepositoryRefusedError("git-path-refused", path=f"{folder}/{name}")
        mode, object_id = content[position:space].decode(), content[end + 1 : end + 21].hex()
        entries.append(Entry(path=f"{folder}/{name}" if folder else name, mode=mode.zfill(6), object_id=object_id))
        position = end + 21
    return entries


def _write_files(target: Path, files: Sequence[tuple[Entry, bytes]]) -> None:
    for entry, content in files:
        path = target / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o700 if entry.is_executable else 0o600), "wb") as file:
            file.write(content)


def _write_links(target: Path, links: Sequence[tuple[Entry, bytes]]) -> None:
    for entry, goal in links:
        path = target / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(os.fsdecode(goal), path)
    # Only once all stand can one see where they really lead: a link may pass through another.
    root = os.path.realpath(target)
    for entry, _ in links:
        real = os.path.realpath(target / entry.path)
        if real != root and not real.startswith(root + os.sep):
            for made, _ in links:
                (target / made.path).unlink(missing_ok=True)
            raise RepositoryRefusedError("git-link-outside", path=entry.path)
