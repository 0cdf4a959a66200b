"""What the sandbox's API is asked to serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """One API server."""

    data_dir: Path
    port: int = 0
    """0: the port of the last run, or a free one on the first; kept in `sandbox/server.json`."""
    controllers: bool = True
    """Whether the controllers run in this process, as they do but in tests of the API alone."""
