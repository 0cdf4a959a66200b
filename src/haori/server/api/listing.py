"""Lists of applications, and how they go on: Argo CD's with whole manifests, ours with rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from starlette.responses import Response

from haori.objects.selectors import LabelSelector, parse_label_selector
from haori.server.answering import (
    EVENTS,
    FIELDS,
    JSON,
    answer_json,
    answer_stream,
    format_event,
    format_line,
    project_fields,
    wants_events,
)
from haori.server.asking import Ask, format_object_name
from haori.server.queries import RowQuery, find_rows
from haori.server.routing import Filtered, Query, Route
from haori.server.rows import Key, Row
from haori.server.streams import BEAT_SECONDS, STREAM_SECONDS
from haori.server.table import Kept
from haori.server.who import Identity, Policy

GATHER_SECONDS = 0.1
"""How long changes are gathered before they are told: a sync changes an application several times a second."""
ROWS_AT_ONCE = 500
"""Rows in one event."""
SOME = 200
"""Applications that a list or stream goes through before it lets others have their turn."""
READERS = 16
"""Readers whose lists are remembered: a megabyte each for ten thousand applications."""

Sees = Callable[[Row], bool]


def sees(ask: Ask) -> Sees:
    """Whether the sender may read the application of a row; remembered as long as the policy lasts, since it is asked of each."""
    policy, who, control = ask.context.policy(), ask.who, ask.context.namespace
    known = _seen(policy, who)
    if len(known) > 2 * len(ask.context.table) + SOME:
        known.clear()  # Most of it is of applications that are gone.

    def may_see(row: Row) -> bool:
        place = row.project, row.key
        if (found := known.get(place)) is None:
            name = format_object_name(control, row.project, row.namespace, row.name)
            found = known[place] = policy.decide(who, "applications", "get", name).allowed
        return found

    return may_see


@lru_cache(maxsize=READERS)
def _seen(policy: Policy, who: Identity) -> dict[tuple[str, Key], bool]:
    """What was found out for one reader under one policy; a change of policy begins anew."""
    return {}


class Wanted:
    """What a request's filters leave of Argo CD's lists and streams."""

    def __init__(self, ask: Ask) -> None:
        self.may_see = sees(ask)
        self._name, self._repo, self._namespace = ask.text("name"), ask.text("repo"), ask.text("appNamespace")
        self._search = ask.text("search").lower()
        self._projects = frozenset(ask.texts("projects", "project"))
        self._selector: LabelSelector = parse_label_selector(ask.text("selector"))

    def __call__(self, row: Row) -> bool:
        """Whether the row is wanted, and may be seen."""
        return (
            self._name in ("", row.name)
            and self._repo in ("", row.repo)
            and self._namespace in ("", row.namespace)
            and self._search in row.name.lower()
            and (not self._projects or row.project in self._projects)
            and self._selector.matches(row.labels)
            and self.may_see(row)
        )


async def _list(ask: Ask) -> Response:
    wanted, fields = Wanted(ask), ask.text("fields")
    found = [each for each in ask.context.table.all() if wanted(each.row)]
    items = []
    for index, each in enumerate(found):
        items.append(each.manifest())
        if index % SOME == SOME - 1:
            await asyncio.sleep(0)
    value = {"metadata": {"resourceVersion": ask.context.table.resource_version}, "items": items}
    return await answer_json(ask.request, project_fields(value, fields))


async def _stream(ask: Ask) -> Response:
    ask.context.streams.check_room()
    is_events = wants_events(ask.request)
    return answer_stream(
        _watch(ask, Wanted(ask), is_events=is_events), media_type=EVENTS if is_events else JSON, language=ask.language
    )


async def _watch(ask: Ask, wanted: Wanted, *, is_events: bool) -> AsyncIterator[bytes]:
    """What Argo CD's watch tells: every application first (unless a resourceVersion was given), then each change."""
    table, fields = ask.context.table, ask.text("fields")

    def line(type_: str, manifest: dict[str, Any]) -> bytes:
        value = project_fields({"result": {"type": type_, "application": manifest}}, fields)
        return format_event(value) if is_events else format_line(value)

    cursor, known = table.cursor, dict[Key, str]()
    for each in table.all():
        if wanted(each.row):
            known[each.row.key] = each.row.project
            if not ask.text("resourceVersion"):
                yield line("ADDED", each.manifest())
    tells_standing = is_events and ask.flag("status")
    async for told in follow(ask, cursor, beat=b": \n\n" if is_events else b"\n", tells_standing=tells_standing):
        if isinstance(told, bytes):
            yield told
            continue
        for each in told[0]:
            key, is_wanted = each.row.key, wanted(each.row)
            if is_wanted:
                yield line("MODIFIED" if key in known else "ADDED", each.manifest())
                known[key] = each.row.project
            elif (project := known.pop(key, None)) is not None:
                # One that moved where the reader may not see it says no word of how it is there.
                yield line("DELETED", each.manifest() if wanted.may_see(each.row) else _remains(key, project))
        for row in told[1]:
            if (project := known.pop(row.key, None)) is not None:
                yield line("DELETED", _remains(row.key, project))


def _remains(key: Key, project: str) -> dict[str, Any]:
    metadata = {"name": key[1], "namespace": key[0]}
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": {"project": project},
    }  # fmt: skip


async def follow(
    ask: Ask, cursor: str, *, beat: bytes, beat_seconds: float = BEAT_SECONDS, tells_standing: bool = False
) -> AsyncIterator[tuple[Iterable[Kept], Iterable[Row], str] | bytes]:
    """(changed, removed, cursor) again and again, `beat` in silence, until the stream's time is over, its sender's rights
    changed, or the server ends. With `tells_standing` events between say how engine, store and watch stand, as they change."""
    table, streams, loop = ask.context.table, ask.context.streams, asyncio.get_running_loop()
    policy, until, look_again = ask.context.policy(), loop.time() + STREAM_SECONDS, loop.time() + BEAT_SECONDS
    standing, told = ask.context.standing, -1 if tells_standing else None
    async with streams.hold():
        while loop.time() < until and not streams.stopping.is_set() and ask.context.policy() is policy:
            if told is not None and told != standing.version:
                told = standing.version
                yield format_event(standing.to_json(), event="status")
            has_changed = await _wait(ask, cursor, beat_seconds, told)
            if loop.time() >= look_again:
                look_again = loop.time() + BEAT_SECONDS
                if not await ask.is_still_known():
                    return
            if not has_changed:
                yield beat
                continue
            changes = table.since(cursor)
            if changes is None:  # More was removed at once than is remembered: the client begins anew.
                return
            cursor = changes.cursor
            yield changes.changed, changes.removed, cursor


async def _wait(ask: Ask, cursor: str, seconds: float, standing: int | None) -> bool:
    """Whether something changed before it is time for a sign of life; False as well where the server ends, or something
    stands otherwise than at the version `standing` (None: that is of no concern)."""
    streams = ask.context.streams
    changed = asyncio.ensure_future(ask.context.table.wait_changed(cursor))
    stopping = asyncio.ensure_future(streams.stopping.wait())
    tasks = {changed, stopping}
    if standing is not None:
        tasks.add(asyncio.ensure_future(ask.context.standing.wait_changed(standing)))
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not changed.done() or stopping.done():
            return False
        await asyncio.wait({stopping}, timeout=GATHER_SECONDS)
        return True
    finally:
        for task in tasks:
            task.cancel()


async def _rows(ask: Ask) -> Response:
    page = find_rows(ask.context.table, RowQuery.read(ask), sees(ask))
    return await answer_json(
        ask.request,
        {
            "items": [row.to_json(ask.language) for row in page.rows],
            "total": page.total,
            "counts": page.counts,
            "groups": [
                {"value": each.value, "total": each.total, "health": each.health, "sync": each.sync}
                for each in page.groups
            ],
            "cursor": ask.context.table.cursor,
        },
    )


async def _row_stream(ask: Ask) -> Response:
    ask.context.streams.check_room()
    # EventSource repeats the id of the last event it has seen when it comes again.
    cursor = ask.request.headers.get("last-event-id", "") or ask.text("cursor") or ask.context.table.cursor
    return answer_stream(_row_events(ask, cursor), media_type=EVENTS, language=ask.language)


async def _row_events(ask: Ask, cursor: str) -> AsyncIterator[bytes]:
    table, may_see = ask.context.table, sees(ask)
    yield b"retry: 1000\n\n"
    if table.since(cursor) is None:
        cursor = table.cursor
        yield format_event({"cursor": cursor}, event="reset", id_=cursor)
    shown = {row.key for row in table.rows() if may_see(row)}
    async for told in follow(ask, cursor, beat=b": \n\n", tells_standing=ask.flag("status")):
        if isinstance(told, bytes):
            yield told
            continue
        changed, removed, after = told
        rows = [each.row for each in changed if may_see(each.row)]
        # One that moved to a project the reader may not see is gone for them, as one that was deleted.
        gone = [each.row.key for each in changed if each.row.key in shown and not may_see(each.row)]
        gone += [row.key for row in removed if may_see(row)]
        shown = shown.difference(gone).union(row.key for row in rows)
        for value in pieces([row.to_json(ask.language) for row in rows], gone, before=cursor, after=after):
            yield format_event(value, event="rows", id_=value["cursor"])
        cursor = after


def pieces(rows: list[dict[str, Any]], gone: list[Key], *, before: str, after: str) -> Iterator[dict[str, Any]]:
    """Events of a bearable size; only the last moves the cursor on, so that a break between them loses nothing."""
    if not rows and not gone:
        return
    for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
        piece = rows[start : start + ROWS_AT_ONCE]
        is_last = start + ROWS_AT_ONCE >= len(rows)
        removed = [list(key) for key in gone] if is_last else []
        yield {"changed": piece, "removed": removed, "cursor": after if is_last else before}


_FILTERS = (
    Query(name="projects", help="Only applications of these projects.", many=True),
    Query(name="project", help="As projects.", many=True),
    Query(name="name", help="Only the application of this name."),
    Query(name="search", help="Only applications whose name holds this text."),
    Query(name="selector", help="A label selector."),
    Query(name="repo", help="Only applications whose first source is this repository."),
    Query(name="appNamespace", help="Only applications of this namespace."),
    Query(name="fields", help=FIELDS),
    Query(name="resourceVersion", help="Of a list: what was there before is not told again."),
)
_ROW_FILTERS = (
    *(
        Query(name=name, help=f"Only rows of this {name}.", many=True)
        for name in ("project", "cluster", "namespace", "repo", "health", "sync")
    ),
    Query(name="search", help="Words that name, repository, path, revision, image or label has to hold."),
    Query(name="label", help="A label selector."),
    Query(
        name="group",
        help="project, cluster, namespace, parent or label:KEY: rows of one group stand together, and groups are counted.",
    ),
    Query(
        name="sort", help="name, namespace, project, cluster, health, sync, reconciledAt; - before it turns it round."
    ),
    Query(name="page", help="From 1 on.", type="integer"),
    Query(name="perPage", help="At most 500.", type="integer"),
)
_STATUS = Query(
    name="status", help="Of events: others named `status` tell how engine, store and watch stand.", type="boolean"
)
_READ = Filtered(resource="applications")
ROUTES = (
    Route(
        method="GET",
        path="/api/v1/applications",
        handler=_list,
        access=_READ,
        summary="Applications, whole",
        query=_FILTERS,
    ),
    Route(
        method="GET",
        path="/api/v1/stream/applications",
        handler=_stream,
        access=_READ,
        summary="Applications as they change",
        query=(
            *_FILTERS,
            _STATUS,
        ),
        streams=True,
    ),
    Route(
        method="GET",
        path="/api/haori/v1/applications",
        handler=_rows,
        access=_READ,
        summary="Rows of applications: a page, the total, counts",
        query=_ROW_FILTERS,
    ),
    Route(
        method="GET",
        path="/api/haori/v1/applications/stream",
        handler=_row_stream,
        access=_READ,
        summary="Rows of applications as they change",
        query=(
            Query(name="cursor", help="Of a list or an event: what changed since is told first."),
            Query(name="language", help="Of sentences, as Accept-Language has it: EventSource sends no headers."),
            _STATUS,
        ),
        streams=True,
    ),
)
__all__ = ["ROUTES", "Wanted", "follow", "sees"]
