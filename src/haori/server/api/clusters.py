"""Clusters: the Secrets by which the engine reaches them. Credentials are written and never read.

see: argoproj/argo-cd `server/cluster/cluster.go` (3.x).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from haori.cluster import AlreadyExistsError, PatchType
from haori.cluster.well_known import SECRETS
from haori.delivery.controller.cluster_secrets import (
    CLUSTER,
    MANAGED_BY,
    ClusterEntry,
    normalize_server,
    read_cluster,
    secret_name,
)
from haori.objects import nested_list, nested_mapping, nested_text
from haori.resources import argo
from haori.server.answering import answer_json
from haori.server.api.listing import sees
from haori.server.api.refreshing import MANAGER
from haori.server.api.writing import refuse_declared
from haori.server.asking import Ask, is_name
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Filtered, Query, Route, Rule

LONGEST_NAME = 253
IN_CLUSTER = ClusterEntry(secret="", server=argo.IN_CLUSTER_SERVER, name=argo.IN_CLUSTER_NAME)


async def to_json(ask: Ask, entry: ClusterEntry) -> dict[str, Any]:
    """One as Argo CD lists it, without what is secret; whether it answers as its connection."""
    found = await ask.context.destinations.connection(entry, ask.context.clock())
    status, at = "Failed" if found.problem else "Successful", found.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    state = {"status": status, "message": found.problem, "attemptedAt": at}
    settings = entry.settings
    config = {"tlsClientConfig": {"insecure": settings.insecure if settings is not None else False}}
    return {
        "server": entry.server,
        "name": entry.name,
        "project": entry.project,
        "namespaces": list(entry.namespaces),
        "clusterResources": entry.cluster_resources,
        "config": config,
        "connectionState": state,
        "serverVersion": found.version,
        "info": {
            "connectionState": state,
            "serverVersion": found.version,
            "applicationsCount": _count(ask, entry),
            "cacheInfo": {},
        },
    }


def object_of(entry: ClusterEntry) -> str:
    """`server`, or `project/server` for one of a project."""
    return f"{entry.project}/{entry.server}" if entry.project else entry.server


async def entries(ask: Ask) -> list[ClusterEntry]:
    """All clusters, our own first where no Secret speaks of it."""
    found = await ask.context.destinations.entries()
    has_own = any(each.server == argo.IN_CLUSTER_SERVER for each in found)
    return found if has_own else [IN_CLUSTER, *found]


def _count(ask: Ask, entry: ClusterEntry) -> int:
    names = {entry.server, entry.name} if entry.server != argo.IN_CLUSTER_SERVER else {argo.IN_CLUSTER_NAME}
    keys, may_see = ask.context.table.having("cluster", names), sees(ask)
    return sum(row.key in keys and may_see(row) for row in ask.context.table.rows()) if keys else 0


async def _list(ask: Ask) -> Response:
    named = ask.text("name"), ask.text("server")
    wanted = [
        each
        for each in await entries(ask)
        if named[0] in ("", each.name) and named[1] in ("", each.server) and ask.may("clusters", "get", object_of(each))
    ]
    items = await asyncio.gather(*(to_json(ask, each) for each in wanted))
    return await answer_json(ask.request, {"metadata": {}, "items": items})


async def _named(ask: Ask) -> ClusterEntry | None:
    wanted = ask.parameters["cluster"]
    by_name = ask.text("id.type") == "name"
    for each in await entries(ask):
        if (each.name == wanted) if by_name else (each.server == normalize_server(wanted)):
            return each
    return None


async def named_object(ask: Ask) -> str:
    """The cluster of the path, as policies name it."""
    found = await _named(ask)
    return object_of(found) if found is not None else ask.parameters["cluster"]


async def demand_cluster(ask: Ask) -> ClusterEntry:
    """The cluster of the path. Raises RefusedError."""
    found = await _named(ask)
    if found is None:
        raise RefusedError(Kind.NOT_FOUND, "no-such-cluster", cluster=ask.parameters["cluster"][:200])
    return found


async def _get(ask: Ask) -> Response:
    found = await demand_cluster(ask)
    return await answer_json(ask.request, await to_json(ask, found))


async def _given_object(ask: Ask) -> str:
    body = await ask.json(dict)
    server, project = normalize_server(nested_text(body, "server")), nested_text(body, "project")
    return f"{project}/{server}" if project else server


def _values(body: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a Secret that a body says. Raises RefusedError."""
    values = {name: nested_text(body, name) for name in ("name", "project") if nested_text(body, name)}
    if not all(each.isprintable() and len(each) <= LONGEST_NAME for each in values.values()):
        raise RefusedError(Kind.INVALID, "field-unusable", field="name")
    if config := nested_mapping(body, "config"):
        values["config"] = orjson.dumps(config).decode()
    if isinstance(body.get("namespaces"), list):
        namespaces = nested_list(body, "namespaces")
        if not all(isinstance(each, str) and is_name(each) for each in namespaces):
            raise RefusedError(Kind.INVALID, "field-unusable", field="namespaces")
        values["namespaces"] = ",".join(namespaces)
    if isinstance(body.get("clusterResources"), bool):
        values["clusterResources"] = "true" if body["clusterResources"] else "false"
    return values


def _check(ask: Ask, secret: Mapping[str, Any]) -> ClusterEntry:
    """What the Secret says. Raises RefusedError where the cluster could not be reached by it."""
    entry = read_cluster(secret, allow_exec=ask.context.settings.allow_exec_credentials)
    if entry is None or entry.problem is not None:
        reason = entry.problem if entry is not None else ""
        raise RefusedError(Kind.INVALID, "cluster-refused", reason=reason)
    return entry


async def _create(ask: Ask) -> Response:
    body = await ask.json(dict)
    server = normalize_server(nested_text(body, "server"))
    if not server:
        raise RefusedError(Kind.INVALID, "field-unusable", field="server")
    secret: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(server),
            "namespace": ask.context.namespace,
            "labels": {argo.SECRET_TYPE: CLUSTER},
            "annotations": dict(MANAGED_BY),
        },
        "type": "Opaque",
        "stringData": {"server": server, "name": server, **_values(body)},
    }
    entry, known = _check(ask, secret), await _known(ask, server)
    await _refuse_taken(ask, entry)
    if known is not None:
        # What is changed is the one that is there, whatever project the body says.
        await _demand_change(ask, known, await _given_object(ask))
    if known is None or not known.secret:
        try:
            await ask.context.client.create(SECRETS, secret, field_manager=MANAGER)
        except AlreadyExistsError as error:
            raise _exists(server) from error
    else:
        await _merge(ask, known.secret, _values(body))
    return await answer_json(ask.request, await to_json(ask, entry))


async def _known(ask: Ask, server: str) -> ClusterEntry | None:
    return next((each for each in await entries(ask) if each.server == server), None)


async def _demand_change(ask: Ask, known: ClusterEntry, wanted: str) -> None:
    """Raises RefusedError where a cluster that is there may not be made anew. Our own has no Secret until somebody makes one,
    and is everybody's all the same."""
    if known.secret and not ask.flag("upsert"):
        raise _exists(known.server)
    ask.demand("clusters", "update", object_of(known), shown=known.server)
    if wanted != object_of(known):
        ask.demand("clusters", "create", wanted)


async def _refuse_taken(ask: Ask, entry: ClusterEntry) -> None:
    """Raises RefusedError where another cluster has the name: applications that say it would lead nowhere."""
    known = [each for each in await ask.context.destinations.entries() if each.server != entry.server]
    names = {each.name for each in known}
    if entry.server != argo.IN_CLUSTER_SERVER:
        names.add(argo.IN_CLUSTER_NAME)
    if entry.name in names:
        raise _exists(entry.name)


def _exists(cluster: str) -> RefusedError:
    return RefusedError(Kind.EXISTS, "cluster-exists", cluster=cluster[:200])


async def _merge(ask: Ask, name: str, values: Mapping[str, str]) -> ClusterEntry:
    client, namespace = ask.context.client, ask.context.namespace
    known = await client.get(SECRETS, name, namespace)
    refuse_declared(known)
    entry = _check(ask, {**known, "stringData": values})
    await _refuse_taken(ask, entry)
    await client.patch(
        SECRETS, name, namespace, {"stringData": dict(values)}, patch_type=PatchType.MERGE, field_manager=MANAGER
    )  # fmt: skip
    return entry


async def _update(ask: Ask) -> Response:
    found, body = await demand_cluster(ask), await ask.json(dict)
    if not found.secret:
        raise RefusedError(Kind.PRECONDITION, "cluster-is-our-own", cluster=found.name)
    if (project := nested_text(body, "project")) != found.project and project:
        ask.demand("clusters", "create", f"{project}/{found.server}")
    entry = await _merge(ask, found.secret, _values(body))
    return await answer_json(ask.request, await to_json(ask, entry))


async def _delete(ask: Ask) -> Response:
    found = await demand_cluster(ask)
    if not found.secret:
        raise RefusedError(Kind.PRECONDITION, "cluster-is-our-own", cluster=found.name)
    refuse_declared(await ask.context.client.get(SECRETS, found.secret, ask.context.namespace))
    await ask.context.client.delete(SECRETS, found.secret, ask.context.namespace)
    return await answer_json(ask.request, {})


def _rule(action: str) -> Rule:
    return Rule(resource="clusters", action=action, object_of=named_object, shown="cluster")


_BY = (Query(name="id.type", help="name where the path names the cluster, url where it is its server."),)
_PATH = "/api/v1/clusters"
_ONE = f"{_PATH}/{{cluster}}"
ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=_list,
        access=Filtered(resource="clusters"),
        summary="Clusters, without what is secret",
        query=(Query(name="name", help="Only this one."), Query(name="server", help="Only this one.")),
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=_create,
        access=Rule(resource="clusters", action="create", object_of=_given_object),
        summary="Adds a cluster",
        query=(Query(name="upsert", help="Whether one that is there is changed.", type="boolean"),),
        body="Cluster",
    ),
    Route(method="GET", path=_ONE, handler=_get, access=_rule("get"), summary="A cluster", query=_BY),
    Route(
        method="PUT",
        path=_ONE,
        handler=_update,
        access=_rule("update"),
        summary="Changes a cluster",
        query=_BY,
        body="Cluster",
    ),
    Route(method="DELETE", path=_ONE, handler=_delete, access=_rule("delete"), summary="Forgets a cluster", query=_BY),
)
