"""Processes known by pid and start time, so that a reused pid is never taken for ours."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from haori.cli.instance import read_json

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """What `run/NAME.json` says of a process that wrote it."""

    name: str
    pid: int
    start_ticks: int
    ready: bool

    @property
    def is_alive(self) -> bool:
        """Whether that very process (not a later one with its pid) runs."""
        return self.pid > 0 and start_ticks(self.pid) == self.start_ticks


def read_record(folder: Path, name: str) -> ProcessRecord | None:
    """The record of `name`, or None where none was written."""
    value = read_json(folder / f"{name}.json")
    if not value:
        return None
    return ProcessRecord(
        name=name,
        pid=int(value.get("pid", 0)),
        start_ticks=int(value.get("startTicks", 0)),
        ready=bool(value.get("ready", False)),
    )


def start_ticks(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 when there is none (a zombie counts as none)."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if after_name[0] in "ZX" else int(after_name[19])


def end_with_parent(expected_parent: int) -> None:
    """Asks the kernel to send SIGTERM when the parent dies; ends at once where it already has (Linux only)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != expected_parent:
        os.kill(os.getpid(), signal.SIGTERM)


def stop_process(record: ProcessRecord, *, grace_seconds: float) -> bool:
    """SIGTERM, then SIGKILL after `grace_seconds`; True when it ended by itself."""
    if not record.is_alive:
        return True
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while record.is_alive:
        if time.monotonic() > deadline:
            os.kill(record.pid, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True
