"""Who asks, and who says what they may: the seam to `haori.access`.

An identity is compared by value, so that what was decided for it may be remembered. Resources and actions are Argo CD's.
see: argoproj/argo-cd `docs/operator-manual/rbac.md` (3.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

RESOURCES = frozenset(
    {
        "applications", "applicationsets", "clusters", "projects", "repositories", "write-repositories", "certificates",
        "accounts", "gpgkeys", "logs", "exec", "extensions",
    }
)  # fmt: skip
ACTIONS = frozenset({"get", "create", "update", "delete", "sync", "rollback", "override", "invoke", "action"})


class Identity(Protocol):
    """Somebody whose credentials were found good; hashable."""

    @property
    def subject(self) -> str:
        """The account's name, or the token's role."""
        ...

    @property
    def groups(self) -> tuple[str, ...]:
        """As the issuer says."""
        ...

    @property
    def issuer(self) -> str:
        """`local`, `link`, `token`, or the URL of the OIDC issuer."""
        ...


class Decision(Protocol):
    """What a policy says."""

    @property
    def allowed(self) -> bool:
        """Whether it may be done."""
        ...

    @property
    def rule(self) -> str:
        """The line that decided, empty where none did."""
        ...


class Policy(Protocol):
    """Who may do what."""

    def decide(self, identity: Identity, resource: str, action: str, object: str) -> Decision:
        """Whether `identity` may do `action` to the `object` of `resource`."""
        ...


class Authenticator(Protocol):
    """Who somebody is."""

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        """The identity of a request's Authorization header and cookies, None where they name nobody."""
        ...
