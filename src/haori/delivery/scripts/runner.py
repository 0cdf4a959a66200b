"""Puts objects before their scripts, many at once, and turns what comes back into health.

One worker runs them all, one after the other. An item that makes the worker end or be killed is judged Unknown, and the rest
of its batch is asked of the next worker. A script that met a limit three times in a row rests for a minute: its objects
are Unknown meanwhile, without being run, so that an endless loop costs others three seconds and not their whole day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from haori.delivery.health import Health
from haori.delivery.health.types import HEALTHY, health
from haori.delivery.model import HealthScript
from haori.jail import End, JailError, Worker, WorkerLimits
from haori.resources.argo import HealthStatus

PROGRAM = Path(__file__).with_name("program.py")
RESTING_CODE = "health-script-rests"
LIMIT_CODES = frozenset({"health-script-ended", "health-script-too-big", "health-script-too-slow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptLimits:
    """How much scripts may take."""

    seconds: float = 1.0
    """Processor time of one run; Argo CD allows a second too."""
    memory_bytes: int = 48 << 20
    """Memory of one run, the object included."""
    kill_seconds: float = 3.0
    """Wall time after which the worker is killed: what the first limit cannot see is a single call that does not return."""
    strikes: int = 3
    """So many runs of a script that met a limit, one after the other, and it rests."""
    rest_seconds: float = 60.0
    """How long it rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One object before one script."""

    script: HealthScript
    body: bytes
    """The whole object as JSON."""


@dataclass(slots=True)
class _Record:
    """What a script did lately."""

    strikes: int = 0
    rests_until: float = 0.0


class ScriptRunner:
    """Runs scripts in one worker, started when first needed."""

    def __init__(self, limits: ScriptLimits | None = None) -> None:
        self.limits = limits or ScriptLimits()
        self._worker = Worker(PROGRAM, packages=("lupa",), limits=WorkerLimits(answer_seconds=self.limits.kill_seconds))
        self._records: dict[HealthScript, _Record] = {}
        self._counts = {"runs": 0, "limits": 0}

    async def judge(self, trials: Sequence[Trial]) -> list[Health | None]:
        """The health of each, in their order; None where a script gives none, which counts as healthy.

        Nothing a script does is raised; where no worker can be had, every object is Unknown and says so.
        """
        found: dict[int, Health | None] = {}
        is_restarted = False
        while waiting := [place for place in range(len(trials)) if place not in found]:
            ready = [place for place in waiting if not self.rest_seconds(trials[place].script)]
            found.update((place, self.resting()) for place in set(waiting).difference(ready))
            if not ready:
                break
            try:
                answers = await self._worker.ask(self._question([trials[place] for place in ready]), len(ready))
            except JailError as error:
                return [health(HealthStatus.UNKNOWN, "health-script-not-run", reason=error.sentence) for _ in trials]
            for place, answer in zip(ready, answers.given, strict=False):
                found[place] = await self._read(trials[place].script, answer)
            if answers.end is End.ENDED and not answers.given and not is_restarted:
                is_restarted = True  # It may have been ended while it had nothing to do, which is nobody's fault here.
            elif answers.end is not None and not _says_limit(answers.given):
                place = ready[len(answers.given)]
                found[place] = self._limited(trials[place].script, answers.end.value)
        return [found[place] for place in range(len(trials))]

    def resting(self) -> Health:
        """What is said of objects whose script rests."""
        return health(HealthStatus.UNKNOWN, RESTING_CODE, strikes=self.limits.strikes)

    def is_on_probation(self, script: HealthScript) -> bool:
        """Whether a script has rested and not shown yet that it comes to an end now."""
        record = self._records.get(script)
        return record is not None and record.strikes >= self.limits.strikes

    def rest_seconds(self, script: HealthScript) -> float:
        """How long a script still rests; 0 where it does not."""
        record = self._records.get(script)
        return max(0.0, record.rests_until - asyncio.get_running_loop().time()) if record is not None else 0.0

    async def aclose(self) -> None:
        """Ends the worker."""
        await self._worker.aclose()

    def statistics(self) -> dict[str, Any]:
        """runs, limits (runs that met one), and the worker's starts, questions, kills."""
        return {**self._counts, **self._worker.statistics()}

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

    async def _read(self, script: HealthScript, answer: bytes) -> Health | None:
        self._counts["runs"] += 1
        said: dict[str, Any] = orjson.loads(answer)
        if limit := said.get("limit"):
            await self._worker.aclose()  # It ends by itself; asked before it has, it would seem to fail the next item.
            return self._limited(script, limit)
        self._records.pop(script, None)
        if error := said.get("error"):
            return health(HealthStatus.UNKNOWN, "health-script-failed", reason=error)
        return None if said.get("nothing") else _health(said)

    def _limited(self, script: HealthScript, limit: str) -> Health:
        self._counts["limits"] += 1
        record = self._records.setdefault(script, _Record())
        record.strikes += 1
        if record.strikes >= self.limits.strikes:
            record.rests_until = asyncio.get_running_loop().time() + self.limits.rest_seconds
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
