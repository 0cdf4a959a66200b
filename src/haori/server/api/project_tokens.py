"""Tokens of a project's roles: listed at the AppProject, and nobody's once they are not.

They are listed in its status, which Git does not declare, so that a project from Git can have some as well; those that stand
in `spec.roles` count too. see: argoproj/argo-cd `server/project/project.go` (3.x).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from haori.cluster import ConflictError, NotFoundError
from haori.cluster.well_known import APP_PROJECTS
from haori.objects import nested_list, nested_mapping, nested_text
from haori.server.answering import answer_json
from haori.server.api.accounts import expiry_of, refuse_narrowed, token_id_of
from haori.server.api.refreshing import MANAGER
from haori.server.api.writing import TRIES
from haori.server.asking import Ask, is_name
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule

Change = Callable[[dict[str, Any]], None]


async def _project(ask: Ask) -> str:
    return ask.parameters["project"]


async def _find(ask: Ask) -> dict[str, Any]:
    project = ask.parameters["project"]
    if not is_name(project):
        raise RefusedError(Kind.NOT_FOUND, "project-unknown", project=project[:100])
    return await ask.context.client.get(APP_PROJECTS, project, ask.context.namespace)


async def _is_member(ask: Ask) -> bool:
    """Whether the sender is in a group of the role, whose members may give it tokens."""
    if ask.who.scopes is not None or not ask.who.groups:
        return False
    try:
        role = _role(await _find(ask), ask.parameters["role"])
    except (NotFoundError, RefusedError):
        return False
    return not set(nested_list(role, "groups")).isdisjoint(ask.who.groups)


def _role(project: dict[str, Any], name: str) -> dict[str, Any]:
    for role in nested_list(project, "spec", "roles"):
        if isinstance(role, dict) and role.get("name") == name:
            return role
    shown = nested_text(project, "metadata", "name")
    raise RefusedError(Kind.NOT_FOUND, "project-role-unknown", project=shown, role=name[:100])


def _listed(project: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """The tokens that the status lists for a role; the list is made where there is none, and may be changed."""
    status = project.setdefault("status", {})
    by_role = status.setdefault("jwtTokensByRole", {})
    items: list[dict[str, Any]] = by_role.setdefault(role, {}).setdefault("items", [])
    return items


async def _make(ask: Ask) -> Response:
    refuse_narrowed(ask)
    body, role = await ask.json(dict), ask.parameters["role"]
    token_id, expires_in = token_id_of(body), expiry_of(body)
    issued = int(ask.context.clock().timestamp())
    entry: dict[str, Any] = {"id": token_id, "iat": issued}
    if expires_in is not None:
        entry["exp"] = issued + int(expires_in.total_seconds())
    signed = ask.context.entrance.sign(f"proj:{ask.parameters['project']}:{role}", token_id, expires_in)

    def add(project: dict[str, Any]) -> None:
        known = [*nested_list(_role(project, role), "jwtTokens"), *_listed(project, role)]
        if any(nested_text(each, "id") == token_id for each in known):
            raise RefusedError(Kind.EXISTS, "project-token-exists", role=role, token=token_id)
        _listed(project, role).append(entry)

    await _change(ask, add)
    response = await answer_json(ask.request, {"token": signed})
    response.headers["Cache-Control"] = "no-store"
    return response


async def _delete(ask: Ask) -> Response:
    refuse_narrowed(ask)
    role, issued, token_id = ask.parameters["role"], ask.parameters["iat"], ask.text("id")

    def is_meant(token: Any) -> bool:
        given = nested_mapping({"token": token}, "token")
        return str(given.get("id") or "") == token_id if token_id else str(given.get("iat")) == issued

    def remove(project: dict[str, Any]) -> None:
        found, listed = _role(project, role), _listed(project, role)
        kept = [token for token in nested_list(found, "jwtTokens") if not is_meant(token)]
        left = [token for token in listed if not is_meant(token)]
        if len(kept) + len(left) == len(nested_list(found, "jwtTokens")) + len(listed):
            raise RefusedError(Kind.NOT_FOUND, "project-token-unknown", role=role)
        if "jwtTokens" in found:
            found["jwtTokens"] = kept
        listed[:] = left

    await _change(ask, remove)
    return await answer_json(ask.request, {})


async def _change(ask: Ask, change: Change) -> None:
    for attempt in range(TRIES):
        wanted = copy.deepcopy(await _find(ask))
        change(wanted)
        try:
            stored = await ask.context.client.replace(APP_PROJECTS, wanted, field_manager=MANAGER)
        except ConflictError:
            if attempt == TRIES - 1:
                raise
        else:
            ask.context.hear_project(stored)
            return


_PATH = "/api/v1/projects/{project}/roles/{role}/token"
_RULE = Rule(resource="projects", action="update", object_of=_project, own=_is_member)
ROUTES = (
    Route(
        method="POST",
        path=_PATH,
        handler=_make,
        access=_RULE,
        summary="Makes a token of a project's role",
        body="TokenRequest",
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{iat}}",
        handler=_delete,
        access=_RULE,
        summary="Revokes a token of a project's role",
        query=(Query(name="id", help="Of the token; without it the one that was made at that second."),),
    ),
)
