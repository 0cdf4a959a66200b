"""Runs one long-lived part of Haori in this process, as its supervisor or a Deployment would.

The part is an async function that runs until it is cancelled; this module gives it a loop, turns SIGTERM and SIGINT
into cancellation, writes the record by which `status` and `down` know the process, and bounds how long stopping may
take.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from haori.cli.instance import write_json
from haori.cli.process import end_with_parent, start_ticks

STOP_SECONDS = 4.0
"""A part that has not ended this long after it was asked is ended without it: a dead supervisor's children must be gone
within five seconds."""

Serve = Callable[[Callable[[], None]], Awaitable[None]]


def run_service(name: str, serve: Serve, *, records: Path | None, parent: int | None) -> int:
    """Runs `serve(ready)` until SIGTERM or SIGINT; 0 when it was asked to end, raises what made it end otherwise.

    `records` is the folder for the process record (None: write none); `parent` the pid whose death ends this process.
    """
    import uvloop

    if parent is not None:
        end_with_parent(parent)
    gc.set_threshold(50_000, 50, 50)

    def record(ready: bool) -> None:
        if records is not None:
            value = {"pid": os.getpid(), "startTicks": start_ticks(os.getpid()), "ready": ready}
            write_json(records / f"{name}.json", value)

    def on_ready() -> None:
        gc.collect()
        gc.freeze()
        record(ready=True)

    record(ready=False)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve_until_signal(serve, on_ready))


async def _serve_until_signal(serve: Serve, on_ready: Callable[[], None]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(serve(on_ready))
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        task.cancel()
        loop.call_later(STOP_SECONDS, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise
    return 0
