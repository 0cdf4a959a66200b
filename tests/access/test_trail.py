"""The way of a change into the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest

from haori.access import Identity, Outcome
from haori.access.trail import LOST, AuditTrail
from haori.store import Event, Events, StoreUnavailableError

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ANN = Identity(subject="ann", issuer="local", token_id="s1")


class Shelf:
    """Events that are kept, unless it is away."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.is_there = True
        self.refuses: set[str] = set()

    async def append(self, events: Sequence[Event]) -> list[int]:
        if not self.is_there:
            raise StoreUnavailableError("store-opening")
        if self.refuses & {event.object for event in events}:
            raise psycopg.DataError("no")
        self.kept += [event.object for event in events]
        return list(range(len(events)))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def trail_of(shelf: Shelf, **more: Any) -> AuditTrail:
    return AuditTrail(cast(Events, shelf), lambda: NOW, **more)


@asynccontextmanager
async def running(trail: AuditTrail) -> AsyncIterator[None]:
    task = asyncio.create_task(trail.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def do(trail: AuditTrail, *objects: str) -> None:
    for object_ in objects:
        trail.record(ANN, "applications/sync", object_, Outcome.DONE, {"password": "hush"}, rule="p, ann, …")


@pytest.mark.looptime
async def test_changes_are_kept_in_their_order(shelf: Shelf):
    trail = trail_of(shelf)
    async with running(trail):
        do(trail, *[str(number) for number in range(250)])
        await asyncio.sleep(1)
    assert shelf.kept == [str(number) for number in range(250)]
    assert trail.waiting == 0


@pytest.mark.looptime
async def test_while_the_store_is_away_they_wait(shelf: Shelf, caplog):
    shelf.is_there = False
    trail = trail_of(shelf)
    async with running(trail):
        do(trail, "a", "b")
        await asyncio.sleep(100)
        assert (trail.waiting, shelf.kept) == (2, [])
        shelf.is_there = True
        await asyncio.sleep(20)
    assert shelf.kept == ["a", "b"]
    assert caplog.text.count("audit waits for the store") == 1


async def test_what_finds_no_room_is_counted_and_said(shelf: Shelf, caplog):
    trail, before = trail_of(shelf, at_most=2), LOST.values.get((), 0)
    do(trail, "a", "b", "c")
    await trail.finish()
    assert shelf.kept == ["a", "b"]
    assert LOST.values[()] == before + 1
    assert "change not in the audit" in caplog.text


@pytest.mark.looptime
async def test_one_that_cannot_be_kept_takes_no_other_with_it(shelf: Shelf):
    shelf.refuses = {"b"}
    trail = trail_of(shelf)
    do(trail, "a", "b", "c")
    await trail.finish()
    assert shelf.kept == ["a", "c"]


@pytest.mark.looptime
async def test_at_the_end_nothing_is_waited_for_long(shelf: Shelf, caplog):
    shelf.is_there = False
    trail = trail_of(shelf)
    do(trail, "a")
    await trail.finish()
    assert trail.waiting == 0
    assert "the server ended first" in str([getattr(record, "facts", "") for record in caplog.records])


async def test_every_change_is_a_line_of_the_log_without_details(shelf: Shelf, caplog):
    caplog.set_level(logging.INFO, logger="haori.server.audit")
    do(trail_of(shelf), "Application argocd/web")
    (record,) = caplog.records
    assert getattr(record, "facts") == {  # noqa: B009 - no attribute that types know of
        "who": "ann", "issuer": "local", "token": "s1", "action": "applications/sync",
        "object": "Application argocd/web", "rule": "p, ann, …", "outcome": "done", "project": "",
    }  # fmt: skip
