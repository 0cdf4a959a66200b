"""The recorded sequences of writes hold on a real API server."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Any

import pytest

from haori.cluster import AlreadyExistsError, ApiError, HttpClient, PatchType
from haori.cluster.discovery import ApiResource
from haori.cluster.well_known import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from haori.errors import PeerError
from tests.schema.ownership import NAMES, load, normalise, same

pytestmark = pytest.mark.controlplane
_PATCHES = {"merge-patch": PatchType.MERGE, "json-patch": PatchType.JSON, "strategic-patch": PatchType.STRATEGIC}


@pytest.fixture
async def namespace(cluster: HttpClient) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    await cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


async def served(cluster: HttpClient, definition: dict[str, Any] | None, kind: dict[str, Any]) -> ApiResource:
    """The type of the case, its definition created where it has one."""
    if definition is not None:
        with contextlib.suppress(AlreadyExistsError):
            await cluster.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
    async with asyncio.timeout(30):
        while True:
            resource = (await cluster.discover(refresh=True)).resource_of(kind["apiVersion"], kind["kind"])
            if resource is not None:
                return resource
            await asyncio.sleep(0.2)


async def play(cluster: HttpClient, resource: ApiResource, namespace: str, name: str, step: dict[str, Any]) -> Any:
    """What the server makes of one step."""
    body, manager, subresource = step["body"], step["manager"], step.get("subresource", "")
    if isinstance(body, dict) and "kind" in body:
        body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
    try:
        match step["do"]:
            case "create":
                got = await cluster.create(resource, body, field_manager=manager)
            case "replace":
                got = await cluster.replace(resource, body, field_manager=manager, subresource=subresource)
            case "apply":
                force = step.get("force", False)
                got = await cluster.apply(resource, body, field_manager=manager, force=force, subresource=subresource)
            case how:
                got = await cluster.patch(
                    resource, name, namespace, body,
                    patch_type=_PATCHES[how], field_manager=manager, subresource=subresource,
                )  # fmt: skip
    except PeerError as error:
        # A structure that cannot be read is answered with 500.
        message = error.message if isinstance(error, ApiError) else str(error.parameters["problem"])
        return {"error": message.replace(namespace, "NAMESPACE")}
    return normalise(got)


@pytest.mark.parametrize("case_name", NAMES)
async def test_server_does_as_recorded(cluster: HttpClient, namespace: str, case_name: str) -> None:
    case = load(case_name)
    first = case["steps"][0]["body"]
    resource = await served(cluster, case.get("definition"), first)
    for number, step in enumerate(case["steps"], 1):
        got = await play(cluster, resource, namespace, first["metadata"]["name"], step)
        assert same(got, step["expect"]), f"step {number}: {got}"
