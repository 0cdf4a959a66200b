"""From commit to cluster, on every cluster there is."""

from __future__ import annotations

from typing import Any

import pytest

from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, DEPLOYMENTS, JOBS
from tests.e2e.delivery import (
    Delivery,
    at,
    config_map,
    deployment,
    health_of,
    is_green,
    is_idle,
    job,
    sync_of,
    why_of,
)

pytestmark = pytest.mark.e2e


async def test_a_push_becomes_synced_and_healthy(delivery: Delivery):
    delivery.repository.commit(
        "Begin", {"app/web.yaml": deployment("web", "web:1"), "app/map.yaml": config_map("map", a="1")}
    )
    application = await delivery.deploy("shop", "app")
    assert application["status"]["summary"]["images"] == ["web:1"]

    commit = await delivery.push("shop", "Second", {"app/web.yaml": deployment("web", "web:2")})
    application = await delivery.expect("shop", at(commit))

    live = await delivery.client.get(DEPLOYMENTS, "web", delivery.namespace)
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"
    assert [entry["id"] for entry in application["status"]["history"]] == [0, 1]
    assert {row["kind"] for row in application["status"]["resources"]} == {"ConfigMap", "Deployment"}
    codes = [record.code for record in delivery.recorder.records]
    assert codes.count("sync-started") == codes.count("sync-finished") == 2


async def test_a_new_application_sees_what_was_pushed_just_before(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")

    commit = delivery.repository.commit("More", {"more/b.yaml": config_map("b", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("more", "more"))

    await delivery.expect("more", at(commit), seconds=10)


async def test_a_removed_manifest_is_pruned_and_a_stray_object_left(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")})
    await delivery.deploy("shop", "app")
    stray = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stray", "namespace": delivery.namespace}}
    await delivery.client.create(CONFIG_MAPS, stray)

    commit = await delivery.push("shop", "Remove b", {"app/b.yaml": None})
    await delivery.expect("shop", at(commit))

    await delivery.expect_gone(CONFIG_MAPS, "b", delivery.namespace)
    assert await delivery.client.get(CONFIG_MAPS, "stray", delivery.namespace)


async def test_what_is_edited_or_deleted_by_hand_is_healed(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")})
    await delivery.deploy("shop", "app")

    await delivery.patch(CONFIG_MAPS, "a", delivery.namespace, {"data": {"x": "by hand"}})
    await delivery.expect_object(CONFIG_MAPS, "a", delivery.namespace, lambda live: live["data"]["x"] == "1")

    uid = (await delivery.client.get(CONFIG_MAPS, "b", delivery.namespace))["metadata"]["uid"]
    await delivery.client.delete(CONFIG_MAPS, "b", delivery.namespace)
    await delivery.expect_object(CONFIG_MAPS, "b", delivery.namespace, lambda live: live["metadata"]["uid"] != uid)
    await delivery.expect("shop", is_green)


async def test_a_tag_nobody_has_says_which_pod_which_image_and_since_which_commit(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/web.yaml": deployment("web", "web:1", deadline=2)})
    await delivery.deploy("shop", "app")

    await delivery.push("shop", "Release three", {"app/web.yaml": deployment("web", "web:missing", deadline=2)})
    application = await delivery.expect(
        "shop", lambda app: why_of(app).get("code") == "why-with-commit" and health_of(app) == "Progressing"
    )
    text = why_of(application)["text"]
    for part in (
        "Pod ",
        f"Deployment {delivery.namespace}/web",
        "web:missing",
        "Release three",
        "Ann",
        "app rollback shop",
    ):
        assert part in text
    assert application["status"]["health"]["message"] == text
    application = await delivery.expect("shop", lambda app: health_of(app) == "Degraded")
    assert "web:missing" in why_of(application)["text"]

    commit = delivery.repository.revert()
    await delivery.refresh("shop")
    application = await delivery.expect("shop", at(commit))
    assert why_of(application) == {}


async def test_a_presync_job_runs_before_what_it_prepares(delivery: Delivery):
    files = {"app/job.yaml": job("migrate", "migrate:1", "PreSync"), "app/web.yaml": deployment("web", "web:1")}
    delivery.repository.commit("Begin", dict(files))
    application = await delivery.deploy("shop", "app")

    rows = application["status"]["operationState"]["syncResult"]["resources"]
    hook = next(row for row in rows if row["kind"] == "Job")
    assert (hook["hookType"], hook["hookPhase"]) == ("PreSync", "Succeeded")
    made = (await delivery.client.get(JOBS, "migrate", delivery.namespace))["metadata"]
    assert "finalizers" not in made or not made["finalizers"]
    web = (await delivery.client.get(DEPLOYMENTS, "web", delivery.namespace))["metadata"]
    assert made["creationTimestamp"] <= web["creationTimestamp"]

    commit = await delivery.push("shop", "Again", {"app/web.yaml": deployment("web", "web:2")})
    await delivery.expect("shop", at(commit))
    again = (await delivery.client.get(JOBS, "migrate", delivery.namespace))["metadata"]
    assert again["uid"] != made["uid"]


async def test_a_failing_presync_job_keeps_the_rest_from_being_touched(delivery: Delivery):
    files = {"app/job.yaml": job("migrate", "migrate:failing", "PreSync"), "app/map.yaml": config_map("a", x="1")}
    delivery.repository.commit("Begin", dict(files))
    policy = {"retry": {"limit": 0}}
    await delivery.client.create(*_application(delivery, "shop", "app", policy=policy))

    application = await delivery.expect(
        "shop", lambda app: (app.get("status", {}).get("operationState") or {}).get("phase") == "Failed"
    )
    assert sync_of(application) == "OutOfSync"
    assert "SyncError" in {row["type"] for row in application["status"]["conditions"]}
    await delivery.expect_gone(CONFIG_MAPS, "a", delivery.namespace)

    commit = await delivery.push("shop", "Mend", {"app/job.yaml": job("migrate", "migrate:2", "PreSync")})
    await delivery.expect("shop", at(commit))


async def test_a_sync_stuck_in_a_hook_gives_way_to_a_newer_commit(delivery: Delivery):
    files = {"app/job.yaml": job("migrate", "migrate:missing", "PreSync"), "app/map.yaml": config_map("a", x="1")}
    delivery.repository.commit("Begin", dict(files))
    await delivery.client.create(*_application(delivery, "shop", "app"))
    application = await delivery.expect("shop", lambda app: "migrate:missing" in why_of(app).get("text", ""))
    assert application["status"]["operationState"]["phase"] == "Running"

    commit = await delivery.push("shop", "Mend", {"app/job.yaml": job("migrate", "migrate:2", "PreSync")})
    await delivery.expect("shop", at(commit))


async def test_deletion_takes_the_objects_along_where_the_finalizer_says_so(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "kept/b.yaml": config_map("b", x="1")})
    finalizers = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}
    await delivery.deploy("shop", "app", metadata=finalizers | {"name": "shop", "namespace": delivery.control})
    await delivery.deploy("kept", "kept")

    resource, _ = _application(delivery, "shop", "app")
    await delivery.client.delete(resource, "shop", delivery.control)
    await delivery.client.delete(resource, "kept", delivery.control)
    await delivery.expect_gone(resource, "shop", delivery.control)
    await delivery.expect_gone(resource, "kept", delivery.control)

    await delivery.expect_gone(CONFIG_MAPS, "a", delivery.namespace)
    assert await delivery.client.get(CONFIG_MAPS, "b", delivery.namespace)


@pytest.mark.parametrize(("suffix", "waits"), [("", True), ("/foreground", True), ("/background", False)])
async def test_the_finalizer_says_whether_a_deletion_waits_for_dependants(delivery: Delivery, suffix: str, waits: bool):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    ours = [f"resources-finalizer.argocd.argoproj.io{suffix}"]
    await delivery.deploy("shop", "app", metadata={"finalizers": ours, "name": "shop", "namespace": delivery.control})
    owner = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": owner["metadata"]["uid"]}
    metadata: dict[str, Any] = {"name": "child", "namespace": delivery.namespace, "finalizers": ["haori.test/held"]}
    metadata["ownerReferences"] = [reference | {"blockOwnerDeletion": True}]
    await delivery.client.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    resource, _ = _application(delivery, "shop", "app")
    await delivery.client.delete(resource, "shop", delivery.control)
    await delivery.expect_object(
        CONFIG_MAPS, "child", delivery.namespace, lambda found: "deletionTimestamp" in found["metadata"]
    )
    if waits:
        found = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
        assert found["metadata"]["finalizers"] == ["foregroundDeletion"]
    else:
        await delivery.expect_gone(resource, "shop", delivery.control)

    await delivery.patch(CONFIG_MAPS, "child", delivery.namespace, {"metadata": {"finalizers": None}})
    await delivery.expect_gone(resource, "shop", delivery.control)


@pytest.mark.parametrize(
    ("source", "files", "parts"),
    [
        pytest.param({"path": "nowhere"}, {"app/a.yaml": config_map("a", x="1")}, ["nowhere"], id="no-path"),
        pytest.param(
            {"targetRevision": "absent"}, {"app/a.yaml": config_map("a", x="1")}, ["absent"], id="no-revision"
        ),
        pytest.param(
            {}, {"app/a.yaml": "kind: A\napiVersion: v1\nmetadata: b\n c: [\n"}, ["a.yaml", "line 4"], id="broken-yaml"
        ),
        pytest.param(
            {"repoURL": "file:///nowhere/at/all"}, {"app/a.yaml": ""}, ["/nowhere/at/all"], id="no-repository"
        ),
    ],
)
async def test_what_cannot_be_rendered_says_where(
    delivery: Delivery, source: dict[str, str], files: dict[str, str | None], parts: list[str]
):
    delivery.repository.commit("Begin", files)
    await delivery.client.create(*_application(delivery, "shop", "app", source=source))

    application = await delivery.expect("shop", lambda app: bool(app.get("status", {}).get("conditions")))

    assert (sync_of(application), health_of(application)) == ("Unknown", "Healthy")
    (condition,) = application["status"]["conditions"]
    assert condition["type"] == "ComparisonError"
    for part in parts:
        assert part in condition["message"]
    assert why_of(application)["code"] == "target-state-failed"


async def test_an_engine_killed_in_the_middle_goes_on_where_it_was(delivery: Delivery):
    files = {"app/job.yaml": job("migrate", "migrate:missing", "PreSync"), "app/map.yaml": config_map("a", x="1")}
    delivery.repository.commit("Begin", dict(files))
    await delivery.client.create(*_application(delivery, "shop", "app"))
    before = await delivery.expect("shop", lambda app: "migrate:missing" in why_of(app).get("text", ""))
    uid = (await delivery.client.get(JOBS, "migrate", delivery.namespace))["metadata"]["uid"]

    await delivery.stop_engine()
    done = {"status": {"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1}}
    assert done
    await delivery.start_engine()
    after = await delivery.expect("shop", lambda app: app["status"]["operationState"]["phase"] == "Running")

    started = [app["status"]["operationState"]["startedAt"] for app in (before, after)]
    assert started[0] == started[1]
    assert (await delivery.client.get(JOBS, "migrate", delivery.namespace))["metadata"]["uid"] == uid
    commit = await delivery.push("shop", "Mend", {"app/job.yaml": job("migrate", "migrate:2", "PreSync")})
    application = await delivery.expect("shop", at(commit))
    assert is_idle(application)


def _application(delivery: Delivery, name: str, path: str, **fields: Any) -> tuple[Any, dict[str, Any]]:
    from haori.cluster.well_known import APPLICATIONS

    return APPLICATIONS, delivery.application(name, path, **fields)
