"""Where the store is and how much of it may be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Of one process."""

    url: str = field(default="", repr=False)
    """`postgresql://USER:PASSWORD@HOST/DATABASE` or what else libpq takes; empty: the one of `folder`."""
    folder: Path | None = None
    """Where the instance keeps a server of its own; used when there is no `url`."""
    joins: bool = False
    """Whether another process runs the server of `folder` and this one only waits for it to answer."""
    connections: int = 8
    """At most, for this process: its requests wait for each other beyond that."""
    wait_seconds: float = 10.0
    """For a server to answer when the store is opened."""
    answer_seconds: float = 5.0
    """For one use, waiting for a connection and all its statements together. Then its connection is cut, whatever the server
    does: one that hangs would say nothing for ever. A single statement is ended by the server a little earlier."""
