"""What the engine needs of a cluster before it can begin: its custom resource definitions and the default project.

Only what is missing is created; what is there, of whatever version and by whomever, is left as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from haori.cluster import AlreadyExistsError, ApiResource, KubernetesClient, NotFoundError
from haori.cluster.well_known import APP_PROJECTS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from haori.objects import key_of, nested_list
from haori.resources import crds, default_project, haori

ESTABLISH_SECONDS = 30.0
LOOK_SECONDS = 0.1


async def install_missing(
    client: KubernetesClient, namespace: str, *, on_installed: Callable[[str], None] = lambda name: None
) -> tuple[str, ...]:
    """What was created, as `Kind name`, in order; `on_installed` hears of each at once.

    Raises TimeoutError where a definition is not served within half a minute.
    """
    installed: list[str] = []

    async def ensure(resource: ApiResource, manifest: dict[str, Any]) -> None:
        if await _create_missing(client, resource, manifest):
            installed.append(str(key_of(manifest)))
            on_installed(installed[-1])

    await ensure(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for definition in crds():
        await ensure(CUSTOM_RESOURCE_DEFINITIONS, definition)
    async with asyncio.timeout(ESTABLISH_SECONDS):
        for definition in crds():
            await _wait_established(client, definition["metadata"]["name"])
    await ensure(APP_PROJECTS, default_project(namespace))
    return tuple(installed)


async def _create_missing(client: KubernetesClient, resource: ApiResource, manifest: dict[str, Any]) -> bool:
    metadata = manifest["metadata"]
    try:
        await client.get(resource, metadata["name"], metadata.get("namespace", ""))
    except NotFoundError:
        try:
            await client.create(resource, manifest, field_manager=haori.FIELD_MANAGER)
        except AlreadyExistsError:
            return False
        return True
    return False


async def _wait_established(client: KubernetesClient, name: str) -> None:
    while True:
        definition = await client.get(CUSTOM_RESOURCE_DEFINITIONS, name)
        conditions = nested_list(definition, "status", "conditions")
        if any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions):
            return
        await asyncio.sleep(LOOK_SECONDS)
