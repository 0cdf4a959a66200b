"""The process that forks confined children, seen from this side: started when first wanted, again when it died or stands still.

It belongs to this process and not to a loop: what is sent to it is a few bytes and four descriptors. see: `launcher`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from haori.children import Child
from haori.jail.launcher import LENGTH, NUMBER

LAUNCHER = Path(__file__).with_name("launcher.py")
ANSWER_SECONDS = 10.0
"""How long the zygote may take for what takes it a millisecond; one that is slower stands still (somebody stopped it)."""


class Launched(Child):
    """A child of the zygote; `let_go` when its pid is wanted no more."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        super().__init__(pid)
        self._channel = channel
        self.is_lost = False
        """Whether the zygote went before it told the child's end, and took the child along: nothing of that is its own doing."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(channel, self._hear)

    def _hear(self) -> None:
        try:
            told = self._channel.recv(NUMBER.size)
        except OSError:
            told = b""
        self._loop.remove_reader(self._channel)
        self.is_lost = len(told) != NUMBER.size
        self.end(NUMBER.unpack(told)[0] if not self.is_lost else -signal.SIGKILL)

    def let_go(self) -> None:
        """The zygote kills what is left of it and reaps it; nobody else may have its pid until then."""
        self._loop.remove_reader(self._channel)
        self._channel.close()


class Zygote:
    """Starts children by plan (see `launcher`)."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its pid; 0 while none is there."""
        return self._process.pid if self._process is not None else 0

    async def launch(self, plan: Mapping[str, Any]) -> Launched:
        """The child that the plan describes, with pipes. Raises OSError where none can be made."""
        try:
            return await self._launch(plan)
        except ConnectionError:
            # Somebody killed or stopped it in the middle: nothing was begun, a child that has no parent any more ends itself.
            return await self._launch(plan)

    async def _launch(self, plan: Mapping[str, Any]) -> Launched:
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack, _pipes() as (streams, ends):
            stack.callback(ours.close)
            with theirs:
                self._send([theirs.fileno(), *streams])
            ours.setblocking(False)
            asked = self._process
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    pid = await _hand_over(ours, plan)
            except TimeoutError as error:
                if self._process is asked:  # Nobody else has replaced it yet.
                    self.close()
                raise ConnectionResetError("the launcher stands still") from error
            child = Launched(pid, ours)
            stack.pop_all()
            try:
                await child.open_pipes(*(os.fdopen(end, mode, buffering=0) for end, mode in _taken(ends)))
            except BaseException:
                child.close_pipes()
                child.let_go()
                raise
            return child

    def close(self) -> None:
        """Ends it with all that it forked, though it stand still."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    def _send(self, descriptors: list[int]) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                socket.send_fds(self._control, [b"+"], descriptors)
                return
            self.close()  # It was killed, or takes nothing any more: its children go as well, another takes its place.
        self._start()
        assert self._control is not None, "started"
        socket.send_fds(self._control, [b"+"], descriptors)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER)], stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env={}, cwd="/",
                start_new_session=True,
            )  # fmt: skip
        ours.setblocking(False)  # One that stands still must not make this process stand still.
        self._control = ours


async def _hand_over(channel: socket.socket, plan: Mapping[str, Any]) -> int:
    """The pid of the child that got the plan."""
    loop = asyncio.get_running_loop()
    content = marshal.dumps(dict(plan))
    await loop.sock_sendall(channel, LENGTH.pack(len(content)) + content)
    told = await loop.sock_recv(channel, NUMBER.size)
    if len(told) != NUMBER.size:
        raise ConnectionResetError("the launcher ended")
    if (pid := NUMBER.unpack(told)[0]) < 0:
        raise OSError(-pid, os.strerror(-pid))
    return int(pid)


@contextlib.contextmanager
def _pipes() -> Iterator[tuple[list[int], list[int]]]:
    """(the child's ends of its three streams, ours); all are closed in the end but those of ours that were taken out."""
    (child_in, our_in), (our_out, child_out), (our_error, child_error) = os.pipe(), os.pipe(), os.pipe()
    streams, ends = [child_in, child_out, child_error], [our_in, our_out, our_error]
    try:
        yield streams, ends
    finally:
        for descriptor in (*streams, *ends):
            os.close(descriptor)


def _taken(ends: list[int]) -> list[tuple[int, str]]:
    taken = list(zip(ends, ("wb", "rb", "rb"), strict=True))
    ends.clear()
    return taken


ZYGOTE = Zygote()
atexit.register(ZYGOTE.close)
