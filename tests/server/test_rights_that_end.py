"""What streams tell once something may not be seen any more, and events of what only has a name in common."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from starlette.requests import Request

from haori.access import Identity, Policy
from haori.cluster import HttpClient, ObjectList
from haori.server.api import listing, logs
from haori.server.app import ROUTES
from haori.server.asking import Ask
from haori.server.context import ServerContext
from haori.server.destinations import Destinations
from haori.server.engine import Engine
from haori.server.errors import RefusedError
from tests.server.conftest import NoCluster, application
from tests.server.people import POLICY

(EVENTS,) = (each.handler for each in ROUTES if each.path.endswith("{name}/events"))
MEMBER = Identity(subject="member", issuer="local")


def ask_of(context: ServerContext, query: str = "") -> Ask:
    headers = [(b"authorization", b"Bearer member")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": headers}
    return Ask(context, Request(scope), MEMBER, {"name": "web"})


async def test_one_that_moved_out_of_sight_is_gone_and_tells_nothing_more(context: ServerContext, tell):
    tell(application("web", "shop"))
    ask = ask_of(context)
    told = listing._watch(ask, listing.Wanted(ask), is_events=False)

    first = json.loads(await anext(told))["result"]
    tell(application("web", "hidden", status={"summary": {"images": ["secret:1"]}}))
    last = json.loads(await anext(told))["result"]
    await told.aclose()  # type: ignore[attr-defined]

    assert first["type"] == "ADDED"
    assert last == {
        "type": "DELETED",
        "application": {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"project": "shop"},
        },
    }


class Pod:
    """Its container says a line, and then nothing for ever."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    async def logs(self, name: str, namespace: str, **flags: Any) -> AsyncIterator[bytes]:
        yield b"2026-11-26T01:02:03Z hello\n"
        self._then()
        yield b"2026-11-26T01:02:04Z and on\n" * 1000


LOST = {
    "the right": lambda context, badges: context.update(policy=Policy.parse("")),
    "the sign-in": lambda context, badges: badges.clear(),
}


@pytest.mark.parametrize("name", LOST)
async def test_who_may_no_longer_read_a_log_follows_it_no_further(
    context: ServerContext, cluster: NoCluster, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setattr(logs, "LOOK_SECONDS", 0.0)
    cluster.applications["web"] = application("web", "shop")
    now: dict[str, Any] = {"policy": POLICY}
    ask = ask_of(replace(context, policy=lambda: now["policy"]))
    client = cast(HttpClient, Pod(lambda: None))
    container = logs.Container(namespace="shop", pod="web-1", name="web")
    flags = {"follow": True, "previous": False, "tail_lines": 10, "since_seconds": None}

    told = logs._followed(ask, client, [container], flags)
    first = await anext(told)
    LOST[name](now, cast(Any, context.authenticator).known)
    after = [line async for line in told]

    assert first.content == "hello"
    assert after == []


class Recorded(NoCluster):
    """Says which events were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    async def list(self, resource: Any, namespace: str = "", **chosen: Any) -> ObjectList:
        if "field_selector" in chosen:
            self.asked.append((namespace, chosen["field_selector"]))
        return await super().list(resource, namespace)


class Tree:
    """An engine that knows one tree."""

    async def get(self, *segments: str, **query: str) -> dict[str, Any]:
        known = {"group": "", "version": "v1", "kind": "Pod", "name": "web"}
        there = {**known, "namespace": "shop", "uid": "u1"}
        return {"nodes": [{**known, "namespace": "other", "uid": ""}, there]}


@pytest.fixture
def events(context: ServerContext) -> tuple[ServerContext, Recorded]:
    cluster = Recorded()
    cluster.applications["web"] = application("web", "shop")
    client = cast(HttpClient, cluster)
    changed = replace(
        context, client=client, engine=cast(Engine, Tree()), destinations=Destinations(client, "argocd")
    )  # fmt: skip
    return changed, cluster


@pytest.mark.parametrize("query", ["resourceName=web", "resourceUID=u1", "resourceName=web&resourceNamespace=shop"])
async def test_events_are_of_the_application_s_own_object(events: tuple[ServerContext, Recorded], query: str):
    context, cluster = events
    await EVENTS(ask_of(context, query))
    selector = "involvedObject.name=web,involvedObject.namespace=shop,involvedObject.uid=u1"
    assert cluster.asked == [("shop", selector)]


async def test_what_is_wanted_and_not_there_has_no_events(events: tuple[ServerContext, Recorded]):
    """Git may name any object; what stands there is another's."""
    context, cluster = events
    with pytest.raises(RefusedError) as refused:
        await EVENTS(ask_of(context, "resourceName=web&resourceNamespace=other"))
    assert refused.value.code == "object-not-of-application"
    assert cluster.asked == []
