"""Results on disk, sealed, bounded by size, the longest unused thrown away first.

An entry that cannot be opened (cut off, changed, sealed under another key) is as good as none: it is logged, removed and
made anew. Two processes may share a folder: an entry appears whole or not at all.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path

from haori.delivery.render.sealing import Seal

_log = logging.getLogger(__name__)


class SealedCache:
    """Contents by name. `read` and `write` work on the disk and belong into a thread."""

    def __init__(self, folder: Path, seal: Seal, *, limit_bytes: int) -> None:
        self._folder, self._seal, self._limit = folder, seal, limit_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.RLock()
        self.evictions = 0
        self.unreadable = 0
        self.bytes = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._scan()

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, name: str) -> bool:
        """Whether something lies under `name`, by whomever; it may turn out to be unusable."""
        return self._path(name).exists()

    def read(self, name: str) -> bytes | None:
        """What was written under `name`, None where nothing usable is there."""
        path = self._path(name)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            self._forget(name)
            return None
        except OSError as error:
            _log.warning("render cache not readable", extra={"path": str(path), "reason": error.strerror})
            return None
        try:
            content = self._seal.open(name, sealed)
        except ValueError:
            self.unreadable += 1
            _log.warning("render cache entry unusable, rendering anew", extra={"path": str(path)})
            path.unlink(missing_ok=True)
            self._forget(name)
            return None
        os.utime(path)
        self._remember(name, len(sealed))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Keeps `content`; a full or broken disk is logged and costs a render later, nothing else."""
        sealed = self._seal.close(name, content)
        if len(sealed) > self._limit:
            return
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(sealed)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            _log.warning("render cache not writable", extra={"path": str(path), "reason": error.strerror})
            return
        self._remember(name, len(sealed))
        self._evict()

    def _evict(self) -> None:
        with self._lock:
            while self.bytes > self._limit:
                name = next(iter(self._sizes))
                self._path(name).unlink(missing_ok=True)
                self._forget(name)
                self.evictions += 1

    def _remember(self, name: str, size: int) -> None:
        with self._lock:
            self._forget(name)
            self._sizes[name] = size
            self.bytes += size

    def _forget(self, name: str) -> None:
        with self._lock:
            self.bytes -= self._sizes.pop(name, 0)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _scan(self) -> None:
        found = []
        for path in self._folder.glob("??/*"):
            if path.name.startswith("."):
                path.unlink(missing_ok=True)
                continue
            status = path.stat()
            found.append((status.st_mtime_ns, path.name, status.st_size))
        for _, name, size in sorted(found):
            self._remember(name, size)
        self._evict()
