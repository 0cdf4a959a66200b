"""Reads objects of one mirror through a long-lived `git cat-file --batch-command`.

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

        Raises RepositoryError where one is larger than `limit_bytes`; sizes are asked before contents.
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
        heads = await self._ask("info", names, with_content=False)
        for name, head in zip(names, heads, strict=True):
            if head is not None and head[1] > limit_bytes:
                raise RepositoryError("git-object-too-large", object=name, size=head[1], limit=limit_bytes)
        wanted = [name for name, head in zip(names, heads, strict=True) if head is not None]
        contents = iter(await self._ask("contents", wanted, with_content=True))
        return [self._object(next(contents)) if head is not None else None for head in heads]

    @staticmethod
    def _object(answer: tuple[str, int, bytes] | None) -> GitObject | None:
        return None if answer is None else GitObject(answer[0], answer[2])

    async def _ask(
        self, command: str, names: Sequence[str], *, with_content: bool
    ) -> list[tuple[str, int, bytes] | None]:
        if not names:
            return []
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise ValueError("no pipes")
        process.stdin.write("".join(f"{command} {name}\n" for name in names).encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.drain()
        answers: list[tuple[str, int, bytes] | None] = []
        for _ in names:
            head = (await process.stdout.readuntil(b"\n")).decode().split()
            if head[-1] in ("missing", "ambiguous"):
                answers.append(None)
                continue
            content = (await process.stdout.readexactly(int(head[2]) + 1))[:-1] if with_content else b""
            answers.append((head[1], int(head[2]), content))
        return answers

    async def _running(self) -> Child:
        if self._process is None or self._process.returncode is not None:
            command = ["git", "-C", str(self._folder), "cat-file", "--batch-command"]
            self._process = await start_child(command, env=git_environment(), stderr=DEVNULL)
        return self._process
