"""Lists of applications with names that everybody of an installation sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.access import Identity
from haori.errors import UserError
from haori.store import Connection, Transaction

AT_MOST, MOST_OF_ONE = 500, 50
LONGEST_NAME, LONGEST_SEARCH = 60, 2000
_COLUMNS = "name, search, subject, issuer, changed_at"
_FIND = f"SELECT {_COLUMNS} FROM view WHERE name = %s FOR UPDATE"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM view ORDER BY name"  # noqa: S608
_PUT = f"""INSERT INTO view ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (name)
    DO UPDATE SET search = excluded.search, changed_at = excluded.changed_at"""  # noqa: S608


class ViewError(UserError):
    """`view-unknown` (view): there is none of that name; `views-full`, `views-of-one-full` (limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedView:
    """One."""

    name: str
    search: str
    """The query part of the list's address, without its question mark."""
    subject: str
    issuer: str
    changed_at: datetime

    def is_of(self, identity: Identity) -> bool:
        """Whether they made it."""
        return (self.subject, self.issuer) == (identity.subject, identity.issuer)


Judge = Callable[[SharedView], None]
"""Raises where the sender may not change this one."""


class SharedViews:
    """The table. Everything raises StoreUnavailableError while it is away."""

    def __init__(self, transaction: Transaction, clock: Callable[[], datetime]) -> None:
        self._transaction, self._clock = transaction, clock

    async def list(self) -> list[SharedView]:
        """All, by name."""
        async with self._transaction() as connection:
            return [_view(row) for row in await (await connection.execute(_LIST)).fetchall()]

    async def put(self, name: str, search: str, identity: Identity, judge: Judge) -> SharedView:
        """Makes one, or changes the one of that name, which stays its maker's. Raises ViewError, and what `judge` raises."""
        async with self._transaction() as connection:
            await connection.execute("LOCK TABLE view IN SHARE ROW EXCLUSIVE MODE")
            row = await (await connection.execute(_FIND, [name])).fetchone()
            if row is not None:
                judge(_view(row))
            if row is None:
                await _refuse_full(connection, identity)
            maker = (row[2], row[3]) if row is not None else (identity.subject, identity.issuer)
            values = [name, search, *maker, self._clock()]
            await connection.execute(_PUT, values)
            return _view(tuple(values))

    async def drop(self, name: str, judge: Judge) -> None:
        """Takes one away. Raises ViewError where there is none, and what `judge` raises."""
        async with self._transaction() as connection:
            row = await (await connection.execute(_FIND, [name])).fetchone()
            if row is None:
                raise ViewError("view-unknown", view=name)
            judge(_view(row))
            await connection.execute("DELETE FROM view WHERE name = %s", [name])


async def _refuse_full(connection: Connection, identity: Identity) -> None:
    """Raises ViewError where there are enough of theirs, or of all."""
    counted = await connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE subject = %s AND issuer = %s) FROM view",
        [identity.subject, identity.issuer],
    )
    of_all, of_one = (await counted.fetchone()) or (0, 0)
    if of_one >= MOST_OF_ONE:
        raise ViewError("views-of-one-full", limit=MOST_OF_ONE)
    if of_all >= AT_MOST:
        raise ViewError("views-full", limit=AT_MOST)


def _view(row: tuple[Any, ...]) -> SharedView:
    name, search, subject, issuer, changed_at = row
    return SharedView(name=name, search=search, subject=subject, issuer=issuer, changed_at=changed_at)
