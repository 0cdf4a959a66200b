from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from haori.cluster import EventType, GoneError, KubernetesClient, ObjectList, Reflector, UnreachableError, WatchEvent
from haori.cluster.well_known import PODS

Seen = list[tuple[str, str]]


def pod(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n", "resourceVersion": version}}


class Scripted:
    """A cluster whose lists and watches are written down; when the watches run out it stays silent."""

    def __init__(self, lists: list[Any], watches: list[list[Any]]) -> None:
        self.lists, self.watches = lists, watches
        self.started_from: list[str] = []
        self.silent = asyncio.Event()

    async def list(self, *_: Any, **__: Any) -> ObjectList:
        found = self.lists.pop(0)
        if isinstance(found, Exception):
            raise found
        return ObjectList(items=found[1], resource_version=found[0])

    async def watch(self, *_: Any, resource_version: str, **__: Any) -> AsyncIterator[WatchEvent]:
        self.started_from.append(resource_version)
        if not self.watches:
            self.silent.set()
            await asyncio.Event().wait()
        for each in self.watches.pop(0):
            if isinstance(each, Exception):
                raise each
            yield WatchEvent(type=EventType(each[0]), object=each[1])


async def observe(cluster: Scripted) -> tuple[Seen, list[Any]]:
    seen: Seen = []
    problems: list[Any] = []
    reflector = Reflector(
        cast(KubernetesClient, cluster),
        PODS,
        lambda event: seen.append((event.type.value, event.object["metadata"]["name"])),
        on_problem=problems.append,
    )
    task = asyncio.create_task(reflector.run())
    await cluster.silent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return seen, problems


@pytest.mark.looptime
async def test_a_watch_goes_on_from_the_last_event_or_bookmark():
    cluster = Scripted(
        [("5", [pod("a", "1")])],
        [[("MODIFIED", pod("a", "6"))], [("BOOKMARK", {"metadata": {"resourceVersion": "9"}})]],
    )
    seen, _ = await observe(cluster)
    assert cluster.started_from == ["5", "6", "9"]
    assert seen == [("ADDED", "a"), ("MODIFIED", "a")]


@pytest.mark.looptime
async def test_after_410_the_new_list_says_only_what_changed_deletions_included():
    cluster = Scripted(
        [("5", [pod("a", "1"), pod("b", "2"), pod("c", "3")]), ("20", [pod("a", "1"), pod("c", "12"), pod("d", "13")])],
        [[GoneError(status=410)]],
    )
    seen, _ = await observe(cluster)
    assert seen[3:] == [("MODIFIED", "c"), ("ADDED", "d"), ("DELETED", "b")]
    assert cluster.started_from == ["5", "20"]


@pytest.mark.looptime
async def test_trouble_is_told_and_backs_off_then_told_to_be_over():
    problem = UnreachableError(cluster="c", action="list", problem="refused")
    cluster = Scripted([problem, problem, problem, ("5", [])], [])
    started = asyncio.get_running_loop().time()
    _, problems = await observe(cluster)
    waited = asyncio.get_running_loop().time() - started
    assert problems == [problem, problem, problem, None]
    assert 0.25 + 0.5 + 1.0 <= waited <= 0.5 + 1.0 + 2.0


@pytest.mark.looptime
async def test_a_server_that_ends_watches_at_once_is_not_asked_in_a_tight_loop():
    cluster = Scripted([("5", [])], [[], [], [], []])
    started = asyncio.get_running_loop().time()
    await observe(cluster)
    assert asyncio.get_running_loop().time() - started > 1.0
