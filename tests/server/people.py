"""Who asks in these tests: nobody, a reader, a member of one project, an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from haori.access import Identity, Policy

RULES = """
g, reader, role:readonly
p, member, applications, *, shop/*, allow
p, member, logs, get, shop/*, allow
"""
"""`admin` is one by the lines that are built in."""
POLICY = Policy.parse(RULES)


@dataclass(slots=True)
class Badges:
    """Knows people by `Bearer NAME`, or by a cookie of that name."""

    known: set[str] = field(default_factory=lambda: {"admin", "reader", "member"})

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        name = (authorization or "").removeprefix("Bearer ") or cookies.get("argocd.token", "")
        return Identity(subject=name, issuer="local") if name in self.known else None
