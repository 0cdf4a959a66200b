"""Going back both ways, and forward again: by a pin that holds a release, or by a commit that restores its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from haori.delivery.controller.pins import (
    build_pin_patch,
    build_resume_patch,
    choose_entry,
    hooks_of_last_release,
    parse_lasting,
)
from haori.delivery.model import HistoryEntry, parse_application
from haori.objects import Manifest, annotations_of, nested_text
from haori.resources import haori
from haori.server.answering import answer_json
from haori.server.api.reading import APP_QUERY
from haori.server.api.refreshing import change_application, refuse_busy
from haori.server.asking import Ask, application_object
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Route, Rule

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPin:
    """Going back by a pin."""

    patch: dict[str, Any]
    entry: HistoryEntry
    hooks: tuple[str, ...]
    """Those of the release being left, which nothing undoes."""


def plan_pin(
    ask: Ask, manifest: Manifest, entry_id: int | None, asked: Manifest, until: datetime | None = None
) -> PlannedPin:
    """The pin to a release (None: the one before). Raises RefusedError, and PinError where there is no such release.

    With automated sync a pin is set while an operation is under way, too: who goes back at night does not wait for a sync that
    waits itself. Without it an operation has to be asked for, of which there is one at a time.
    """
    application = parse_application(manifest)
    is_automated = application.spec.sync_policy.automated is not None
    if not is_automated or nested_text(manifest, "metadata", "deletionTimestamp"):
        refuse_busy(manifest)
    entry = choose_entry(application, entry_id)
    reason = nested_text(asked, "reason")[:LONGEST_REASON]
    who, now = ask.who.subject, ask.context.clock()
    patch = build_pin_patch(application, entry, owner=who, reason=reason, now=now, until=until)
    if not is_automated:
        # Nobody else would ask for the sync.
        patch["operation"] = {"sync": {"prune": asked.get("prune") is True}, "initiatedBy": {"username": who}}
    return PlannedPin(patch=patch, entry=entry, hooks=hooks_of_last_release(application))


async def _roll_back(ask: Ask) -> Response:
    """{"hooks": [those of the release being left, which nothing undoes], "pin" | "commits"}."""
    asked = await ask.json(dict)
    entry_id = asked.get("id")
    if entry_id is not None and (not isinstance(entry_id, int) or isinstance(entry_id, bool)):
        raise RefusedError(Kind.INVALID, "field-unusable", field="id")
    if asked.get("git") is True:
        return await _roll_back_by_commit(ask, entry_id, nested_text(asked, "reason")[:LONGEST_REASON])
    duration = nested_text(asked, "for")
    until = ask.context.clock() + parse_lasting(duration) if duration else None
    planned: list[PlannedPin] = []

    def decide(manifest: Manifest) -> dict[str, Any]:
        planned.append(plan_pin(ask, manifest, entry_id, asked, until))
        return planned[-1].patch

    pin: Any = annotations_of(await change_application(ask, decide)).get(haori.PIN)
    done = planned[-1]
    told = {"hooks": list(done.hooks), "pin": pin, "revisions": list(done.entry.revisions)}
    return await answer_json(ask.request, told)


async def _roll_back_by_commit(ask: Ask, entry_id: int | None, reason: str) -> Response:
    hooks = hooks_of_last_release(parse_application(await ask.application()))
    who = ask.who.subject
    body = {"id": entry_id, "reason": reason, "author": {"name": who, "email": f"{who}@localhost"}}
    answer = await ask.context.engine.post(
        "applications", ask.application_name, "rollback", body=body, appNamespace=ask.application_namespace
    )
    return await answer_json(ask.request, {"hooks": list(hooks), "commits": answer["commits"]})


async def _resume(ask: Ask) -> Response:
    def decide(manifest: Manifest) -> dict[str, Any]:
        if haori.PIN not in annotations_of(manifest):
            raise RefusedError(Kind.PRECONDITION, "rollback-nothing-pinned", application=ask.application_name)
        return build_resume_patch(parse_application(manifest))

    await change_application(ask, decide)
    return await answer_json(ask.request, {})


_OWN = "/api/haori/v1/applications/{name}"
_RULE = Rule(resource="applications", action="rollback", object_of=application_object)
ROUTES = (
    Route(
        method="POST",
        path=f"{_OWN}/rollback",
        handler=_roll_back,
        access=_RULE,
        summary="Goes back to a release: by a pin, or (git) by a commit",
        query=APP_QUERY,
        body="Rollback",
    ),
    Route(
        method="DELETE",
        path=f"{_OWN}/pin",
        handler=_resume,
        access=_RULE,
        summary="Ends a pin: what Git wants counts again",
        query=APP_QUERY,
    ),
)
