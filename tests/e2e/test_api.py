"""Argo CD's REST API of applications, over HTTP, before a real engine and cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haori.cluster.well_known import SECRETS
from tests.e2e.delivery import Delivery, at, config_map, deployment, is_green
from tests.e2e.serving import Api, serving

pytestmark = pytest.mark.e2e


@pytest.fixture
async def api(delivery: Delivery) -> AsyncIterator[Api]:
    async with serving(delivery) as api:
        yield api


async def test_an_application_is_made_read_changed_and_deleted(delivery: Delivery, api: Api):
    delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    wanted = delivery.application("web", "web", policy={"automated": None})

    made = await api.ask("POST", "/api/v1/applications", wanted)
    again = await api.ask("POST", "/api/v1/applications", wanted)
    other = {**wanted, "spec": {**wanted["spec"], "revisionHistoryLimit": 3}}
    refused = await api.ask("POST", "/api/v1/applications", other, status=400)
    changed = await api.ask("POST", "/api/v1/applications?upsert=true", other)
    patch = {"patch": json.dumps({"metadata": {"labels": {"team": "wear"}}}), "patchType": "merge"}
    patched = await api.ask("PATCH", "/api/v1/applications/web", patch)
    listed = await api.ask("GET", "/api/v1/applications?selector=team=wear&search=WE&fields=items.metadata.name")
    others = await api.ask("GET", "/api/v1/applications?search=worker")
    await api.ask("DELETE", "/api/v1/applications/web?cascade=false")
    gone = await api.ask("GET", "/api/v1/applications/web", status=404)

    assert made["metadata"]["uid"] == again["metadata"]["uid"] == changed["metadata"]["uid"]
    assert refused["haori"]["code"] == "application-exists"
    assert changed["spec"]["revisionHistoryLimit"] == 3
    assert patched["metadata"]["labels"] == {"team": "wear"}
    assert listed in ({"items": [{"metadata": {"name": "web"}}]}, {"items": []})  # The table follows the cluster.
    assert others["items"] == []
    assert gone["code"] == 5


async def test_a_sync_is_asked_for_and_seen(delivery: Delivery, api: Api):
    delivery.repository.commit("first", {"web/web.yaml": deployment("web", "registry.example/web:1")})
    await api.ask("POST", "/api/v1/applications", delivery.application("web", "web", policy={"automated": None}))

    looked = await api.ask("GET", "/api/v1/applications/web?refresh=normal")
    asked = await api.ask(
        "POST", "/api/v1/applications/web/sync", {"prune": True, "infos": [{"name": "a", "value": "b"}]}
    )
    busy_or_done = await delivery.expect("web", is_green)
    tree = await api.ask("GET", "/api/v1/applications/web/resource-tree")
    managed = await api.ask("GET", "/api/v1/applications/web/managed-resources?kind=Deployment")
    manifests = await api.ask("GET", "/api/v1/applications/web/manifests")
    events = await api.ask("GET", "/api/v1/applications/web/events")

    assert looked["status"]["sync"]["status"] == "OutOfSync"
    assert asked["operation"]["initiatedBy"] == {"username": "owner"}
    assert busy_or_done["status"]["operationState"]["operation"]["info"] == [{"name": "a", "value": "b"}]
    kinds = {node["kind"]: node for node in tree["nodes"]}
    assert set(kinds) >= {"Deployment", "ReplicaSet", "Pod"}
    assert kinds["ReplicaSet"]["parentRefs"][0]["uid"] == kinds["Deployment"]["uid"]
    assert kinds["Deployment"]["health"]["status"] == "Healthy"
    (item,) = managed["items"]
    assert json.loads(item["targetState"])["spec"]["replicas"] == 1
    assert json.loads(item["liveState"])["status"]["readyReplicas"] == 1
    assert item["modified"] is False
    assert [json.loads(each)["kind"] for each in manifests["manifests"]] == ["Deployment"]
    assert isinstance(events["items"], list)


async def test_automated_sync_is_not_led_elsewhere_and_a_rollback_pins(delivery: Delivery, api: Api):
    first = delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    await delivery.deploy("web", "web")
    second = delivery.repository.commit("second", {"web/settings.yaml": config_map("settings", color="blue")})
    await delivery.refresh("web")
    await delivery.expect("web", lambda each: is_green(each) and each["status"]["sync"]["revision"] == second)

    refused = await api.ask("POST", "/api/v1/applications/web/sync", {"revision": first}, status=400)
    nothing = await api.ask("DELETE", "/api/v1/applications/web/operation", status=400)
    await api.ask("POST", "/api/v1/applications/web/rollback", {"id": 0, "reason": "red was better"})
    back = await delivery.expect("web", lambda each: is_green(each) and each["status"]["sync"]["revision"] == first)

    assert (refused["code"], refused["haori"]["code"]) == (9, "sync-of-another-revision")
    assert nothing["haori"]["code"] == "operation-none"
    assert "red was better" in back["metadata"]["annotations"]["haori.dev/pin"]


async def test_streams_tell_what_is_and_what_becomes(delivery: Delivery, api: Api):
    delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    await delivery.deploy("web", "web")

    async with api.listen("/api/v1/stream/applications") as lines:
        known = await lines.next()
        await api.ask(
            "PATCH", "/api/v1/applications/web", {"patch": '{"metadata":{"labels":{"a":"b"}}}', "patchType": "merge"}
        )
        changed = await lines.next()
        while changed["result"]["application"]["metadata"].get("labels") != {"a": "b"}:
            changed = await lines.next()
        await api.ask("DELETE", "/api/v1/applications/web")
        while changed["result"]["type"] != "DELETED":
            changed = await lines.next()

    assert known["result"]["type"] in ("ADDED", "MODIFIED")
    assert changed["result"]["application"]["metadata"]["name"] == "web"


async def test_rows_go_on_from_a_cursor(delivery: Delivery, api: Api):
    delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    await delivery.deploy("web", "web")
    page = await api.ask("GET", "/api/haori/v1/applications?search=web&health=Healthy")
    await delivery.annotate("web", {"haori.dev/pin": None, "example.com/touched": "1"})

    async with api.listen(f"/api/haori/v1/applications/stream?cursor={page['cursor']}") as lines:
        told = await lines.next()
    async with api.listen("/api/haori/v1/applications/stream?cursor=other.1") as lines:
        async with asyncio.timeout(10):
            head = [await lines.answer.content.readline() for _ in range(3)]

    (row,) = page["items"]
    assert (row["name"], row["cluster"], row["sync"], row["health"]) == ("web", "in-cluster", "Synced", "Healthy")
    assert page["counts"]["project"] == {"default": 1}
    assert [each["name"] for each in told["changed"]] == ["web"]
    assert told["removed"] == []
    assert b"event: reset\n" in head


async def test_without_an_engine_lists_work_and_the_rest_says_why(delivery: Delivery, tmp_path: Path):
    delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    await delivery.deploy("web", "web")

    async with serving(delivery, engine=tmp_path / "nowhere.json") as api:
        listed = await api.ask("GET", "/api/v1/applications")
        one = await api.ask("GET", "/api/v1/applications/web")
        away = await api.ask("GET", "/api/v1/applications/web/resource-tree", status=503)

    assert [each["metadata"]["name"] for each in listed["items"]] == ["web"]
    assert one["status"]["sync"]["status"] == "Synced"
    assert (away["code"], away["haori"]["code"]) == (14, "engine-away")


OBJECT = "group=apps&version=v1&kind=Deployment&resourceName=web"


async def test_an_object_is_read_acted_upon_and_deleted(delivery: Delivery, api: Api):
    delivery.repository.commit(
        "first", {"web/web.yaml": deployment("web", "registry.example/web:1"), "web/s.yaml": SECRET}
    )
    await delivery.deploy("web", "web", policy={"automated": {}})
    place = f"/api/v1/applications/web/resource?{OBJECT}&namespace={delivery.namespace}"
    run = f"/api/v1/applications/web/resource/actions?{OBJECT}&namespace={delivery.namespace}"

    live = json.loads((await api.ask("GET", place))["manifest"])
    secret = await api.ask(
        "GET",
        f"/api/v1/applications/web/resource?version=v1&kind=Secret&resourceName=key&namespace={delivery.namespace}",
    )
    stranger = await api.ask("GET", place.replace("resourceName=web", "resourceName=kube"), status=404)
    listed = await api.ask("GET", run)
    await api.ask("POST", run, "restart")
    scaled = {
        "group": "apps", "version": "v1", "kind": "Deployment", "resourceName": "web", "namespace": delivery.namespace,
        "action": "scale", "resourceActionParameters": [{"name": "replicas", "value": "2"}],
    }  # fmt: skip
    await api.ask("POST", "/api/v1/applications/web/resource/actions/v2", scaled)
    nothing = await api.ask("POST", run, "resume", status=400)
    patched = await api.ask(
        "POST", place + "&patchType=application/merge-patch%2Bjson", '{"metadata":{"labels":{"a":"b"}}}'
    )
    after = json.loads((await api.ask("GET", place))["manifest"])
    await api.ask("DELETE", place)
    gone = await api.ask("DELETE", place.replace("resourceName=web", "resourceName=other"), status=404)

    assert live["metadata"]["name"] == "web"
    assert "cGFzcw==" not in secret["manifest"]
    assert stranger["haori"]["code"] == "object-not-of-application"
    assert [each["name"] for each in listed["actions"]] == ["pause", "restart", "resume", "scale"]
    assert nothing["haori"]["code"] == "action-without-effect"
    assert json.loads(patched["manifest"])["metadata"]["labels"]["a"] == "b"
    assert after["spec"]["replicas"] == 2
    assert "kubectl.kubernetes.io/restartedAt" in after["spec"]["template"]["metadata"]["annotations"]
    assert gone["code"] == 5


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\ndata: {password: cGFzcw==}\n"


async def test_what_heals_itself_is_not_patched(delivery: Delivery, api: Api):
    delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    await delivery.deploy("web", "web")
    place = f"version=v1&kind=ConfigMap&resourceName=settings&namespace={delivery.namespace}"

    refused = await api.ask(
        "POST", f"/api/v1/applications/web/resource?{place}", '{"data":{"color":"blue"}}', status=409
    )

    assert refused["haori"]["code"] == "declared-in-git"


async def test_our_own_views_tell_what_would_be_done_and_what_happened(delivery: Delivery, api: Api):
    wave = 'metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: "2"'
    settings = config_map("settings", color="red").replace("metadata:", wave)
    first = delivery.repository.commit("first", {"web/settings.yaml": settings})
    await api.ask("POST", "/api/v1/applications", delivery.application("web", "web", policy={"automated": None}))
    await api.ask("GET", "/api/v1/applications/web?refresh=normal")
    own = "/api/haori/v1/applications/web"

    before = await api.ask("GET", f"{own}/tree")
    plan = await api.ask("GET", f"{own}/plan?prune=true")
    diff = await api.ask("GET", f"{own}/diff")
    why = await api.ask("GET", f"{own}/why", accept_language="ja")
    await api.ask("POST", "/api/v1/applications/web/sync", {})
    await delivery.expect("web", is_green)
    tree = await api.ask("GET", f"{own}/tree")
    timeline = await api.ask("GET", f"{own}/timeline")
    commit = await api.ask("GET", f"/api/v1/applications/web/revisions/{first}/metadata")
    unknown = await api.ask("GET", f"/api/v1/applications/web/revisions/{'0' * 40}/metadata", status=404)

    assert plan["revision"] == first
    assert [each["missing"] for each in diff["items"]] == [True]
    assert why["sync"] == "OutOfSync"
    assert [each["kind"] for each in tree["nodes"]] == ["ConfigMap"]
    marks = {"wave": 2, "hook": False, "requiresPruning": False}
    assert [node | marks for node in (*before["nodes"], *tree["nodes"])] == [*before["nodes"], *tree["nodes"]]
    assert {"release", "operation", "created"} == {each["kind"] for each in timeline["items"]}
    assert (commit["author"], commit["message"]) == ("Ann <ann@wear.example>", "first")
    assert unknown["haori"]["code"] == "commit-not-found"


async def test_logs_are_read_and_followed(delivery: Delivery, api: Api):
    """Nobody runs the Pod here, so the cluster's refusal to give a log is a line of it."""
    delivery.repository.commit("first", {"web/web.yaml": deployment("web", "registry.example/web:1")})
    await delivery.deploy("web", "web")

    for follow in ("false", "true"):
        async with api.listen(
            f"/api/v1/applications/web/logs?kind=Deployment&resourceName=web&follow={follow}&sinceTime.seconds=1"
        ) as lines:
            first, last = await lines.next(), await lines.next()
        assert first["result"]["podName"].startswith("web-")
        assert last["result"]["last"] is True
    none = await api.ask("GET", "/api/v1/applications/web/pods/other/logs", status=404)
    assert none["haori"]["code"] == "logs-no-pods"


async def test_a_release_is_gone_back_to_both_ways_and_forward_again(delivery: Delivery, api: Api):
    first = delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    delivery.repository.git("config", "receive.denyCurrentBranch", "updateInstead")
    await delivery.deploy("web", "web")
    second = delivery.repository.commit("second", {"web/settings.yaml": config_map("settings", color="blue")})
    await delivery.refresh("web")
    await delivery.expect("web", at(second))
    own = "/api/haori/v1/applications/web"

    back = await api.ask("POST", f"{own}/rollback", {"reason": "red", "for": "2h"})
    await delivery.expect("web", at(first))
    held = await api.ask("GET", f"{own}/plan")
    followed = await api.ask("GET", f"{own}/plan?unpinned=true")
    await api.ask("DELETE", f"{own}/pin")
    await delivery.expect("web", at(second))
    nothing = await api.ask("DELETE", f"{own}/pin", status=400)
    pushed = await api.ask("POST", f"{own}/rollback", {"git": True, "id": 0, "reason": "red for good"})

    assert back["revisions"] == [first]
    assert json.loads(back["pin"])["owner"] == "owner"
    assert (held["revision"], followed["revision"]) == (first, second)
    assert [step["action"] for wave in followed["waves"] for step in wave["steps"]] == ["configure"]
    assert nothing["haori"]["code"] == "rollback-nothing-pinned"
    assert pushed["commits"][0]["revision"] == delivery.repository.git("rev-parse", "main")


async def test_a_tree_is_followed(delivery: Delivery, api: Api):
    delivery.repository.commit("first", {"web/settings.yaml": config_map("settings", color="red")})
    await delivery.deploy("web", "web")

    async with api.listen("/api/v1/stream/applications/web/resource-tree", accept="text/event-stream") as lines:
        first = await lines.next()
        await delivery.push("web", "more", {"web/more.yaml": config_map("more", color="blue")})
        after = await lines.next()
        while len(after["result"]["nodes"]) < 2 or "uid" not in after["result"]["nodes"][1]:
            after = await lines.next()

    assert [each["name"] for each in first["result"]["nodes"]] == ["settings"]
    assert {each["name"] for each in after["result"]["nodes"]} == {"settings", "more"}


async def test_dependencies_are_looked_for_where_the_application_has_them_not(delivery: Delivery, api: Api):
    uses = "envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: gone}}, {secretRef: {name: outside}}]"
    web = deployment("web", "web:1").replace("image: web:1", f"image: web:1\n        {uses}")
    assert uses in web
    delivery.repository.commit("first", {"web/web.yaml": web, "web/settings.yaml": config_map("settings", a="1")})
    outside = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "outside", "namespace": delivery.namespace}}
    await api.ask("POST", "/api/v1/applications", delivery.application("web", "web"))
    await delivery.expect("web", lambda app: app.get("status", {}).get("sync", {}).get("status") == "Synced")
    await delivery.client.create(SECRETS, {**outside, "stringData": {"password": "canary"}})
    told = await api.ask("GET", "/api/haori/v1/applications/web/dependencies")

    (user,) = told["items"]
    assert (user["kind"], user["name"]) == ("Deployment", "web")
    assert {(each["name"], *each["ways"], each["state"], bool(each["uid"])) for each in user["needs"]} == {
        ("settings", "environment", "here", True),
        ("gone", "environment", "missing", False),
        ("outside", "environment", "elsewhere", False),
    }
    assert "canary" not in str(told)
