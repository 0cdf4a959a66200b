"""Programs are started with pipes that end with them, whatever comes between."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import Any

import pytest

from haori.children import Child, start_child


async def test_pipes_that_nobody_came_to_take_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remember(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **options))
        return started[-1]

    async def be_cancelled(child: Child, pipe: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(subprocess, "Popen", remember)
    monkeypatch.setattr(Child, "_reader", be_cancelled)
    with pytest.raises(asyncio.CancelledError):
        await start_child(["sleep", "60"], env={"PATH": os.environ["PATH"]})
    (process,) = started
    assert process.stdout is not None
    assert process.stderr is not None
    assert (process.stdout.closed, process.stderr.closed) == (True, True)
    async with asyncio.timeout(10):
        while process.returncode is None:  # noqa: ASYNC110 - the loop reaps it
            await asyncio.sleep(0.01)
