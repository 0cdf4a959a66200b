"""Projects fail closed: what they do not permit is neither written, pruned nor deleted, on every cluster there is."""

from __future__ import annotations

from typing import Any

import pytest

from haori.cli.engine_client import EngineAnswerError
from haori.cluster import NotFoundError
from haori.cluster.well_known import APP_PROJECTS, APPLICATIONS, CONFIG_MAPS, JOBS, NAMESPACES
from tests.e2e.delivery import Delivery, Manifest, at, config_map, is_green, job, sync_of, why_of
from tests.e2e.test_delivery_answers import ask as ask_engine

pytestmark = pytest.mark.e2e

ALL: dict[str, Any] = {
    "sourceRepos": ["*"],
    "destinations": [{"server": "*", "namespace": "*"}],
    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
}
FINALIZER = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}


async def make_project(delivery: Delivery, **spec: Any) -> None:
    metadata = {"name": "team", "namespace": delivery.control}
    await delivery.client.create(
        APP_PROJECTS,
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": {**ALL, **spec}},
    )


async def edit_project(delivery: Delivery, **spec: Any) -> None:
    await delivery.patch(APP_PROJECTS, "team", delivery.control, {"spec": spec})


async def ask(delivery: Delivery, name: str, **sync: Any) -> None:
    operation = {"sync": sync, "initiatedBy": {"username": "bob"}}
    await delivery.patch(APPLICATIONS, name, delivery.control, {"operation": operation})


def has_failed(application: Manifest) -> bool:
    """An operation failed, for good or until it is tried again."""
    phase, message = message_of(application)
    return phase in ("Failed", "Error") or "Retrying attempt" in message


def message_of(application: Manifest) -> tuple[str, str]:
    state = (application.get("status") or {}).get("operationState") or {}
    return str(state.get("phase")), str(state.get("message"))


def says(code: str) -> Any:
    return lambda application: why_of(application).get("code") == code


def conditions_of(application: Manifest) -> dict[str, str]:
    return {row["type"]: row["message"] for row in (application.get("status") or {}).get("conditions") or ()}


async def exists(delivery: Delivery, name: str) -> bool:
    try:
        await delivery.client.get(CONFIG_MAPS, name, delivery.namespace)
    except NotFoundError:
        return False
    return True


async def test_what_the_project_stopped_permitting_is_left_alone(delivery: Delivery):
    await make_project(delivery)
    files: dict[str, str | None] = {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": job("work", "ok", "Skip")}
    delivery.repository.commit("Begin", files)
    await delivery.deploy("shop", "app", project="team", metadata=FINALIZER)

    await edit_project(delivery, namespaceResourceBlacklist=[{"group": "", "kind": "Config*"}])
    application = await delivery.expect("shop", lambda app: "ExcludedResourceWarning" in conditions_of(app))
    assert f"ConfigMap {delivery.namespace}/a" in conditions_of(application)["ExcludedResourceWarning"]

    commit = await delivery.push("shop", "Drop it", {"app/a.yaml": None})
    await delivery.expect("shop", at(commit))
    assert await exists(delivery, "a")

    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)
    assert await exists(delivery, "a")


async def test_one_object_that_is_not_permitted_keeps_all_from_being_written(delivery: Delivery):
    await make_project(delivery, namespaceResourceBlacklist=[{"group": "batch", "kind": "Job"}])
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1"),
        "app/job.yaml": job("migrate", "ok", "PreSync"),
    }
    delivery.repository.commit("Begin", files)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", project="team"))

    application = await delivery.expect("shop", has_failed)
    assert "project team does not allow the kind Job.batch" in message_of(application)[1]
    assert not await exists(delivery, "a")
    with pytest.raises(NotFoundError):
        await delivery.client.get(JOBS, "migrate", delivery.namespace)


async def test_the_namespace_to_create_has_to_be_permitted_too(delivery: Delivery):
    await make_project(delivery, clusterResourceWhitelist=[{"group": "", "kind": "Namespace", "name": "else-*"}])
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", project="team"))

    application = await delivery.expect("shop", has_failed)
    assert f"Namespace {delivery.namespace} is not permitted" in message_of(application)[1]
    with pytest.raises(NotFoundError):
        await delivery.client.get(NAMESPACES, delivery.namespace)

    await edit_project(delivery, clusterResourceWhitelist=ALL["clusterResourceWhitelist"])
    await ask(delivery, "shop")
    await delivery.expect("shop", is_green)


async def test_a_restriction_that_is_not_enforced_stops_every_sync_until_it_goes(delivery: Delivery):
    await make_project(delivery)
    first = delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app", project="team")

    await edit_project(delivery, syncWindows=[{"kind": "deny", "schedule": "0 0 * * *", "duration": "1h"}])
    await delivery.expect("shop", says("project-restriction-not-enforced"))
    second = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await ask(delivery, "shop")
    application = await delivery.expect("shop", has_failed)
    assert "spec.syncWindows" in message_of(application)[1]
    assert "remove these fields from the project" in conditions_of(application)["InvalidSpecError"]
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    assert (live["data"]["x"], application["status"]["sync"].get("revision")) == ("1", first)

    await edit_project(delivery, syncWindows=None)
    await delivery.expect("shop", lambda app: app["status"]["sync"].get("revision") == second)


async def test_a_deletion_waits_for_what_may_restrict_it_and_says_the_way_out(delivery: Delivery):
    await make_project(delivery)
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app", project="team", metadata=FINALIZER)

    await edit_project(delivery, futureRestriction=["something"])
    await delivery.expect("shop", says("project-restriction-not-enforced"))
    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    application = await delivery.expect("shop", lambda app: "DeletionError" in conditions_of(app))
    assert "spec.futureRestriction" in conditions_of(application)["DeletionError"]
    assert await exists(delivery, "a")

    await edit_project(delivery, futureRestriction=None)
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)
    assert not await exists(delivery, "a")


async def test_a_project_that_goes_stops_its_applications_and_their_deletion(delivery: Delivery):
    await make_project(delivery)
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app", project="team", metadata=FINALIZER)

    await delivery.client.delete(APP_PROJECTS, "team", delivery.control)
    application = await delivery.expect("shop", says("project-missing"))
    assert sync_of(application) == "Unknown"
    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    await delivery.expect("shop", lambda app: "DeletionError" in conditions_of(app))
    assert await exists(delivery, "a")

    await make_project(delivery)
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)
    assert not await exists(delivery, "a")


async def test_an_operation_brings_no_repository_that_its_project_forbids(delivery: Delivery):
    await make_project(delivery, sourceRepos=[delivery.repository.url])
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app", project="team")
    other = "file:///elsewhere/repository"

    await ask(delivery, "shop", source={"repoURL": other, "path": "app"}, revision="main")
    application = await delivery.expect("shop", has_failed)
    assert f"does not permit repository {other}" in message_of(application)[1]


async def test_applications_of_further_namespaces_count_where_settings_and_project_say_so(delivery: Delivery):
    home = f"{delivery.control}-team"
    await delivery.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}})
    await make_project(delivery)
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    application = delivery.application("shop", "app", project="team", metadata=FINALIZER)
    application["metadata"]["namespace"] = home
    await delivery.client.create(APPLICATIONS, application)
    parameters = {"metadata": {"name": "argocd-cmd-params-cm", "namespace": delivery.control}, "kind": "ConfigMap"}
    data = {"application.namespaces": f"{delivery.control}-t*"}

    await delivery.client.create(CONFIG_MAPS, {"apiVersion": "v1", **parameters, "data": data})
    await delivery.expect_object(APPLICATIONS, "shop", home, says("project-denies-application-namespace"))
    await edit_project(delivery, sourceNamespaces=["*-team"])
    await delivery.expect_object(APPLICATIONS, "shop", home, is_green)
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    mark = live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
    assert mark == f"{home}_shop:/ConfigMap:{delivery.namespace}/a"

    await delivery.client.delete(APPLICATIONS, "shop", home)
    await delivery.expect_gone(APPLICATIONS, "shop", home)
    assert not await exists(delivery, "a")


async def test_what_may_not_be_read_is_shown_to_nobody(delivery: Delivery):
    await make_project(delivery)
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app", project="team")
    await edit_project(delivery, sourceRepos=["https://elsewhere.example/*"])
    await delivery.expect("shop", says("project-denies-source"))
    for path in ("manifests", "diff", "plan"):
        with pytest.raises(EngineAnswerError) as refused:
            await ask_engine(delivery, "applications", "shop", path)
        assert refused.value.code == "application-refused"
