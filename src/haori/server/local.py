"""Access for whoever may read the server's own folder: one token, which may everything.

The token stands in the address file, readable by its owner only, and is made anew at every start. It is how commands on
the same machine ask the server, as they ask the engine by its listener's.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from haori.access import Identity
from haori.access.identity import OWNER


@dataclass(frozen=True, slots=True)
class OwnerAuthenticator:
    """Knows the owner by the token."""

    token: str = field(repr=False)

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        """The owner, or nobody."""
        given = (authorization or "").encode(errors="replace")
        return OWNER if hmac.compare_digest(given, f"Bearer {self.token}".encode()) else None
