"""A child process that stays: it loads one of our programs, confines itself, and answers questions about untrusted things.

For work of a tenth of a millisecond, where a process each would cost a thousand times that. Started at the first
question; one that is too slow is killed, one that ends is reaped, and the next question finds a new one. What it ran
before is in its memory still, so a program ends itself after it ran anything that met a limit.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from haori.children import DEVNULL, Child, start_child
from haori.jail.runner import UNPRIVILEGED_ID, JailFailedError, end_process
from haori.jail.worker_process import LENGTH, READY

PROCESS = Path(__file__).with_name("worker_process.py")
START_SECONDS = 20.0
ENVIRONMENT = {"TZ": "UTC0"}
"""With a zone that needs no file, since none can be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """How much a worker may take."""

    answer_seconds: float = 3.0
    """Wall time from one answer to the next; a worker that is slower is killed."""
    answer_bytes: int = 1 << 20
    """The longest answer."""
    memory_bytes: int = 256 << 20
    """Its address space, kept by the kernel."""
    nice: int = 0
    """How much it steps back before others who want the processor, 0 to 19."""


class End(StrEnum):
    """Why a worker gave fewer answers than it was asked for."""

    SLOW = "slow"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came, in the order of the question; `end` says why there are not more, None where all came."""

    given: tuple[bytes, ...]
    end: End | None = None


class Worker:
    """One worker; questions are put one after the other."""

    def __init__(self, program: Path, *, packages: Sequence[str] = (), limits: WorkerLimits | None = None) -> None:
        """`program` is a file with `answer(question) -> Iterator[bytes]`; `packages` are what it imports, by name."""
        self._program, self._packages, self._limits = program, tuple(packages), limits or WorkerLimits()
        self._process: Child | None = None
        self._turn = asyncio.Lock()
        self._counts = {"starts": 0, "questions": 0, "kills": 0}

    async def ask(self, question: bytes, expected: int) -> Answers:
        """Up to `expected` answers. Raises JailFailedError where no worker could be confined here."""
        async with self._turn:
            self._counts["questions"] += 1
            given: list[bytes] = []
            try:
                process = await self._start()
                async with asyncio.timeout(self._limits.answer_seconds):
                    await _write(process, question)
                while len(given) < expected:
                    given.append(await _read(process, self._limits.answer_seconds, self._limits.answer_bytes))
            except TimeoutError:
                self._counts["kills"] += 1
                await self._end()
                return Answers(given=tuple(given), end=End.SLOW)
            except (asyncio.IncompleteReadError, ConnectionError):
                await self._end()
                return Answers(given=tuple(given), end=End.ENDED)
            except BaseException:
                await self._end()  # What it is about to say would be taken for an answer to the next question.
                raise
            return Answers(given=tuple(given))

    async def aclose(self) -> None:
        """Ends the process, if there is one; a question put later starts another."""
        await self._end()

    def statistics(self) -> dict[str, int]:
        """starts, questions, kills."""
        return dict(self._counts)

    async def _start(self) -> Child:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        config = {
            "program": str(self._program),
            "paths": [_folder_of(name) for name in self._packages],
            "memoryBytes": self._limits.memory_bytes,
            "nice": self._limits.nice,
            **({"uid": UNPRIVILEGED_ID} if os.geteuid() == 0 else {}),
        }
        self._counts["starts"] += 1
        command = [sys.executable, "-I", "-S", str(PROCESS), json.dumps(config)]
        self._process = process = await start_child(command, cwd="/", env=ENVIRONMENT, stderr=DEVNULL)
        try:
            first = await _read(process, START_SECONDS, self._limits.answer_bytes)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            raise JailFailedError("jail-worker-dead", command=self._program.stem) from error
        if first != READY:
            reason = first.decode(errors="replace")[-500:]
            raise JailFailedError("jail-cannot-confine", command=self._program.stem, reason=reason)
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end_process(process)


async def _write(process: Child, question: bytes) -> None:
    assert process.stdin is not None, "a worker without standard input"
    process.stdin.write(LENGTH.pack(len(question)) + question)
    await process.stdin.drain()


async def _read(process: Child, seconds: float, limit: int) -> bytes:
    stream = process.stdout
    assert stream is not None, "a worker without standard output"
    async with asyncio.timeout(seconds):
        size = LENGTH.unpack(await stream.readexactly(LENGTH.size))[0]
        if size > limit:
            raise ConnectionError("an answer beyond its limit")  # Only a worker that was taken over says so much.
        return await stream.readexactly(size)


def _folder_of(package: str) -> str:
    """Where a package is imported from; it is not imported here."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise JailFailedError("jail-no-such-package", package=package)
    return str(Path(spec.origin).parent.parent)
