"""What a benchmark gives, and the machine it ran on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value: its name, the value, its unit."""

    name: str
    value: float
    unit: str


def machine() -> str:
    """The machine in one line: cores, processor, system, Python."""
    model = platform.processor() or platform.machine()
    return (
        f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
