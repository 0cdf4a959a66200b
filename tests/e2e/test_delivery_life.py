"""The life of an operation: one at a time, tried again, terminated, on every cluster there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, JOBS, PODS
from haori.resources.haori import FIELD_MANAGER
from tests.e2e.delivery import Delivery, at, config_map, is_idle, job, sync_of, why_of

pytestmark = pytest.mark.e2e

MANUAL: dict[str, Any] = {"automated": None}


def state_of(application: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = (application.get("status") or {}).get("operationState") or {}
    return state


async def begin(delivery: Delivery, **files: str) -> str:
    named: dict[str, str | None] = {f"app/{name}.yaml": text for name, text in files.items()}
    commit = delivery.repository.commit("Begin", named)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=MANUAL))
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")
    return commit


async def ask(delivery: Delivery, who: str, **more: Any) -> None:
    operation = {"sync": {"syncOptions": ["CreateNamespace=true"]}, "initiatedBy": {"username": who}, **more}
    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"operation": operation})


def asked_by(application: dict[str, Any]) -> str:
    return str(((state_of(application).get("operation") or {}).get("initiatedBy") or {}).get("username"))


def succeeded_for(who: str) -> Callable[[dict[str, Any]], bool]:
    return lambda app: asked_by(app) == who and state_of(app).get("phase") == "Succeeded" and is_idle(app)


async def let_pull(delivery: Delivery) -> None:
    pods = (await delivery.client.list(PODS, delivery.namespace)).items
    for pod in pods:
        containers = [{**pod["spec"]["containers"][0], "image": "migrate:1"}]
        await delivery.patch(PODS, pod["metadata"]["name"], delivery.namespace, {"spec": {"containers": containers}})


async def test_an_operation_asked_for_while_one_runs_waits_for_its_end(delivery: Delivery):
    await begin(delivery, job=job("migrate", "migrate:missing", "PreSync"), a=config_map("a", x="1"))
    await ask(delivery, "ann")
    await delivery.expect("shop", lambda app: "migrate:missing" in why_of(app).get("text", ""))
    first = await delivery.client.get(JOBS, "migrate", delivery.namespace)
    await ask(delivery, "bob")
    await delivery.annotate("shop", {"argocd.argoproj.io/refresh": "normal"})
    running = await delivery.expect(
        "shop", lambda app: "argocd.argoproj.io/refresh" not in (app["metadata"].get("annotations") or {})
    )
    assert (asked_by(running), running["operation"]["initiatedBy"]["username"]) == ("ann", "bob")

    await let_pull(delivery)
    await delivery.expect(
        "shop", lambda app: asked_by(app) == "bob" and "migrate:missing" in why_of(app).get("text", "")
    )
    second = await delivery.client.get(JOBS, "migrate", delivery.namespace)
    await let_pull(delivery)
    ended = await delivery.expect("shop", lambda app: is_idle(app) and state_of(app).get("phase") == "Succeeded")

    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert [entry["initiatedBy"]["username"] for entry in ended["status"]["history"]] == ["ann", "bob"]


@pytest.mark.parametrize("refreshes", [False, True], ids=["the same revision", "refresh"])
async def test_a_retry_with_refresh_takes_the_newest_commit(delivery: Delivery, refreshes: bool):
    bad = config_map("a", x="1").replace("name: a", "name: Not_A_Name")
    commit = await begin(delivery, a=bad)
    backoff = {"duration": "1s", "factor": 1, "maxDuration": "1s"}
    await ask(delivery, "ann", retry={"limit": 4, "refresh": refreshes, "backoff": backoff})
    waiting = await delivery.expect("shop", lambda app: "Retrying attempt #" in str(state_of(app).get("message")))
    assert state_of(waiting)["phase"] == "Running"
    assert state_of(waiting)["finishedAt"]

    mend = await delivery.push("shop", "Mend", {"app/a.yaml": config_map("a", x="1")})
    ended = await delivery.expect("shop", lambda app: state_of(app).get("phase") in ("Succeeded", "Failed"))

    state = state_of(ended)
    assert state["startedAt"] == state_of(waiting)["startedAt"]
    assert state["phase"] == ("Succeeded" if refreshes else "Failed")
    assert state["syncResult"]["revision"] == (mend if refreshes else commit)
    assert state["retryCount"] == 4 or refreshes


async def test_an_operation_is_terminated_though_git_is_away(delivery: Delivery):
    await begin(delivery, job=job("migrate", "migrate:missing", "PreSync"), a=config_map("a", x="1"))
    await ask(delivery, "ann")
    await delivery.expect("shop", lambda app: "migrate:missing" in why_of(app).get("text", ""))
    await delivery.stop_engine()
    await delivery.patch(
        APPLICATIONS, "shop", delivery.control, {"status": {"operationState": {"phase": "Terminating"}}}
    )
    delivery.repository.folder.rename(delivery.folder / "away")
    await delivery.start_engine("another")

    ended = await delivery.expect("shop", lambda app: state_of(app).get("phase") == "Failed")
    assert state_of(ended)["message"] == "Operation terminated"
    await delivery.expect_gone(JOBS, "migrate", delivery.namespace)
    await delivery.expect_gone(CONFIG_MAPS, "a", delivery.namespace)


async def test_a_request_is_moved_into_the_state_with_a_revision_a_source_and_history_ends_at_its_limit(
    delivery: Delivery,
):
    files: dict[str, str | None] = {"one/a.yaml": config_map("a", x="1"), "two/b.yaml": config_map("b", x="1")}
    commit = delivery.repository.commit("Begin", files)
    sources = [{"repoURL": delivery.repository.url, "path": path, "targetRevision": "main"} for path in ("one", "two")]
    application = delivery.application("shop", "one", policy=MANUAL, revisionHistoryLimit=2)
    del application["spec"]["source"]
    application["spec"]["sources"] = sources
    await delivery.client.create(APPLICATIONS, application)
    await delivery.expect("shop", lambda app: sync_of(app) == "OutOfSync")
    for who in ("ann", "bob", "eve"):
        await ask(delivery, who)
        ended = await delivery.expect("shop", succeeded_for(who))
    assert "operation" not in ended
    assert state_of(ended)["syncResult"]["revisions"] == [commit, commit]
    assert [source["path"] for source in state_of(ended)["syncResult"]["sources"]] == ["one", "two"]
    history = ended["status"]["history"]
    assert [(entry["id"], entry["initiatedBy"]["username"]) for entry in history] == [(1, "bob"), (2, "eve")]
    assert [entry["revisions"] for entry in history] == [[commit, commit]] * 2


async def test_a_release_that_a_killed_engine_did_not_record_gets_its_place_in_history(delivery: Delivery):
    first = delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    await delivery.stop_engine()
    second = delivery.repository.commit("Next", {"app/a.yaml": config_map("a", x="2")})
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    metadata = {name: live["metadata"][name] for name in ("name", "namespace", "annotations")}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "2"}}
    await delivery.client.apply(CONFIG_MAPS, body, field_manager=FIELD_MANAGER, force=True)

    await delivery.start_engine()
    ended = await delivery.expect("shop", at(second))

    assert [entry["revision"] for entry in ended["status"]["history"]] == [first, second]
    assert state_of(ended)["syncResult"]["revision"] == second


async def test_after_a_restart_a_commit_that_concerns_others_is_no_release(delivery: Delivery):
    first = delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    before = await delivery.deploy("shop", "app")
    await delivery.stop_engine()
    second = delivery.repository.commit("Elsewhere", {"other/b.yaml": config_map("b", x="1")})

    await delivery.start_engine()
    after = await delivery.expect("shop", at(second))

    assert [entry["revision"] for entry in after["status"]["history"]] == [first]
    assert state_of(after) == state_of(before)


async def test_after_a_restart_a_hook_that_changed_alone_runs_no_more_than_before(delivery: Delivery):
    hook = job("migrate", "migrate:1", "PreSync")
    first = delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "app/job.yaml": hook})
    await delivery.deploy("shop", "app")
    before = await delivery.client.get(JOBS, "migrate", delivery.namespace)
    await delivery.stop_engine()
    second = delivery.repository.commit("Hook", {"app/job.yaml": hook.replace("migrate:1", "migrate:2")})

    await delivery.start_engine()
    ended = await delivery.expect("shop", at(second))
    again = await delivery.client.get(JOBS, "migrate", delivery.namespace)

    assert again["metadata"]["uid"] == before["metadata"]["uid"]
    assert [entry["revision"] for entry in ended["status"]["history"]] == [first]


async def test_an_application_that_was_made_again_has_what_runs_in_its_history(delivery: Delivery):
    first = delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)

    ended = await delivery.deploy("shop", "app")
    again = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)

    assert [entry["revision"] for entry in ended["status"]["history"]] == [first]
    assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
