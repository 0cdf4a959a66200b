"""Who asks, and who says what they may: the seam to `haori.access`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from haori.access import Decision, Identity
from haori.access.rights import ACTIONS, RESOURCES

__all__ = ["ACTIONS", "RESOURCES", "Authenticator", "Decision", "Identity", "Policy"]


class Policy(Protocol):
    """Who may do what; one that changed is another one."""

    def __hash__(self) -> int:
        """By which what it decided may be remembered."""
        ...

    def decide(self, identity: Identity, resource: str, action: str, object: str) -> Decision:
        """Whether `identity` may do `action` to the `object` of `resource`."""
        ...

    def is_listed(self, identity: Identity) -> bool:
        """Whether the name may stand for somebody now."""
        ...


class Authenticator(Protocol):
    """Who somebody is."""

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        """The identity of a request's Authorization header and cookies, None where they name nobody."""
        ...
