"""Applications whose charts come from a repository over HTTP or from a registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, SECRETS
from haori.delivery.controller.repositories import build_secret
from tests.delivery.charts.server import (
    IMAGE_LAYER,
    PASSWORD,
    USER,
    ChartServer,
    make_archive,
    make_chart,
    serve_charts,
)
from tests.e2e.delivery import Delivery, config_map, is_green, sync_of

pytestmark = [pytest.mark.e2e, pytest.mark.tools]


@pytest.fixture
async def server() -> AsyncIterator[ChartServer]:
    async with serve_charts() as serving:
        yield serving


def revision_of(application: dict[str, Any]) -> str:
    return str((application.get("status") or {}).get("sync", {}).get("revision"))


def errors_of(application: dict[str, Any]) -> list[str]:
    rows = (application.get("status") or {}).get("conditions") or []
    return [row["message"] for row in rows if row["type"] == "ComparisonError"]


async def test_a_range_follows_the_repository(delivery: Delivery, server: ChartServer):
    server.add("web", "1.0.0")
    server.add("web", "2.0.0")
    source = {"repoURL": server.url, "chart": "web", "targetRevision": "^1.0.0", "path": ""}
    found = await delivery.deploy("shop", "", source=source)
    assert (revision_of(found), found["status"]["sourceType"]) == ("1.0.0", "Helm")

    server.add("web", "1.1.0")
    await delivery.refresh("shop")
    await delivery.expect("shop", lambda app: is_green(app) and revision_of(app) == "1.1.0")
    live = await delivery.client.get(CONFIG_MAPS, "shop-web", delivery.namespace)
    assert live["data"]["version"] == "1.1.0"
    history = (await delivery.get("shop"))["status"]["history"]
    assert [entry["revision"] for entry in history] == ["1.0.0", "1.1.0"]


async def test_a_repository_that_is_away_harms_its_own_application_only(delivery: Delivery, server: ChartServer):
    server.add("web", "1.0.0")
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "", source={"repoURL": server.url, "chart": "web", "targetRevision": "*", "path": ""})
    await delivery.deploy("other", "app")

    server.status = 503
    await delivery.refresh("shop")
    found = await delivery.expect("shop", lambda app: bool(errors_of(app)))
    assert (sync_of(found), revision_of(found)) == ("Unknown", "1.0.0")
    for word in ("web", server.url, "503"):
        assert word in errors_of(found)[0]
    head = delivery.repository.commit("More", {"app/a.yaml": config_map("a", x="2")})
    await delivery.refresh("other")
    await delivery.expect("other", lambda app: is_green(app) and revision_of(app) == head)

    server.status = 0
    await delivery.refresh("shop")
    await delivery.expect("shop", lambda app: is_green(app) and not errors_of(app))


async def test_a_locked_registry_opens_once_its_secret_is_there(delivery: Delivery, server: ChartServer):
    server.challenge = "bearer"
    server.push("team/web", "1.0.0", make_chart("web", "1.0.0"))
    url = f"{server.host}/team"
    plain = {"enableOCI": "true", "insecureOCIForceHttp": "true"}
    await delivery.client.create(SECRETS, build_secret(url, plain, namespace=delivery.control, kind="helm"))
    source = {"repoURL": url, "chart": "web", "targetRevision": "1.0.0", "path": ""}
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "", source=source))
    await delivery.expect("shop", lambda app: any("401" in each for each in errors_of(app)))

    secret = build_secret(
        url, {**plain, "username": USER, "password": PASSWORD}, namespace=delivery.control, kind="helm"
    )
    await delivery.client.replace(SECRETS, secret)
    await delivery.expect("shop", is_green)
    assert server.paths().count("/v2/team/web/tags/list") == 0


async def test_a_chart_takes_values_from_git_beside_manifests_from_a_registry(delivery: Delivery, server: ChartServer):
    server.add("web", "1.0.0")
    digest = server.push(
        "team/manifests", "1.0.0", make_archive({"./app/extra.yaml": config_map("extra", x="1")}), IMAGE_LAYER
    )
    registry = f"oci://{server.host}/team/manifests"
    secret = build_secret(registry, {"insecureOCIForceHttp": "true"}, namespace=delivery.control, kind="oci")
    await delivery.client.create(SECRETS, secret)
    head = delivery.repository.commit("Values", {"live/values.yaml": "size: 9\n"})
    application = delivery.application("shop", "")
    del application["spec"]["source"]
    application["spec"]["sources"] = [
        {"repoURL": server.url, "chart": "web", "targetRevision": "1.0.0",
         "helm": {"valueFiles": ["$git/live/values.yaml"]}},
        {"repoURL": delivery.repository.url, "targetRevision": "main", "ref": "git"},
        {"repoURL": registry, "targetRevision": "1.0.0", "path": "app"},
    ]  # fmt: skip
    await delivery.client.create(APPLICATIONS, application)

    found = await delivery.expect("shop", is_green)
    assert found["status"]["sync"]["revisions"] == ["1.0.0", head, digest]
    live = await delivery.client.get(CONFIG_MAPS, "shop-web", delivery.namespace)
    assert '"size":9' in live["data"]["values"]
    assert await delivery.client.get(CONFIG_MAPS, "extra", delivery.namespace)
