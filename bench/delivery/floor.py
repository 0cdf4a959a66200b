"""The bare writes: what the API server itself takes for what an engine has to send, and nothing else.

For each application four server-side applies and three merge patches of the Application with a status like the real one;
for a refresh two patches; for a deletion four deletes in the foreground, until the objects are gone.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from bench.delivery.calls import at_once, delete_quietly, merge
from bench.delivery.fixture import application, name_of, namespace_of, namespaces, objects_of
from haori.cluster import ApiResource, HttpClient, Propagation
from haori.cluster.well_known import (
    APPLICATIONS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    SERVICE_ACCOUNTS,
    SERVICES,
)

TYPES = {item.kind: item for item in (SERVICE_ACCOUNTS, CONFIG_MAPS, SERVICES, DEPLOYMENTS)}
PLACE = "bench-floor"
GONE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Seconds of the bare writes, and the client's processor seconds for creation, all applications together."""

    create: float
    change: float
    refresh: float
    delete: float
    create_cpu: float


async def measure(client: HttpClient, count: int) -> Floor:
    """Sends them to namespaces of its own with Applications that no engine looks at, and cleans up."""
    await at_once([PLACE, *namespaces(count)], lambda name: _namespace(client, name))
    numbers = range(count)

    async def create_application(number: int) -> None:
        manifest = application(number, "https://git.example/none.git", namespace=PLACE)
        del manifest["metadata"]["finalizers"]
        await client.create(APPLICATIONS, manifest)

    await at_once(numbers, create_application)
    cpu = time.process_time()
    create = await _timed(at_once(numbers, lambda number: _write(client, number, "r1")))
    cpu = time.process_time() - cpu
    change = await _timed(at_once(numbers, lambda number: _write(client, number, "r2")))
    refresh = await _timed(at_once(numbers, lambda number: _refresh(client, number)))
    delete = await _timed(_delete(client, count))
    await at_once(numbers, lambda number: client.delete(APPLICATIONS, name_of(number), PLACE))
    return Floor(create=create, change=change, refresh=refresh, delete=delete, create_cpu=cpu)


async def ensure_namespaces(client: HttpClient, count: int) -> None:
    """The namespaces of the applications' objects."""
    await at_once(namespaces(count), lambda name: _namespace(client, name))


async def _namespace(client: HttpClient, name: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await client.apply(NAMESPACES, manifest, field_manager="bench")


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _write(client: HttpClient, number: int, release: str) -> None:
    name, namespace = name_of(number), namespace_of(number)
    await merge(client, name, PLACE, {"status": _status(number, release, "OutOfSync", "Missing", "Running")})
    for manifest in objects_of(number, release):
        manifest["metadata"]["namespace"] = namespace
        tracking = f"{name}:{_group(manifest)}/{manifest['kind']}:{namespace}/{name}"
        manifest["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": tracking}
        await client.apply(TYPES[manifest["kind"]], manifest, field_manager="floor", force=True)
    await merge(client, name, PLACE, {"status": _status(number, release, "Synced", "Progressing", "Succeeded")})
    await merge(client, name, PLACE, {"status": _status(number, release, "Synced", "Healthy", "Succeeded")})


async def _refresh(client: HttpClient, number: int) -> None:
    name, asked = name_of(number), "argocd.argoproj.io/refresh"
    await merge(client, name, PLACE, {"metadata": {"annotations": {asked: "normal"}}})
    answer = {"metadata": {"annotations": {asked: None}}, "status": {"reconciledAt": _now()}}
    await merge(client, name, PLACE, answer)


async def _delete(client: HttpClient, count: int) -> None:
    async def delete(number: int) -> None:
        name, namespace = name_of(number), namespace_of(number)
        for resource in TYPES.values():
            await delete_quietly(client.delete(resource, name, namespace, propagation=Propagation.FOREGROUND))

    await at_once(range(count), delete)
    async with asyncio.timeout(GONE_SECONDS):
        for resource in TYPES.values():
            for namespace in namespaces(count):
                await _wait_empty(client, resource, namespace)


async def _wait_empty(client: HttpClient, resource: ApiResource, namespace: str) -> None:
    while True:
        if not (await client.list(resource, namespace, label_selector="release", limit=1)).items:
            return
        await asyncio.sleep(0.05)


def _group(manifest: dict[str, Any]) -> str:
    return "apps" if manifest["kind"] == "Deployment" else ""


def _status(number: int, release: str, sync: str, health: str, phase: str) -> dict[str, Any]:
    """As large as a status of an application of four objects is."""
    name, namespace = name_of(number), namespace_of(number)
    revision = (release.encode().hex() + "0" * 40)[:40]
    rows = [
        {"group": _group(item), "kind": item["kind"], "name": name, "namespace": namespace, "version": "v1",
         "status": sync, "message": f"{item['kind']}/{name} serverside-applied", "hookPhase": "Running",
         "syncPhase": "Sync"}
        for item in objects_of(number, release)
    ]  # fmt: skip
    source = {"repoURL": "https://git.example/none.git", "path": f"plain/{name}", "targetRevision": "main"}
    return {
        "sync": {"status": sync, "revision": revision, "comparedTo": {"source": source}},
        "health": {"status": health, "lastTransitionTime": _now()},
        "resources": [
            {field: row[field] for field in ("group", "kind", "name", "namespace", "version", "status")} for row in rows
        ],
        "reconciledAt": _now(),
        "operationState": {
            "phase": phase, "startedAt": _now(), "finishedAt": _now(), "message": "successfully synced",
            "operation": {"sync": {"revision": revision}, "initiatedBy": {"automated": True}},
            "syncResult": {"revision": revision, "source": source, "resources": rows},
        },
    }  # fmt: skip


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
