"""Memory limits of real processes, kept by looking: the resident memory of a process and all its descendants."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from haori.jail.runner import resident_bytes
from haori.objects import nested
from haori.objects.quantities import parse_quantity
from haori.sandbox.node.process_run import ProcessRun

CHECK_SECONDS = 1.0


async def watch_memory(run: ProcessRun, container: Mapping[str, Any]) -> None:
    """Ends the run as OOMKilled once it takes more than `limits.memory`; returns at once where there is none."""
    limit = nested(container, "resources", "limits", "memory")
    if limit is None:
        return
    limit_bytes = int(parse_quantity(str(limit)))
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if resident_bytes(run.pid) > limit_bytes:
            run.killed_for_memory = True
            await run.stop(0)
            return
