"""Where an application's Pods run, and who reaches them: its Pods by node, its network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from haori.cluster import ApiResource, HttpClient
from haori.cluster.well_known import INGRESSES, PODS, SERVICES
from haori.objects import Manifest, nested_text
from haori.server.answering import answer_json
from haori.server.api.reading import APP_QUERY, GET, ask_tree
from haori.server.asking import Ask
from haori.server.network import Parts, build_network
from haori.server.nodes import build_pod
from haori.server.routing import Route

Nodes = list[Mapping[str, Any]]
AT_ONCE = 8
"""Namespaces that are read at once."""


async def _of_application(client: HttpClient, nodes: Nodes, resource: ApiResource) -> list[Manifest]:
    """The whole objects of a kind that are in the tree; a namespace is read once, not each of its objects."""
    mine = [each for each in nodes if (each["group"], each["kind"]) == (resource.group, resource.kind) and each["uid"]]
    uids, turns = {each["uid"] for each in mine}, asyncio.Semaphore(AT_ONCE)

    async def read(namespace: str) -> Iterable[Manifest]:
        async with turns:
            return (await client.list(resource, namespace)).items

    found = await asyncio.gather(*(read(each) for each in sorted({str(each["namespace"]) for each in mine})))
    whole = [{**each, "kind": resource.kind} for items in found for each in items]
    return [each for each in whole if nested_text(each, "metadata", "uid") in uids]


async def _look(ask: Ask) -> tuple[HttpClient, Nodes]:
    application = await ask.application()
    nodes: Nodes = (await ask_tree(ask))["nodes"]
    return await ask.context.destinations.client_for(application), nodes


async def _pods(ask: Ask) -> Response:
    client, nodes = await _look(ask)
    health = {each["uid"]: each["health"] for each in nodes}
    pods = await _of_application(client, nodes, PODS)
    told = [build_pod(each, health.get(nested_text(each, "metadata", "uid"))) for each in pods]
    told.sort(key=lambda each: (each["node"], each["namespace"], each["name"]))
    return await answer_json(ask.request, {"items": told})


async def _network(ask: Ask) -> Response:
    client, nodes = await _look(ask)
    found = [await _of_application(client, nodes, each) for each in (INGRESSES, SERVICES, PODS)]
    ingresses, services, pods = (tuple(each) for each in found)
    parts = Parts(ingresses=ingresses, services=services, pods=pods)
    return await answer_json(ask.request, build_network(parts))


_OWN = "/api/haori/v1/applications/{name}"
ROUTES = (
    Route(
        method="GET", path=f"{_OWN}/pods", handler=_pods, access=GET, summary="Its Pods: where, how", query=APP_QUERY
    ),
    Route(
        method="GET",
        path=f"{_OWN}/network",
        handler=_network,
        access=GET,
        summary="Who reaches its Pods: Ingresses, Services, Pods",
        query=APP_QUERY,
    ),
)
