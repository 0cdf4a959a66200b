"""One process of a container: started through the launcher, its output kept, its whole group ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from haori.sandbox.node import guard
from haori.sandbox.node.containers import FORCED_EXIT_CODE, Ended
from haori.sandbox.node.launcher import NOT_STARTED
from haori.sandbox.node.references import ConfigProblem

LAUNCHER = Path(__file__).with_name("launcher.py")
OPEN_FILES = 4096
DRAIN_SECONDS = 0.3
"""How long output may still come after the process ended; something it started may hold the pipes open for ever."""

Output = Callable[[str, bytes], None]
"""Takes a stream's name (`stdout`, `stderr`) and what came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPlan:
    """What the launcher shall do before it becomes the command."""

    command: Sequence[str]
    environment: Mapping[str, str]
    working_folder: str
    error_file: Path
    record_file: Path | None = None
    root: Path | None = None
    """An empty folder where the container's own root is put together; None: the machine's files as they are."""
    mounts: Sequence[tuple[str, str, bool]] = ()
    """(source, path in the container, read-only) for `root`."""
    unfollowed: Collection[str] = ()
    """Sources that are opened without following a link: a Pod may have put one there since they were looked at."""
    uid: int | None = None
    """Who the process shall be; None: who we are."""
    cgroups: Sequence[Path] = ()
    """Folders of control groups that the process shall be in, and all that it starts."""
    most_processes: int | None = None
    """How many processes and threads its user may have; None: as many as we."""
    is_out_of_memory: Callable[[], bool] | None = None
    """Asked at its end whether the kernel ended something of it for its memory."""

    def argument(self) -> str:
        """The launcher's argument. The environment is not in it: arguments can be read by everybody on the machine."""
        return json.dumps(
            {
                "command": list(self.command),
                "cwd": self.working_folder,
                "error": str(self.error_file),
                "record": str(self.record_file) if self.record_file else None,
                "root": str(self.root) if self.root else None,
                "mounts": list(self.mounts),
                "unfollowed": sorted(self.unfollowed),
                "uid": self.uid,
                "cgroups": [str(each) for each in self.cgroups],
                "processes": self.most_processes,
                "parent": os.getpid(),
                "openFiles": OPEN_FILES,
            }
        )


class _Protocol(asyncio.SubprocessProtocol):
    def __init__(self, output: Output) -> None:
        self._output = output
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open = {1, 2}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._output("stdout" if fd == 1 else "stderr", data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open and not self.drained.done():
            self.drained.set_result(None)

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)


class ProcessRun:
    """A process and all that it starts. Made by `start_process`."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: Any, plan: LaunchPlan) -> None:
        self._transport = transport
        self._protocol = protocol
        self._plan = plan
        self.pid = transport.get_pid()
        self.killed_for_memory = False
        self._collected: asyncio.Task[Ended] = asyncio.create_task(self._collect())

    async def wait(self) -> Ended:
        """Until it has ended and its output is read."""
        return await asyncio.shield(self._collected)

    async def stop(self, grace_seconds: float) -> None:
        """SIGTERM to the group, SIGKILL after the grace."""
        if not self._collected.done():
            self.signal(signal.SIGTERM if grace_seconds > 0 else signal.SIGKILL)
            await asyncio.wait({self._collected}, timeout=grace_seconds)
            if not self._collected.done():
                self.signal(signal.SIGKILL)
        await self.wait()

    def signal(self, number: int) -> None:
        """To the whole process group; nothing where it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    @property
    def stdin(self) -> asyncio.WriteTransport | None:
        """Where its standard input is written, where it was given one."""
        return cast(asyncio.WriteTransport | None, self._transport.get_pipe_transport(0))

    async def _collect(self) -> Ended:
        try:
            await self._protocol.exited
            self.signal(signal.SIGKILL)  # What it started does not outlive it.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await asyncio.shield(self._protocol.drained)
        finally:
            self._transport.close()
        return self._ended(self._transport.get_returncode() or 0)

    def _ended(self, code: int) -> Ended:
        if code == NOT_STARTED:
            problem = _read(self._plan.error_file)
            if problem:
                name = self._plan.command[0]
                message = f'failed to start the process: exec: "{name}": {problem}'
                return Ended(exit_code=128, reason="StartError", message=message)
        exit_code = code if code >= 0 else 128 - code
        asked = self._plan.is_out_of_memory
        if self.killed_for_memory or (exit_code == FORCED_EXIT_CODE and asked is not None and asked()):
            return Ended(exit_code=FORCED_EXIT_CODE, reason="OOMKilled", signal=0)
        return Ended(exit_code=exit_code)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


async def start_process(plan: LaunchPlan, output: Output, *, stdin: bool = False) -> ProcessRun:
    """The process, begun; ConfigProblem (RunContainerError) where not even the launcher could be started."""
    plan.error_file.unlink(missing_ok=True)
    try:
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Protocol(output),
            sys.executable,
            *("-I", "-S", str(LAUNCHER), plan.argument()),
            env=dict(plan.environment),
            cwd="/",
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            close_fds=True,
        )
    except (OSError, ValueError) as error:
        raise ConfigProblem("RunContainerError", f"failed to start the process: {error}") from error
    return ProcessRun(transport, protocol, plan)


def end_marked(mark: str) -> int:
    """Kills every process that carries `mark` (`NAME=value`) in its environment; how many there were. Blocking."""
    found = guard.find(mark.encode())
    if found:
        guard.kill_all(mark.encode())
    return len(found)


class Guard:
    """The process that ends what is left when this node is gone; started with the first real container.

    `mark` is one that only this run's processes carry, so that a guard that is late leaves the next run's alone.
    """

    def __init__(self, mark: str, groups: Sequence[Path] = ()) -> None:
        self.mark = mark
        self._groups = tuple(groups)
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Start it where it does not run."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER.with_name("guard.py")), self.mark, *map(str, self._groups)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )

    def close(self) -> None:
        """Let it do its work and end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None
