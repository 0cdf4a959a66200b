"""What repositories hold, over HTTP: told of those that are known, to those who may make an application of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.e2e.delivery import Delivery, config_map, deployment
from tests.e2e.serving import Api, serving

pytestmark = pytest.mark.e2e

CHART = "apiVersion: v2\nname: queue\nversion: 0.1.0\n"
VALUES = "image: {tag: '1.0'}\nports: [80, 443]\nmetrics.enabled: true\nempty:\n"
KUSTOMIZATION = "resources: [web.yaml]\nimages: [{name: registry.example/web, newTag: '2'}]\n"


@pytest.fixture
async def api(delivery: Delivery) -> AsyncIterator[Api]:
    async with serving(delivery) as api:
        yield api


@pytest.fixture
def one(delivery: Delivery) -> str:
    """The path of the delivery's repository, with three folders pushed and a tag."""
    delivery.repository.commit(
        "first",
        {
            "plain/settings.yaml": config_map("settings", color="red"),
            "queue/Chart.yaml": CHART,
            "queue/values.yaml": VALUES,
            "queue/values-staging.yaml": "",
            "web/kustomization.yaml": KUSTOMIZATION,
            "web/web.yaml": deployment("web", "registry.example/web:1"),
        },
    )
    delivery.repository.git("tag", "v1")
    return f"/api/v1/repositories/{quote(delivery.repository.url, safe='')}"


async def test_only_what_is_known_is_opened(delivery: Delivery, api: Api, one: str):
    unknown = [await api.ask("GET", f"{one}/{what}", status=404) for what in ("refs", "apps", "helmcharts")]
    await api.ask("POST", "/api/v1/repositories", {"repo": delivery.repository.url})
    known = await api.ask("GET", f"{one}/refs")

    assert {each["haori"]["code"] for each in unknown} == {"repository-unknown"}
    assert known == {"branches": ["main"], "tags": ["v1"]}


async def test_one_that_an_application_comes_from_is_known(delivery: Delivery, api: Api, one: str):
    await delivery.deploy("web", "plain")

    folders = await api.ask("GET", f"{one}/apps")

    assert folders["items"] == [{"path": "queue", "type": "Helm"}, {"path": "web", "type": "Kustomize"}]


async def test_each_tool_says_what_it_takes(delivery: Delivery, api: Api, one: str):
    await api.ask("POST", "/api/v1/repositories", {"repo": delivery.repository.url})

    chart = await api.ask("POST", f"{one}/appdetails", {"source": {"path": "queue"}, "appName": "queue"})
    kustomize = await api.ask("POST", f"{one}/appdetails", {"source": {"path": "web", "targetRevision": "v1"}})
    plain = await api.ask("POST", f"{one}/appdetails", {"source": {"path": "plain"}})
    missing = await api.ask("POST", f"{one}/appdetails", {"source": {"path": "nowhere"}}, status=400)

    assert (chart["type"], chart["helm"]["name"], chart["helm"]["values"]) == ("Helm", "queue", VALUES)
    assert chart["helm"]["valueFiles"] == ["values-staging.yaml", "values.yaml"]
    assert {each["name"]: each["value"] for each in chart["helm"]["parameters"]} == {
        "image.tag": "1.0", "ports[0]": "80", "ports[1]": "443", "metrics\\.enabled": "true", "empty": "",
    }  # fmt: skip
    assert kustomize == {"type": "Kustomize", "kustomize": {"images": ["registry.example/web:2"]}}
    assert plain == {"type": "Directory", "directory": {}}
    assert "nowhere" in missing["message"]


async def test_what_a_project_does_not_permit_is_not_read(delivery: Delivery, api: Api, one: str):
    await api.ask("POST", "/api/v1/repositories", {"repo": delivery.repository.url})
    spec = {"sourceRepos": ["https://x.example/*"], "destinations": [{"server": "*", "namespace": "*"}]}
    await api.ask("POST", "/api/v1/projects", {"project": {"metadata": {"name": "narrow"}, "spec": spec}})

    refused = await api.ask("GET", f"{one}/apps?appProject=narrow&appName=web", status=400)
    missing = await api.ask("GET", f"{one}/apps?appProject=nowhere&appName=web", status=400)

    assert {each["haori"]["code"] for each in (refused, missing)} == {"application-refused"}


async def test_a_repository_is_checked_before_it_is_added(delivery: Delivery, api: Api, one: str):
    fine = await api.ask("POST", f"{one}/validate", delivery.repository.url)
    given = await api.ask(
        "POST", f"{one}/validate?username=ann&password=hidden&insecure=false", delivery.repository.url
    )
    nowhere = quote(f"{delivery.repository.url}-nowhere", safe="")
    refused = await api.ask("POST", f"/api/v1/repositories/{nowhere}/validate?password=hidden", "", status=502)
    unsupported = await api.ask("POST", f"{one}/validate?type=oci", "", status=400)
    registry = await api.ask(
        "POST",
        f"/api/v1/repositories/{quote('https://charts.example', safe='')}/validate?type=helm&password=hidden",
        "",
        status=400,
    )

    assert fine == given == {}
    assert "hidden" not in str(refused)
    assert {each["haori"]["code"] for each in (unsupported, registry)} == {"repository-check-unsupported"}
