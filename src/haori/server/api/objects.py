"""One object of an application: read, patched, deleted, acted upon.

Only what the engine has in the application's tree is reached: an object is found by its whole name there first. Secrets are
shown masked. A change of what Git declares, where the application heals itself, is refused: it would not last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from haori.cluster import ApiResource, HttpClient, NotFoundError, PatchType, Propagation
from haori.delivery.model import parse_application
from haori.objects import GroupVersionKind, key_of, nested_text
from haori.objects.masking import mask_manifest
from haori.server.actions import Asked, actions_of, plan_action
from haori.server.answering import answer_json
from haori.server.api.reading import APP_QUERY, APPLICATION, GET, demand_object
from haori.server.api.refreshing import MANAGER
from haori.server.asking import Ask, application_object
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule

_PATCHES = {"": PatchType.MERGE, **{each.value: each for each in PatchType if each is not PatchType.APPLY}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One object of an application."""

    node: Mapping[str, Any]
    client: HttpClient
    resource: ApiResource

    async def live(self) -> dict[str, Any]:
        """As it is now. Raises RefusedError."""
        return await self.client.get(self.resource, self.node["name"], self.node["namespace"])


def _named(ask: Ask) -> dict[str, str]:
    """The object that the query, or the body of newer clients, names."""
    given = ask.given_in_body
    names = {"group": "group", "kind": "kind", "namespace": "namespace", "name": "resourceName", "version": "version"}
    return {field: ask.text(name) or nested_text(given, name) for field, name in names.items()}


def _detail(ask: Ask) -> str:
    named = _named(ask)
    return "/".join(named[each] for each in ("group", "kind", "namespace", "name"))


async def _find(ask: Ask) -> Found:
    application, named = await ask.application(), _named(ask)
    if not named["kind"] or not named["name"]:
        raise RefusedError(Kind.INVALID, "field-unusable", field="resourceName")
    version = named.pop("version")
    node = await demand_object(ask, named, exactly=("group", "kind", "namespace", "name"))
    client = await ask.context.destinations.client_for(application)
    type_ = GroupVersionKind(node["group"], version or node["version"], node["kind"])
    resource = (await client.discover()).resource(type_)
    if resource is None:
        raise RefusedError(
            Kind.NOT_FOUND, "object-not-of-application", object=str(type_.kind), application=ask.application_name
        )
    return Found(node=node, client=client, resource=resource)


async def _get(ask: Ask) -> Response:
    live = mask_manifest(await (await _find(ask)).live())
    return await answer_json(ask.request, {"manifest": orjson.dumps(live).decode()})


async def _patch(ask: Ask) -> Response:
    found = await _find(ask)
    type_ = _PATCHES.get(ask.text("patchType"))
    if type_ is None:
        raise RefusedError(Kind.INVALID, "parameter-unknown-word", parameter="patchType", known=sorted(_PATCHES)[1:])
    await _refuse_healed(ask, found)
    body = await ask.json(str)
    try:
        patch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(Kind.INVALID, "body-unreadable", problem=str(error)[:200]) from error
    node = found.node
    stored = await found.client.patch(
        found.resource, node["name"], node["namespace"], patch, patch_type=type_, field_manager=MANAGER
    )
    return await answer_json(ask.request, {"manifest": orjson.dumps(mask_manifest(stored)).decode()})


async def _refuse_healed(ask: Ask, found: Found) -> None:
    """Raises RefusedError for an object that the application puts back as Git has it."""
    application = parse_application(await ask.application())
    automated = application.spec.sync_policy.automated
    if automated is not None and automated.self_heal and found.node["sync"] is not None:
        name = f"{found.node['kind']} {found.node['namespace']}/{found.node['name']}"
        raise RefusedError(Kind.EXISTS, "declared-in-git", object=name, application=ask.application_name)


async def _delete(ask: Ask) -> Response:
    found = await _find(ask)
    propagation = Propagation.FOREGROUND
    if ask.flag("orphan"):
        propagation = Propagation.ORPHAN
    elif ask.flag("force"):
        propagation = Propagation.BACKGROUND
    node = found.node
    await found.client.delete(
        found.resource, node["name"], node["namespace"], propagation=propagation, uid=node["uid"]
    )  # fmt: skip
    return await answer_json(ask.request, {})


async def _list_actions(ask: Ask) -> Response:
    live = await (await _find(ask)).live()
    return await answer_json(ask.request, {"actions": [each.to_json(live) for each in actions_of(live)]})


async def _run_object(ask: Ask) -> str:
    """The application, once the body that names the action was read."""
    await ask.read_named()
    return await application_object(ask)


def _action_detail(ask: Ask) -> str:
    named = _named(ask)
    return f"{named['group']}/{named['kind']}/{_action(ask)}"


def _action(ask: Ask) -> str:
    return ask.given_text or nested_text(ask.given_in_body, "action")


async def _run(ask: Ask) -> Response:
    found = await _find(ask)
    live = await found.live()
    given = ask.given_in_body.get("resourceActionParameters")
    parameters = {
        nested_text(each, "name"): str(each.get("value", "")) for each in given or () if isinstance(each, dict)
    }  # fmt: skip
    change = plan_action(live, _action(ask), Asked(parameters=parameters, now=ask.context.clock()))
    if change.creates is not None:
        created = (await found.client.discover()).resource(GroupVersionKind("batch", "v1", "Job"))
        if created is None:
            raise NotFoundError(status=404, message="Job")
        await found.client.create(created, change.creates, field_manager=MANAGER)
    else:
        key = key_of(live)
        # Without a version: controllers write its status all the time, and each action is one field that is set.
        await found.client.patch(
            found.resource,
            key.name,
            key.namespace,
            change.patch,
            patch_type=PatchType.MERGE,
            field_manager=MANAGER,
            subresource=change.subresource,
        )
    return await answer_json(ask.request, {})


_OBJECT = (
    *APP_QUERY,
    *(Query(name=each, help="Of the object.") for each in ("group", "version", "kind", "namespace", "resourceName")),
)
_RUN = Rule(resource="applications", action="action", object_of=_run_object, detail_of=_action_detail)
ROUTES = (
    Route(
        method="GET",
        path=f"{APPLICATION}/resource",
        handler=_get,
        access=GET,
        summary="A live object",
        query=_OBJECT,
    ),
    Route(
        method="POST",
        path=f"{APPLICATION}/resource",
        handler=_patch,
        access=Rule(resource="applications", action="update", object_of=application_object, detail_of=_detail),
        summary="Patches a live object",
        query=(*_OBJECT, Query(name="patchType", help="The content type of the patch.")),
        body="Text",
    ),
    Route(
        method="DELETE",
        path=f"{APPLICATION}/resource",
        handler=_delete,
        access=Rule(resource="applications", action="delete", object_of=application_object, detail_of=_detail),
        summary="Deletes a live object",
        query=(
            *_OBJECT,
            Query(name="force", help="Without waiting for what it owns.", type="boolean"),
            Query(name="orphan", help="What it owns stays.", type="boolean"),
        ),
    ),
    Route(
        method="GET",
        path=f"{APPLICATION}/resource/actions",
        handler=_list_actions,
        access=GET,
        summary="What can be done to a live object",
        query=_OBJECT,
    ),
    Route(
        method="POST",
        path=f"{APPLICATION}/resource/actions",
        handler=_run,
        access=_RUN,
        summary="Does something to a live object; the body is its name",
        query=_OBJECT,
        body="Text",
    ),
    Route(
        method="POST",
        path=f"{APPLICATION}/resource/actions/v2",
        handler=_run,
        access=_RUN,
        summary="Does something to a live object, with parameters",
        query=APP_QUERY,
        body="ActionRequest",
    ),
)
