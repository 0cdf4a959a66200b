"""What the API tells of itself, the forms its answers take, and what is no resource."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from haori.cluster.discovery import read_aggregated, read_resource_list
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.durations import human_duration
from haori.sandbox.api.housekeeping import forget_events
from haori.sandbox.api.routing import GroupPath, ResourcePath, parse_path
from haori.sandbox.api.store import open_store
from haori.sandbox.api.table import find_path
from tests.sandbox.api.support import Caller, running

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
AGGREGATED = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        yield caller


async def test_both_forms_of_discovery_tell_the_same(api: Caller) -> None:
    whole = read_aggregated([await api.ok("GET", path, headers=AGGREGATED) for path in ("/api", "/apis")])
    groups = await api.ok("GET", "/apis")
    paths = ["/api/v1"]
    paths += [f"/apis/{version['groupVersion']}" for group in groups["groups"] for version in group["versions"]]
    rows = [row for path in paths for row in read_resource_list(await api.ok("GET", path))]

    assert {each.gvk for each in whole.resources} == {each.gvk for each in rows}
    assert {each.gvk: each.subresources for each in whole.resources} == {each.gvk: each.subresources for each in rows}
    assert set(whole.resources) == set(api.api.resources())


async def test_discovery_is_sent_once(api: Caller) -> None:
    first = await api.send("GET", "/apis", headers=AGGREGATED)
    again = await api.send("GET", "/apis", headers=AGGREGATED | {"if-none-match": first.headers["etag"]})

    assert (again.status, again.body) == (304, b"")


async def test_openapi_documents_are_named_by_their_content(api: Caller) -> None:
    index = await api.ok("GET", "/openapi/v3")
    document = await api.send("GET", "/openapi/v3/apis/apps/v1", query={"hash": "X"})

    assert index["paths"]["apis/apps/v1"]["serverRelativeURL"].startswith("/openapi/v3/apis/apps/v1?hash=")
    assert "io.k8s.api.apps.v1.Deployment" in document.json["components"]["schemas"]
    assert "immutable" in document.headers["cache-control"]
    assert (await api.send("GET", "/openapi/v3/apis/none/v1")).status == 404


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
async def test_health_is_one_word(api: Caller, path: str) -> None:
    answer = await api.send("GET", path)

    assert (answer.status, answer.body) == (200, b"ok")


async def test_a_long_list_is_compressed_for_those_who_take_it(api: Caller) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    await api.ok("POST", path, {"metadata": {"name": "a"}, "data": {"long": "x" * 200_000}})

    answer = await api.send("GET", path, headers={"accept-encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 20_000
    assert len(orjson.loads(gzip.decompress(answer.body))["items"]) == 1


async def test_a_form_nobody_can_give_is_refused(api: Caller) -> None:
    refused = await api.refused("GET", "/api/v1/pods", headers={"accept": "image/png"})

    assert refused[:2] == (406, "NotAcceptable")


async def test_pods_are_shown_as_people_know_them(api: Caller) -> None:
    path = "/api/v1/namespaces/default/pods"
    await api.ok("POST", path, {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "a", "image": "b"}]}})
    pod = await api.ok("GET", f"{path}/web")
    waiting = {"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}, "restartCount": 2, "ready": False}
    await api.ok("PUT", f"{path}/web/status", pod | {"status": {"phase": "Pending", "containerStatuses": [waiting]}})

    table = await api.ok("GET", path, headers=TABLE)

    narrow = [each["name"] for each in table["columnDefinitions"] if each["priority"] == 0]
    assert narrow == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert table["rows"][0]["cells"][:4] == ["web", "0/1", "ImagePullBackOff", "2"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_every_type_has_a_table(api: Caller) -> None:
    for type_ in api.api.registry.types:
        if not type_.is_stored:
            continue
        root = f"/apis/{type_.group}" if type_.group else "/api"
        table = await api.ok("GET", f"{root}/{type_.version}/{type_.plural}", headers=TABLE)
        assert table["columnDefinitions"]
        assert all(len(row["cells"]) == len(table["columnDefinitions"]) for row in table["rows"])


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        ("/api", GroupPath(is_core=True)),
        ("/apis/", GroupPath(is_core=False)),
        ("/api/v1", GroupPath(is_core=True, version="v1")),
        ("/apis/apps/v1", GroupPath(is_core=False, group="apps", version="v1")),
        ("/api/v1/pods", ResourcePath(group="", version="v1", namespace="", plural="pods")),
        ("/api/v1/namespaces/a", ResourcePath(group="", version="v1", namespace="", plural="namespaces", name="a")),
        (
            "/api/v1/namespaces/a/finalize",
            ResourcePath(group="", version="v1", namespace="", plural="namespaces", name="a", subresource="finalize"),
        ),
        (
            "/apis/apps/v1/namespaces/a/deployments/b/scale",
            ResourcePath(
                group="apps", version="v1", namespace="a", plural="deployments", name="b", subresource="scale"
            ),
        ),
        (
            "/api/v1/namespaces/a/services/b:http/proxy/x%2Fy/z",
            ResourcePath(
                group="",
                version="v1",
                namespace="a",
                plural="services",
                name="b:http",
                subresource="proxy",
                rest="/x%2Fy/z",
            ),
        ),
        ("/metrics", None),
    ],
)
def test_paths_mean_what_kubernetes_says(path: str, meaning: Any) -> None:
    assert parse_path(path) == meaning


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (660, "11m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (20 * 3600, "20h"),
        (50 * 3600, "2d2h"),
        (40 * 86400, "40d"),
        (800 * 86400, "2y70d"),
        (-10, "<invalid>"),
    ],
)
def test_ages_read_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", [3]),
        ("spec.size", [3]),
        (".spec.items[0].name", ["a"]),
        (".spec.items[*].name", ["a", "b"]),
        ('.spec.items[?(@.name=="b")].value', [2]),
        (".metadata.labels.example\\.com/team", ["wear"]),
        (".spec.none.deeper", []),
    ],
)
def test_printer_columns_find_their_values(path: str, found: list[Any]) -> None:
    manifest = {
        "metadata": {"labels": {"example.com/team": "wear"}},
        "spec": {"size": 3, "items": [{"name": "a", "value": 1}, {"name": "b", "value": 2}]},
    }

    assert find_path(manifest, path) == found


async def test_events_are_forgotten_after_an_hour(api: Caller) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    path = "/api/v1/namespaces/default/events"
    for name, moment in (("old", "2026-11-24T10:30:00Z"), ("new", "2026-11-24T11:30:00Z")):
        about = {"kind": "Pod", "namespace": "default", "name": "web"}
        event = {"metadata": {"name": name}, "involvedObject": about, "lastTimestamp": moment, "reason": "Tested"}
        await api.ok("POST", path, event)

    forgotten = await forget_events(api.api, now)

    left = await api.ok("GET", path)
    assert (forgotten, [each["metadata"]["name"] for each in left["items"]]) == (1, ["new"])


async def test_an_event_is_one_thing_in_two_groups(api: Caller) -> None:
    about = {"kind": "Pod", "namespace": "default", "name": "web"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "message": "hello", "reason": "Tested"}
    await api.ok("POST", "/api/v1/namespaces/default/events", event)

    found = await api.ok("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e")

    assert (found["apiVersion"], found["note"]) == ("events.k8s.io/v1", "hello")
    assert found["regarding"]["name"] == "web"


async def test_a_new_event_makes_room(tmp_path: Path) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    async with open_store(tmp_path / "state.db") as store:
        layer = await open_api(store, now=lambda: now)
        type_ = layer.served("", "v1", "events")
        about = {"kind": "Pod", "namespace": "default", "name": "web"}
        for name, hours in (("a", 0), ("b", 2), ("c", 2)):
            now += timedelta(hours=hours)
            await layer.create(type_, {"metadata": {"name": name}, "involvedObject": about}, "default")

        left = [each["metadata"]["name"] for each in layer.all_of("events")]

    assert left == ["c"]
