"""One application as it is: its manifest, tree, objects, manifests, events, commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from haori.cluster.well_known import EVENTS as CLUSTER_EVENTS
from haori.objects import Manifest, nested_mapping, nested_text
from haori.resources import argo
from haori.schema.mergepatch import merge_patch
from haori.server.answering import (
    EVENTS,
    FIELDS,
    JSON,
    answer_json,
    answer_stream,
    format_event,
    format_line,
    project_fields,
    wants_events,
)
from haori.server.api.listing import follow
from haori.server.api.refreshing import refresh
from haori.server.asking import Ask, application_object
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule

EVENTS_AT_MOST = 500
TREE_SECONDS = 3.0
"""How often a tree that somebody watches is looked at where its application's status says nothing."""


async def _get(ask: Ask) -> Response:
    application = await ask.application()
    if kind := ask.text("refresh"):
        application = await refresh(ask, kind)
    return await answer_json(ask.request, project_fields(application, ask.text("fields")))


async def ask_tree(ask: Ask) -> dict[str, Any]:
    """The application's tree, as the engine has it."""
    found: dict[str, Any] = await ask.context.engine.get(
        "applications", ask.application_name, "tree", appNamespace=ask.application_namespace
    )
    return found


async def _tree(ask: Ask) -> Response:
    await ask.application()
    return await answer_json(ask.request, build_tree((await ask_tree(ask))["nodes"]))


def build_tree(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Argo CD's ApplicationTree of the engine's nodes: parents by name, what is missing as such."""
    nodes = list(nodes)
    by_uid = {node["uid"]: node for node in nodes if node["uid"]}
    return {"nodes": [_tree_node(node, by_uid) for node in nodes], "orphanedNodes": [], "hosts": []}


def _tree_node(node: Mapping[str, Any], by_uid: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    parents = [by_uid[uid] for uid in node["parents"] if uid in by_uid]
    health = node["health"]
    if not node["uid"]:
        health = {"status": argo.HealthStatus.MISSING.value}
    told: dict[str, Any] = {**_ref(node), "parentRefs": [_ref(parent) for parent in parents]}
    if not parents:
        del told["parentRefs"]
    if health is not None:
        told["health"] = {name: health[name] for name in ("status", "message") if health.get(name)}
    if node["createdAt"]:
        told["createdAt"] = node["createdAt"]
    if node["kind"] == "Pod" and not node["group"] and node.get("images"):
        told["images"] = node["images"]
    return told


def _ref(node: Mapping[str, Any]) -> dict[str, Any]:
    names = ("group", "version", "kind", "namespace", "name", "uid")
    return {name: node[name] for name in names if node.get(name)}


async def _tree_stream(ask: Ask) -> Response:
    await ask.application()
    ask.context.streams.check_room()
    is_events = wants_events(ask.request)
    first = build_tree((await ask_tree(ask))["nodes"])
    return answer_stream(
        _watch_tree(ask, first, is_events=is_events), media_type=EVENTS if is_events else JSON, language=ask.language
    )


async def _watch_tree(ask: Ask, first: dict[str, Any], *, is_events: bool) -> AsyncIterator[bytes]:
    """The tree as it was first, and anew whenever the application's status says that something happened."""
    key, loop = (ask.application_namespace, ask.application_name), asyncio.get_running_loop()
    cursor, write = ask.context.table.cursor, format_event if is_events else format_line
    yield (before := write({"result": first}))
    look_again = loop.time() + TREE_SECONDS
    async for told in follow(ask, cursor, beat=b": \n\n" if is_events else b"\n", beat_seconds=TREE_SECONDS):
        is_concerned = False
        if isinstance(told, bytes):
            yield told
        elif any(row.key == key for row in told[1]):
            return
        else:
            is_concerned = any(each.row.key == key for each in told[0])
        # Pods come and go without a word in the application's status, so that time is a reason to look as well.
        if is_concerned or loop.time() >= look_again:
            after = write({"result": build_tree((await ask_tree(ask))["nodes"])})
            look_again = loop.time() + TREE_SECONDS
            if after != before:
                yield (before := after)


async def _managed(ask: Ask) -> Response:
    await ask.application()
    chosen = {name: ask.text(name) for name in ("group", "kind", "namespace", "name")}
    answer = await ask.context.engine.get(
        "applications", ask.application_name, "resources", appNamespace=ask.application_namespace, **chosen
    )
    return await answer_json(ask.request, {"items": [build_managed(each) for each in answer["items"]]})


def build_managed(item: Mapping[str, Any]) -> dict[str, Any]:
    """Argo CD's ResourceDiff of one object of the engine's: manifests as JSON texts, `null` where there is none.

    The predicted state is the live one with what is wanted laid over it, the live one itself where nothing differs.
    """
    desired, live = item["desired"], item["live"]
    is_synced = item["sync"] == argo.SyncStatus.SYNCED.value
    predicted = live if is_synced or desired is None else desired if live is None else merge_patch(live, desired)
    return {
        **{name: item[name] for name in ("group", "kind", "namespace", "name")},
        "targetState": _text(desired),
        "liveState": _text(live),
        "normalizedLiveState": _text(live),
        "predictedLiveState": _text(predicted if desired is not None else None),
        "resourceVersion": nested_text(live or {}, "metadata", "resourceVersion"),
        "modified": not is_synced,
    }


def _text(manifest: Manifest | None) -> str:
    return orjson.dumps(manifest).decode()


async def _manifests(ask: Ask) -> Response:
    application = await ask.application()
    revision = ask.text("revision")
    answer = await ask.context.engine.get(
        "applications", ask.application_name, "manifests", appNamespace=ask.application_namespace, revision=revision
    )
    destination = nested_mapping(application, "spec", "destination")
    told = {
        "manifests": [_text(each) for each in answer["items"]],
        "namespace": destination.get("namespace", ""),
        "server": destination.get("server", ""),
        "revision": revision or nested_text(application, "status", "sync", "revision"),
        "sourceType": nested_text(application, "status", "sourceType"),
    }
    return await answer_json(ask.request, told)


async def _events(ask: Ask) -> Response:
    application = await ask.application()
    name, namespace, uid = (ask.text(each) for each in ("resourceName", "resourceNamespace", "resourceUID"))
    client = ask.context.client
    if name or uid:
        node = await demand_object(ask, {"name": name, "namespace": namespace, "uid": uid})
        client = await ask.context.destinations.client_for(application)
        # As the tree has it, whatever the query left out: others have objects of that name, too.
        namespace = node["namespace"]
        selector = _selector({each: node[each] for each in ("name", "namespace", "uid")})
    else:
        metadata = nested_mapping(application, "metadata")
        namespace = ask.application_namespace
        selector = _selector(
            {"name": ask.application_name, "namespace": namespace, "uid": str(metadata.get("uid", ""))}
        )
    listed = await client.list(CLUSTER_EVENTS, namespace, field_selector=selector, limit=EVENTS_AT_MOST)
    value = {"metadata": {"resourceVersion": listed.resource_version}, "items": listed.items}
    return await answer_json(ask.request, value)


def _selector(of: Mapping[str, str]) -> str:
    return ",".join(f"involvedObject.{name}={_plain(value)}" for name, value in of.items() if value)


def _plain(value: str) -> str:
    if any(each in value for each in ",=!\\"):
        raise RefusedError(Kind.INVALID, "parameter-unreadable", parameter="resourceName")
    return value


async def demand_object(ask: Ask, wanted: Mapping[str, str], *, exactly: tuple[str, ...] = ()) -> dict[str, Any]:
    """The node of the application's tree that is meant. Raises RefusedError: what is no part of it is not told of.

    A field that is empty matches any, but for those that have to be met `exactly`. What is wanted and not there is no match:
    whatever stands under its name is another's.
    """
    for node in (await ask_tree(ask))["nodes"]:
        if node.get("uid") and all(
            node.get(name) == value or (not value and name not in exactly) for name, value in wanted.items()
        ):
            return dict(node)
    shown = " ".join(value for value in (wanted.get("kind", ""), wanted.get("name", "")) if value)
    raise RefusedError(Kind.NOT_FOUND, "object-not-of-application", object=shown, application=ask.application_name)


async def _revision(ask: Ask) -> Response:
    await ask.application()
    answer = await ask.context.engine.get(
        "applications",
        ask.application_name,
        "commit",
        appNamespace=ask.application_namespace,
        revision=ask.parameters["revision"],
    )
    return await answer_json(ask.request, answer)


APPLICATION = "/api/v1/applications/{name}"
APP_QUERY = (
    Query(name="appNamespace", help="The application's namespace, where it is not the control namespace."),
    Query(name="project", help="The project it has to be of."),
)
GET = Rule(resource="applications", action="get", object_of=application_object)
ROUTES = (
    Route(
        method="GET",
        path=APPLICATION,
        handler=_get,
        access=GET,
        summary="An application",
        query=(
            *APP_QUERY,
            Query(name="refresh", help="normal or hard: looked at anew first."),
            Query(name="fields", help=FIELDS),
        ),
    ),
    Route(
        method="GET",
        path=f"{APPLICATION}/resource-tree",
        handler=_tree,
        access=GET,
        summary="Its objects and all they own",
        query=APP_QUERY,
    ),
    Route(
        method="GET",
        path="/api/v1/stream/applications/{name}/resource-tree",
        handler=_tree_stream,
        access=GET,
        summary="Its tree as it changes",
        query=APP_QUERY,
        streams=True,
    ),
    Route(
        method="GET",
        path=f"{APPLICATION}/managed-resources",
        handler=_managed,
        access=GET,
        summary="Its objects, wanted and live",
        query=(
            *APP_QUERY,
            *(Query(name=each, help="Of the object.") for each in ("group", "kind", "namespace", "name")),
        ),
    ),
    Route(
        method="GET",
        path=f"{APPLICATION}/manifests",
        handler=_manifests,
        access=GET,
        summary="Its manifests at a revision",
        query=(*APP_QUERY, Query(name="revision", help="Another one than the one deployed.")),
    ),
    Route(
        method="GET",
        path=f"{APPLICATION}/events",
        handler=_events,
        access=GET,
        summary="Kubernetes events of it, or of one of its objects",
        query=(
            *APP_QUERY,
            *(Query(name=each, help="Of the object.") for each in ("resourceName", "resourceNamespace", "resourceUID")),
        ),
    ),
    Route(
        method="GET",
        path=f"{APPLICATION}/revisions/{{revision}}/metadata",
        handler=_revision,
        access=GET,
        summary="Who made a commit, when, and what it says",
        query=APP_QUERY,
    ),
)
