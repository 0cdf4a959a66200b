"""The client in process and the client over HTTP give the same answers and the same errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import (
    AlreadyExistsError,
    ApiResource,
    ConflictError,
    EventType,
    GoneError,
    InvalidError,
    KubernetesClient,
    NotFoundError,
    PatchType,
    Propagation,
    WatchEvent,
)
from haori.cluster.http_client import connect
from haori.cluster.well_known import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS, SERVICES
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.local import LocalClient
from haori.sandbox.api.store import open_store

from .serving import serving


@pytest.fixture(params=["local", "http"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KubernetesClient]:
    if request.param == "local":
        async with open_store(tmp_path / "state.db") as store:
            yield LocalClient(await open_api(store))
    else:
        async with serving(tmp_path) as served, connect(served.kubeconfig) as connected:
            yield connected


def config_map(name: str = "a", data: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"k": "1"}}


def service(address: str) -> dict[str, Any]:
    spec = {"clusterIP": address, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "default"}, "spec": spec}


async def first(events: AsyncIterator[WatchEvent], count: int) -> list[WatchEvent]:
    """So many events that are no bookmarks."""
    found: list[WatchEvent] = []
    async with asyncio.timeout(20):
        async for event in events:
            if event.type is not EventType.BOOKMARK:
                found.append(event)
            if len(found) == count:
                break
    await events.aclose()  # type: ignore[attr-defined]
    return found


async def test_discovery_knows_the_types(client: KubernetesClient) -> None:
    discovery = await client.discover()
    deployments = discovery.resource_of("apps/v1", "Deployment")
    assert deployments is not None
    assert deployments.namespaced
    assert {"status", "scale"} <= deployments.subresources
    assert (await client.discover(refresh=True)).named("cm") is not None


async def test_an_object_is_created_read_changed_and_deleted(client: KubernetesClient) -> None:
    wanted = config_map()
    created = await client.create(CONFIG_MAPS, wanted, field_manager="test")
    assert "uid" not in wanted["metadata"]
    assert created["kind"] == "ConfigMap"
    assert created["metadata"]["managedFields"][0]["manager"] == "test"

    created["data"]["k"] = "2"
    replaced = await client.replace(CONFIG_MAPS, created)
    assert (await client.get(CONFIG_MAPS, "a", "default"))["data"] == {"k": "2"}
    assert replaced["metadata"]["resourceVersion"] != created["metadata"]["resourceVersion"]

    patched = await client.patch(
        CONFIG_MAPS, "a", "default", {"data": {"k": None, "l": "3"}}, patch_type=PatchType.MERGE
    )
    assert patched["data"] == {"l": "3"}

    answer = await client.delete(CONFIG_MAPS, "a", "default", uid=patched["metadata"]["uid"])
    assert answer is not None
    assert answer["kind"] == "Status"
    with pytest.raises(NotFoundError):
        await client.get(CONFIG_MAPS, "a", "default")


async def test_what_is_given_back_is_the_callers_own(client: KubernetesClient) -> None:
    await client.create(CONFIG_MAPS, config_map())
    (await client.get(CONFIG_MAPS, "a", "default"))["data"]["k"] = "changed"
    (await client.list(CONFIG_MAPS, "default")).items[0]["data"] = {}
    assert (await client.get(CONFIG_MAPS, "a", "default"))["data"] == {"k": "1"}


async def test_a_dry_run_writes_nothing(client: KubernetesClient) -> None:
    await client.create(CONFIG_MAPS, config_map(), dry_run=True)
    with pytest.raises(NotFoundError):
        await client.get(CONFIG_MAPS, "a", "default")


async def test_lists_select_and_bound(client: KubernetesClient) -> None:
    for name, tier in (("a", "web"), ("b", "web"), ("c", "db")):
        await client.create(CONFIG_MAPS, config_map(name, tier=tier))
    chosen = await client.list(CONFIG_MAPS, "default", label_selector="tier=web")
    assert [(item["kind"], item["metadata"]["name"]) for item in chosen.items] == [
        ("ConfigMap", "a"),
        ("ConfigMap", "b"),
    ]
    assert chosen.resource_version
    named = await client.list(CONFIG_MAPS, field_selector="metadata.name=c")
    assert [item["metadata"]["name"] for item in named.items] == ["c"]
    assert len((await client.list(CONFIG_MAPS, "default", limit=2)).items) == 2


async def test_a_watch_goes_on_where_a_list_ended(client: KubernetesClient) -> None:
    await client.create(CONFIG_MAPS, config_map("before"))
    listed = await client.list(CONFIG_MAPS, "default")
    events = client.watch(CONFIG_MAPS, "default", resource_version=listed.resource_version)
    watching = asyncio.create_task(first(events, 3))
    await client.create(CONFIG_MAPS, config_map("a"))
    await client.patch(CONFIG_MAPS, "a", "default", {"data": {"k": "2"}}, patch_type=PatchType.MERGE)
    await client.delete(CONFIG_MAPS, "a", "default")

    found = await watching
    assert [event.type for event in found] == [EventType.ADDED, EventType.MODIFIED, EventType.DELETED]
    assert {event.object["metadata"]["name"] for event in found} == {"a"}
    assert {event.object["kind"] for event in found} == {"ConfigMap"}


async def test_a_watch_from_nowhere_begins_with_what_is_there(client: KubernetesClient) -> None:
    found = await first(client.watch(NAMESPACES), 4)
    assert {event.type for event in found} == {EventType.ADDED}


async def create_twice(client: KubernetesClient) -> None:
    await client.create(CONFIG_MAPS, config_map())
    await client.create(CONFIG_MAPS, config_map())


async def replace_what_changed(client: KubernetesClient) -> None:
    old = await client.create(CONFIG_MAPS, config_map())
    await client.replace(CONFIG_MAPS, {**old, "data": {"k": "2"}})
    await client.replace(CONFIG_MAPS, {**old, "data": {"k": "3"}})


async def delete_another_of_the_name(client: KubernetesClient) -> None:
    await client.create(CONFIG_MAPS, config_map())
    await client.delete(CONFIG_MAPS, "a", "default", uid="11111111-1111-1111-1111-111111111111")


async def create_in_no_namespace(client: KubernetesClient) -> None:
    await client.create(CONFIG_MAPS, {**config_map(), "metadata": {"name": "a", "namespace": "absent"}})


async def create_what_is_invalid(client: KubernetesClient) -> None:
    await client.create(SERVICES, service("1.2.3.4"))


async def watch_from_the_future(client: KubernetesClient) -> None:
    events = client.watch(CONFIG_MAPS, resource_version="999999999")
    async for _ in events:
        pass


async def list_an_unknown_type(client: KubernetesClient) -> None:
    await client.list(ApiResource(group="no.example", version="v1", kind="No", plural="nos", namespaced=True))


@pytest.mark.parametrize(
    ("act", "error", "status"),
    [
        (create_twice, AlreadyExistsError, 409),
        (replace_what_changed, ConflictError, 409),
        (delete_another_of_the_name, ConflictError, 409),
        (create_in_no_namespace, NotFoundError, 404),
        (create_what_is_invalid, InvalidError, 422),
        (list_an_unknown_type, NotFoundError, 404),
    ],
)
async def test_refusals_are_the_same_errors(client: KubernetesClient, act: Any, error: Any, status: int) -> None:
    with pytest.raises(error) as raised:
        await act(client)
    assert raised.value.status == status
    assert raised.value.message


async def test_causes_name_the_fields(client: KubernetesClient) -> None:
    with pytest.raises(InvalidError) as raised:
        await client.create(SERVICES, service("1.2.3.4"))
    assert "spec.clusterIP" in raised.value.causes[0]["field"]


async def test_a_watch_that_is_too_old_is_gone(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db", log_limit=2) as store:
        client = LocalClient(await open_api(store))
        with pytest.raises(GoneError):
            await first(client.watch(CONFIG_MAPS, resource_version="1"), 1)


def deployment() -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


async def test_subresources_are_written_apart(client: KubernetesClient) -> None:
    made = await client.create(DEPLOYMENTS, deployment())
    changed = {**made, "status": {"replicas": 1}, "spec": {**made["spec"], "paused": True}}
    await client.replace(DEPLOYMENTS, changed, subresource="status")
    found = await client.get(DEPLOYMENTS, "web", "default")
    assert found["status"]["replicas"] == 1
    assert "paused" not in found["spec"]

    scale = await client.patch(
        DEPLOYMENTS, "web", "default", {"spec": {"replicas": 3}}, patch_type=PatchType.MERGE, subresource="scale"
    )
    assert scale["kind"] == "Scale"
    assert (await client.get(DEPLOYMENTS, "web", "default"))["spec"]["replicas"] == 3


async def test_a_deletion_with_finalizers_shows_what_still_is_there(client: KubernetesClient) -> None:
    held = config_map()
    held["metadata"]["finalizers"] = ["example.test/hold"]
    await client.create(CONFIG_MAPS, held)
    answer = await client.delete(CONFIG_MAPS, "a", "default", propagation=Propagation.BACKGROUND)
    assert answer is not None
    assert answer["kind"] == "ConfigMap"
    assert answer["metadata"]["deletionTimestamp"]


async def test_server_side_apply_owns_fields_and_meets_others(client: KubernetesClient) -> None:
    wanted = {**config_map(), "metadata": {"name": "a", "namespace": "default"}}
    await client.apply(CONFIG_MAPS, wanted, field_manager="one")
    other = {**wanted, "data": {"k": "2"}}
    with pytest.raises(ConflictError) as raised:
        await client.apply(CONFIG_MAPS, other, field_manager="two")
    assert [cause["field"] for cause in raised.value.causes] == [".data.k"]
    applied = await client.apply(CONFIG_MAPS, other, field_manager="two", force=True)
    assert applied["data"] == {"k": "2"}


async def test_a_binding_puts_a_pod_on_a_node(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}})
        account = ApiResource(group="", version="v1", kind="ServiceAccount", plural="serviceaccounts", namespaced=True)
        await client.create(
            account,
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}},
        )
        template = deployment()["spec"]["template"]["spec"]
        metadata = {"name": "web", "namespace": "default"}
        await client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template})
        bindings = ApiResource(group="", version="v1", kind="Binding", plural="bindings", namespaced=True)
        target = {"kind": "Node", "name": "one"}
        await client.create(bindings, {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target})
        assert (await client.get(PODS, "web", "default"))["spec"]["nodeName"] == "one"
