"""How late the event loop is: what everything that waits on it waits longer."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from haori.observe import Histogram

PERIOD_SECONDS = 1.0
LAG = Histogram(
    "haori_event_loop_lag_seconds",
    "How much later than asked for the event loop came back, once a second.",
    (),
    (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)


async def watch_lag() -> NoReturn:
    """Measures until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PERIOD_SECONDS
        await asyncio.sleep(PERIOD_SECONDS)
        LAG.observe(max(0.0, loop.time() - due))
