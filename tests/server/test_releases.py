"""Releases and rules as the page gets them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from haori.server.app import ROUTES, build_app
from haori.server.context import ServerContext
from haori.server.engine import Engine
from tests.server.conftest import NoCluster, application
from tests.server.talking import Talk

RULE = {"kind": "ConfigMap", "jsonPointers": ["/data/x"], "project": "shop", "name": ""}


class Asked:
    """An engine that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def get(self, *segments: str, **query: str) -> Any:
        self.asked.append((segments, query))
        return {"items": []}

    async def post(self, *segments: str, body: dict[str, Any], **query: str) -> Any:
        self.asked.append((segments, body))
        return {"items": [], "reach": 0}


@pytest.fixture
def engine() -> Asked:
    return Asked()


@pytest.fixture
def talk(context: ServerContext, engine: Asked, cluster: NoCluster) -> Talk:
    cluster.applications["web"] = application("web", "shop")
    return Talk(build_app(replace(context, engine=cast(Engine, engine)), port=8080, routes=ROUTES))


async def test_a_release_is_compared_with_another_or_with_what_is_wanted_now(talk: Talk, engine: Asked):
    for query in ("from=0&to=3", "from=0"):
        assert (await talk.ask("GET", f"/api/haori/v1/applications/web/compare?{query}", who="member")).status == 200
    assert [(query["from"], query["to"]) for _, query in engine.asked] == [("0", "3"), ("0", "")]
    answer = await talk.ask("GET", "/api/haori/v1/applications/web/compare?from=x", who="member")
    assert answer.code == "parameter-out-of-range"


async def test_a_rule_comes_back_as_yaml_and_as_a_patch_beside_those_that_are_there(
    talk: Talk, engine: Asked, cluster: NoCluster
):
    known = {"kind": "Secret", "jsonPointers": ["/data"]}
    cluster.applications["web"]["spec"]["ignoreDifferences"] = [known]
    told = (await talk.ask("POST", "/api/haori/v1/applications/web/ignore/preview", who="member", body=RULE)).json()
    rule = {"kind": "ConfigMap", "jsonPointers": ["/data/x"]}

    assert engine.asked == [(("applications", "web", "ignore"), rule)]
    assert told["patch"] == {"spec": {"ignoreDifferences": [known, rule]}}
    assert "- /data/x" in told["yaml"]
    assert told["declaredBy"] is None


async def test_of_an_application_of_an_application_it_says_where_the_rule_belongs(talk: Talk, cluster: NoCluster):
    mark = {"argocd.argoproj.io/tracking-id": "apps:argoproj.io/Application:argocd/web"}
    cluster.applications["web"]["metadata"]["annotations"] = mark
    told = (await talk.ask("POST", "/api/haori/v1/applications/web/ignore/preview", who="member", body=RULE)).json()
    assert told["declaredBy"] == "apps"
