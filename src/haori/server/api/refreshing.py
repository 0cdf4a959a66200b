"""Writes of an Application beside the engine's own, and waiting until the engine has looked at one anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from haori.cluster import ConflictError, NotFoundError, PatchType
from haori.cluster.well_known import APPLICATIONS
from haori.objects import Manifest, annotations_of, nested_text
from haori.resources import argo
from haori.resources.argo import RefreshKind
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.rows import Key

RUNNING = frozenset({"Running", "Terminating"})
REFRESH_SECONDS = 60.0
MANAGER = "haori-server"
TRIES = 8
"""The engine writes the status of an application that is busy several times a second."""


def refuse_busy(application: Manifest) -> None:
    """Raises RefusedError where an operation is asked for or under way, or the application is being deleted."""
    name = nested_text(application, "metadata", "name")
    phase = nested_text(application, "status", "operationState", "phase")
    if application.get("operation") is not None or phase in RUNNING:
        raise RefusedError(Kind.PRECONDITION, "operation-in-progress", application=name)
    if nested_text(application, "metadata", "deletionTimestamp"):
        raise RefusedError(Kind.PRECONDITION, "application-deleting", application=name)


def version_of(application: Manifest) -> dict[str, Any]:
    """What makes a patch a conflict where somebody wrote meanwhile."""
    return {"resourceVersion": nested_text(application, "metadata", "resourceVersion")}


async def patch_application(ask: Ask, body: Mapping[str, Any]) -> dict[str, Any]:
    """The Application of the path after a merge patch."""
    return await ask.context.client.patch(
        APPLICATIONS,
        ask.application_name,
        ask.application_namespace,
        dict(body),
        patch_type=PatchType.MERGE,
        field_manager=MANAGER,
    )


async def change_application(ask: Ask, decide: Callable[[Manifest], Mapping[str, Any]]) -> dict[str, Any]:
    """The Application of the path after the merge patch that `decide` makes of it.

    The patch carries the resourceVersion it was made from; where the engine wrote meanwhile it is decided anew. Raises what
    `decide` raises, and ConflictError where others kept writing.
    """
    for attempt in range(TRIES):
        try:
            return await patch_application(ask, decide(await ask.application()))
        except ConflictError:
            if attempt == TRIES - 1:
                raise
            await ask.read_application_anew()
    raise AssertionError("the last try returns or raises")


async def refresh(ask: Ask, kind: str) -> dict[str, Any]:
    """The application as the look left it. Raises RefusedError where nobody looks in time, and early where the engine hangs."""
    return await ask.context.engine.presence.hold(_refresh(ask, kind))


async def _refresh(ask: Ask, kind: str) -> dict[str, Any]:
    word = RefreshKind.HARD if kind == RefreshKind.HARD else RefreshKind.NORMAL
    key: Key = (ask.application_namespace, ask.application_name)
    table = ask.context.table
    before = table.number_of(key)
    await patch_application(ask, {"metadata": {"annotations": {argo.REFRESH: word.value}}})
    try:
        async with asyncio.timeout(REFRESH_SECONDS):
            while True:
                # Each change is a reason to ask the cluster itself: the table may be behind what was just written.
                found = await ask.context.client.get(APPLICATIONS, *reversed(key))
                if argo.REFRESH not in annotations_of(found):
                    return found
                await table.wait_until(lambda known=before: table.number_of(key) != known)  # type: ignore[misc]
                before = table.number_of(key)
    except NotFoundError as error:
        raise RefusedError(Kind.NOT_FOUND, "application-not-found", application=key[1]) from error
    except TimeoutError as error:
        facts = {"application": key[1], "seconds": REFRESH_SECONDS}
        raise RefusedError(Kind.UNAVAILABLE, "refresh-unanswered", **facts) from error
