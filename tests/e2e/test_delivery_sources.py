"""Applications of several sources, and applications that want the same object."""

from __future__ import annotations

from typing import Any

import pytest

from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS
from haori.delivery.controller.settings import GitSettings
from tests.e2e.delivery import Delivery, Repository, config_map, is_green, is_idle, sync_of, why_of

pytestmark = pytest.mark.e2e

CHART: dict[str, str | None] = {
    "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    "chart/templates/a.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coat\ndata:\n  colour: {{ .Values.colour }}\n"
    ),
}


def with_sources(delivery: Delivery, name: str, *sources: dict[str, Any], **policy: Any) -> dict[str, Any]:
    application = delivery.application(name, "", policy=policy)
    del application["spec"]["source"]
    application["spec"]["sources"] = [{"targetRevision": "main", **source} for source in sources]
    return application


def revisions_of(application: dict[str, Any]) -> list[str]:
    return list((application.get("status") or {}).get("sync", {}).get("revisions") or [])


@pytest.mark.tools
async def test_value_files_come_from_another_repository_by_its_ref(delivery: Delivery):
    values = Repository(delivery.folder / "values")
    first_values = values.commit("Red", {"live/values.yaml": "colour: red\n"})
    files = {**CHART, "extra/b.yaml": config_map("extra", x="1")}
    chart = delivery.repository.commit("Chart", files)
    sources = (
        {"repoURL": delivery.repository.url, "path": "chart", "helm": {"valueFiles": ["$values/live/values.yaml"]}},
        {"repoURL": values.url, "ref": "values"},
        {"repoURL": delivery.repository.url, "path": "extra"},
    )
    await delivery.client.create(APPLICATIONS, with_sources(delivery, "shop", *sources))
    found = await delivery.expect("shop", is_green)
    assert revisions_of(found) == [chart, first_values, chart]
    coat = await delivery.client.get(CONFIG_MAPS, "coat", delivery.namespace)
    assert coat["data"] == {"colour": "red"}
    assert await delivery.client.get(CONFIG_MAPS, "extra", delivery.namespace)

    second_values = values.commit("Blue", {"live/values.yaml": "colour: blue\n"})
    await delivery.refresh("shop")
    wanted = [chart, second_values, chart]
    found = await delivery.expect("shop", lambda app: is_green(app) and revisions_of(app) == wanted)
    coat = await delivery.client.get(CONFIG_MAPS, "coat", delivery.namespace)
    assert coat["data"] == {"colour": "blue"}
    assert [entry["revisions"] for entry in found["status"]["history"]] == [[chart, first_values, chart], wanted]


@pytest.mark.tools
async def test_a_ref_that_no_source_carries_is_named(delivery: Delivery):
    delivery.repository.commit("Chart", CHART)
    source = {"repoURL": delivery.repository.url, "path": "chart", "helm": {"valueFiles": ["$absent/values.yaml"]}}
    await delivery.client.create(APPLICATIONS, with_sources(delivery, "shop", source))
    found = await delivery.expect("shop", lambda app: bool((app.get("status") or {}).get("conditions")))
    (row,) = found["status"]["conditions"]
    assert row["type"] == "ComparisonError"
    assert "$absent/values.yaml" in row["message"]


async def test_of_two_sources_with_one_object_the_last_wins_and_it_is_said(delivery: Delivery):
    delivery.repository.commit("Begin", {"one/a.yaml": config_map("a", x="1"), "two/a.yaml": config_map("a", x="2")})
    sources = tuple({"repoURL": delivery.repository.url, "path": path} for path in ("one", "two"))
    await delivery.client.create(APPLICATIONS, with_sources(delivery, "shop", *sources))
    found = await delivery.expect("shop", is_green)
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    assert live["data"] == {"x": "2"}
    assert [row["type"] for row in found["status"]["conditions"]] == ["RepeatedResourceWarning"]


async def test_an_object_of_another_application_fails_the_sync_where_asked(delivery: Delivery):
    files = {"one/a.yaml": config_map("a", x="1"), "two/a.yaml": config_map("a", x="2")}
    delivery.repository.commit("Begin", {**files, "two/b.yaml": config_map("b", x="2")})
    await delivery.deploy("one", "one")

    options = {"syncOptions": ["CreateNamespace=true", "FailOnSharedResource=true"], "retry": {"limit": 0}}
    await delivery.client.create(APPLICATIONS, delivery.application("two", "two", policy=options))
    found = await delivery.expect("two", lambda app: is_idle(app) and _phase(app) == "Failed")

    assert "ConfigMap/a is part of applications" in found["status"]["operationState"]["message"]
    assert "one" in found["status"]["operationState"]["message"]
    assert {row["type"] for row in found["status"]["conditions"]} >= {"SharedResourceWarning", "SyncError"}
    assert why_of(found)["code"] == "sync-attempt-failed"
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    assert live["data"] == {"x": "1"}
    assert sync_of(await delivery.expect("one", is_green)) == "Synced"


def _phase(application: dict[str, Any]) -> str:
    return str(((application.get("status") or {}).get("operationState") or {}).get("phase"))


@pytest.mark.tools
async def test_a_remote_base_is_brought_and_a_push_to_it_is_delivered(delivery: Delivery):
    """The base's repository is watched like the application's own."""
    await delivery.stop_engine()
    await delivery.start_engine("watching", git=GitSettings(poll_seconds=0.5))
    base = Repository(delivery.folder / "base")
    base.commit("Begin", {"k/kustomization.yaml": "resources: [m.yaml]\n", "k/m.yaml": config_map("far", x="1")})
    entry = f"{base.url}//k?ref=main"
    delivery.repository.commit("Begin", {"app/kustomization.yaml": f"resources: ['{entry}']\nnamePrefix: near-\n"})
    await delivery.deploy("remote", "app")

    base.commit("Two", {"k/m.yaml": config_map("far", x="2")})

    await delivery.expect_object(
        CONFIG_MAPS, "near-far", delivery.namespace, lambda seen: seen.get("data") == {"x": "2"}
    )
