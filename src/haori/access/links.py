"""One-time links: whoever may read the server's folder signs in a browser without a password.

A link's code stands in the fragment of its URL, which no server and no log sees; the page sends it once, within two
minutes, and it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from haori.access.identity import Identity
from haori.access.secrecy import LINK_PREFIX, hash_secret, new_secret
from haori.store import Transaction

LASTS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One, as it is given out."""

    code: str = field(repr=False)
    expires_at: datetime


class Links:
    """The table."""

    def __init__(self, transaction: Transaction, clock: Callable[[], datetime]) -> None:
        self._transaction, self._clock = transaction, clock

    async def make(self, identity: Identity) -> Link:
        """A new one that signs in as `identity`."""
        now = self._clock()
        link = Link(code=new_secret(LINK_PREFIX), expires_at=now + LASTS)
        async with self._transaction() as connection:
            await connection.execute("DELETE FROM sign_in_link WHERE expires_at <= %s", [now])
            await connection.execute(
                "INSERT INTO sign_in_link (code_hash, subject, issuer, expires_at) VALUES (%s, %s, %s, %s)",
                [hash_secret(link.code), identity.subject, identity.issuer, link.expires_at],
            )
        return link

    async def take(self, code: str) -> Identity | None:
        """Whom a code signs in; it is good for nobody afterwards."""
        async with self._transaction() as connection:
            rows = await connection.execute(
                "DELETE FROM sign_in_link WHERE code_hash = %s RETURNING subject, issuer, expires_at",
                [hash_secret(code)],
            )
            found = await rows.fetchone()
        if found is None or found[2] <= self._clock():
            return None
        return Identity(subject=found[0], issuer=found[1])
