"""Somebody whose credentials were found good."""

from __future__ import annotations

from dataclasses import dataclass

TOKEN_ISSUER = "token"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who it is, as the issuer says; compared by value, so that what was decided for it may be remembered."""

    subject: str
    """The account's name, the `sub` of an OIDC issuer, or `proj:PROJECT:ROLE` of a project's token."""
    groups: tuple[str, ...] = ()
    issuer: str
    """`local`, `link`, `token`, or the URL of the OIDC issuer."""
    token_id: str = ""
    scopes: tuple[str, ...] | None = None
    """`RESOURCE:ACTION` or `RESOURCE:ACTION:OBJECT`, each a glob: a token may nothing else. None: it is not limited."""
