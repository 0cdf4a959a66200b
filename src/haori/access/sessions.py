"""Sessions: who is signed in, in a table, of whose secrets only hashes are kept.

A session ends when it was not used for long, at the end that was set when it began, when somebody signs out, and, where it
is an account's, when the account's password changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from haori.access.identity import Identity
from haori.access.secrecy import SESSION_PREFIX, hash_secret, new_id, new_secret
from haori.store import Transaction

IDLE = timedelta(hours=8)
"""Without a request."""
AT_MOST = 50
"""Sessions of one subject; the one that was not used for longest makes room."""
TOUCH = timedelta(minutes=1)
"""How exactly the last use is known: not every request writes."""
_COLUMNS = "id, subject, issuer, groups, created_at, seen_at, expires_at, fresh_until, sealed"
_INSERT = f"INSERT INTO session (secret_hash, {_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM session WHERE secret_hash = %s AND expires_at > %s AND seen_at > %s"  # noqa: S608
_FIND_BY_ID = f"SELECT {_COLUMNS} FROM session WHERE id = %s AND expires_at > %s"  # noqa: S608
_END = f"DELETE FROM session WHERE secret_hash = %s RETURNING {_COLUMNS}"  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One."""

    id: str
    subject: str
    issuer: str
    groups: tuple[str, ...]
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    fresh_until: datetime | None = None
    """Until when the word of an identity provider counts; None: nobody has to be asked."""
    sealed: bytes | None = field(default=None, repr=False)
    """What the provider wants to see then."""

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        return Identity(subject=self.subject, issuer=self.issuer, groups=self.groups, token_id=self.id)


class Sessions:
    """The table."""

    def __init__(self, transaction: Transaction, clock: Callable[[], datetime]) -> None:
        self._transaction, self._clock = transaction, clock

    async def begin(
        self,
        identity: Identity,
        lasts: timedelta,
        *,
        fresh_until: datetime | None = None,
        sealed: bytes | None = None,
    ) -> str:
        """The secret of a new session. Raises StoreUnavailableError."""
        secret, now = new_secret(SESSION_PREFIX), self._clock()
        async with self._transaction() as connection:
            await connection.execute("DELETE FROM session WHERE expires_at <= %s OR seen_at <= %s", [now, now - IDLE])
            await connection.execute(
                """DELETE FROM session WHERE id IN (
                    SELECT id FROM session WHERE subject = %s AND issuer = %s ORDER BY seen_at DESC OFFSET %s)""",
                [identity.subject, identity.issuer, AT_MOST - 1],
            )
            await connection.execute(
                _INSERT,
                [
                    hash_secret(secret), new_id(), identity.subject, identity.issuer, list(identity.groups),
                    now, now, now + lasts, fresh_until, sealed,
                ],
            )  # fmt: skip
        return secret

    async def find(self, secret: str) -> Session | None:
        """The session of a secret, if it goes on; it was used now."""
        now = self._clock()
        async with self._transaction() as connection:
            rows = await connection.execute(
                _FIND,
                [hash_secret(secret), now, now - IDLE],
            )
            found = _session(await rows.fetchone())
            if found is not None and now - found.seen_at > TOUCH:
                await connection.execute("UPDATE session SET seen_at = %s WHERE id = %s", [now, found.id])
        return found

    async def find_by_id(self, session_id: str) -> Session | None:
        """A session that is known by its name."""
        async with self._transaction() as connection:
            rows = await connection.execute(_FIND_BY_ID, [session_id, self._clock()])
            return _session(await rows.fetchone())

    async def renew(
        self, session_id: str, groups: tuple[str, ...], fresh_until: datetime, sealed: bytes | None
    ) -> None:
        """Writes down what the provider says now."""
        async with self._transaction() as connection:
            await connection.execute(
                "UPDATE session SET groups = %s, fresh_until = %s, sealed = %s WHERE id = %s",
                [list(groups), fresh_until, sealed, session_id],
            )

    async def end(self, secret: str) -> Session | None:
        """Ends the session of a secret; gives it, if there was one."""
        async with self._transaction() as connection:
            rows = await connection.execute(_END, [hash_secret(secret)])
            return _session(await rows.fetchone())

    async def end_by_id(self, session_id: str) -> None:
        """Ends a session that is known by its name."""
        async with self._transaction() as connection:
            await connection.execute("DELETE FROM session WHERE id = %s", [session_id])

    async def end_all(self, subject: str, issuer: str) -> None:
        """Ends all of somebody's."""
        async with self._transaction() as connection:
            await connection.execute("DELETE FROM session WHERE subject = %s AND issuer = %s", [subject, issuer])


def _session(row: tuple[Any, ...] | None) -> Session | None:
    if row is None:
        return None
    id_, subject, issuer, groups, created_at, seen_at, expires_at, fresh_until, sealed = row
    return Session(
        id=id_,
        subject=subject,
        issuer=issuer,
        groups=tuple(groups),
        created_at=created_at,
        seen_at=seen_at,
        expires_at=expires_at,
        fresh_until=fresh_until,
        sealed=bytes(sealed) if sealed is not None else None,
    )
