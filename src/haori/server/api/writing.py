"""Applications made, changed and deleted.

What Git declares (an application of an application) is not changed here: Git would change it back. Whoever may write is
held to the project as well: where it is not permitted, nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from haori.cluster import AlreadyExistsError, ConflictError, NotFoundError
from haori.cluster.well_known import APP_PROJECTS, APPLICATIONS
from haori.delivery.controller.admit import check_sources
from haori.delivery.controller.cluster_secrets import normalize_server
from haori.delivery.model import Application, Project, parse_application, parse_project
from haori.delivery.model.tracking import parse_tracking_id
from haori.objects import Manifest, annotations_of, copy_manifest, nested_list, nested_mapping, nested_text
from haori.resources import argo
from haori.schema.jsonpatch import json_patch
from haori.schema.mergepatch import merge_patch
from haori.server.answering import answer_json
from haori.server.api.reading import APP_QUERY, APPLICATION
from haori.server.api.refreshing import MANAGER, patch_application
from haori.server.asking import Ask, application_object, is_name, object_name, project_of
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule

TRIES = 5
"""Times a change is made anew on what the engine wrote meanwhile."""
OURS = ("labels", "annotations", "finalizers")
"""What of the metadata may be changed."""
FINALIZERS = {
    "": argo.RESOURCES_FINALIZER,
    "foreground": argo.RESOURCES_FINALIZER_FOREGROUND,
    "background": argo.RESOURCES_FINALIZER_BACKGROUND,
}
Change = Callable[[dict[str, Any]], dict[str, Any]]


async def _given(ask: Ask) -> dict[str, Any]:
    """The Application of the body: what it asks for, and nothing that only the engine says."""
    body = await ask.json(dict)
    metadata = nested_mapping(body, "metadata")
    name = nested_text(metadata, "name")
    namespace = nested_text(metadata, "namespace") or ask.application_namespace
    if not is_name(name) or not is_name(namespace):
        raise RefusedError(Kind.INVALID, "field-unusable", field="metadata.name")
    kept = {field: metadata[field] for field in OURS if metadata.get(field)}
    return {
        "apiVersion": argo.API_VERSION,
        "kind": argo.APPLICATION,
        "metadata": {"name": name, "namespace": namespace, **kept},
        "spec": _without_nulls(nested_mapping(body, "spec")),
    }


def _without_nulls(value: Any) -> Any:
    """As the API stores it: a field that is null is not there."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


async def _given_object(ask: Ask) -> str:
    return object_name(ask.context, await _given(ask))


async def _create(ask: Ask) -> Response:
    manifest = await _given(ask)
    namespace = manifest["metadata"]["namespace"]
    if not ask.is_application_namespace(namespace):
        raise RefusedError(Kind.FORBIDDEN, "application-namespace-unknown", namespace=namespace)
    await _check(ask, manifest)
    try:
        stored = await ask.context.client.create(APPLICATIONS, manifest, field_manager=MANAGER)
    except AlreadyExistsError:
        stored = await _create_again(ask, manifest)
    return await answer_json(ask.request, stored)


async def _create_again(ask: Ask, manifest: dict[str, Any]) -> dict[str, Any]:
    """One that is there already: as it is where the spec is the same, else changed if `upsert` says so."""
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    known = await ask.context.client.get(APPLICATIONS, name, namespace)
    ask.demand("applications", "get", object_name(ask.context, known), shown=name)
    if known.get("spec") == manifest["spec"]:
        return known
    if not ask.flag("upsert"):
        raise RefusedError(Kind.INVALID, "application-exists", application=name)
    ask.demand("applications", "update", object_name(ask.context, known))
    return await _change(ask, name, namespace, lambda found: _with_given(found, manifest))


async def _update(ask: Ask) -> Response:
    manifest = await _given(ask)
    if manifest["metadata"]["name"] != ask.application_name:
        raise RefusedError(Kind.INVALID, "field-unusable", field="metadata.name")
    return await _changed(ask, lambda found: _with_given(found, manifest))


async def _update_spec(ask: Ask) -> Response:
    spec = await ask.json(dict)
    stored = await _change(
        ask, ask.application_name, ask.application_namespace, lambda found: {**found, "spec": spec}
    )  # fmt: skip
    return await answer_json(ask.request, stored.get("spec"))


async def _patch(ask: Ask) -> Response:
    body = await ask.json(dict)
    given, type_ = body.get("patch"), body.get("patchType") or "json"
    try:
        patch = orjson.loads(given) if isinstance(given, str) else given
    except orjson.JSONDecodeError as error:
        raise RefusedError(Kind.INVALID, "body-unreadable", problem=str(error)[:200]) from error
    if type_ not in ("json", "merge"):
        raise RefusedError(Kind.INVALID, "parameter-unknown-word", parameter="patchType", known=["json", "merge"])

    def change(found: dict[str, Any]) -> dict[str, Any]:
        if type_ == "merge":
            patched = merge_patch(found, patch)
        elif isinstance(patch, list):
            patched = json_patch(found, patch)
        else:
            raise RefusedError(Kind.INVALID, "body-of-another-shape", wanted="list")
        if not isinstance(patched, dict):
            raise RefusedError(Kind.INVALID, "body-of-another-shape", wanted="object")
        return _with_given(found, patched)

    return await _changed(ask, change)


async def _changed(ask: Ask, change: Change) -> Response:
    stored = await _change(ask, ask.application_name, ask.application_namespace, change)
    return await answer_json(ask.request, stored)


def _with_given(found: Manifest, given: Manifest) -> dict[str, Any]:
    metadata = {name: value for name, value in nested_mapping(found, "metadata").items() if name not in OURS}
    metadata |= {name: value for name in OURS if (value := nested_mapping(given, "metadata").get(name))}
    return {**found, "metadata": metadata, "spec": nested_mapping(given, "spec")}


async def _change(ask: Ask, name: str, namespace: str, change: Change) -> dict[str, Any]:
    """The application after a change, made anew where somebody else wrote meanwhile."""
    for attempt in range(TRIES):
        found = await ask.context.client.get(APPLICATIONS, name, namespace)
        refuse_declared(found)
        wanted = change(copy_manifest(found))
        if project_of(wanted) != project_of(found):
            # As in Argo CD: to move is to change there and to make here.
            ask.demand("applications", "update", object_name(ask.context, found))
            for action in ("create", "update"):
                ask.demand("applications", action, object_name(ask.context, wanted))
        await _check(ask, wanted)
        try:
            return await ask.context.client.replace(APPLICATIONS, wanted, field_manager=MANAGER)
        except ConflictError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def refuse_declared(manifest: Manifest) -> None:
    """Raises RefusedError for what an application of ours keeps as Git has it."""
    owner = parse_tracking_id(annotations_of(manifest).get(argo.TRACKING_ID) or "")
    if owner is not None:
        name = f"{owner.kind} {owner.namespace}/{owner.name}"
        raise RefusedError(Kind.EXISTS, "declared-in-git", object=name, application=owner.application)


async def _check(ask: Ask, manifest: Manifest) -> None:
    """Raises RefusedError for the first thing that is wrong with an Application, or that its project forbids."""
    application = parse_application(manifest)
    project = await _project(ask, application)
    sentences = [problem.sentence for problem in application.problems]
    sentences += [condition.sentence for condition in check_sources(application.spec.sources, project)]
    if sentences:
        raise RefusedError(Kind.INVALID, "application-refused", application=application.name, reason=sentences[0])
    if not project.permits_namespace_of_application(application.namespace, ask.context.namespace):
        facts = {"project": project.name, "namespace": application.namespace}
        raise RefusedError(Kind.FORBIDDEN, "project-denies-application-namespace", **facts)
    destination = application.spec.destination
    entries = await ask.context.destinations.entries()
    server, name = normalize_server(destination.server), destination.name
    named = [(each.server, each.name) for each in entries] + [(argo.IN_CLUSTER_SERVER, argo.IN_CLUSTER_NAME)]
    places = [each for each in named if each[0] == server or (not server and each[1] == name)] or [(server, name)]
    if not project.permits_destination(*places[0], destination.namespace):
        facts = {"project": project.name, "cluster": name or server, "namespace": destination.namespace or "-"}
        raise RefusedError(Kind.FORBIDDEN, "project-denies-destination", **facts)


async def _project(ask: Ask, application: Application) -> Project:
    name = application.spec.project
    try:
        if is_name(name):
            return parse_project(await ask.context.client.get(APP_PROJECTS, name, ask.context.namespace))
    except NotFoundError:
        pass
    raise RefusedError(Kind.INVALID, "project-missing", application=application.name, project=name)


async def _delete(ask: Ask) -> Response:
    application = await ask.application()
    refuse_declared(application)
    policy = ask.text("propagationPolicy").lower()
    if policy not in FINALIZERS:
        raise RefusedError(
            Kind.INVALID, "parameter-unknown-word", parameter="propagationPolicy", known=sorted(FINALIZERS)[1:]
        )  # fmt: skip
    given = nested_list(application, "metadata", "finalizers")
    finalizers = [each for each in given if each.partition("/")[0] != argo.RESOURCES_FINALIZER]
    if ask.flag("cascade", default=True):
        finalizers.append(FINALIZERS[policy])
    if finalizers != given:
        await patch_application(ask, {"metadata": {"finalizers": finalizers}})
    await ask.context.client.delete(
        APPLICATIONS,
        ask.application_name,
        ask.application_namespace,
        uid=nested_text(application, "metadata", "uid"),
    )
    return await answer_json(ask.request, {})


def _rule(action: str) -> Rule:
    return Rule(resource="applications", action=action, object_of=application_object)


_UPSERT = Query(name="upsert", help="Whether one that is there is changed.", type="boolean")
ROUTES = (
    Route(
        method="POST",
        path="/api/v1/applications",
        handler=_create,
        access=Rule(resource="applications", action="create", object_of=_given_object),
        summary="Makes an application",
        query=(*APP_QUERY, _UPSERT),
        body="Application",
    ),
    Route(
        method="PUT",
        path=APPLICATION,
        handler=_update,
        access=_rule("update"),
        summary="Changes an application",
        query=APP_QUERY,
        body="Application",
    ),
    Route(
        method="PUT",
        path=f"{APPLICATION}/spec",
        handler=_update_spec,
        access=_rule("update"),
        summary="Changes what an application asks for",
        query=APP_QUERY,
        body="ApplicationSpec",
    ),
    Route(
        method="PATCH",
        path=APPLICATION,
        handler=_patch,
        access=_rule("update"),
        summary="Patches an application",
        query=APP_QUERY,
        body="ApplicationPatch",
    ),
    Route(
        method="DELETE",
        path=APPLICATION,
        handler=_delete,
        access=_rule("delete"),
        summary="Deletes an application, and (cascade) its objects",
        query=(
            *APP_QUERY,
            Query(name="cascade", help="Whether its objects go too; they do unless told.", type="boolean"),
            Query(name="propagationPolicy", help="foreground or background."),
        ),
    ),
)
