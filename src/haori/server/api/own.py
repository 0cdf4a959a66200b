"""One application by our own API: its tree, plan, diff, why and timeline, as the engine tells them.

Sentences come with their codes and parameters, and as text in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from haori.objects import nested_list, nested_mapping, nested_mappings, nested_text, nested_texts
from haori.server.answering import answer_json
from haori.server.api.reading import APP_QUERY, GET, ask_tree
from haori.server.asking import Ask, application_object, known_application
from haori.server.routing import Query, Route, Rule
from haori.server.rows import parse_why
from haori.words import Language, Sentence

HISTORY_AT_MOST = 100
_NESTED = (dict, list)
"""A tree has some fifty thousand values, few of which can hold a sentence: only those cost a call."""


def speak(value: Any, language: Language) -> Any:
    """JSON with every sentence in it ({code, parameters, …}) told in `language`; parts without one may be `value`'s own."""
    if isinstance(value, list):
        return [speak(each, language) if isinstance(each, _NESTED) else each for each in value]
    if not isinstance(value, dict):
        return value
    told = {name: speak(each, language) if isinstance(each, _NESTED) and each else each for name, each in value.items()}
    parameters = value.get("parameters")
    if isinstance(code := value.get("code"), str) and isinstance(parameters, dict):
        told["text"] = Sentence(code=code, parameters=parameters).text(language)
    return told


async def _ask_engine(ask: Ask, what: str, **query: str) -> Any:
    await ask.application()
    answer = await ask.context.engine.get(
        "applications", ask.application_name, what, appNamespace=ask.application_namespace, **query
    )
    return speak(answer, ask.language)


async def _tree(ask: Ask) -> Response:
    tree, language = await ask_tree(ask), ask.language
    # Of all that a node says only its health is a sentence, and nearly no node has one.
    nodes = [{**node, "health": speak(node["health"], language)} if node["health"] else node for node in tree["nodes"]]
    return await answer_json(ask.request, {**tree, "nodes": nodes})


async def _diff(ask: Ask) -> Response:
    hard = "true" if ask.flag("hard") else ""
    return await answer_json(ask.request, await _ask_engine(ask, "diff", revision=ask.text("revision"), hard=hard))


async def _plan(ask: Ask) -> Response:
    flags = {name: "true" for name in ("prune", "dryRun", "force", "unpinned") if ask.flag(name)}
    return await answer_json(ask.request, await _ask_engine(ask, "plan", revision=ask.text("revision"), **flags))


async def _plan_operation(ask: Ask) -> Response:
    """The plan of a whole operation, as `sync` would begin it."""
    body = await ask.json(dict)
    await ask.application()
    answer = await ask.context.engine.post(
        "applications",
        ask.application_name,
        "plan",
        body={"operation": dict(nested_mapping(body, "operation"))},
        appNamespace=ask.application_namespace,
    )
    return await answer_json(ask.request, speak(answer, ask.language))


async def _why(ask: Ask) -> Response:
    """Why it is not as wanted: the sentence of the application, what to do about it, and its conditions."""
    application = await ask.application()
    why = parse_why(application)
    hint = why.hint() if why is not None else None
    told: dict[str, Any] = {
        "sync": nested_text(application, "status", "sync", "status") or "Unknown",
        "health": nested_text(application, "status", "health", "status") or "Unknown",
        "why": why.to_json(ask.language) if why is not None else None,
        "hint": hint.text(ask.language) if hint is not None else "",
        "conditions": list(nested_list(application, "status", "conditions")),
        "message": nested_text(application, "status", "operationState", "message"),
    }
    return await answer_json(ask.request, told)


async def _timeline(ask: Ask) -> Response:
    return await answer_json(ask.request, {"items": build_timeline(await ask.application())})


def build_timeline(application: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the Application itself remembers, newest first: releases, and the operation under way or last run.

    {kind, time, until, who, revision, id, phase, message, images}; `who` is `automated` where nobody asked.
    """
    found = [_release(entry) for entry in nested_mappings(application, "status", "history")]
    state = nested_mapping(application, "status", "operationState")
    if state:
        found.append(_operation(state))
    created = nested_text(application, "metadata", "creationTimestamp")
    if created:
        found.append(_entry("created", created))
    return sorted(found, key=lambda each: str(each["time"]), reverse=True)[:HISTORY_AT_MOST]


def _entry(kind: str, time: str, **facts: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "until": "",
        "who": "",
        "revision": "",
        "id": None,
        "phase": "",
        "message": "",
        "dryRun": False,
    }
    return {"kind": kind, "time": time, **empty, **facts}


def _who(by: Mapping[str, Any]) -> str:
    return nested_text(by, "username") or ("automated" if by.get("automated") else "")


def _release(entry: Mapping[str, Any]) -> dict[str, Any]:
    revision = ",".join(nested_texts(entry, "revisions")) or nested_text(entry, "revision")
    began, ended = nested_text(entry, "deployStartedAt"), nested_text(entry, "deployedAt")
    who = _who(nested_mapping(entry, "initiatedBy"))
    return _entry("release", ended, began=began, who=who, revision=revision, id=entry.get("id"))


def _operation(state: Mapping[str, Any]) -> dict[str, Any]:
    result = nested_mapping(state, "syncResult")
    return _entry(
        "operation",
        nested_text(state, "startedAt"),
        until=nested_text(state, "finishedAt"),
        who=_who(nested_mapping(state, "operation", "initiatedBy")),
        revision=",".join(nested_texts(result, "revisions")) or nested_text(result, "revision"),
        phase=nested_text(state, "phase"),
        message=nested_text(state, "message"),
        dryRun=nested_mapping(state, "operation", "sync").get("dryRun") is True,
    )


_OWN = "/api/haori/v1/applications/{name}"
_REVISION = Query(name="revision", help="Another one than the one wanted.")
_KNOWN = Rule(resource="applications", action="get", object_of=known_application)
_PLAN = tuple(Query(name=each, help="As of a sync.", type="boolean") for each in ("prune", "dryRun", "force"))
_UNPINNED = Query(name="unpinned", help="By what Git holds, though a pin holds it elsewhere.", type="boolean")
ROUTES = (
    Route(
        method="GET",
        path=f"{_OWN}/tree",
        handler=_tree,
        access=_KNOWN,
        summary="Its objects, with why",
        query=APP_QUERY,
    ),
    Route(
        method="GET",
        path=f"{_OWN}/diff",
        handler=_diff,
        access=GET,
        summary="Objects that differ: fields, with who has them",
        query=(*APP_QUERY, _REVISION, Query(name="hard", help="Renders anew first.", type="boolean")),
    ),
    Route(
        method="GET",
        path=f"{_OWN}/plan",
        handler=_plan,
        access=GET,
        summary="What a sync would do",
        query=(*APP_QUERY, _REVISION, *_PLAN, _UNPINNED),
    ),
    Route(
        method="POST",
        path=f"{_OWN}/plan",
        handler=_plan_operation,
        changes=False,
        access=Rule(resource="applications", action="sync", object_of=application_object),
        summary="What an operation would do",
        query=APP_QUERY,
        body="PlanRequest",
    ),
    Route(
        method="GET", path=f"{_OWN}/why", handler=_why, access=GET, summary="Why it is not as wanted", query=APP_QUERY
    ),
    Route(
        method="GET", path=f"{_OWN}/timeline", handler=_timeline, access=GET, summary="What happened", query=APP_QUERY
    ),
)
