"""Somebody whose credentials were found good."""

from __future__ import annotations

from dataclasses import dataclass

TOKEN_ISSUER = "token"  # noqa: S105
LOCAL_ISSUER = "local"
OWNER_ISSUER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who it is, as the issuer says; compared by value, so that what was decided for it may be remembered."""

    subject: str
    """The account's name, the `sub` of an OIDC issuer, or `proj:PROJECT:ROLE` of a project's token."""
    groups: tuple[str, ...] = ()
    issuer: str
    """`local`, `owner`, `token`, or the URL of the OIDC issuer."""
    token_id: str = ""
    """Of the token or the session that was shown, which names it and does not open anything."""
    scopes: tuple[str, ...] | None = None
    """`RESOURCE:ACTION` or `RESOURCE:ACTION:OBJECT`, each a glob: a token may nothing else. None: it is not limited."""

    @property
    def is_owner(self) -> bool:
        """Whether it is whoever may read the folder of the server."""
        return self.issuer == OWNER_ISSUER


OWNER = Identity(subject="owner", issuer=OWNER_ISSUER)
"""Whoever may read the folder of the server, by the token that stands in it. Nobody else gives this issuer."""
