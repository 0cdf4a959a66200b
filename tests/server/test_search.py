"""Search: what the engine is asked for whom, and what is told where it is away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from haori.server.app import ROUTES, build_app
from haori.server.context import ServerContext
from haori.server.engine import Engine
from tests.server.conftest import application
from tests.server.talking import Talk


class Asked:
    """An engine that remembers what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def post(self, *segments: str, body: dict[str, Any], **query: str) -> Any:
        self.bodies.append(body)
        return {"items": [{"kind": "Pod", "name": "web-1"}], "total": 7, "counts": {"Pod": 7}}


@pytest.fixture
def engine() -> Asked:
    return Asked()


@pytest.fixture
def talk(context: ServerContext, engine: Asked, tell) -> Talk:
    for name, project in (("web", "shop"), ("mail", "crm")):
        tell(application(name, project, metadata={"labels": {"tier": "front"}}))
    return Talk(build_app(replace(context, engine=cast(Engine, engine)), port=8080, routes=ROUTES))


async def test_the_engine_is_told_whose_objects_may_be_seen(talk: Talk, engine: Asked):
    told = (await talk.ask("GET", "/api/haori/v1/search?q=We+b&kind=Pod&limit=9", who="member")).json()
    (body,) = engine.bodies
    assert (body["words"], body["kinds"], body["limit"]) == (["we", "b"], ["Pod"], 9)
    assert body["applications"] == {"argocd": ["web"]}
    assert (told["resources"][0]["name"], told["total"]["resources"], told["counts"]) == (
        "web-1", 7, {"kind": {"Pod": 7}},
    )  # fmt: skip


async def test_for_who_may_see_all_no_names_are_sent(talk: Talk, engine: Asked):
    await talk.ask("GET", "/api/haori/v1/search?q=x", who="admin")
    assert engine.bodies[0]["applications"] is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=apps/web", ["web"]),
        ("label=tier%3Dfront", ["mail", "web"]),
        ("kind=application", ["mail", "web"]),
        ("kind=Pod", []),
        ("health=Degraded", []),
        ("namespace=web", ["mail", "web"]),
        ("image=none", []),
    ],
)
async def test_applications_are_found_by_their_rows(talk: Talk, query: str, names: list[str]):
    told = (await talk.ask("GET", f"/api/haori/v1/search?{query}", who="admin")).json()
    assert [each["name"] for each in told["applications"]] == names
    assert told["total"]["applications"] == len(names)


async def test_a_selector_that_cannot_be_read_is_refused(talk: Talk):
    answer = await talk.ask("GET", "/api/haori/v1/search?label=a+in+(", who="admin")
    assert answer.status == 400


async def test_without_an_engine_applications_are_found_and_the_rest_is_said_to_be_missing(context, tell):
    tell(application("web", "shop"))
    talk = Talk(build_app(context, port=8080, routes=ROUTES))
    told = (await talk.ask("GET", "/api/haori/v1/search?q=web", who="admin")).json()
    assert [each["name"] for each in told["applications"]] == ["web"]
    assert told["problem"]["code"] == "engine-away"
