"""What a real API server makes of a manifest is in sync with the manifest, however that is spelled."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from haori.cluster import ApiResource, HttpClient, PatchType
from haori.cluster.well_known import CONFIG_MAPS, NAMESPACES
from haori.delivery.compare import CompareOptions, compare, trim
from haori.delivery.controller.assessing import would_change
from haori.delivery.controller.types_in_use import TypesInUse
from haori.objects.masking import SecretHasher
from haori.resources import haori
from tests.controlplane.test_ownership import served
from tests.delivery.compare.spellings import NAMES, load

pytestmark = pytest.mark.controlplane
HASHER = SecretHasher(b"k" * 32)


@pytest.fixture
async def namespace(cluster: HttpClient) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    await cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


async def _placed(cluster: HttpClient, namespace: str, name: str) -> tuple[ApiResource, dict[str, Any], CompareOptions]:
    case = load(name)
    resource = await served(cluster, case.definition, case.desired)
    desired = {**case.desired, "metadata": {**case.desired["metadata"]}}
    if resource.namespaced:
        desired["metadata"]["namespace"] = namespace
    schemas = await TypesInUse(cluster, lambda definition: definition).look([desired])
    return resource, desired, CompareOptions(type_of=schemas.type_for, hasher=HASHER)


@pytest.mark.parametrize("name", NAMES)
async def test_object_is_in_sync_however_it_is_spelled(cluster: HttpClient, namespace: str, name: str) -> None:
    resource, desired, options = await _placed(cluster, namespace, name)
    created = await cluster.create(resource, desired, field_manager="kubectl-create")
    try:
        assert not compare(desired, created, options).differences, "created by somebody else"
        applied = await cluster.apply(resource, desired, field_manager=haori.FIELD_MANAGER, force=True)
        assert not compare(desired, applied, options).differences, "applied"
        assert not compare(desired, trim(applied, hasher=HASHER), options).differences, "applied, from the cache"
        assert not await would_change(cluster, desired, manager=haori.FIELD_MANAGER)
    finally:
        if not resource.namespaced:
            await cluster.delete(resource, desired["metadata"]["name"])


async def test_dry_run_tells_what_applying_would_change(cluster: HttpClient, namespace: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": {}}
    assert await would_change(cluster, manifest, manager="us"), "nothing there yet"
    await cluster.create(CONFIG_MAPS, {**manifest, "data": {"a": "1"}}, field_manager="kubectl-create")
    assert not await would_change(cluster, {**manifest, "data": {"a": "1"}}, manager="us")
    assert await would_change(cluster, {**manifest, "data": {"a": "2"}}, manager="us")


async def test_a_dry_run_is_asked_anew_where_another_writes_meanwhile(
    cluster: HttpClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": {}}
    await cluster.create(CONFIG_MAPS, {**manifest, "data": {"a": "1"}}, field_manager="kubectl-create")
    get, reads = cluster.get, []

    async def get_before_another_writes(*which: Any) -> dict[str, Any]:
        found = await get(*which)
        reads.append(found)
        if len(reads) == 1:
            note = {"metadata": {"annotations": {"controller": "was here"}}}
            await cluster.patch(CONFIG_MAPS, "c", namespace, note, patch_type=PatchType.MERGE, field_manager="other")
        return found

    monkeypatch.setattr(cluster, "get", get_before_another_writes)
    assert not await would_change(cluster, {**manifest, "data": {"a": "1"}}, manager="us")
    assert len(reads) == 2


async def _judged(cluster: HttpClient, resource: ApiResource, namespace: str) -> dict[str, Any]:
    """The autoscaler once its controller has said what it thinks of it, and so leaves it alone."""
    async with asyncio.timeout(60):
        while True:
            live = await cluster.get(resource, "h", namespace)
            if live.get("status", {}).get("conditions"):
                return live
            await asyncio.sleep(0.2)


async def test_another_version_of_the_type_is_no_change(cluster: HttpClient, namespace: str) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    manifest = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": namespace},
        "spec": {"maxReplicas": 3, "scaleTargetRef": target, "targetCPUUtilizationPercentage": 60},
    }
    discovery = await cluster.discover()
    old, new = (discovery.resource_of(f"autoscaling/{each}", "HorizontalPodAutoscaler") for each in ("v1", "v2"))
    assert old is not None
    assert new is not None
    await cluster.apply(old, manifest, field_manager=haori.FIELD_MANAGER, force=True)
    live = await _judged(cluster, new, namespace)
    schemas = await TypesInUse(cluster, lambda definition: definition).look([manifest])
    assert compare(manifest, live, CompareOptions(type_of=schemas.type_for)).needs_dry_run
    assert not await would_change(cluster, manifest, manager=haori.FIELD_MANAGER)
