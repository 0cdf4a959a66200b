"""Syncs asked for, ended, and gone back from.

see: argoproj/argo-cd `server/application/application.go` (3.x): Sync, TerminateOperation, Rollback. A rollback differs from
Argo CD's on purpose: it pins the revision, so that it works with automated sync switched on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from haori.delivery.controller.pins import choose_entry
from haori.delivery.model import parse_application
from haori.objects import Manifest, nested_list, nested_mapping, nested_text
from haori.server.answering import answer_json
from haori.server.api.pins import plan_pin
from haori.server.api.reading import APP_QUERY, APPLICATION
from haori.server.api.refreshing import RUNNING, change_application, refuse_busy, version_of
from haori.server.asking import Ask, application_object
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Route, Rule


def build_operation(application: Manifest, asked: Mapping[str, Any], *, who: str) -> dict[str, Any]:
    """The `operation` for the body of a sync. Raises RefusedError for what may not be asked."""
    if asked.get("manifests"):
        raise RefusedError(Kind.UNSUPPORTED, "sync-of-local-manifests")
    sync: dict[str, Any] = {"prune": asked.get("prune") is True, "dryRun": asked.get("dryRun") is True}
    if positions := nested_list(asked, "sourcePositions"):
        asked = {**asked, "revisions": place_revisions(application, positions, nested_list(asked, "revisions"))}
    for field in ("revision", "revisions", "resources"):
        if asked.get(field):
            sync[field] = asked[field]
    if asked.get("strategy"):
        sync["syncStrategy"] = asked["strategy"]
    # Argo CD's is {"items": [...]}; some of its clients send the list bare.
    given = nested_list(asked, "syncOptions", "items") or nested_list(asked, "syncOptions")
    options = given or nested_list(application, "spec", "syncPolicy", "syncOptions")
    if options:
        sync["syncOptions"] = list(options)
    operation: dict[str, Any] = {"sync": sync, "initiatedBy": {"username": who}}
    retry = nested_mapping(asked, "retryStrategy") or nested_mapping(application, "spec", "syncPolicy", "retry")
    if retry:
        operation["retry"] = dict(retry)
    if infos := nested_list(asked, "infos"):
        operation["info"] = list(infos)
    return operation


def place_revisions(application: Manifest, positions: Sequence[Any], revisions: Sequence[Any]) -> list[str]:
    """A revision for each source of the application, empty for those that stay: positions count from 1, and come as text
    from clients that write 64-bit numbers so. Raises RefusedError."""
    placed = [""] * len(nested_list(application, "spec", "sources"))
    if len(positions) != len(revisions):
        raise RefusedError(Kind.INVALID, "field-unusable", field="sourcePositions")
    for position, revision in zip(positions, revisions, strict=True):
        index = (read_number(position) or 0) - 1
        if not 0 <= index < len(placed) or not isinstance(revision, str):
            raise RefusedError(Kind.INVALID, "field-unusable", field="sourcePositions")
        placed[index] = revision
    return placed


def read_number(value: Any) -> int | None:
    """A whole number as clients of Argo CD send one, those of 64 bits as text; None for what is none."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def refuse_other_revision(application: Manifest, asked: Mapping[str, Any]) -> None:
    """Raises RefusedError where automated sync would lead away again from a revision that is asked for."""
    spec = parse_application(application).spec
    if spec.sync_policy.automated is None or asked.get("dryRun") is True:
        return
    wanted = [nested_text(each, "targetRevision") or "HEAD" for each in (source.raw for source in spec.sources)]
    named = [nested_text(asked, "revision"), *(str(each) for each in nested_list(asked, "revisions"))]
    for revision in named:
        if revision and revision not in wanted:
            facts = {"revision": revision[:64], "wanted": ", ".join(wanted)}
            raise RefusedError(Kind.PRECONDITION, "sync-of-another-revision", **facts)


async def _sync(ask: Ask) -> Response:
    asked = await ask.json(dict)

    def decide(application: Manifest) -> dict[str, Any]:
        refuse_busy(application)
        refuse_other_revision(application, asked)
        operation = build_operation(application, asked, who=ask.who.subject)
        return {"metadata": version_of(application), "operation": operation}

    return await answer_json(ask.request, await change_application(ask, decide))


async def _terminate(ask: Ask) -> Response:
    def decide(application: Manifest) -> dict[str, Any]:
        metadata = version_of(application)
        if nested_text(application, "status", "operationState", "phase") in RUNNING:
            return {"metadata": metadata, "status": {"operationState": {"phase": "Terminating"}}}
        if application.get("operation") is not None:
            # Not begun yet: taking the request away is all there is to end.
            return {"metadata": metadata, "operation": None}
        raise RefusedError(Kind.INVALID, "operation-none", application=ask.application_name)

    await change_application(ask, decide)
    return await answer_json(ask.request, {})


async def _rollback(ask: Ask) -> Response:
    asked = await ask.json(dict)
    # 0 is the last release before this one.
    entry_id = read_number(asked.get("id", 0))
    if entry_id is None:
        raise RefusedError(Kind.INVALID, "field-unusable", field="id")

    def decide(manifest: Manifest) -> dict[str, Any]:
        if asked.get("dryRun") is True:
            return _rehearsal(ask, manifest, entry_id or None, prune=asked.get("prune") is True)
        return plan_pin(ask, manifest, entry_id or None, asked).patch

    return await answer_json(ask.request, await change_application(ask, decide))


def _rehearsal(ask: Ask, manifest: Manifest, entry_id: int | None, *, prune: bool) -> dict[str, Any]:
    """The patch that asks for a dry run of a release."""
    refuse_busy(manifest)
    application = parse_application(manifest)
    revisions = list(choose_entry(application, entry_id).revisions)
    sync: dict[str, Any] = {"prune": prune, "dryRun": True}
    sync |= {"revisions": revisions} if application.spec.has_many else {"revision": "".join(revisions[:1])}
    operation = {"sync": sync, "initiatedBy": {"username": ask.who.subject}}
    return {"metadata": version_of(manifest), "operation": operation}


def _rule(action: str) -> Rule:
    return Rule(resource="applications", action=action, object_of=application_object)


ROUTES = (
    Route(
        method="POST",
        path=f"{APPLICATION}/sync",
        handler=_sync,
        access=_rule("sync"),
        summary="Asks for a sync",
        query=APP_QUERY,
        body="SyncRequest",
    ),
    Route(
        method="DELETE",
        path=f"{APPLICATION}/operation",
        handler=_terminate,
        access=_rule("sync"),
        summary="Ends the operation under way",
        query=APP_QUERY,
    ),
    Route(
        method="POST",
        path=f"{APPLICATION}/rollback",
        handler=_rollback,
        access=_rule("rollback"),
        summary="Goes back to a release and pins it",
        query=APP_QUERY,
        body="RollbackRequest",
    ),
)
