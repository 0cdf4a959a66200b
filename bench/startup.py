"""How long `haori --help` takes, against an interpreter that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.figures import Figure

RUNS = 15


def run() -> list[Figure]:
    """Medians of 15 runs, in milliseconds."""
    return [
        Figure(name="python -c pass", value=_median([sys.executable, "-c", "pass"]), unit="ms"),
        Figure(name="haori --help", value=_median([sys.executable, "-m", "haori", "--help"]), unit="ms"),
    ]


def _median(command: Sequence[str]) -> float:
    return statistics.median(_milliseconds(command) for _ in range(RUNS))


def _milliseconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000
