"""Watches: every change once, in order, with selectors, bookmarks and the end of what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haori.sandbox.api.app import build_app
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.store import open_store
from tests.sandbox.api.support import Caller, next_event, running

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        yield caller


def config(name: str, app: str = "", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": app} if app else {}}, "data": data}


async def version_of(api: Caller) -> str:
    return str((await api.ok("GET", MAPS))["metadata"]["resourceVersion"])


async def test_changes_after_a_list_come_once_and_in_order(api: Caller) -> None:
    await api.ok("POST", MAPS, config("before"))
    async with api.watching(MAPS, resourceVersion=await version_of(api)) as events:
        await api.ok("POST", MAPS, config("a"))
        await api.ok("PUT", f"{MAPS}/a", config("a", color="red"))
        await api.ok("DELETE", f"{MAPS}/a")

        seen = [await next_event(events) for _ in range(3)]

    assert [(type_, each["metadata"]["name"]) for type_, each in seen] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    versions = [int(each["metadata"]["resourceVersion"]) for _, each in seen]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("version", ["", "0"])
async def test_a_watch_from_nowhere_begins_with_what_is_there(api: Caller, version: str) -> None:
    await api.ok("POST", MAPS, config("a"))
    async with api.watching(MAPS, resourceVersion=version) as events:
        first = await next_event(events)
        await api.ok("POST", MAPS, config("b"))
        second = await next_event(events)

    assert [first[1]["metadata"]["name"], second[1]["metadata"]["name"]] == ["a", "b"]


async def test_objects_enter_and_leave_a_selection(api: Caller) -> None:
    async with api.watching(MAPS, resourceVersion=await version_of(api), labelSelector="app=web") as events:
        await api.ok("POST", MAPS, config("a", "web"))
        await api.ok("POST", MAPS, config("other", "api"))
        await api.ok("PUT", f"{MAPS}/a", config("a", "api"))
        await api.ok("PUT", f"{MAPS}/a", config("a", "web", color="red"))
        await api.ok("PUT", f"{MAPS}/a", config("a", "web", color="blue"))

        seen = [await next_event(events) for _ in range(4)]

    assert [(type_, each["metadata"]["name"]) for type_, each in seen] == [
        ("ADDED", "a"),
        ("DELETED", "a"),
        ("ADDED", "a"),
        ("MODIFIED", "a"),
    ]
    assert seen[1][1]["metadata"]["labels"] == {"app": "web"}


async def test_initial_events_end_with_a_bookmark(api: Caller) -> None:
    await api.ok("POST", MAPS, config("a"))
    query: dict[str, Any] = {
        "sendInitialEvents": "true",
        "allowWatchBookmarks": "true",
        "resourceVersionMatch": "NotOlderThan",
    }
    async with api.watching(MAPS, **query) as events:
        first, second = await next_event(events), await next_event(events)

    assert first[0] == "ADDED"
    assert second[0] == "BOOKMARK"
    assert second[1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert second[1]["metadata"]["resourceVersion"] == first[1]["metadata"]["resourceVersion"]


async def test_a_quiet_watch_is_told_how_far_it_is(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haori.sandbox.api.watching.BOOKMARK_SECONDS", 0.02)
    version = await version_of(api)
    async with api.watching(MAPS, resourceVersion=version, allowWatchBookmarks="true") as events:
        await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})

        type_, bookmark = await next_event(events)

    assert type_ == "BOOKMARK"
    assert int(bookmark["metadata"]["resourceVersion"]) > int(version)


async def test_a_watch_ends_when_its_time_is_up(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haori.sandbox.api.watching.LIMIT_SECONDS", 0.02)
    async with api.watching(MAPS) as events:
        while (event := await asyncio.wait_for(events.get(), 10)) is not None:
            assert event["type"] == "ADDED"


async def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db", log_limit=3) as store:
        layer = await open_api(store)
        api = Caller(build_app(layer), layer)
        for name in "abcdef":
            await api.ok("POST", MAPS, config(name))

        refused = await api.refused("GET", MAPS, query={"watch": "true", "resourceVersion": "1"})

    assert refused[:2] == (410, "Expired")
    assert "too old resource version: 1" in refused[2]


async def test_a_token_of_a_forgotten_list_is_gone(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db", log_limit=3) as store:
        layer = await open_api(store)
        api = Caller(build_app(layer), layer)
        for name in "ab":
            await api.ok("POST", MAPS, config(name))
        page = await api.ok("GET", MAPS, query={"limit": "1"})
        for name in "cdef":
            await api.ok("POST", MAPS, config(name))

        query = {"limit": "1", "continue": page["metadata"]["continue"]}
        refused = await api.refused("GET", MAPS, query=query)

    assert refused[:2] == (410, "Expired")


async def test_a_version_from_the_future_is_refused(api: Caller) -> None:
    refused = await api.refused("GET", MAPS, query={"watch": "true", "resourceVersion": "999999"})

    assert refused[:2] == (504, "Timeout")


async def test_metadata_alone_is_enough_for_some(api: Caller) -> None:
    await api.ok("POST", MAPS, config("a", color="red"))

    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
    found = await api.ok("GET", MAPS, headers={"accept": accept})

    assert found["kind"] == "PartialObjectMetadataList"
    assert set(found["items"][0]) == {"kind", "apiVersion", "metadata"}


async def test_a_client_that_goes_leaves_nothing_behind(api: Caller) -> None:
    async with api.watching(MAPS) as events:
        await api.ok("POST", MAPS, config("a"))
        await next_event(events)
        during = api.api.store.statistics()["watchers"]

    assert (during, api.api.store.statistics()["watchers"]) == (1, 0)


async def test_a_table_is_watched_row_by_row(api: Caller) -> None:
    await api.ok("POST", MAPS, config("a", color="red"))
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    async with api.watching(MAPS, accept=accept) as events:
        _, first = await next_event(events)
        await api.ok("POST", MAPS, config("b"))
        _, second = await next_event(events)

    assert [each["name"] for each in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert first["rows"][0]["cells"][:2] == ["a", 1]
    assert second["columnDefinitions"] is None
    assert second["rows"][0]["cells"][:2] == ["b", 0]
