"""One parent for the processes of an instance: starts them, starts them again, stops them in order.

A process that ends without being asked is started again with growing pauses, while the others go on. The processes
are asked by the kernel to end when their parent dies, so a killed supervisor leaves nothing running; what still runs
when the next one starts (a process that was slow to end) is stopped before its place is taken.
Nothing heavy is imported here: this process lives as long as the instance and should cost next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import IO

from haori.cli.instance import Instance, InstanceError, write_json
from haori.cli.process import read_record, start_ticks, stop_process
from haori.words import Sentence

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 10.0
"""A process that lived this long is taken for well; its next restart is quick again."""
STOP_GRACE_SECONDS = 8.0
LOG_BYTES = 20 * 1024 * 1024
LOG_CHECK_SECONDS = 60.0
LAST_BYTES, LAST_LINES, LAST_LETTERS = 4096, 3, 500

Say = Callable[[Sentence], None]
Command = Callable[[str], Sequence[str]]
"""Gives the command line of a process by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process: `haori run NAME`, and whether it is done once it ends well (a job) or must stay (a service)."""

    name: str
    is_job: bool = False


@dataclass(slots=True)
class _Child:
    spec: ProcessSpec
    process: asyncio.subprocess.Process | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Keeps `specs` running for one instance until `stop` is called."""

    def __init__(
        self, instance: Instance, specs: Sequence[ProcessSpec], *, say: Say, command: Command | None = None
    ) -> None:
        self._instance = instance
        self._command = command or (lambda name: run_command_line(instance, name))
        self._children = [_Child(spec) for spec in specs]
        self._say = say
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Asks `run` to stop all processes in reverse order and return."""
        self._stopping.set()

    def is_done(self, name: str) -> bool:
        """Whether the process of that name ended and will not be started again."""
        return any(child.spec.name == name and child.finished.is_set() for child in self._children)

    def pids(self) -> list[int]:
        """The pids of the processes that were started last, in the order of the specs."""
        return [child.process.pid for child in self._children if child.process is not None]

    async def run(self) -> None:
        """Runs until `stop`; returns when every process has ended."""
        for child in self._children:
            _end_leftover(self._instance, child.spec.name)
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(child)) for child in self._children]
            trimmer = group.create_task(self._trim_logs())
            await self._stopping.wait()
            trimmer.cancel()
            for child, keeper in zip(reversed(self._children), reversed(keepers), strict=True):
                await _stop_child(child)
                keeper.cancel()

    async def _keep(self, child: _Child) -> None:
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            child.process = await self._start(child.spec)
            code = await child.process.wait()
            if self._stopping.is_set() or (child.spec.is_job and code == 0):
                child.finished.set()
                return
            if loop.time() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._say(_ended(child.spec.name, code, pause, self._log_path(child.spec.name)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _start(self, spec: ProcessSpec) -> asyncio.subprocess.Process:
        with open_log(self._log_path(spec.name)) as log:
            return await asyncio.create_subprocess_exec(
                *self._command(spec.name),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log_path(self, name: str) -> Path:
        return self._instance.logs / f"{name}.log"

    async def _trim_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_SECONDS)
            for child in self._children:
                keep_log_short(self._log_path(child.spec.name))


def run_command_line(instance: Instance, name: str) -> list[str]:
    """`haori run NAME` for a child of this very process."""
    folder = str(instance.data_dir)
    return [sys.executable, "-m", "haori", "run", name, "--data-dir", folder, "--parent", str(os.getpid())]


def _ended(name: str, code: int, pause: float, log: Path) -> Sentence:
    how = signal.Signals(-code).name if code < 0 else str(code)
    facts = {"process": name, "how": how, "seconds": pause, "log": str(log)}
    if said := last_words(log):
        return Sentence(code="process-ended-saying", parameters={**facts, "said": said})
    return Sentence(code="process-ended", parameters=facts)


def last_words(log: Path) -> str:
    """What a process wrote last for people: the lines after its last structured one; empty where it said nothing."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    told = list(
        takewhile(lambda line: not line.startswith("{"), reversed([line.strip() for line in lines if line.strip()]))
    )
    return " ".join(reversed(told[:LAST_LINES]))[-LAST_LETTERS:]


async def _stop_child(child: _Child) -> None:
    process = child.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _end_leftover(instance: Instance, name: str) -> None:
    record = read_record(instance.run, name)
    if record is not None and record.is_alive:
        stop_process(record, grace_seconds=STOP_GRACE_SECONDS)


def open_log(path: Path) -> IO[bytes]:
    """The log opened for appending, readable by its owner only."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def keep_log_short(path: Path, limit: int = LOG_BYTES) -> None:
    """Moves the content of a log above `limit` bytes to `<name>.1` and starts it anew.

    Its writer appends, so nothing is lost but what is written between the two steps.
    """
    if not path.exists() or path.stat().st_size <= limit:
        return
    with open(path, "rb") as old, open_log(path.with_suffix(".log.1")) as kept:
        kept.truncate(0)
        while chunk := old.read(1 << 20):
            kept.write(chunk)
    os.truncate(path, 0)


@contextlib.contextmanager
def hold_lock(instance: Instance) -> Iterator[None]:
    """The right to supervise this data folder; raises InstanceError where another process has it."""
    instance.create()
    with open(os.open(instance.lock, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstanceError("already-running", path=str(instance.data_dir)) from None
        write_json(
            instance.run / "supervisor.json",
            {"pid": os.getpid(), "startTicks": start_ticks(os.getpid()), "ready": True},
        )
        try:
            yield
        finally:
            (instance.run / "supervisor.json").unlink(missing_ok=True)


def supervise(instance: Instance, specs: Sequence[ProcessSpec], *, say: Say) -> None:
    """Runs `specs` until SIGTERM, SIGINT or SIGHUP; returns when all have ended. Raises InstanceError when locked."""

    async def run() -> None:
        supervisor = Supervisor(instance, specs, say=say)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run()

    with hold_lock(instance):
        asyncio.run(run())
