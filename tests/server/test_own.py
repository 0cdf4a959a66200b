"""One application by our own API: why it is not as wanted, and what happened to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import NoCluster, application
from tests.server.talking import Talk

OWN = "/api/haori/v1/applications/web"


@pytest.mark.parametrize(
    ("why", "hint"),
    [
        pytest.param({"code": "project-missing", "parameters": {"project": "x"}}, "create the AppProject", id="known"),
        pytest.param(
            {
                "code": "target-state-failed",
                "parameters": {"reason": {"code": "render-path-missing", "parameters": {"path": "a"}}},
            },
            "correct the path",
            id="of the reason inside",
        ),
        pytest.param({"code": "why-differs", "parameters": {}}, "", id="not known"),
    ],
)
async def test_why_says_what_to_do_where_that_is_known(talk: Talk, cluster: NoCluster, why: Any, hint: str):
    cluster.applications["web"] = application("web", "shop", status={"haori": {"why": why}})
    told = (await talk.ask("GET", f"{OWN}/why", who="member")).json()
    assert told["why"]["code"] == why["code"]
    assert bool(told["hint"]) == bool(hint)
    assert told["hint"].startswith(hint)


@pytest.mark.parametrize("is_dry", [True, False])
async def test_the_timeline_tells_a_dry_run_from_a_sync(talk: Talk, cluster: NoCluster, is_dry: bool):
    state = {"phase": "Succeeded", "startedAt": "2026-01-02T03:04:05Z", "operation": {"sync": {"dryRun": is_dry}}}
    cluster.applications["web"] = application("web", "shop", status={"operationState": state})
    items = (await talk.ask("GET", f"{OWN}/timeline", who="member")).json()["items"]
    assert [each["dryRun"] for each in items if each["kind"] == "operation"] == [is_dry]
