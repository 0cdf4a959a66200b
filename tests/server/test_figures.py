"""The engine's figures and the clusters: who may see them, and what is told while the engine is away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from haori.server.app import ROUTES, build_app
from haori.server.context import ServerContext
from haori.server.engine import Engine
from tests.server.talking import Talk

FIGURES = {"leading": True, "clusters": [{"server": "https://kubernetes.default.svc", "up": True, "objects": 12}]}


class Told:
    """An engine with these figures."""

    async def get(self, *segments: str, **query: str) -> Any:
        assert segments == ("figures",)
        return FIGURES


@pytest.fixture
def engine(context: ServerContext) -> Talk:
    return Talk(build_app(replace(context, engine=cast(Engine, Told())), port=8080, routes=ROUTES))


async def test_figures_of_the_whole_instance_are_for_who_may_read_all_clusters(engine: Talk):
    told = (await engine.ask("GET", "/api/haori/v1/engine", who="reader")).json()
    assert (told["leading"], told["server"]["applications"]) == (True, 0)
    assert (await engine.ask("GET", "/api/haori/v1/engine", who="member")).status == 403


async def test_a_cluster_is_told_with_what_the_engine_knows(engine: Talk):
    (cluster,) = (await engine.ask("GET", "/api/haori/v1/clusters", who="reader")).json()["items"]
    assert cluster["engine"]["objects"] == 12
    assert (await engine.ask("GET", "/api/haori/v1/clusters", who="member")).json()["items"] == []


async def test_clusters_are_told_while_the_engine_is_away(talk: Talk):
    told = (await talk.ask("GET", "/api/haori/v1/clusters", who="admin")).json()
    assert (told["items"][0]["engine"], told["problem"]["code"]) == (None, "engine-away")


async def test_nodes_of_a_cluster_that_has_none(talk: Talk):
    answer = await talk.ask("GET", "/api/haori/v1/clusters/in-cluster/nodes?id.type=name", who="admin")
    assert answer.json() == {"items": [], "problem": None}
