"""Charts and artifacts from an OCI registry."""

from __future__ import annotations

import pytest

from haori.delivery.charts import Access, ChartError, ChartRefusedError, Charts
from tests.delivery.charts.conftest import MakeCharts
from tests.delivery.charts.server import (
    BASIC,
    IMAGE_LAYER,
    PASSWORD,
    TOKEN,
    USER,
    ChartServer,
    make_archive,
    make_chart,
)

LOCKED = Access(username=USER, password=PASSWORD, is_plain=True)


def _publish(server: ChartServer, *versions: str) -> None:
    for version in versions:
        server.push("team/shop", version.replace("+", "_"), make_chart("shop", version))


@pytest.mark.parametrize("form", ["{host}/team", "oci://{host}/team"])
async def test_a_range_is_looked_for_among_tags(server: ChartServer, charts: Charts, form: str):
    _publish(server, "1.0.0", "1.1.0+build.7", "2.0.0-rc.1")
    url = form.format(host=server.host)

    version = await charts.resolve(url, "shop", "1.x")
    tree = await charts.tree(url, "shop", version)

    assert version == "1.1.0+build.7"
    assert b"version: 1.1.0+build.7" in await tree.read("Chart.yaml")
    assert "/v2/team/shop/manifests/1.1.0_build.7" in server.paths()


async def test_a_pinned_version_costs_no_look_at_tags_and_one_fetch(server: ChartServer, make_charts: MakeCharts):
    _publish(server, "1.0.0")
    await make_charts().tree(f"{server.host}/team", "shop", "1.0.0")
    asked = server.paths()
    await make_charts().tree(f"{server.host}/team", "shop", "1.0.0")

    assert server.paths() == asked
    assert not [path for path in asked if "tags" in path]


@pytest.mark.parametrize("challenge", ["basic", "bearer"])
async def test_a_challenge_is_answered(server: ChartServer, make_charts: MakeCharts, challenge: str):
    server.challenge = challenge
    _publish(server, "1.0.0")

    await make_charts(LOCKED).tree(f"{server.host}/team", "shop", "1.0.0")

    sent = [given for path, given in server.asked if path != "/token"]
    assert sent[0] == "", "nothing is sent before it is asked for"
    assert set(sent[1:]) == {BASIC if challenge == "basic" else f"Bearer {TOKEN}"}
    assert server.paths().count("/token") == (challenge == "bearer")


@pytest.mark.parametrize("access", [Access(is_plain=True), Access(username=USER, password="wrong", is_plain=True)])
@pytest.mark.parametrize("challenge", ["basic", "bearer"])
async def test_wrong_credentials_are_said(server: ChartServer, make_charts: MakeCharts, challenge: str, access: Access):
    server.challenge = challenge
    _publish(server, "1.0.0")

    with pytest.raises(ChartRefusedError) as caught:
        await make_charts(access).tree(f"{server.host}/team", "shop", "1.0.0")
    assert (caught.value.code, caught.value.parameters["status"]) == ("chart-refused", 401)


async def test_a_token_does_not_follow_a_blob_to_another_host(
    server: ChartServer, other: ChartServer, make_charts: MakeCharts
):
    server.challenge, server.blobs_at = "bearer", other.url
    content = make_chart("shop", "1.0.0")
    server.push("team/shop", "1.0.0", content)
    (digest,) = server.blobs
    other.files[f"/blob/{digest}"] = content

    await make_charts(LOCKED).tree(f"{server.host}/team", "shop", "1.0.0")

    assert other.asked == [(f"/blob/{digest}", "")]


async def test_an_index_may_point_into_a_registry(server: ChartServer, charts: Charts):
    _publish(server, "1.0.0")
    place = f"oci://{server.host}/team/shop:1.0.0"
    server.index = f"entries: {{shop: [{{version: 1.0.0, urls: ['{place}']}}]}}".encode()

    assert (await charts.tree(server.url, "shop", "1.0.0")).commit == "1.0.0"


@pytest.mark.parametrize(
    ("repository", "version", "code"),
    [
        ("team", "9.9.9", "chart-version-absent"),
        ("team", "^9", "chart-version-missing"),
        ("none", "^1", "chart-unknown"),
        ("team", "main", "chart-range-unreadable"),
        ("TE AM", "1.0.0", "chart-registry-url"),
        ("broken", "1.0.0", "chart-digest-wrong"),
        ("image", "1.0.0", "chart-no-layer"),
    ],
)
async def test_what_is_wrong_is_named(server: ChartServer, charts: Charts, repository: str, version: str, code: str):
    server.push("broken/shop", "1.0.0", b"x")
    server.blobs = dict.fromkeys(server.blobs, b"y")
    server.push("image/shop", "1.0.0", make_chart("shop", "1.0.0"), IMAGE_LAYER)
    _publish(server, "1.0.0")
    url = f"{server.host}/{repository}"

    with pytest.raises(ChartError) as caught:
        await charts.tree(url, "shop", await charts.resolve(url, "shop", version))

    assert caught.value.code == code
    assert {"shop", version} <= {str(value) for value in caught.value.parameters.values()}


async def test_an_artifact_of_manifests_is_known_by_its_digest(server: ChartServer, charts: Charts):
    files = {"./app/map.yaml": "kind: ConfigMap\n", "./README.md": "text"}
    digest = server.push("team/manifests", "1.0.0", make_archive(files), IMAGE_LAYER)
    url = f"oci://{server.host}/team/manifests"
    place = charts.watched(url, "", "1.0.0")
    assert place is not None

    assert await charts.resolve(url, "", "1.0.0") == await charts.resolve(url, "", "~1.0") == digest
    tree = await charts.tree(url, "", digest)
    assert [entry.path for entry in await tree.list(recursive=True)] == ["README.md", "app/map.yaml"]

    moved = server.push("team/manifests", "1.0.0", make_archive({"./app/map.yaml": "kind: Secret\n"}), IMAGE_LAYER)
    assert await charts.refresh(place) == moved
    assert await charts.resolve(url, "", "1.0.0") == moved
    assert charts.watched(url, "", digest) is None


@pytest.mark.parametrize(
    ("url", "chart", "wanted", "place"),
    [
        ("https://charts.example", "shop", "1.0.0", None),
        ("https://charts.example", "shop", "1.x", "chart+https://charts.example"),
        ("registry.example/team", "shop", "1.x", "chart+registry.example/team/#shop"),
        ("oci://registry.example/team", "shop", "*", "chart+oci://registry.example/team/#shop"),
        ("oci://registry.example/team/app", "", "main", "chart+oci://registry.example/team/app/#@main"),
    ],
)
def test_what_is_watched(charts: Charts, url: str, chart: str, wanted: str, place: str | None):
    assert charts.watched(url, chart, wanted) == place
