"""Going back both ways, and forward again: by a pin that holds a release, or by a commit that restores its files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from haori.delivery.controller.pins import build_pin_patch, build_resume_patch, choose_entry, hooks_of_last_release
from haori.delivery.model import parse_application
from haori.objects import annotations_of, nested_text
from haori.objects.quantities import parse_duration
from haori.resources import haori
from haori.server.answering import answer_json
from haori.server.api.operations import refuse_busy
from haori.server.api.reading import APP_QUERY
from haori.server.api.refreshing import patch_application
from haori.server.asking import Ask, application_object
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Route, Rule

LONGEST_REASON = 500


async def _roll_back(ask: Ask) -> Response:
    """{"hooks": [those of the release being left, which nothing undoes], "pin" | "commits"}."""
    manifest, asked = await ask.application(), await ask.json(dict)
    application = parse_application(manifest)
    hooks = list(hooks_of_last_release(application))
    entry_id, reason = asked.get("id"), nested_text(asked, "reason")[:LONGEST_REASON]
    if entry_id is not None and (not isinstance(entry_id, int) or isinstance(entry_id, bool)):
        raise RefusedError(Kind.INVALID, "field-unusable", field="id")
    if asked.get("git") is True:
        who = ask.who.subject
        body = {"id": entry_id, "reason": reason, "author": {"name": who, "email": f"{who}@localhost"}}
        answer = await ask.context.engine.post(
            "applications", ask.application_name, "rollback", body=body, appNamespace=ask.application_namespace
        )
        return await answer_json(ask.request, {"hooks": hooks, "commits": answer["commits"]})
    refuse_busy(manifest)
    entry = choose_entry(application, entry_id)
    now, duration = ask.context.clock(), nested_text(asked, "for")
    until = now + timedelta(seconds=parse_duration(duration)) if duration else None
    patch = build_pin_patch(application, entry, owner=ask.who.subject, reason=reason, now=now, until=until)
    if application.spec.sync_policy.automated is None:
        # Nobody else would ask for the sync.
        sync = {"prune": asked.get("prune") is True}
        patch["operation"] = {"sync": sync, "initiatedBy": {"username": ask.who.subject}}
    stored = await patch_application(ask, patch)
    pin: Any = annotations_of(stored).get(haori.PIN)
    return await answer_json(ask.request, {"hooks": hooks, "pin": pin, "revisions": list(entry.revisions)})


async def _resume(ask: Ask) -> Response:
    manifest = await ask.application()
    if haori.PIN not in annotations_of(manifest):
        raise RefusedError(Kind.PRECONDITION, "rollback-nothing-pinned", application=ask.application_name)
    await patch_application(ask, build_resume_patch(parse_application(manifest)))
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
