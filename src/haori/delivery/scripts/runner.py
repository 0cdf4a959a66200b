"""Puts objects before their scripts, many at once, and turns what comes back into health.

There are two lanes, a worker each. All scripts begin in the quick one; one that meets a limit is suspect for ten minutes and
runs in the slow one meanwhile, where it delays nobody but other suspects. An item that makes a worker end or be killed is
judged Unknown, and the rest of its batch is asked of the next worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

import orjson

from haori.delivery.health import Health
from haori.delivery.health.types import HEALTHY, health
from haori.delivery.model import HealthScript
from haori.jail import End, JailError, Worker, WorkerLimits
from haori.resources.argo import HealthStatus

PROGRAM = Path(__file__).with_name("program.py")
LIMIT_CODES = frozenset({"health-script-ended", "health-script-too-big", "health-script-too-slow"})


class Lane(StrEnum):
    """Where a script runs."""

    QUICK = "quick"
    SLOW = "slow"


class Deferred(Enum):
    """Stands for a health that is to be found in the slow lane, since the script has become suspect meanwhile."""

    DEFERRED = "deferred"


DEFERRED = Deferred.DEFERRED


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptLimits:
    """How much scripts may take."""

    seconds: float = 1.0
    """Processor time of one run; Argo CD allows a second too."""
    memory_bytes: int = 48 << 20
    """Memory of one run, the object included."""
    kill_seconds: float = 3.0
    """Wall time after which the worker is killed: what the first limit cannot see is a single call that does not return."""
    suspect_seconds: float = 600.0
    """How long a script that met a limit keeps to the slow lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One object before one script."""

    script: HealthScript
    body: bytes
    """The whole object as JSON."""


class ScriptRunner:
    """Runs scripts in a worker for each lane, started when first needed."""

    def __init__(self, limits: ScriptLimits | None = None) -> None:
        self.limits = limits or ScriptLimits()
        self._workers = {
            lane: Worker(
                PROGRAM,
                packages=("lupa",),
                limits=WorkerLimits(answer_seconds=self.limits.kill_seconds, nice=10 if lane is Lane.SLOW else 0),
            )
            for lane in Lane
        }
        self._suspect_until: dict[HealthScript, float] = {}
        self._counts = {"runs": 0, "limits": 0}

    async def judge(self, trials: Sequence[Trial], lane: Lane = Lane.SLOW) -> list[Health | Deferred | None]:
        """The health of each, in their order; None where a script gives none, which counts as healthy.

        Only the quick lane defers. Nothing a script does is raised; where no worker can be had, every object is Unknown and
        says so.
        """
        worker = self._workers[lane]
        found: dict[int, Health | Deferred | None] = {}
        is_restarted = False
        while ready := self._ready(trials, lane, found):
            try:
                answers = await worker.ask(self._question([trials[place] for place in ready]), len(ready))
            except JailError as error:
                return [health(HealthStatus.UNKNOWN, "health-script-not-run", reason=error.sentence) for _ in trials]
            for place, answer in zip(ready, answers.given, strict=False):
                found[place] = self._read(trials[place].script, answer)
            if _says_limit(answers.given):
                await worker.aclose()  # It ends by itself; asked before it has, it would seem to fail the next item.
            elif answers.end is End.ENDED and not answers.given and not is_restarted:
                is_restarted = True  # It may have been ended while it had nothing to do, which is nobody's fault here.
            elif answers.end is not None:
                place = ready[len(answers.given)]
                found[place] = self._limited(trials[place].script, answers.end.value)
        return [found[place] for place in range(len(trials))]

    async def judge_one(self, trial: Trial) -> Health | None:
        """The health of one object, whatever its script did before."""
        found = (await self.judge([trial], Lane.SLOW))[0]
        assert not isinstance(found, Deferred), "the slow lane defers nothing"
        return found

    def is_suspect(self, script: HealthScript) -> bool:
        """Whether a script keeps to the slow lane now."""
        until = self._suspect_until.get(script)
        if until is None:
            return False
        if until <= asyncio.get_running_loop().time():
            del self._suspect_until[script]
            return False
        return True

    async def aclose(self) -> None:
        """Ends the workers."""
        for worker in self._workers.values():
            await worker.aclose()

    def statistics(self) -> dict[str, Any]:
        """runs, limits (runs that met one), suspects, and the workers' starts, questions, kills."""
        counts = [worker.statistics() for worker in self._workers.values()]
        workers = {name: sum(each[name] for each in counts) for name in counts[0]}
        return {**self._counts, "suspects": len(self._suspect_until), **workers}

    def _ready(self, trials: Sequence[Trial], lane: Lane, found: dict[int, Health | Deferred | None]) -> list[int]:
        """The places still to be judged; suspects are deferred on the way."""
        waiting = [place for place in range(len(trials)) if place not in found]
        if lane is Lane.QUICK:
            found.update((place, DEFERRED) for place in waiting if self.is_suspect(trials[place].script))
        return [place for place in waiting if place not in found]

    def _question(self, trials: Sequence[Trial]) -> bytes:
        numbers: dict[HealthScript, str] = {}
        for trial in trials:
            numbers.setdefault(trial.script, str(len(numbers)))
        return orjson.dumps(
            {
                "scripts": {
                    number: {"text": script.text, "open": script.has_libraries} for script, number in numbers.items()
                },
                "items": [[numbers[trial.script], orjson.Fragment(trial.body)] for trial in trials],
                "seconds": self.limits.seconds,
                "memory": self.limits.memory_bytes,
            }
        )

    def _read(self, script: HealthScript, answer: bytes) -> Health | None:
        self._counts["runs"] += 1
        said: dict[str, Any] = orjson.loads(answer)
        if limit := said.get("limit"):
            return self._limited(script, limit)
        if error := said.get("error"):
            return health(HealthStatus.UNKNOWN, "health-script-failed", reason=error)
        return None if said.get("nothing") else _health(said)

    def _limited(self, script: HealthScript, limit: str) -> Health:
        self._counts["limits"] += 1
        self._suspect_until[script] = asyncio.get_running_loop().time() + self.limits.suspect_seconds
        if limit == End.ENDED:
            return health(HealthStatus.UNKNOWN, "health-script-ended")
        if limit == "memory":
            megabytes = self.limits.memory_bytes >> 20
            return health(HealthStatus.UNKNOWN, "health-script-too-big", megabytes=megabytes)
        return health(HealthStatus.UNKNOWN, "health-script-too-slow", seconds=self.limits.seconds)


def _says_limit(answers: Sequence[bytes]) -> bool:
    return bool(answers) and "limit" in orjson.loads(answers[-1])


def _health(said: dict[str, Any]) -> Health:
    word, message = said["status"], said["message"]
    status = next((status for status in HealthStatus if status.value == word), None)
    if status is None:
        return health(HealthStatus.UNKNOWN, "health-script-odd-word", word=word[:100])
    if not message:
        return HEALTHY if status is HealthStatus.HEALTHY else health(status, "health-script-says-nothing")
    return health(status, "health-script-says", message=message)
