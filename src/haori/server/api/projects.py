"""Projects: read and, where Git does not declare them, written."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from haori.cluster import AlreadyExistsError, ConflictError
from haori.cluster.well_known import APP_PROJECTS
from haori.delivery.model import parse_project
from haori.objects import nested_mapping, nested_text
from haori.resources import argo
from haori.server.answering import answer_json
from haori.server.api.refreshing import MANAGER
from haori.server.api.writing import TRIES, refuse_declared
from haori.server.asking import Ask, is_name
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Filtered, Query, Route, Rule

OURS = ("labels", "annotations", "finalizers")


async def _named(ask: Ask) -> str:
    return ask.parameters["name"]


async def _list(ask: Ask) -> Response:
    listed = await ask.context.client.list(APP_PROJECTS, ask.context.namespace)
    named = ask.text("name")
    items = [
        each
        for each in listed.items
        if named in ("", each["metadata"]["name"]) and ask.may("projects", "get", each["metadata"]["name"])
    ]
    return await answer_json(ask.request, {"metadata": {"resourceVersion": listed.resource_version}, "items": items})


async def _find(ask: Ask) -> dict[str, Any]:
    name = ask.parameters["name"]
    if not is_name(name):
        raise RefusedError(Kind.NOT_FOUND, "project-unknown", project=name[:100])
    return await ask.context.client.get(APP_PROJECTS, name, ask.context.namespace)


async def _get(ask: Ask) -> Response:
    return await answer_json(ask.request, await _find(ask))


async def _detailed(ask: Ask) -> Response:
    return await answer_json(ask.request, {"project": await _find(ask), "globalProjects": []})


async def _given(ask: Ask) -> dict[str, Any]:
    """The project of the body."""
    given = nested_mapping(await ask.json(dict), "project")
    metadata = nested_mapping(given, "metadata")
    name = nested_text(metadata, "name")
    if not is_name(name):
        raise RefusedError(Kind.INVALID, "field-unusable", field="project.metadata.name")
    kept = {field: metadata[field] for field in OURS if metadata.get(field)}
    manifest = {
        "apiVersion": argo.API_VERSION,
        "kind": argo.PROJECT,
        "metadata": {"name": name, "namespace": ask.context.namespace, **kept},
        "spec": dict(nested_mapping(given, "spec")),
    }
    if problems := parse_project(manifest).problems:
        raise RefusedError(Kind.INVALID, "project-refused", project=name, reason=problems[0].sentence)
    return manifest


async def _given_name(ask: Ask) -> str:
    return str((await _given(ask))["metadata"]["name"])


async def _create(ask: Ask) -> Response:
    manifest = await _given(ask)
    try:
        stored = await ask.context.client.create(APP_PROJECTS, manifest, field_manager=MANAGER)
    except AlreadyExistsError:
        if not ask.flag("upsert") and not (await ask.json(dict)).get("upsert"):
            raise
        ask.demand("projects", "update", manifest["metadata"]["name"])
        stored = await _change(ask, manifest)
    return await answer_json(ask.request, stored)


async def _update(ask: Ask) -> Response:
    manifest = await _given(ask)
    if manifest["metadata"]["name"] != ask.parameters["name"]:
        raise RefusedError(Kind.INVALID, "field-unusable", field="project.metadata.name")
    return await answer_json(ask.request, await _change(ask, manifest))


async def _change(ask: Ask, manifest: dict[str, Any]) -> dict[str, Any]:
    client, metadata = ask.context.client, manifest["metadata"]
    for attempt in range(TRIES):
        found = await client.get(APP_PROJECTS, metadata["name"], metadata["namespace"])
        refuse_declared(found)
        kept = {name: value for name, value in found["metadata"].items() if name not in OURS}
        wanted = {**found, "metadata": {**kept, **metadata}, "spec": manifest["spec"]}
        try:
            return await client.replace(APP_PROJECTS, wanted, field_manager=MANAGER)
        except ConflictError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


async def _delete(ask: Ask) -> Response:
    found = await _find(ask)
    refuse_declared(found)
    name = found["metadata"]["name"]
    used = sum(row.project == name for row in ask.context.table.rows())
    if used or name == argo.DEFAULT_PROJECT:
        raise RefusedError(Kind.PRECONDITION, "project-in-use", project=name, count=used)
    await ask.context.client.delete(
        APP_PROJECTS, name, ask.context.namespace, uid=nested_text(found, "metadata", "uid")
    )  # fmt: skip
    return await answer_json(ask.request, {})


def _rule(action: str) -> Rule:
    return Rule(resource="projects", action=action, object_of=_named)


_PATH = "/api/v1/projects"
ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=_list,
        access=Filtered(resource="projects"),
        summary="Projects",
        query=(Query(name="name", help="Only this one."),),
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=_create,
        access=Rule(resource="projects", action="create", object_of=_given_name),
        summary="Makes a project",
        body="ProjectRequest",
    ),
    Route(method="GET", path=f"{_PATH}/{{name}}", handler=_get, access=_rule("get"), summary="A project"),
    Route(
        method="GET",
        path=f"{_PATH}/{{name}}/detailed",
        handler=_detailed,
        access=_rule("get"),
        summary="A project with what counts for it",
    ),
    Route(
        method="PUT",
        path=f"{_PATH}/{{name}}",
        handler=_update,
        access=_rule("update"),
        summary="Changes a project",
        body="ProjectRequest",
    ),
    Route(
        method="DELETE", path=f"{_PATH}/{{name}}", handler=_delete, access=_rule("delete"), summary="Deletes a project"
    ),
)
