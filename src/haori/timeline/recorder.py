"""Where records go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import orjson

from haori.timeline.record import Record

KEPT_IN_MEMORY = 1000


class Recorder(Protocol):
    """Takes records; never waits and never fails the work that is being recorded."""

    def record(self, record: Record) -> None:
        """Keeps one record."""
        ...


class LogRecorder:
    """Each record as one JSON line, handed to `write` without its line end."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def record(self, record: Record) -> None:
        """Writes `{"event": "timeline", ...}`."""
        self._write(orjson.dumps({"event": "timeline", **record.to_json()}, default=str).decode())


class MemoryRecorder:
    """The last records, the oldest dropped when full."""

    def __init__(self, limit: int = KEPT_IN_MEMORY) -> None:
        self._records: deque[Record] = deque(maxlen=limit)

    @property
    def records(self) -> tuple[Record, ...]:
        """What is kept, oldest first."""
        return tuple(self._records)

    def record(self, record: Record) -> None:
        """Keeps it."""
        self._records.append(record)
