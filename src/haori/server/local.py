"""Access for whoever may read the server's own folder: one token, which may everything.

The token stands in the address file, readable by its owner only, and is made anew at every start. It is how commands on
the same machine ask the server, as they ask the engine by its listener's.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from haori.server.who import Identity

OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whoever may read the folder."""

    subject: str = OWNER
    groups: tuple[str, ...] = ()
    issuer: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision and its reason."""

    allowed: bool
    rule: str = ""


@dataclass(frozen=True, slots=True)
class OwnerAuthenticator:
    """Knows the owner by the token."""

    token: str = field(repr=False)

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        """The owner, or nobody."""
        given = (authorization or "").encode(errors="replace")
        return Owner() if hmac.compare_digest(given, f"Bearer {self.token}".encode()) else None


@dataclass(frozen=True, slots=True)
class OwnerPolicy:
    """The owner may everything, others nothing."""

    def decide(self, identity: Identity, resource: str, action: str, object: str) -> Verdict:
        """Whether it is the owner."""
        return Verdict(allowed=isinstance(identity, Owner), rule="the owner of this instance")
