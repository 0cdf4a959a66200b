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
from haori.errors import HaoriError
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


async def post(delivery: Delivery, *segments: str, **body: Any) -> Any:
    found = json.loads((delivery.folder / "engine" / "listener.json").read_text())
    client = EngineClient(url=found["url"], token=found["token"], path=delivery.folder)
    return await asyncio.to_thread(client.post, *segments, body=body)


async def test_the_engine_tells_releases_finds_objects_and_previews_a_rule(delivery: Delivery):
    secret = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  password: {SECRET}\n"
    first = delivery.repository.commit(
        "Begin",
        {"app/web.yaml": deployment("web", "web:1"), "app/a.yaml": config_map("a", x="1"), "app/s.yaml": secret},
    )
    await delivery.deploy("shop", "app", policy={"automated": {"prune": True, "selfHeal": False}})
    files = {
        "app/web.yaml": deployment("web", "web:2"),
        "app/b.yaml": config_map("b", x="1", z="1"),
        "app/a.yaml": None,
    }
    second = delivery.repository.commit("Go on", files)
    await delivery.refresh("shop")
    await delivery.expect("shop", lambda app: app["status"]["history"][-1]["revision"] == second)

    newest, oldest = (await ask(delivery, "applications", "shop", "history"))["items"]
    assert (newest["revisions"], oldest["revisions"]) == ([second], [first])
    assert (newest["commit"]["message"], newest["who"], newest["images"]) == ("Go on", "automated", ["web:2"])
    assert (oldest["images"], oldest["changed"]) == (["web:1"], None)
    changed = {(each["name"], each["change"]) for each in newest["changed"]}
    assert changed == {("a", "removed"), ("b", "added"), ("web", "changed")}
    told = await ask(delivery, "applications", "shop", "releases", **{"from": "0", "to": "1"})
    assert {(each["name"], each["change"]) for each in told["items"]} == changed
    with pytest.raises(HaoriError) as caught:
        await ask(delivery, "applications", "shop", "releases", **{"from": "0", "to": "7"})
    assert caught.value.code == "history-entry-missing"

    found = await post(delivery, "search", words=["web:2"])
    assert {"Deployment", "ReplicaSet", "Pod"} <= {each["kind"] for each in found["items"]}
    assert {each["application"] for each in found["items"]} == {"shop"}
    assert (await post(delivery, "search", words=["web"], applications={}))["total"] == 0

    await delivery.patch(CONFIG_MAPS, "b", delivery.namespace, {"data": {"x": "by hand", "z": "too"}})
    rule = {"kind": "ConfigMap", "jsonPointers": ["/data/x"]}
    shown = await post(delivery, "applications", "shop", "ignore", **rule)
    (item,) = shown["items"]
    assert (shown["reach"], item["name"]) == (1, "b")
    assert [each["path"] for each in item["vanishes"]] == ["data.x"]
    assert [each["path"] for each in item["stays"]] == ["data.z"]
    figures = await ask(delivery, "figures")
    assert (figures["leading"], figures["applications"], figures["clusters"][0]["up"]) == (True, 1, True)
    assert [each["name"] for each in figures["slow"]] == ["shop"]
