"""How the engine and its clusters do: for the operations page and the cluster view."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from haori.cluster import ForbiddenError
from haori.cluster.well_known import NODES, PODS
from haori.errors import HaoriError
from haori.server.answering import answer_json
from haori.server.api.clusters import demand_cluster, entries, named_object, object_of, to_json
from haori.server.api.own import speak
from haori.server.asking import Ask
from haori.server.nodes import build_nodes
from haori.server.routing import Filtered, Query, Route, Rule


async def _everything(ask: Ask) -> str:
    """Figures of the whole instance are for who may read all clusters."""
    return "*"


async def _engine(ask: Ask) -> Response:
    told = speak(await ask.context.engine.get("figures"), ask.language)
    server = {"applications": len(ask.context.table), "streams": ask.context.streams.open}
    return await answer_json(ask.request, {**told, "server": server})


async def _clusters(ask: Ask) -> Response:
    seen = [each for each in await entries(ask) if ask.may("clusters", "get", object_of(each))]
    known, problem = await _known_to_engine(ask)
    told = await asyncio.gather(*(to_json(ask, each) for each in seen))
    items = [{**each, "engine": known.get(each["server"])} for each in told]
    return await answer_json(ask.request, {"items": items, "problem": problem})


async def _known_to_engine(ask: Ask) -> tuple[Mapping[str, Any], dict[str, Any] | None]:
    """(the engine's figures by server, why there are none)."""
    try:
        figures = await ask.context.engine.get("figures")
    except HaoriError as error:
        return {}, error.sentence.to_json(ask.language)
    return {each["server"]: each for each in figures.get("clusters", ())}, None


async def _nodes(ask: Ask) -> Response:
    """Numbers of Pods, never their names: whoever may see a cluster may not see each application on it."""
    client = await ask.context.destinations.client_of(await demand_cluster(ask))
    try:
        nodes, pods = await asyncio.gather(client.list(NODES), client.list(PODS))
    except ForbiddenError as error:
        problem = error.sentence.to_json(ask.language)
        return await answer_json(ask.request, {"items": [], "problem": problem})
    return await answer_json(ask.request, {"items": build_nodes(nodes.items, pods.items), "problem": None})


_PATH = "/api/haori/v1/clusters"
ROUTES = (
    Route(
        method="GET",
        path="/api/haori/v1/engine",
        handler=_engine,
        access=Rule(resource="clusters", action="get", object_of=_everything),
        summary="How the engine does: queue, slow applications, noisy objects, requests, caches, renders",
    ),
    Route(
        method="GET",
        path=_PATH,
        handler=_clusters,
        access=Filtered(resource="clusters"),
        summary="Clusters, with what the engine knows of them",
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{cluster}}/nodes",
        handler=_nodes,
        access=Rule(resource="clusters", action="get", object_of=named_object, shown="cluster"),
        summary="A cluster's Nodes, with how many Pods each has",
        query=(Query(name="id.type", help="name where the path names the cluster, url where it is its server."),),
    ),
)
