"""Where an application's Pods run, who reaches them, what they need: its Pods by node, its network, its dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from haori.cluster import ApiResource, ForbiddenError, HttpClient, NotFoundError
from haori.cluster.well_known import INGRESSES, PODS, SERVICES
from haori.objects import Manifest, nested_text
from haori.server.answering import answer_json
from haori.server.api.reading import APP_QUERY, GET, ask_tree
from haori.server.asking import Ask
from haori.server.dependencies import USERS, Need, Place, build_dependencies, place_of, places_of, users_among
from haori.server.network import Parts, build_network
from haori.server.nodes import build_pod
from haori.server.routing import Route

Nodes = list[Mapping[str, Any]]
AT_ONCE = 8
"""Namespaces, or single objects, that are read at once."""
MOST_LOOKED = 200
"""Objects beyond the application's own that one answer looks for."""


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


async def _dependencies(ask: Ask) -> Response:
    client, nodes = await _look(ask)
    found = [each for resource in USERS for each in await _permitted(client, nodes, resource)]
    users, here = users_among(found, {str(each["uid"]): each["parents"] for each in nodes}), places_of(nodes)
    turns = asyncio.Semaphore(AT_ONCE)

    async def look(place: Place, need: Need) -> tuple[Place, str]:
        async with turns:
            return place, await _state(client, need, place)

    wanted = {place_of(user, need): need for user, needs in users for need in needs}
    beyond = [(place, need) for place, need in wanted.items() if not here.get(place)]
    looked = await asyncio.gather(*(look(*each) for each in beyond[:MOST_LOOKED]))
    told = build_dependencies(users, here, dict(looked))
    return await answer_json(ask.request, {"items": told})


async def _permitted(client: HttpClient, nodes: Nodes, resource: ApiResource) -> list[Manifest]:
    """As `_of_application`; none of a kind that we may not read there."""
    try:
        return await _of_application(client, nodes, resource)
    except ForbiddenError:
        return []


async def _state(client: HttpClient, need: Need, place: Place) -> str:
    """`elsewhere`: it is there and not of the application; `missing`; `unknown` where we may not look."""
    try:
        await client.get(need.resource, need.name, place[2])
    except NotFoundError:
        return "missing"
    except ForbiddenError:
        return "unknown"
    return "elsewhere"


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
    Route(
        method="GET",
        path=f"{_OWN}/dependencies",
        handler=_dependencies,
        access=GET,
        summary="What its objects need: configuration, Secrets, accounts, volumes, targets, and whether it is there",
        query=APP_QUERY,
    ),
)
