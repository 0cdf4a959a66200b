"""Views that people share: lists of applications with names, seen by whoever is signed in, changed by who made them."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from haori.server.answering import answer_json
from haori.server.api.accounts import refuse_narrowed
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Open, Route
from haori.server.shared_views import LONGEST_NAME, LONGEST_SEARCH, Judge, SharedView, SharedViews

_QUERY = re.compile(r"[!-~]*")


async def _list(ask: Ask) -> Response:
    return await answer_json(ask.request, {"items": [_to_json(ask, view) for view in await _views(ask).list()]})


async def _put(ask: Ask) -> Response:
    refuse_narrowed(ask)
    name, search = _name(ask), (await ask.json(dict)).get("search")
    if not isinstance(search, str) or len(search) > LONGEST_SEARCH or not _QUERY.fullmatch(search) or "#" in search:
        raise RefusedError(Kind.INVALID, "field-unusable", field="search")
    view = await _views(ask).put(name, search, ask.who, _judge(ask))
    return await answer_json(ask.request, _to_json(ask, view))


async def _drop(ask: Ask) -> Response:
    refuse_narrowed(ask)
    await _views(ask).drop(_name(ask), _judge(ask))
    return await answer_json(ask.request, {})


def _views(ask: Ask) -> SharedViews:
    return SharedViews(ask.context.entrance.store.transaction, ask.context.clock)


def _name(ask: Ask) -> str:
    """Of the path. Raises RefusedError for what nobody could read in a menu."""
    name = ask.parameters["name"]
    if name in (".", "..") or name != name.strip() or not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise RefusedError(Kind.INVALID, "field-unusable", field="name")
    ask.about = f"View {name}"
    return name


def _judge(ask: Ask) -> Judge:
    def judge(view: SharedView) -> None:
        if not view.is_of(ask.who):
            ask.demand("accounts", "update", view.subject)

    return judge


def _to_json(ask: Ask, view: SharedView) -> dict[str, Any]:
    return {
        "name": view.name,
        "search": view.search,
        "by": view.subject,
        "own": view.is_of(ask.who),
        "changedAt": view.changed_at.isoformat(),
    }


_PATH = "/api/haori/v1/views"
ROUTES = (
    Route(method="GET", path=_PATH, handler=_list, access=Open.SIGNED_IN, summary="Lists with names, for everybody"),
    Route(
        method="PUT",
        path=f"{_PATH}/{{name}}",
        handler=_put,
        access=Open.SIGNED_IN,
        summary="Gives a list a name, for everybody; somebody else's is changed with the permission for their account",
        deed="views/update",
        body="View",
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{name}}",
        handler=_drop,
        access=Open.SIGNED_IN,
        summary="Takes the name away",
        deed="views/delete",
    ),
)
