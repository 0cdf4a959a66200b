"""Client and applier on a real API server."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing
from typing import Any

import pytest

from haori.cluster import (
    AlreadyExistsError,
    ConflictError,
    EventType,
    HttpClient,
    InvalidError,
    NotFoundError,
    PatchType,
    Reflector,
    WatchEvent,
    connect,
)
from haori.cluster.well_known import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES
from haori.delivery.apply import Action, Applier, Task, WriteDoor
from haori.delivery.model import SyncOptions
from haori.resources import haori

pytestmark = pytest.mark.controlplane


@pytest.fixture
async def namespace(cluster: HttpClient) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    await cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def config_map(namespace: str, name: str = "a", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def deployment(namespace: str, app: str = "a", image: str = "x:1") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": app}},
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    }


async def test_certificate_and_token_both_open_the_door(control_plane, cluster: HttpClient):
    async with connect(control_plane.kubeconfig, "envtest-token") as by_token:
        discovery, same = await by_token.discover(), await cluster.discover()
    assert discovery == same
    found = discovery.named("deploy")
    assert found is not None
    assert found.full_name == "deployments.apps"
    assert await cluster.discover(refresh=True) is same


async def test_objects_live_and_die(cluster: HttpClient, namespace: str):
    created = await cluster.create(CONFIG_MAPS, config_map(namespace, k="1"))
    with pytest.raises(AlreadyExistsError):
        await cluster.create(CONFIG_MAPS, config_map(namespace))
    await cluster.replace(CONFIG_MAPS, config_map(namespace, k="2"))
    with pytest.raises(ConflictError):
        await cluster.replace(CONFIG_MAPS, created)
    patched = await cluster.patch(CONFIG_MAPS, "a", namespace, {"data": {"z": "3"}}, patch_type=PatchType.MERGE)
    assert patched["data"] == {"k": "2", "z": "3"}
    assert len((await cluster.list(CONFIG_MAPS, namespace, field_selector="metadata.name=a")).items) == 1
    await cluster.delete(CONFIG_MAPS, "a", namespace)
    with pytest.raises(NotFoundError):
        await cluster.get(CONFIG_MAPS, "a", namespace)


async def test_server_side_apply_conflicts_are_conflicts(cluster: HttpClient, namespace: str):
    await cluster.apply(CONFIG_MAPS, config_map(namespace, k="1"), field_manager="one")
    with pytest.raises(ConflictError) as caught:
        await cluster.apply(CONFIG_MAPS, config_map(namespace, k="2"), field_manager="two")
    assert caught.value.causes[0]["field"] == ".data.k"


async def test_invalid_objects_name_their_fields(cluster: HttpClient, namespace: str):
    wrong = deployment(namespace)
    wrong["spec"]["selector"]["matchLabels"] = {"app": "other"}
    with pytest.raises(InvalidError) as caught:
        await cluster.create(DEPLOYMENTS, wrong)
    assert [cause["field"] for cause in caught.value.causes] == ["spec.template.metadata.labels"]


@pytest.mark.parametrize("metadata_only", [False, True])
async def test_a_reflector_hears_of_every_change(cluster: HttpClient, namespace: str, metadata_only: bool):
    heard: asyncio.Queue[WatchEvent] = asyncio.Queue()
    reading = cluster.metadata_only() if metadata_only else cluster
    reflector = Reflector(reading, CONFIG_MAPS, heard.put_nowait, namespace=namespace, field_selector="metadata.name=a")
    task = asyncio.create_task(reflector.run())
    async with asyncio.timeout(20):
        await reflector.wait_synced()
        await cluster.apply(CONFIG_MAPS, config_map(namespace, k="1"), field_manager="one")
        await cluster.delete(CONFIG_MAPS, "a", namespace)
        events = [await heard.get(), await heard.get()]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [event.type for event in events] == [EventType.ADDED, EventType.DELETED]
    assert ("data" in events[0].object) is not metadata_only
    assert events[0].object["kind"] == "ConfigMap"


async def test_a_wave_creates_changes_and_prunes(cluster: HttpClient, namespace: str):
    applier = Applier(cluster, WriteDoor())
    first = await applier.run_wave(
        [Task(action=Action.APPLY, desired=m) for m in (config_map(namespace, k="1"), deployment(namespace))]
    )
    assert [outcome.result.message for outcome in first] == [
        "configmap/a serverside-applied",
        "deployment.apps/d serverside-applied",
    ]
    pruned = await applier.run_wave([Task(action=Action.PRUNE, live=first[0].live)])
    assert pruned[0].result.to_json()["status"] == "Pruned"
    version = (first[0].live or {})["metadata"]["resourceVersion"]
    async with asyncio.timeout(20):
        async with aclosing(cluster.watch(CONFIG_MAPS, namespace, resource_version=version)) as events:
            async for event in events:
                if event.type is EventType.DELETED and event.object["metadata"]["name"] == "a":
                    break


async def test_an_immutable_field_says_what_to_do_and_force_does_it(cluster: HttpClient, namespace: str):
    applier = Applier(cluster, WriteDoor())
    [first] = await applier.run_wave([Task(action=Action.APPLY, desired=deployment(namespace))])
    change = Task(action=Action.APPLY, desired=deployment(namespace, app="b"), live=first.live)
    [refused] = await applier.run_wave([change])
    assert refused.error is not None
    assert (refused.error.code, refused.error.parameters["fields"]) == ("immutable-field", ["spec.selector"])
    assert refused.error.hint is not None
    forced = Task(
        action=Action.APPLY, desired=deployment(namespace, app="b"), live=first.live, options=SyncOptions(force=True)
    )
    [done] = await applier.run_wave([forced])
    assert done.error is None
    assert done.live is not None
    assert done.live["metadata"]["uid"] != (first.live or {})["metadata"]["uid"]


async def test_fields_of_kubectl_become_ours_without_touching_the_template(cluster: HttpClient, namespace: str):
    theirs = deployment(namespace)
    theirs["metadata"]["labels"] = {"old": "yes"}
    live = await cluster.create(DEPLOYMENTS, theirs, field_manager="kubectl-client-side-apply")
    [outcome] = await Applier(cluster, WriteDoor()).run_wave(
        [Task(action=Action.APPLY, desired=deployment(namespace), live=live)]
    )
    assert outcome.live is not None
    metadata = outcome.live["metadata"]
    managers = {entry["manager"] for entry in metadata["managedFields"] if not entry.get("subresource")}
    assert managers == {haori.FIELD_MANAGER}
    assert "labels" not in metadata
    assert outcome.live["spec"]["template"] == live["spec"]["template"]


async def test_a_definition_is_served_before_what_uses_it(cluster: HttpClient, namespace: str):
    group = f"{namespace}.example.com"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"cars.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Car", "plural": "cars", "singular": "car"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    car = {"apiVersion": f"{group}/v1", "kind": "Car", "metadata": {"name": "c", "namespace": namespace}}
    applier = Applier(cluster, WriteDoor())
    [missing] = await applier.run_wave([Task(action=Action.APPLY, desired=car)])
    assert missing.error is not None
    assert missing.error.code == "kind-not-served"
    outcomes = await applier.run_wave([Task(action=Action.APPLY, desired=each) for each in (definition, car)])
    assert [str(outcome.error) for outcome in outcomes] == ["None", "None"]


async def test_a_namespace_is_made_once(cluster: HttpClient):
    applier = Applier(cluster, WriteDoor())
    name = f"t-{uuid.uuid4().hex[:8]}"
    assert (await applier.create_namespace(name)).result.message == f"namespace/{name} created"
    again = await applier.create_namespace(name)
    assert (again.error, again.result.message) == (None, f"namespace/{name} unchanged")
    labelled = await applier.create_namespace(name, {"labels": {"a": "b"}})
    assert (labelled.live or {})["metadata"]["labels"]["a"] == "b"
