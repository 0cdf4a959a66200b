"""Reads objects of one mirror through a long-lived `git cat-file --batch`.

A process start costs as much as reading a thousand small objects, so one reader serves a mirror while it is in use. It is
closed when idle, and a reader that failed is started again by the next question.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haori.children import DEVNULL, Child, start_child
from haori.git.errors import RepositoryError, RepositoryUnreachableError
from haori.git.process import end_group, git_environment

READ_SECONDS = 30.0
IDLE_SECONDS = 30.0
STREAMS = ("-c", "core.bigFileThreshold=16m")
"""Of a larger file git reads no more than what is taken, and we take none beyond the limit."""
BATCH = 256
"""Questions sent before answers are read: their bytes fit a pipe, so neither side waits for the other."""


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object's type and content."""

    type: str
    content: bytes


class ObjectReader:
    """Serves one mirror; questions are answered one batch at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Child | None = None
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def read(self, names: Sequence[str], *, limit_bytes: int) -> list[GitObject | None]:
        """The objects of `names` (object ids, or any name git knows), None for one that is missing.

        Raises RepositoryError where one is larger than `limit_bytes`, of which no more than its size is read.
        """
        found: list[GitObject | None] = []
        async with self._lock:
            self._stay()
            try:
                async with asyncio.timeout(READ_SECONDS):
                    for start in range(0, len(names), BATCH):
                        found += await self._read_batch(names[start : start + BATCH], limit_bytes)
            except TimeoutError as error:
                raise RepositoryUnreachableError("git-timeout", url=self._folder.name, seconds=READ_SECONDS) from error
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                raise RepositoryError("git-mirror-unreadable", url=self._folder.name, reason=str(error)) from error
            finally:
                if len(found) != len(names):
                    # An answer may be half read: only a new process is surely at a question's beginning.
                    self.close()
                else:
                    self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)
        return found

    def close(self) -> None:
        """Ends the process; the next question starts another."""
        self._stay()
        process, self._process = self._process, None
        if process is not None:
            end_group(process)

    async def aclose(self) -> None:
        """Ends the process and waits until it is gone."""
        process = self._process
        self.close()
        if process is not None:
            await process.wait()

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _read_batch(self, names: Sequence[str], limit_bytes: int) -> list[GitObject | None]:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise ValueError("no pipes")
        process.stdin.write("".join(f"{name}\n" for name in names).encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.drain()
        found: list[GitObject | None] = []
        for name in names:
            head = (await process.stdout.readuntil(b"\n")).decode().split()
            if head[-1] in ("missing", "ambiguous"):
                found.append(None)
                continue
            size = int(head[2])
            if size > limit_bytes:
                raise RepositoryError("git-object-too-large", object=name, size=size, limit=limit_bytes)
            content = (await process.stdout.readexactly(size + 1))[:-1]
            found.append(GitObject(head[1], content))
        return found

    async def _running(self) -> Child:
        if self._process is None or self._process.returncode is not None:
            command = ["git", "-C", str(self._folder), *STREAMS, "cat-file", "--batch"]
            self._process = await start_child(command, env=git_environment(), stderr=DEVNULL)
        return self._process
