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

__all__ = ["DEVNULL", "PIPE", "Child", "start_child"]


class Child:
    """A running program, as `asyncio.subprocess.Process` is one; reaped by the loop whoever waits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._process = process
        self._transports: list[asyncio.BaseTransport] = []
        self._ended = asyncio.Event()
        self._descriptor = os.pidfd_open(process.pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._reap)

    @property
    def returncode(self) -> int | None:
        """The exit code, minus the signal that ended it, None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """The exit code, once it has ended; its pipes may still hold what it printed, or be held by its own children."""
        await self._ended.wait()
        return self._process.returncode

    def close_pipes(self) -> None:
        """Closes our ends; what was not read is lost."""
        for transport in self._transports:
            transport.close()

    async def _open_pipes(self) -> None:
        process, loop = self._process, self._loop
        if process.stdin is not None:
            writing, flow = await loop.connect_write_pipe(
                lambda: asyncio.streams.FlowControlMixin(loop=loop), process.stdin
            )
            self.stdin = asyncio.StreamWriter(writing, flow, None, loop)
            self._transports.append(writing)
        self.stdout, self.stderr = [await self._reader(pipe) for pipe in (process.stdout, process.stderr)]

    async def _reader(self, pipe: object) -> asyncio.StreamReader | None:
        if pipe is None:
            return None
        reader = asyncio.StreamReader()
        transport, _ = await self._loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        self._transports.append(transport)
        return reader

    def _reap(self) -> None:
        if self._process.poll() is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._ended.set()


async def start_child(
    command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | str | None = None,
    stdin: int = PIPE, stdout: int = PIPE, stderr: int = PIPE, restore_signals: bool = True,
) -> Child:  # fmt: skip
    """Starts `command`, a leader of a session of its own, so that one signal ends it with all it started.

    Descriptors beyond the three standard ones are closed in it. Raises OSError where it cannot be started.
    """
    # It blocks until the program is loaded, which takes less time than handing it to a thread.
    process = subprocess.Popen(  # noqa: ASYNC220
        command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr,
        start_new_session=True, restore_signals=restore_signals, bufsize=0,
    )  # fmt: skip
    child = Child(process)
    try:
        await child._open_pipes()
    except BaseException:
        process.kill()
        child.close_pipes()
        raise
    return child
