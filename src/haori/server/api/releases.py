"""Releases of an application, what changed between two, and what a further rule of ignoreDifferences would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from haori.delivery.model.tracking import parse_tracking_id
from haori.objects import annotations_of, nested_list
from haori.objects.yaml import dump
from haori.resources import argo
from haori.server.answering import answer_json
from haori.server.api.own import speak
from haori.server.api.reading import APP_QUERY, GET
from haori.server.asking import Ask, application_object
from haori.server.routing import Query, Route, Rule


async def _history(ask: Ask) -> Response:
    await ask.application()
    answer = await _engine_get(ask, "history")
    return await answer_json(ask.request, speak(answer, ask.language))


async def _compare(ask: Ask) -> Response:
    await ask.application()
    answer = await _engine_get(ask, "releases", **{"from": str(_number(ask, "from")), "to": _optional(ask, "to")})
    return await answer_json(ask.request, answer)


async def _engine_get(ask: Ask, what: str, **query: str) -> Any:
    namespace = ask.application_namespace
    return await ask.context.engine.get("applications", ask.application_name, what, appNamespace=namespace, **query)


def _number(ask: Ask, name: str) -> int:
    return ask.number(name, 0, most=999_999_999)


def _optional(ask: Ask, name: str) -> str:
    return str(_number(ask, name)) if ask.text(name) else ""


async def _preview(ask: Ask) -> Response:
    application = await ask.application()
    rule = _rule(await ask.json(dict))
    namespace = ask.application_namespace
    found = await ask.context.engine.post(
        "applications", ask.application_name, "ignore", body=rule, appNamespace=namespace
    )
    rules = [*nested_list(application, "spec", "ignoreDifferences"), rule]
    told = {
        **found,
        "patch": {"spec": {"ignoreDifferences": rules}},
        "yaml": dump({"spec": {"ignoreDifferences": rules}}),
        "declaredBy": _declared_by(application),
    }
    return await answer_json(ask.request, told)


def _rule(body: Mapping[str, Any]) -> dict[str, Any]:
    """The rule of a body, without what names the application and without what is empty."""
    return {name: value for name, value in body.items() if name not in ("appNamespace", "project") and value}


def _declared_by(application: Mapping[str, Any]) -> str | None:
    """The application in whose Git this one stands: there the rule belongs, a patch would be healed away or refused."""
    owner = parse_tracking_id(annotations_of(application).get(argo.TRACKING_ID) or "")
    return owner.application if owner is not None else None


_OWN = "/api/haori/v1/applications/{name}"
ROUTES = (
    Route(
        method="GET",
        path=f"{_OWN}/history",
        handler=_history,
        access=GET,
        summary="Its releases: who, when, which commit, images, what changed",
        query=APP_QUERY,
    ),
    Route(
        method="GET",
        path=f"{_OWN}/compare",
        handler=_compare,
        access=GET,
        summary="Objects that are otherwise in another release",
        query=(
            *APP_QUERY,
            Query(name="from", help="The number of a release.", type="integer"),
            Query(name="to", help="The number of another; none: what is wanted now.", type="integer"),
        ),
    ),
    Route(
        method="POST",
        path=f"{_OWN}/ignore/preview",
        handler=_preview,
        changes=False,
        access=Rule(resource="applications", action="sync", object_of=application_object),
        summary="Which differences a further rule would take away, and the YAML for Git",
        query=APP_QUERY,
        body="IgnoreRule",
    ),
)
