"""Waiting for an instance to deliver, told on one line that is written over."""

from __future__ import annotations

import sys
import time
from typing import Any

from haori.cli.down import JOBS, process_records
from haori.cli.engine_client import EngineUnreachableError, engine_client
from haori.cli.instance import Instance
from haori.cli.settings import load_settings
from haori.words import text

PAUSE_SECONDS = 0.25
_NOT_NEEDED = frozenset({"store"})
"""Delivery goes on without."""


class Progress:
    """One line on standard error; on a pipe each change is a line of its own, and `quiet` says nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def say(self, line: str) -> None:
        """Shows `line` in place of the one before."""
        if self._quiet or line == self._last:
            return
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        self._last = line

    def close(self) -> None:
        """Clears the line, so that what follows starts at the margin."""
        if self._last and self._terminal and not self._quiet:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._last = ""


def wait_until_delivered(instance: Instance, progress: Progress, *, deadline: float) -> bool:
    """Whether every application became Synced and Healthy before `deadline` (of `time.monotonic`); so too where the engine
    only observes, since then there is nothing to wait for.

    Where a platform is served, the root has to be there first; without one there is nothing to wait for but the engine.
    What the cluster says of Pods is old until the node has looked at them, so every process has to be ready.
    """
    settings = load_settings(instance)
    expects_applications = settings is not None and settings.platform is not None
    while time.monotonic() < deadline:
        answer = _ask(instance)
        if answer is not None and answer.get("observing"):
            return True  # What it observes becomes what somebody else makes it.
        rows: list[dict[str, Any]] | None = answer["items"] if answer is not None else None
        starting = _not_ready(instance)
        if rows is None or starting:
            progress.say(text("cli.up.waiting-process", {"processes": starting or ["engine"]}))
        elif not rows:
            if not expects_applications:
                return True
            progress.say(text("cli.up.waiting-process", {"processes": ["bootstrap"]}))
        else:
            waiting = [row["name"] for row in rows if not is_as_wanted(row)]
            if not waiting:
                return True
            count = {"done": len(rows) - len(waiting), "total": len(rows), "names": waiting[:4]}
            progress.say(text("cli.up.waiting-apps", count))
        time.sleep(PAUSE_SECONDS)
    return False


def is_as_wanted(row: dict[str, Any]) -> bool:
    """Whether a row of the engine's list is Synced and Healthy."""
    return row.get("sync") == "Synced" and row.get("health") == "Healthy"


def _ask(instance: Instance) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = engine_client(instance).get("applications")
    except EngineUnreachableError:
        return None
    return answer


def _not_ready(instance: Instance) -> list[str]:
    """The processes that delivery still waits for; a job that is done stays done, what else died is started again."""
    return [
        record.name
        for record in process_records(instance)
        if record.name not in _NOT_NEEDED and (not record.ready or not (record.is_alive or record.name in JOBS))
    ]
