"""Objects that Argo CD or kubectl applied: judged without a write, taken over without touching a Pod, handed back as well."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from haori.cluster import ApiResource, PatchType
from haori.cluster.well_known import (
    APPLICATIONS,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
)
from tests.e2e.delivery import Delivery, Manifest, at, is_green, sync_of

pytestmark = pytest.mark.e2e

ARGO = "argocd-controller"
KUBECTL = "kubectl-client-side-apply"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TYPES: dict[str, ApiResource] = {
    each.kind: each for each in (CONFIG_MAPS, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, SERVICES)
}
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def pods(name: str) -> Manifest:
    """A Pod template with values that the API server spells its own way, and defaults left to it."""
    container = {
        "name": "web",
        "image": "web:1",
        "env": [{"name": "MODE", "value": "x"}],
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 2}},
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def manifests(*, extra: bool = True) -> list[Manifest]:
    """What Git wants; without `extra` a field fewer of two kinds."""
    selector = {"matchLabels": {"app": "web"}}
    data = {"a": "1"} | ({"gone": "x"} if extra else {})
    labels = {"team": "wear"} if extra else {}
    deployment = {"replicas": 1, "selector": selector, "template": pods("web")}
    stateful = {"replicas": 1, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": pods("db")}
    daemon = {"selector": {"matchLabels": {"app": "agent"}}, "template": pods("agent")}
    service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels}, "spec": deployment},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": stateful},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": daemon},
    ]  # fmt: skip


def as_file(items: list[Manifest]) -> dict[str, str | None]:
    return {"app/all.yaml": yaml.safe_dump_all(items)}


def marked(delivery: Delivery, manifest: Manifest, *, by_label: bool) -> Manifest:
    """The target as Argo CD sends it: with the destination's namespace and its mark."""
    group = manifest["apiVersion"].rpartition("/")[0]
    metadata = dict(manifest["metadata"], namespace=delivery.namespace)
    if by_label:
        metadata["labels"] = {**metadata.get("labels", {}), "app.kubernetes.io/instance": "shop"}
    else:
        place = f"{group}/{manifest['kind']}:{delivery.namespace}/{metadata['name']}"
        metadata["annotations"] = {
            "argocd.argoproj.io/tracking-id": f"shop:{place}",
            "argocd.argoproj.io/installation-id": delivery.control,
        }
    return {**manifest, "metadata": metadata}


def with_last_applied(manifest: Manifest) -> Manifest:
    annotations = {**manifest["metadata"].get("annotations", {}), LAST_APPLIED: json.dumps(manifest) + "\n"}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


async def apply_as(delivery: Delivery, how: str, items: list[Manifest], *, by_label: bool = False) -> None:
    """Sends what these programs send: `server` and `client` are Argo CD's two ways, `kubectl` is kubectl's, unmarked."""
    client = delivery.client
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": delivery.namespace}}
    await client.create(NAMESPACES, body)
    for item in items:
        resource, sent = TYPES[item["kind"]], marked(delivery, item, by_label=by_label)
        if how == "server":
            await client.apply(resource, sent, field_manager=ARGO, force=True)
        elif how == "client":
            await client.create(resource, with_last_applied(sent), field_manager=ARGO)
        else:
            plain = {**item, "metadata": {**item["metadata"], "namespace": delivery.namespace}}
            await client.create(resource, with_last_applied(plain), field_manager=KUBECTL)
            if how == "migrated":  # kubectl's objects that Argo CD began to apply on the server.
                await client.apply(resource, sent, field_manager=ARGO, force=True)


async def running(delivery: Delivery) -> dict[str, Any]:
    """What a restart would change: generations of workloads, ReplicaSets, Pods; once all of them are ready."""

    def is_ready(item: Manifest) -> bool:
        status = item.get("status") or {}
        ready = status.get("numberReady" if item["kind"] == "DaemonSet" else "readyReplicas")
        return status.get("observedGeneration") == item["metadata"]["generation"] and ready == 1

    found: dict[str, Any] = {}
    for kind, name in zip(WORKLOADS, ("web", "db", "agent"), strict=True):
        item = await delivery.expect_object(TYPES[kind], name, delivery.namespace, lambda item: is_ready(item))
        found[kind] = item["metadata"]["generation"]
    for resource in (REPLICA_SETS, PODS):
        listed = (await delivery.client.list(resource, delivery.namespace)).items
        found[resource.kind] = sorted(item["metadata"]["uid"] for item in listed)
    return found


def same_pods(found: dict[str, Any]) -> dict[str, Any]:
    """Without the Deployment's generation, which counts changes of annotations too."""
    return {kind: value for kind, value in found.items() if kind != "Deployment"}


async def versions(delivery: Delivery) -> dict[str, str]:
    """resourceVersions of what controllers leave alone once all is calm, and generations of the rest."""
    found = {}
    for item in manifests():
        resource, name = TYPES[item["kind"]], item["metadata"]["name"]
        metadata = (await delivery.client.get(resource, name, delivery.namespace))["metadata"]
        entries = [entry for entry in metadata["managedFields"] if not entry.get("subresource")]
        found[f"{item['kind']}/{name}"] = json.dumps([entry["manager"] for entry in entries])
    return found


HOW = ["server", "client", "kubectl", "migrated"]


@pytest.mark.parametrize("how", HOW)
async def test_what_is_as_git_wants_it_is_synced_without_a_write(delivery: Delivery, how: str):
    delivery.repository.commit("Begin", as_file(manifests()))
    await apply_as(delivery, how, manifests())
    before, owners = await running(delivery), await versions(delivery)

    application = delivery.application("shop", "app")
    await delivery.client.create(APPLICATIONS, application)
    found = await delivery.expect("shop", lambda app: sync_of(app) in ("Synced", "OutOfSync"))

    if how == "kubectl":  # Nobody marked it: the sync that marks it is the take-over.
        await delivery.expect("shop", is_green)
        assert same_pods(await running(delivery)) == same_pods(before)
    else:
        assert sync_of(found) == "Synced"
        assert "operationState" not in found["status"]
        assert await versions(delivery) == owners
        assert await running(delivery) == before


@pytest.mark.parametrize("how", HOW)
async def test_the_first_sync_takes_over_and_restarts_nothing(delivery: Delivery, how: str):
    delivery.repository.commit("Begin", as_file(manifests()))
    await apply_as(delivery, how, manifests())
    await running(delivery)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app"))
    await delivery.expect("shop", is_green)
    before = await running(delivery)

    commit = delivery.repository.commit("Fewer fields", as_file(manifests(extra=False)))
    await delivery.refresh("shop")
    await delivery.expect("shop", at(commit))

    config = await delivery.client.get(CONFIG_MAPS, "c", delivery.namespace)
    deployment = await delivery.client.get(DEPLOYMENTS, "web", delivery.namespace)
    assert config["data"] == {"a": "1"}
    assert "team" not in deployment["metadata"].get("labels", {})
    assert await running(delivery) == before
    for item in (config, deployment):
        managers = {(entry["manager"], entry["operation"]) for entry in item["metadata"]["managedFields"]}
        assert ("haori", "Apply") in managers
        assert not managers & {(ARGO, "Apply"), (ARGO, "Update"), (KUBECTL, "Update")}
    assert LAST_APPLIED not in config["metadata"]["annotations"]


async def test_objects_tracked_by_label_are_known_and_taken_over(delivery: Delivery):
    data = {"application.resourceTrackingMethod": "label"}
    await delivery.patch(CONFIG_MAPS, "argocd-cm", delivery.control, {"data": data})
    delivery.repository.commit("Begin", as_file(manifests()))
    await apply_as(delivery, "client", manifests(), by_label=True)
    before = await running(delivery)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app"))
    application = await delivery.expect("shop", is_green)
    assert "operationState" not in application["status"]

    fewer = [item for item in manifests(extra=False) if item["kind"] != "Service"]
    commit = delivery.repository.commit("No Service", as_file(fewer))
    await delivery.refresh("shop")
    await delivery.expect("shop", at(commit))
    await delivery.expect_gone(SERVICES, "web", delivery.namespace)
    assert await running(delivery) == before


async def test_going_back_restarts_nothing_either(delivery: Delivery):
    delivery.repository.commit("Begin", as_file(manifests()))
    await delivery.deploy("shop", "app")
    before = await running(delivery)
    await delivery.stop_engine()

    for item in manifests():
        sent = marked(delivery, item, by_label=False)
        live = await delivery.client.get(TYPES[item["kind"]], item["metadata"]["name"], delivery.namespace)
        assert (
            live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
            == (sent["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"])
        )
        # Argo CD's client-side apply is a merge patch of what differs from last-applied, which is not there: all of it.
        await delivery.client.patch(
            TYPES[item["kind"]], item["metadata"]["name"], delivery.namespace, with_last_applied(sent),
            patch_type=PatchType.STRATEGIC, field_manager=ARGO,
        )  # fmt: skip
    assert same_pods(await running(delivery)) == same_pods(before)
