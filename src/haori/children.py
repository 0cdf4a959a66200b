"""Starts programs without copying this process first: the one way in which rooms run children.

uvloop forks, which copies the page tables of the whole process and stands still meanwhile: 5 ms of an engine of 100 MiB for
each git command, and more the more it remembers. `subprocess` uses vfork, which copies nothing. The rest is asyncio's:
pipes are streams of the loop, and the end of a child is heard of by a descriptor of it (Linux's pidfd_open).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO

__all__ = ["DEVNULL", "PIPE", "Child", "start_child"]


class Child:
    """A running program, as `asyncio.subprocess.Process` is one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        """The exit code, minus the signal that ended it, None while it runs."""
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._transports: list[asyncio.BaseTransport] = []
        self._waiting: list[IO[bytes]] = []
        """Pipes that no transport has yet."""
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """The exit code, once it has ended; its pipes may still hold what it printed, or be held by its own children."""
        await self._ended.wait()
        assert self.returncode is not None, "ended without a code"
        return self.returncode

    def close_pipes(self) -> None:
        """Closes our ends; what was not read is lost."""
        for transport in self._transports:
            transport.close()

    def end(self, code: int) -> None:
        """Told by whoever watches the process that it is over."""
        self.returncode = code
        self._ended.set()

    async def open_pipes(self, stdin: IO[bytes] | None, stdout: IO[bytes] | None, stderr: IO[bytes] | None) -> None:
        """Takes our ends of its pipes; those that it does not come to, being cancelled, are closed."""
        self._waiting = [pipe for pipe in (stdin, stdout, stderr) if pipe is not None]
        try:
            await self._take_pipes(stdin, stdout, stderr)
        finally:
            for pipe in self._waiting:
                pipe.close()

    async def _take_pipes(self, stdin: IO[bytes] | None, stdout: IO[bytes] | None, stderr: IO[bytes] | None) -> None:
        if stdin is not None:
            self._waiting.remove(stdin)
            loop = asyncio.get_running_loop()
            writing, flow = await loop.connect_write_pipe(lambda: asyncio.streams.FlowControlMixin(loop=loop), stdin)
            self.stdin = asyncio.StreamWriter(writing, flow, None, loop)
            self._transports.append(writing)
        self.stdout, self.stderr = [await self._reader(pipe) for pipe in (stdout, stderr)]

    async def _reader(self, pipe: IO[bytes] | None) -> asyncio.StreamReader | None:
        if pipe is None:
            return None
        self._waiting.remove(pipe)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        self._transports.append(transport)
        return reader


async def start_child(
    command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | str | None = None,
    stdin: int = PIPE, stdout: int = PIPE, stderr: int = PIPE, restore_signals: bool = True,
) -> Child:  # fmt: skip
    """Starts `command`, a leader of a session of its own, so that one signal ends it with all it started.

    Descriptors beyond the three standard ones are closed in it. The loop reaps it, whoever waits. Raises OSError where it
    cannot be started.
    """
    # It blocks until the program is loaded, which takes less time than handing it to a thread.
    process = subprocess.Popen(  # noqa: ASYNC220
        command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr,
        start_new_session=True, restore_signals=restore_signals, bufsize=0,
    )  # fmt: skip
    child = Child(process.pid)
    descriptor = os.pidfd_open(process.pid)
    loop = asyncio.get_running_loop()

    def reap() -> None:
        if (code := process.poll()) is not None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            child.end(code)

    loop.add_reader(descriptor, reap)
    try:
        await child.open_pipes(process.stdin, process.stdout, process.stderr)
    except BaseException:
        process.kill()
        child.close_pipes()
        raise
    return child
