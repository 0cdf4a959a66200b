"""Operations that people ask for, rollbacks, applications of applications: on every cluster there is."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, JOBS, NAMESPACES, SECRETS
from haori.delivery.controller.pins import build_pin_patch, choose_entry
from haori.delivery.model import parse_application
from tests.e2e.delivery import (
    Delivery,
    at,
    config_map,
    health_of,
    is_green,
    is_idle,
    job,
    sync_of,
    why_of,
)

pytestmark = pytest.mark.e2e

MANUAL: dict[str, Any] = {"automated": None}


async def ask(delivery: Delivery, name: str, **sync: Any) -> None:
    operation = {"sync": sync, "initiatedBy": {"username": "bob"}}
    await delivery.patch(APPLICATIONS, name, delivery.control, {"operation": operation})


def phase_of(application: dict[str, Any]) -> str:
    return str((application.get("status", {}).get("operationState") or {}).get("phase"))


def has_ended(application: dict[str, Any]) -> bool:
    return is_idle(application) and phase_of(application) in ("Succeeded", "Failed", "Error")


async def test_without_automation_nothing_happens_until_somebody_asks(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=MANUAL))
    application = await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")
    assert health_of(application) == "Missing"
    assert "operationState" not in application["status"]

    await ask(delivery, "shop")
    application = await delivery.expect("shop", is_green)
    assert application["status"]["history"][0]["initiatedBy"] == {"username": "bob"}


async def test_a_dry_run_changes_nothing_and_leaves_no_history(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=MANUAL))
    await delivery.client.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": delivery.namespace}}
    )
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")

    await ask(delivery, "shop", dryRun=True)
    application = await delivery.expect("shop", has_ended)

    assert phase_of(application) == "Succeeded"
    assert "history" not in application["status"]
    assert sync_of(application) == "OutOfSync"


async def test_a_dry_run_takes_a_hook_of_the_last_sync_for_gone(delivery: Delivery):
    files: dict[str, str | None] = {"app/job.yaml": job("migrate", "migrate:1", "PreSync")}
    delivery.repository.commit("Begin", {**files, "app/a.yaml": config_map("a", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=MANUAL))
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")
    await ask(delivery, "shop")
    await delivery.expect("shop", is_green)
    before = await delivery.client.get(JOBS, "migrate", delivery.namespace)
    files["app/job.yaml"] = job("migrate", "migrate:2", "PreSync")
    await delivery.push("shop", "Another migration", {**files, "app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")

    await ask(delivery, "shop", dryRun=True)
    application = await delivery.expect(
        "shop", lambda app: has_ended(app) and app["status"]["operationState"]["operation"]["sync"].get("dryRun")
    )

    assert phase_of(application) == "Succeeded", application["status"]["operationState"]
    after = await delivery.client.get(JOBS, "migrate", delivery.namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_a_selective_sync_touches_only_what_it_names(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=MANUAL))
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")

    await ask(delivery, "shop", resources=[{"group": "", "kind": "ConfigMap", "name": "a"}])
    application = await delivery.expect("shop", has_ended)

    assert await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    await delivery.expect_gone(CONFIG_MAPS, "b", delivery.namespace)
    assert "history" not in application["status"]


async def test_without_prune_what_git_dropped_stays_and_is_named(delivery: Delivery):
    files: dict[str, str | None] = {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")}
    delivery.repository.commit("Begin", files)
    await delivery.deploy("shop", "app", policy={"automated": {"prune": False, "selfHeal": True}})

    await delivery.push("shop", "Drop b", {"app/b.yaml": None})
    application = await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync" and is_idle(app))

    assert why_of(application)["code"] == "why-extra"
    assert await delivery.client.get(CONFIG_MAPS, "b", delivery.namespace)
    row = next(row for row in application["status"]["resources"] if row["name"] == "b")
    assert row["requiresPruning"] is True


async def test_a_running_operation_is_terminated_when_asked(delivery: Delivery):
    files: dict[str, str | None] = {
        "app/job.yaml": job("migrate", "migrate:missing", "PreSync"),
        "app/a.yaml": config_map("a", x="1"),
    }
    delivery.repository.commit("Begin", files)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=MANUAL))
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")
    await ask(delivery, "shop")
    await delivery.expect("shop", lambda app: "migrate:missing" in why_of(app).get("text", ""))

    body = {"status": {"operationState": {"phase": "Terminating"}}}
    await delivery.patch(APPLICATIONS, "shop", delivery.control, body)
    application = await delivery.expect("shop", has_ended)

    assert phase_of(application) == "Failed"
    assert "terminated" in application["status"]["operationState"]["message"]


async def test_a_failed_sync_is_tried_again_and_gives_way_to_a_mend(delivery: Delivery):
    bad = config_map("a", x="1").replace("name: a", "name: Not_A_Name")
    delivery.repository.commit("Begin", {"app/a.yaml": bad, "app/b.yaml": config_map("b", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app"))
    application = await delivery.expect(
        "shop", lambda app: "Retrying attempt #1" in str(app.get("status", {}).get("operationState", {}).get("message"))
    )
    assert phase_of(application) == "Running"
    assert "Not_A_Name" in application["status"]["operationState"]["message"]
    assert why_of(application)["code"] == "sync-attempt-failed"

    commit = await delivery.push("shop", "Mend", {"app/a.yaml": config_map("a", x="1")})
    await delivery.expect("shop", at(commit))


async def test_waves_wait_for_the_health_of_the_wave_before(delivery: Delivery):
    from tests.e2e.delivery import deployment

    first = deployment("first", "web:missing")
    second = config_map("second", x="1").replace(
        "name: second", 'name: second\n  annotations:\n    argocd.argoproj.io/sync-wave: "1"'
    )
    delivery.repository.commit("Begin", {"app/first.yaml": first, "app/second.yaml": second})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app"))
    await delivery.expect("shop", lambda app: "web:missing" in why_of(app).get("text", ""))
    await delivery.expect_gone(CONFIG_MAPS, "second", delivery.namespace)

    commit = await delivery.push("shop", "Mend", {"app/first.yaml": deployment("first", "web:1")})
    await delivery.expect("shop", at(commit))
    assert await delivery.client.get(CONFIG_MAPS, "second", delivery.namespace)


async def test_a_parent_delivers_its_children_and_takes_them_along(delivery: Delivery):
    child = delivery.application("child", "child")
    child["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    files: dict[str, str | None] = {"parent/child.yaml": yaml.safe_dump(child), "child/a.yaml": config_map("a", x="1")}
    delivery.repository.commit("Begin", files)
    destination = {"server": "https://kubernetes.default.svc", "namespace": delivery.control}
    await delivery.deploy("parent", "parent", destination=destination)
    await delivery.expect("child", is_green)

    commit = await delivery.push(
        "parent", "Drop the child", {"parent/child.yaml": None, "parent/b.yaml": config_map("b")}
    )
    await delivery.expect("parent", at(commit))
    await delivery.expect_gone(APPLICATIONS, "child", delivery.control)
    await delivery.expect_gone(CONFIG_MAPS, "a", delivery.namespace)


async def test_a_pin_rolls_back_and_survives_the_parents_self_heal(delivery: Delivery):
    files: dict[str, str | None] = {
        "parent/child.yaml": yaml.safe_dump(delivery.application("child", "child")),
        "child/a.yaml": config_map("a", x="1"),
    }
    first = delivery.repository.commit("Begin", files)
    destination = {"server": "https://kubernetes.default.svc", "namespace": delivery.control}
    await delivery.deploy("parent", "parent", destination=destination)
    await delivery.expect("child", at(first))
    second = await delivery.push("child", "Second", {"child/a.yaml": config_map("a", x="2")})
    await delivery.expect("child", at(second))

    application = parse_application(await delivery.get("child"))
    entry = choose_entry(application, None)
    assert entry.revisions == (first,)
    patch = build_pin_patch(application, entry, owner="bob", reason="broken", now=datetime.now(UTC))
    await delivery.patch(APPLICATIONS, "child", delivery.control, patch)
    await delivery.expect("child", at(first))
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    assert live["data"] == {"x": "1"}

    await delivery.refresh("parent")
    await delivery.expect("parent", is_green)
    assert "haori.dev/pin" in (await delivery.get("child"))["metadata"]["annotations"]
    assert why_of(await delivery.get("child"))["code"] == "pin-holds"

    await delivery.annotate("child", {"haori.dev/pin": None})
    await delivery.expect("child", at(second))
    codes = [record.code for record in delivery.recorder.records]
    assert codes.count("pin-set") == 1
    assert codes.count("pin-ended") == 1


async def test_a_pin_past_its_end_goes_once_git_wants_something_else(delivery: Delivery):
    first = delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    second = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", at(second))
    application = parse_application(await delivery.get("shop"))
    now = datetime.now(UTC)
    patch = build_pin_patch(
        application,
        choose_entry(application, None),
        owner="bob",
        reason="broken",
        now=now,
        until=now + timedelta(seconds=1),
    )
    await delivery.patch(APPLICATIONS, "shop", delivery.control, patch)
    await delivery.expect("shop", lambda app: why_of(app).get("code") == "pin-overdue" and at(first)(app))

    third = await delivery.push("shop", "Third", {"app/a.yaml": config_map("a", x="3")})
    application_now = await delivery.expect("shop", at(third))
    assert "haori.dev/pin" not in application_now["metadata"]["annotations"]


async def test_a_secret_is_compared_without_being_kept_or_told(delivery: Delivery):
    value = base64.b64encode(b"canary-7c1").decode()
    secret = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  password: {value}\n"
    delivery.repository.commit("Begin", {"app/s.yaml": secret})
    await delivery.deploy("shop", "app")

    await delivery.patch(SECRETS, "s", delivery.namespace, {"data": {"password": base64.b64encode(b"other").decode()}})
    await delivery.expect_object(SECRETS, "s", delivery.namespace, lambda live: live["data"]["password"] == value)

    application = await delivery.expect("shop", is_green)
    told = json.dumps(application) + repr(delivery.recorder.records)
    assert value not in told
    assert "canary-7c1" not in told


def secret_of(**texts: str) -> str:
    lines = "".join(f"  {name}: {value}\n" for name, value in texts.items())
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n{lines}"


async def test_a_key_that_leaves_string_data_leaves_the_cluster(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/s.yaml": secret_of(user="ann", password="canary-5d2")})
    await delivery.deploy("shop", "app")

    commit = await delivery.push("shop", "No user", {"app/s.yaml": secret_of(password="canary-5d2")})
    await delivery.expect("shop", at(commit))

    live = await delivery.client.get(SECRETS, "s", delivery.namespace)
    assert live["data"] == {"password": base64.b64encode(b"canary-5d2").decode()}


async def test_a_secret_applied_as_string_data_before_loses_what_git_dropped(delivery: Delivery):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": delivery.namespace}}
    await delivery.client.create(NAMESPACES, namespace)
    marks = {
        "argocd.argoproj.io/tracking-id": f"shop:/Secret:{delivery.namespace}/s",
        "argocd.argoproj.io/installation-id": delivery.control,
    }
    before = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": delivery.namespace, "annotations": marks},
        "stringData": {"user": "ann", "password": "canary-5d2"},
    }
    await delivery.client.apply(SECRETS, before, field_manager="haori", force=True)
    others = {"data": {"theirs": base64.b64encode(b"kept").decode()}}
    await delivery.patch(SECRETS, "s", delivery.namespace, others)

    delivery.repository.commit("Begin", {"app/s.yaml": secret_of(password="canary-5d2")})
    await delivery.deploy("shop", "app")

    live = await delivery.client.get(SECRETS, "s", delivery.namespace)
    assert sorted(live["data"]) == ["password", "theirs"]


async def test_a_project_that_forbids_is_named(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", project="none"))
    application = await delivery.expect("shop", lambda app: bool(app.get("status", {}).get("conditions")))
    assert [row["type"] for row in application["status"]["conditions"]] == ["InvalidSpecError"]
    assert (sync_of(application), health_of(application)) == ("Unknown", "Unknown")
    assert why_of(application)["code"] == "project-missing"


async def test_custom_resources_come_with_their_definition(delivery: Delivery):
    group = f"{delivery.namespace}.example"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"coats.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Coat", "plural": "coats", "singular": "coat", "listKind": "CoatList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            },
                        }
                    },
                }
            ],
        },
    }
    coat = {"apiVersion": f"{group}/v1", "kind": "Coat", "metadata": {"name": "red"}, "spec": {"size": 3}}
    text = yaml.safe_dump_all([coat, definition])
    delivery.repository.commit("Begin", {"app/all.yaml": text})
    await delivery.deploy("shop", "app")

    commit = await delivery.push("shop", "Larger", {"app/all.yaml": text.replace("size: 3", "size: 4")})
    await delivery.expect("shop", at(commit))


@pytest.mark.tools
async def test_kustomize_and_helm(delivery: Delivery):
    chart = "apiVersion: v2\nname: hat\nversion: 1.0.0\n"
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hat\n"
        "data:\n  colour: {{ .Values.colour | quote }}\n"
    )
    files: dict[str, str | None] = {
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "base/a.yaml": config_map("a", x="1"),
        "overlay/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n",
        "chart/Chart.yaml": chart,
        "chart/values.yaml": "colour: red\n",
        "chart/templates/a.yaml": template,
    }
    delivery.repository.commit("Begin", files)
    kustomized = await delivery.deploy("overlay", "overlay")
    values = {"helm": {"valuesObject": {"colour": "blue"}}}
    charted = await delivery.deploy("chart", "chart", source=values)

    assert [kustomized["status"]["sourceType"], charted["status"]["sourceType"]] == ["Kustomize", "Helm"]
    assert await delivery.client.get(CONFIG_MAPS, "prod-a", delivery.namespace)
    hat = await delivery.client.get(CONFIG_MAPS, "chart-hat", delivery.namespace)
    assert hat["data"] == {"colour": "blue"}

    commit = await delivery.push("overlay", "Base", {"base/a.yaml": config_map("a", x="2")})
    await delivery.expect("overlay", at(commit))
    changed = await delivery.client.get(CONFIG_MAPS, "prod-a", delivery.namespace)
    assert changed["data"] == {"x": "2"}


async def test_a_hook_that_is_to_go_when_it_succeeded_is_gone(delivery: Delivery):
    policy = "argocd.argoproj.io/hook-delete-policy: HookSucceeded\n    argocd.argoproj.io/hook: PreSync"
    hook = job("migrate", "migrate:1", "PreSync").replace("argocd.argoproj.io/hook: PreSync", policy)
    delivery.repository.commit("Begin", {"app/job.yaml": hook, "app/a.yaml": config_map("a", x="1")})
    application = await delivery.deploy("shop", "app")

    await delivery.expect_gone(JOBS, "migrate", delivery.namespace)
    rows = application["status"]["operationState"]["syncResult"]["resources"]
    assert [row["hookPhase"] for row in rows if row["kind"] == "Job"] == ["Succeeded"]


async def test_a_second_engine_stands_by_and_takes_over(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    first_term = (await delivery.deploy("shop", "app"))["metadata"]["annotations"]["haori.dev/term"]
    first = delivery.leave_engine()
    await delivery.start_engine("second")

    commit = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    application = await delivery.expect("shop", at(commit))
    assert application["metadata"]["annotations"]["haori.dev/term"] == first_term

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    commit = await delivery.push("shop", "Third", {"app/a.yaml": config_map("a", x="3")})
    application = await delivery.expect("shop", at(commit))
    assert int(application["metadata"]["annotations"]["haori.dev/term"]) > int(first_term)
