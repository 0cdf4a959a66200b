"""Events: added, read in order, never changed. The database itself refuses a change (a trigger).

Numbers rise in the order of adding, but two that are added at once may become readable in the other order; whoever follows
the table by its numbers has to look back a little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

Transaction = Callable[[], AbstractAsyncContextManager[psycopg.AsyncConnection[tuple[Any, ...]]]]

MOST = 1000
"""Events of one answer."""
_COLUMNS = "id, stream, at, code, who, project, object, outcome, parameters"


class Stream(StrEnum):
    """Which story an event belongs to."""

    AUDIT = "audit"
    TIMELINE = "timeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact; `code` and `parameters` are a sentence of `words`. Masked by the one who adds it."""

    stream: Stream
    at: datetime
    code: str
    who: str = ""
    project: str = ""
    object: str = ""
    """`Kind namespace/name`, empty where it is about none."""
    outcome: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event and its number."""

    id: int
    event: Event


class Events:
    """The table of events."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def append(self, events: Sequence[Event]) -> list[int]:
        """Adds all or none; gives their numbers, rising."""
        statement = """INSERT INTO event (stream, at, code, who, project, object, outcome, parameters)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"""
        numbers: list[int] = []
        async with self._transaction() as connection:
            for event in events:
                found = await (await connection.execute(statement, _values(event))).fetchone()
                assert found is not None, "an insert returns its row"
                numbers.append(found[0])
        return numbers

    async def read(
        self,
        stream: Stream,
        *,
        before: int | None = None,
        object: str = "",
        project: str = "",
        who: str = "",
        outcome: str = "",
        about: str = "",
        action: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[StoredEvent]:
        """The newest first, at most `limit` (and `MOST`), numbered below `before`; empty words do not filter.

        `about` is a part of the object's name; `action` a beginning of the parameter of this name.
        """
        statement = f"""SELECT {_COLUMNS} FROM event
            WHERE stream = %(stream)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
              AND (%(object)s = '' OR object = %(object)s) AND (%(project)s = '' OR project = %(project)s)
              AND (%(who)s = '' OR who = %(who)s) AND (%(outcome)s = '' OR outcome = %(outcome)s)
              AND (%(about)s = '' OR strpos(lower(object), lower(%(about)s)) > 0)
              AND (%(action)s = '' OR starts_with(parameters->>'action', %(action)s))
              AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
              AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
            ORDER BY id DESC LIMIT %(limit)s"""  # noqa: S608
        asked = {
            "stream": stream, "before": before, "object": object, "project": project, "who": who, "outcome": outcome,
            "about": about, "action": action, "since": since, "until": until,
        }  # fmt: skip
        async with self._transaction() as connection:
            rows = await (await connection.execute(statement, {**asked, "limit": max(0, min(limit, MOST))})).fetchall()
        return [_stored(row) for row in rows]


def _values(event: Event) -> list[Any]:
    if event.at.tzinfo is None:
        raise ValueError("a time without a zone")
    return [
        event.stream, event.at, event.code, event.who, event.project, event.object, event.outcome,
        Jsonb(dict(event.parameters)),
    ]  # fmt: skip


def _stored(row: tuple[Any, ...]) -> StoredEvent:
    number, stream, at, code, who, project, object, outcome, parameters = row
    event = Event(
        stream=Stream(stream),
        at=at.astimezone(UTC),
        code=code,
        who=who,
        project=project,
        object=object,
        outcome=outcome,
        parameters=parameters,
    )
    return StoredEvent(id=number, event=event)
