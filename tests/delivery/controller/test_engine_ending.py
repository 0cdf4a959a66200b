"""An engine that is asked to end ends, whatever its term is doing at that moment."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.controller.engine import Engine


class HeldLease:
    """A Lease that is ours."""

    is_held, term = True, 1

    async def keep(self) -> None:
        await asyncio.Event().wait()


async def test_a_term_that_is_lost_while_it_is_cancelled_is_not_followed_by_another():
    began = asyncio.Event()
    terms = 0

    async def lead(watching: object, term: int | None, ready: object) -> None:
        nonlocal terms
        terms += 1
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # A write that is under way finds its door shut.
            raise LostLeadershipError("leadership-lost", term=term) from None

    engine: Any = Engine.__new__(Engine)
    engine._lease = HeldLease()
    engine._lead = lead
    watching = SimpleNamespace(declared=SimpleNamespace(term=0))
    task = asyncio.create_task(engine._terms(watching, lambda: None))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(30):
            await task
    assert terms == 1


async def test_a_term_that_is_lost_is_followed_by_another():
    again = asyncio.Event()
    terms = 0

    async def lead(watching: object, term: int | None, ready: object) -> None:
        nonlocal terms
        terms += 1
        if terms == 1:
            await asyncio.sleep(0)  # The group waits for its tasks by now.
            raise LostLeadershipError("leadership-lost", term=term)
        again.set()
        await asyncio.Event().wait()

    engine: Any = Engine.__new__(Engine)
    engine._lease = HeldLease()
    engine._lead = lead
    watching: Any = SimpleNamespace(declared=SimpleNamespace(term=0))
    task = asyncio.create_task(engine._terms(watching, lambda: None))
    async with asyncio.timeout(30):
        await again.wait()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert terms == 2
