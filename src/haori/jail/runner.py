"""Starts the launcher, watches what it became, and reaps it whatever happens.

The child is the leader of a session of its own, so that one signal ends it with all it started. Its environment is what
the caller gives and nothing of ours; descriptors beyond the three standard ones are closed. Running as root, the child
is an unprivileged user, to whom the working folder is given for the time of the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from haori.children import Child
from haori.errors import HaoriError
from haori.jail.launcher import CONFINEMENT_FAILED, FIRST_KEPT, hide_memory
from haori.jail.zygote import ZYGOTE, Launched
from haori.observe import Counter

KILLS = Counter("haori_jail_kills", "Untrusted work that was ended because it met a limit.", ("limit",))
UNPRIVILEGED_ID = 65534
"""`nobody`: present on every Linux, owner of nothing."""
MEMORY_CHECK_SECONDS = 0.05
PROBE_SECONDS = 10.0
END_SECONDS = 10.0
"""How long until the launcher has told the end of a child that was killed."""


class JailError(HaoriError):
    """Untrusted work did not come to an end that can be used."""


class JailLimitError(JailError):
    """The work was ended because it reached one of its limits: the work's author has to change it."""


class JailFailedError(JailError):
    """The work could not be confined here, so it was not started."""


class Isolation(StrEnum):
    """What keeps the work from the network, best first."""

    NAMESPACE = "namespace"
    SECCOMP = "seccomp"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one run may take."""

    seconds: float = 60.0
    """Wall time; the work is ended then. The same number, rounded up, bounds its processor time."""
    memory_bytes: int = 1 << 30
    """Resident memory of all its processes together, looked at twenty times a second."""
    output_bytes: int = 64 << 20
    """Standard output and standard error, each."""
    file_bytes: int = 256 << 20
    """The largest single file it may write."""
    open_files: int = 256
    """Descriptors of each process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that ended by itself."""

    exit_code: int
    stdout: bytes
    stderr: bytes


async def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    limits: Limits | None = None,
    stdin: bytes = b"",
    using: Isolation | None = None,
    kept: Sequence[Path] = (),
) -> Finished:
    """What `command` printed, and its exit code whatever that is; `command[0]` is a name on PATH or a path.

    `kept` are programs that the command may start itself, by `kept_path`: the unprivileged user may not reach their folder.
    `using` chooses the isolation (None: the best that works here). Raises JailLimitError where a limit ended the work,
    JailFailedError where it could not be confined or there is no such command. Cancelling ends the work.
    """
    binary = shutil.which(command[0])
    if binary is None:
        raise JailFailedError("jail-no-such-command", command=command[0])
    limits = limits or Limits()
    chosen = await _choose(using, command[0])
    extra = {"kept": [str(path) for path in kept]}

    def start() -> Awaitable[Launched]:
        return _start([binary, *command[1:]], extra, cwd=cwd, env=env, limits=limits, using=chosen)

    return await _run(start, command[0], stdin, limits)


def kept_path(number: int) -> str:
    """Where a command that was run with `kept` finds the program of this number."""
    return f"/proc/self/fd/{FIRST_KEPT + number}"


async def run_program(
    program: Path,
    *,
    stdin: bytes = b"",
    cwd: Path = Path("/"),
    limits: Limits | None = None,
    using: Isolation | None = None,
    late: Mapping[str, Path] | None = None,
) -> Finished:
    """As `run`, of a Python module of ours that works on untrusted bytes: its `main(modules)` gives the exit code.

    What the module imports is imported before the process confines itself, with this process's search path. `late` are
    extension modules by name that cannot be: they start threads, and are handed to `main` by name.
    """
    limits = limits or Limits()
    chosen = await _choose(using, program.name)
    given = {
        "path": str(program),
        "paths": [path for path in sys.path if path],
        "late": {name: str(path) for name, path in (late or {}).items()},
    }

    def start() -> Awaitable[Launched]:
        return _start([], {"program": given}, cwd=cwd, env={}, limits=limits, using=chosen)

    return await _run(start, program.stem, stdin, limits)


async def _choose(using: Isolation | None, name: str) -> Isolation:
    chosen = using or await isolation()
    if using is None and chosen is Isolation.NONE:
        raise JailFailedError("jail-no-isolation", command=name)
    return chosen


async def _run(start: Callable[[], Awaitable[Launched]], name: str, stdin: bytes, limits: Limits) -> Finished:
    """What came of it; begun once more where the launcher was lost in the middle, which the work has no part in."""
    for _ in range(2):
        process = await start()
        finished = await _finish(process, name, stdin, limits)
        if not process.is_lost:
            return finished
    raise JailFailedError("jail-launcher-lost", command=name)


async def _finish(process: Launched, name: str, stdin: bytes, limits: Limits) -> Finished:
    try:
        async with asyncio.timeout(limits.seconds):
            finished = await _collect(process, name, stdin, limits)
    except TimeoutError as error:
        KILLS.add("time")
        raise JailLimitError("jail-too-slow", command=name, seconds=limits.seconds) from error
    finally:
        await _let_end(process)
    if finished.exit_code == CONFINEMENT_FAILED:
        reason = finished.stderr.decode(errors="replace").strip()[-500:]
        raise JailFailedError("jail-cannot-confine", command=name, reason=reason)
    return finished


async def _let_end(process: Launched) -> None:
    try:
        async with asyncio.timeout(END_SECONDS):
            await end_process(process)
    except TimeoutError:
        ZYGOTE.close()  # It stands still: of no child would anybody hear any more.
    finally:
        process.let_go()


_isolation: Isolation | None = None


async def isolation() -> Isolation:
    """The best isolation that works on this machine; tried once in the life of the process."""
    global _isolation
    if _isolation is None:
        _isolation = await _try_isolations()
    return _isolation


async def _try_isolations() -> Isolation:
    for candidate in (Isolation.NAMESPACE, Isolation.SECCOMP):
        with contextlib.suppress(JailError):
            done = await run(["true"], cwd=Path("/"), env={}, limits=Limits(seconds=PROBE_SECONDS), using=candidate)
            if done.exit_code == 0:
                return candidate
    return Isolation.NONE


async def _start(
    command: Sequence[str],
    extra: Mapping[str, object],
    *,
    cwd: Path,
    env: Mapping[str, str],
    limits: Limits,
    using: Isolation,
) -> Launched:
    config: dict[str, object] = {
        "isolation": using.value,
        "cpuSeconds": int(limits.seconds) + 1,
        "fileBytes": limits.file_bytes,
        "openFiles": limits.open_files,
        **extra,
    }
    if os.geteuid() == 0:
        config["uid"] = UNPRIVILEGED_ID
        if cwd != Path("/"):
            _give_away(cwd)
    elif using is Isolation.SECCOMP:
        hide_memory()  # What is confined by a filter alone is of the same user as we are, and sees our processes.
    plan = {**config, "command": list(command), "cwd": str(cwd), "env": dict(env)}
    try:
        return await ZYGOTE.launch(plan)
    except OSError as error:
        raise JailFailedError(
            "jail-cannot-confine", command=command[0] if command else "", reason=str(error)
        ) from error


def _give_away(folder: Path) -> None:
    """Lets the unprivileged user own the folder and what is in it; links are changed themselves, never followed."""
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(os.path.join(parent, name), UNPRIVILEGED_ID, UNPRIVILEGED_ID, follow_symlinks=False)


async def _collect(process: Child, name: str, stdin: bytes, limits: Limits) -> Finished:
    streams = (process.stdout, process.stderr)
    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(_watch_memory(process.pid, name, limits.memory_bytes))
            feeder = group.create_task(_feed(process, stdin))
            readers = [group.create_task(_read(stream, name, limits.output_bytes)) for stream in streams if stream]
            await asyncio.wait(readers)
            await process.wait()
            watcher.cancel()
            feeder.cancel()
    except BaseExceptionGroup as group_error:
        # Each of the tasks raises only for a limit; the first one reached is the reason.
        raise group_error.exceptions[0] from None
    stdout, stderr = (reader.result() for reader in readers)
    return Finished(exit_code=process.returncode or 0, stdout=stdout, stderr=stderr)


async def _feed(process: Child, content: bytes) -> None:
    if process.stdin is None:
        return
    # A command that does not read its input closes it, which is its right.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()


async def _read(stream: asyncio.StreamReader, name: str, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await stream.read(1 << 16):
        size += len(part)
        if size > limit:
            KILLS.add("output")
            raise JailLimitError("jail-too-much-output", command=name, limit=limit)
        parts.append(part)
    return b"".join(parts)


async def _watch_memory(pid: int, name: str, limit: int) -> None:
    while True:
        await asyncio.sleep(MEMORY_CHECK_SECONDS)
        if resident_bytes(pid) > limit:
            KILLS.add("memory")
            raise JailLimitError("jail-too-much-memory", command=name, limit=limit)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants; 0 once it is gone."""
    total = 0
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{current}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in os.listdir(f"/proc/{current}/task"):
                waiting += map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split())
    return total


async def end_process(process: Child) -> None:
    """Ends the whole session of the child and reaps it; nothing happens to one that has ended without leaving any."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.close_pipes()
    await process.wait()
