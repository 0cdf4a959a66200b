"""The audit: who changed what, newest first, filtered, in pages, and as a file.

Whoever may change every account may read it: it says what others did, and from where.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from haori.server.answering import answer_json
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule
from haori.store import StoredEvent, Stream
from haori.words import Language, Sentence

PER_PAGE, MOST_PER_PAGE = 100, 1000
MOST_EXPORTED = 100_000
FIELDS = ("id", "at", "actor", "issuer", "token", "action", "object", "project", "outcome", "rule", "request", "text")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def _read(ask: Ask, before: int | None, limit: int) -> list[StoredEvent]:
    return await ask.context.entrance.store.events.read(
        Stream.AUDIT,
        before=before,
        who=ask.text("actor"),
        about=ask.text("object"),
        action=ask.text("action"),
        outcome=ask.text("outcome"),
        project=ask.text("project"),
        since=_time(ask, "from"),
        until=_time(ask, "to"),
        limit=limit,
    )


def _time(ask: Ask, name: str) -> datetime | None:
    given = ask.text(name)
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedError(Kind.INVALID, "parameter-no-time", parameter=name, text=given[:100]) from error


async def _list(ask: Ask) -> Response:
    limit = ask.number("limit", PER_PAGE, least=1, most=MOST_PER_PAGE)
    before = ask.number("before", 0, most=1 << 62) or None
    found = await _read(ask, before, limit)
    items = [to_json(stored, ask.language) for stored in found]
    return await answer_json(ask.request, {"items": items, "next": found[-1].id if len(found) == limit else None})


def to_json(stored: StoredEvent, language: Language) -> dict[str, Any]:
    """One event as it is told."""
    event, told = stored.event, stored.event.parameters
    return {
        "id": stored.id,
        "at": event.at.isoformat(),
        "actor": event.who,
        **{name: str(told.get(name) or "") for name in ("issuer", "token", "action")},
        "object": event.object,
        "project": event.project,
        "outcome": event.outcome,
        "rule": str(told.get("rule") or ""),
        "request": str(told.get("request") or ""),
        "text": Sentence(code=event.code, parameters=told).text(language),
        "details": told.get("details") or {},
    }


async def _export(ask: Ask) -> Response:
    kind = ask.text("format", "json") or "json"
    if kind not in ("json", "csv"):
        raise RefusedError(Kind.INVALID, "parameter-unknown-word", parameter="format", known=["csv", "json"])
    # What is wrong with the question, or with the store, is said before the file begins.
    first = await _read(ask, None, MOST_PER_PAGE)
    rows = _rows(ask, first)
    content, media_type = (
        (_as_csv(rows), "text/csv; charset=utf-8") if kind == "csv" else (_as_json(rows), "application/json")
    )
    headers = {"Content-Disposition": f'attachment; filename="audit.{kind}"'}
    return StreamingResponse(content, media_type=media_type, headers=headers)


async def _rows(ask: Ask, page: list[StoredEvent]) -> AsyncIterator[dict[str, Any]]:
    for _ in range(MOST_EXPORTED // MOST_PER_PAGE):
        for stored in page:
            yield to_json(stored, ask.language)
        if len(page) < MOST_PER_PAGE:
            return
        page = await _read(ask, page[-1].id, MOST_PER_PAGE)


async def _as_json(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    """One array, a line an event."""
    opening = b"["
    async for row in rows:
        yield opening + b"\n" + orjson.dumps(row)
        opening = b","
    yield b"\n]\n" if opening == b"," else b"[]\n"


async def _as_csv(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    yield _line([*FIELDS, "details"])
    async for row in rows:
        yield _line([*(row[field] for field in FIELDS), orjson.dumps(row["details"]).decode()])


def _line(values: list[Any]) -> bytes:
    """One line; what a spreadsheet would take for a formula is text."""
    texts = [str(value) for value in values]
    written = io.StringIO()
    csv.writer(written).writerow([f"'{text}" if text.startswith(_FORMULA) else text for text in texts])
    return written.getvalue().encode()


async def _everything(ask: Ask) -> str:
    return "*"


_ACCESS = Rule(resource="accounts", action="update", object_of=_everything)
_FILTERS = (
    Query(name="actor", help="Who, exactly."),
    Query(name="action", help="How the action begins, as applications/sync."),
    Query(name="object", help="A part of the object's name."),
    Query(name="project", help="Of which project."),
    Query(name="outcome", help="done, refused or failed."),
    Query(name="from", help="Since when (ISO 8601)."),
    Query(name="to", help="Until when, without that moment."),
)
ROUTES = (
    Route(
        method="GET",
        path="/api/haori/v1/audit",
        handler=_list,
        access=_ACCESS,
        summary="Who changed what, newest first",
        query=(
            *_FILTERS,
            Query(name="before", help="Number of the last event of the page before (next).", type="integer"),
            Query(name="limit", help="Events of a page: 100 unless said, at most 1000.", type="integer"),
        ),
    ),
    Route(
        method="GET",
        path="/api/haori/v1/audit/export",
        handler=_export,
        access=_ACCESS,
        summary="The same as a file, the newest 100,000",
        query=(*_FILTERS, Query(name="format", help="json or csv.")),
    ),
)
