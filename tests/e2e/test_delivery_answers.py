"""What the engine answers on its listener while it delivers."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from haori.cli.engine_client import EngineClient
from haori.cli.instance import Instance
from haori.cli.status import collect_status, format_status
from haori.cluster.well_known import CONFIG_MAPS
from tests.e2e.delivery import Delivery, config_map, deployment

pytestmark = pytest.mark.e2e

SECRET = base64.b64encode(b"canary-4e2").decode()


async def ask(delivery: Delivery, *segments: str, **query: str) -> Any:
    path = delivery.folder / "engine" / "listener.json"
    found = json.loads(path.read_text())
    client = EngineClient(url=found["url"], token=found["token"], path=delivery.folder)
    answer = await asyncio.to_thread(client.get, *segments, **query)
    assert SECRET not in json.dumps(answer)
    return answer


async def test_the_engine_answers_rows_trees_diffs_manifests_and_plans(delivery: Delivery):
    secret = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  password: {SECRET}\n"
    files: dict[str, str | None] = {
        "app/web.yaml": deployment("web", "web:1"),
        "app/a.yaml": config_map("a", x="1"),
        "app/s.yaml": secret,
    }
    delivery.repository.commit("Begin", files)
    await delivery.deploy("shop", "app", policy={"automated": {"prune": True, "selfHeal": False}})

    (row,) = (await ask(delivery, "applications"))["items"]
    assert (row["name"], row["sync"], row["health"], row["why"], row["pin"]) == (
        "shop",
        "Synced",
        "Healthy",
        None,
        None,
    )
    kinds = [node["kind"] for node in (await ask(delivery, "applications", "shop", "tree"))["nodes"]]
    assert {"Deployment", "ReplicaSet", "Pod", "ConfigMap", "Secret"} <= set(kinds)
    manifests = (await ask(delivery, "applications", "shop", "manifests"))["items"]
    assert {manifest["kind"] for manifest in manifests} == {"Deployment", "ConfigMap", "Secret"}
    assert (await ask(delivery, "applications", "shop", "diff"))["items"] == []

    await delivery.patch(CONFIG_MAPS, "a", delivery.namespace, {"data": {"x": "by hand"}})
    await delivery.expect("shop", lambda app: app["status"]["sync"]["status"] == "OutOfSync")
    (item,) = (await ask(delivery, "applications", "shop", "diff"))["items"]
    (difference,) = item["differences"]
    assert (difference["path"], difference["desired"], difference["live"]) == ("data.x", "1", "by hand")
    assert difference["manager"] == "kubectl-edit"
    plan = await ask(delivery, "applications", "shop", "plan")
    actions = {step["name"]: step["action"] for wave in plan["waves"] for step in wave["steps"]}
    assert actions == {"a": "configure", "s": "keep", "web": "keep"}
    (row,) = (await ask(delivery, "applications"))["items"]
    assert row["why"]["code"] == "why-differs"
    statistics = await ask(delivery, "statistics")
    assert statistics["applications"] == 1
    assert statistics["isolation"]


async def test_a_setting_that_cannot_be_read_is_shown_to_operators(delivery: Delivery, tmp_path: Path):
    await delivery.stop_engine()
    await delivery.patch(CONFIG_MAPS, "argocd-cm", delivery.control, {"data": {"resource.exclusions": "[{kinds: 5}]"}})
    await delivery.start_engine()
    engine = await ask(delivery, "statistics")
    assert [problem["path"] for problem in engine["settings"]] == ["data[resource.exclusions][0].kinds"]
    # The engine answers from this very loop, so the command asks from a thread.
    status = await asyncio.to_thread(collect_status, Instance(tmp_path))
    shown = format_status({**status, "engine": engine, "applications": []})
    assert any("data[resource.exclusions][0].kinds" in line and "a list" in line for line in shown)
