"""What was fetched, on disk: archives unpacked by their sha256, which version is which archive, indexes, value files.

All of it comes back when it is lost. Two processes may share the folder: a file appears whole or not at all. Every method
works on the disk and belongs into a thread.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from haori.delivery.charts.index import Index

LIMIT_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIndex:
    """An index as it was last read."""

    charts: Index = field(default_factory=dict)
    digest: str = ""
    """Of the file: equal means unchanged."""
    etag: str = ""
    modified: str = ""


class ChartStore:
    """One folder."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder, self._limit = folder, limit_bytes
        for name in ("archives", "versions", "indexes", "values"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)

    def archive(self, digest: str) -> Path:
        """Where the archive of a sha256 is unpacked."""
        return self._folder / "archives" / digest.removeprefix("sha256:")

    def values(self, digest: str) -> Path:
        """Where a value file is kept."""
        return self._folder / "values" / digest

    def digest_of(self, *place: str) -> str | None:
        """The archive that a version was last seen to be; None where it is not known."""
        try:
            return self._version(place).read_text()
        except OSError:
            return None

    def note_digest(self, digest: str, *place: str) -> None:
        """Remembers which archive a version is."""
        self._write(self._version(place), digest.encode())

    def index(self, url: str) -> KnownIndex | None:
        """The index of a repository as it was last kept."""
        try:
            return KnownIndex(**orjson.loads(self._index(url).read_bytes()))
        except (OSError, orjson.JSONDecodeError, TypeError):
            return None

    def keep_index(self, url: str, index: KnownIndex) -> None:
        """Keeps it."""
        self._write(self._index(url), orjson.dumps(asdict(index)))

    def keep_values(self, digest: str, content: bytes) -> None:
        """Keeps a value file."""
        self._write(self.values(digest), content)

    def evict(self) -> int:
        """Removes the archives longest unused until the rest fits; gives how many went."""
        found = []
        for path in (self._folder / "archives").iterdir():
            if path.suffix != ".json" and not path.name.startswith("."):
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in found)
        gone = 0
        for _, size, path in sorted(found):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)
            total, gone = total - size, gone + 1
        return gone

    def _version(self, place: tuple[str, ...]) -> Path:
        return self._folder / "versions" / _name(*place)

    def _index(self, url: str) -> Path:
        return self._folder / "indexes" / _name(url)

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(content)
        temporary.replace(path)


def _name(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
