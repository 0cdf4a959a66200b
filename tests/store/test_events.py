"""Events are added and read, and nothing changes them."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from haori.store import Event, StoredEvent, StoreUnavailableError, Stream, open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = Event(
    stream=Stream.AUDIT,
    at=datetime(2026, 1, 2, 3, 4, 5, 678, UTC),
    code="already-running",
    who="alice",
    project="shop",
    object="Application argocd/web",
    outcome="done",
    parameters={"path": "/d", "nested": [1, None, "é"]},
)


async def test_what_is_added_is_read_newest_first(settings):
    async with open_store(settings) as store:
        first, second = await store.events.append([EVENT, replace(EVENT, who="bob")])
        found = await store.events.read(Stream.AUDIT)
    assert first < second
    assert found == [StoredEvent(id=second, event=replace(EVENT, who="bob")), StoredEvent(id=first, event=EVENT)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["c", "b", "a"]),
        ({"limit": 2}, ["c", "b"]),
        ({"limit": 0}, []),
        ({"project": "shop"}, ["c", "a"]),
        ({"object": "Application argocd/b"}, ["b"]),
        ({"who": "a"}, ["a"]),
        ({"who": "a", "project": "ops"}, []),
    ],
)
async def test_filters(settings, asked, expected):
    async with open_store(settings) as store:
        await store.events.append(
            [
                replace(EVENT, who=who, project=project, object=f"Application argocd/{who}")
                for who, project in (("a", "shop"), ("b", "ops"), ("c", "shop"))
            ]
        )
        await store.events.append([replace(EVENT, stream=Stream.TIMELINE)])
        assert [stored.event.who for stored in await store.events.read(Stream.AUDIT, **asked)] == expected


async def test_pages_join_without_a_gap(settings):
    async with open_store(settings) as store:
        ids = await store.events.append([EVENT] * 5)
        first = await store.events.read(Stream.AUDIT, limit=3)
        rest = await store.events.read(Stream.AUDIT, limit=3, before=first[-1].id)
    assert [stored.id for stored in [*first, *rest]] == ids[::-1]


@pytest.mark.parametrize("statement", ["UPDATE event SET who = 'eve'", "DELETE FROM event", "TRUNCATE event"])
async def test_the_database_refuses_to_change_events(settings, statement):
    async with open_store(settings) as store:
        await store.events.append([EVENT])
        with pytest.raises(psycopg.errors.RestrictViolation):
            async with store.transaction() as connection:
                await connection.execute(statement)
        assert [stored.event for stored in await store.events.read(Stream.AUDIT)] == [EVENT]


async def test_all_events_of_one_call_or_none(settings):
    async with open_store(settings) as store:
        with pytest.raises(ValueError, match="zone"):
            await store.events.append([EVENT, replace(EVENT, at=datetime(2026, 1, 1))])
        assert await store.events.read(Stream.AUDIT) == []


async def test_a_statement_that_takes_too_long_is_ended_and_may_be_tried_again(settings):
    async with open_store(replace(settings, answer_seconds=0.5)) as store:
        with pytest.raises(StoreUnavailableError) as caught:
            async with store.transaction() as connection:
                await connection.execute("SELECT pg_sleep(60)")
        assert caught.value.code == "store-too-slow"
        assert await store.events.read(Stream.AUDIT) == []
