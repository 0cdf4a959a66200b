"""An archive's files as a tree, kept on disk unpacked: one file with all contents, one with their names and places.

An archive is hostile until shown otherwise: it is read as a stream, by us, within bounds; only plain files and folders
are taken, none by a name that leads out. Contents get the ids that Git would give them, so `git.Tree` reads them like a
commit, and a chart in an archive and the same chart in a repository are one render.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from haori.delivery.charts.errors import Subject
from haori.git import GitObject, RepositoryError, Tree

FOLDER_MODE, FILE_MODE, PROGRAM_MODE = "040000", "100644", "100755"
LONGEST_NAME = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How much one archive may hold."""

    packed_bytes: int = 32 << 20
    unpacked_bytes: int = 100 << 20
    """As Helm bounds it."""
    file_bytes: int = 16 << 20
    files: int = 10_000


class _Header(tarfile.TarInfo):
    """A header whose own extensions are short: tarfile would take their size from the archive."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE) and self.size > 1 << 16:
            raise tarfile.ReadError("header")
        return super()._proc_member(archive)  # type: ignore[misc]


def unpack(file: IO[bytes], target: Path, subject: Subject, limits: ArchiveLimits, *, strips: bool) -> None:
    """Writes `target` and `target`.json out of a gzipped tar; `strips` takes the first folder off each name, as Helm does.

    Raises ChartError for what is no such archive, and for what goes beyond the limits or out of its folder.
    """
    rows: dict[str, list[Any]] = {}
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with (
            temporary.open("wb") as contents,
            gzip.GzipFile(fileobj=file) as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|", tarinfo=_Header) as archive,
        ):
            for member, name in _members(archive, subject, limits, strips=strips):
                opened = archive.extractfile(member)
                content = opened.read() if opened is not None else b""
                if len(content) != member.size:
                    raise subject.bad_archive("archive-broken")
                mode = PROGRAM_MODE if member.mode & 0o100 else FILE_MODE
                rows[name] = [mode, _object_id("blob", content), contents.tell(), len(content)]
                contents.write(content)
            # Only its end shows that a stream is whole; tar's own end comes before it.
            while unzipped.read(1 << 16):
                if unzipped.tell() > limits.unpacked_bytes * 2:
                    raise subject.bad_archive("archive-broken")
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        temporary.unlink(missing_ok=True)
        raise subject.bad_archive("archive-broken") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if not rows:
        temporary.unlink(missing_ok=True)
        raise subject.bad_archive("archive-empty")
    temporary.replace(target)
    listing = target.with_name(f"{target.name}.json")
    temporary.write_bytes(orjson.dumps(rows))
    temporary.replace(listing)


def _members(
    archive: tarfile.TarFile, subject: Subject, limits: ArchiveLimits, *, strips: bool
) -> Iterator[tuple[tarfile.TarInfo, str]]:
    total = count = 0
    for member in archive:
        # Counted before the next header is looked for, since all that lies between is unpacked on the way.
        total, count = total + member.size, count + 1
        if total > limits.unpacked_bytes or member.size > limits.file_bytes:
            limit = limits.unpacked_bytes if total > limits.unpacked_bytes else limits.file_bytes
            raise subject.bad_archive("archive-too-large", path=member.name[:200], limit=limit)
        if count > limits.files:
            raise subject.bad_archive("archive-too-many", limit=limits.files)
        parts = PurePosixPath(member.name.replace("\\", "/")).parts
        is_outside = not parts or parts[0] == "/" or ".." in parts or len(member.name) > LONGEST_NAME
        if member.isdir() and not is_outside:
            continue
        if is_outside or not member.isreg() or member.issparse() or ":" in parts[0] or ".git" in map(str.lower, parts):
            raise subject.bad_archive("archive-member", path=member.name[:200])
        if strips:
            parts = parts[1:]
        if parts:
            yield member, "/".join(parts)


def open_unpacked(target: Path, version: str) -> Tree | None:
    """The tree of what `unpack` wrote; None where it is not there whole. Works on the disk: call it in a thread."""
    try:
        rows = orjson.loads(target.with_name(f"{target.name}.json").read_bytes())
        if target.stat().st_size != sum(row[3] for row in rows.values()):
            return None
    except (OSError, orjson.JSONDecodeError):
        return None
    folders: dict[str, dict[str, tuple[str, str]]] = {"": {}}
    for name, (mode, object_id, _, _) in rows.items():
        folder, _, base = name.rpartition("/")
        _folder(folders, folder)[base] = (mode, object_id)
    trees: dict[str, bytes] = {}
    for folder in sorted(folders, key=lambda name: name.count("/") + bool(name), reverse=True):
        content = _tree_content(folders[folder])
        object_id = _object_id("tree", content)
        trees[object_id] = content
        if folder:
            parent, _, base = folder.rpartition("/")
            folders[parent][base] = (FOLDER_MODE, object_id)
    places = {object_id: (start, size) for _, object_id, start, size in rows.values()}
    return Tree(_Reader(target, trees, places), object_id, version)


def _folder(folders: dict[str, dict[str, tuple[str, str]]], name: str) -> dict[str, tuple[str, str]]:
    if name not in folders:
        folders[name] = {}
        if name:
            _folder(folders, name.rpartition("/")[0])
    return folders[name]


def _tree_content(entries: dict[str, tuple[str, str]]) -> bytes:
    """A folder as Git writes it: folders sort as if their names ended in a slash."""
    ordered = sorted(
        entries.items(), key=lambda item: os.fsencode(item[0] + ("/" if item[1][0] == FOLDER_MODE else ""))
    )
    rows = (
        mode.lstrip("0").encode() + b" " + os.fsencode(name) + b"\0" + bytes.fromhex(object_id)
        for name, (mode, object_id) in ordered
    )
    return b"".join(rows)


def _object_id(kind: str, content: bytes) -> str:
    head = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


class _Reader:
    """Objects of one unpacked archive: folders from memory, contents from the disk."""

    def __init__(self, path: Path, trees: dict[str, bytes], places: dict[str, tuple[int, int]]) -> None:
        self._path, self._trees, self._places = path, trees, places

    async def read(self, names: Sequence[str], *, limit_bytes: int) -> list[GitObject | None]:
        """The objects of `names`, None for one that is missing; as `git.ObjectReader` reads them."""
        found: list[GitObject | None] = []
        try:
            with self._path.open("rb") as file:
                for name in names:
                    found.append(self._read_one(file, name, limit_bytes))
        except OSError as error:
            raise RepositoryError("git-mirror-unreadable", url=self._path.name, reason=str(error.strerror)) from error
        return found

    def _read_one(self, file: IO[bytes], name: str, limit_bytes: int) -> GitObject | None:
        if (content := self._trees.get(name)) is not None:
            return GitObject("tree", content)
        if (place := self._places.get(name)) is None:
            return None
        start, size = place
        if size > limit_bytes:
            raise RepositoryError("git-object-too-large", object=name, size=size, limit=limit_bytes)
        file.seek(start)
        return GitObject("blob", file.read(size))
