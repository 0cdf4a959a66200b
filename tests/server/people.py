"""Who asks in these tests: nobody, a reader, a member of one project, an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from haori.delivery.model.globs import glob_matches
from haori.server.who import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An identity."""

    subject: str
    groups: tuple[str, ...] = ()
    issuer: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    allowed: bool
    rule: str = ""


@dataclass(slots=True)
class Rules:
    """A policy by lines of (subject, resource, action, object), all globs."""

    lines: tuple[tuple[str, str, str, str], ...] = (
        ("admin", "*", "*", "*"),
        ("reader", "*", "get", "*"),
        ("member", "applications", "*", "shop/*"),
        ("member", "logs", "get", "shop/*"),
    )

    def decide(self, identity: Identity, resource: str, action: str, object: str) -> Verdict:
        asked = identity.subject, resource, action, object
        for line in self.lines:
            if all(glob_matches(pattern, text) for pattern, text in zip(line, asked, strict=True)):
                return Verdict(allowed=True, rule=", ".join(line))
        return Verdict(allowed=False)


@dataclass(slots=True)
class Badges:
    """Knows people by `Bearer NAME`, or by a cookie of that name."""

    known: set[str] = field(default_factory=lambda: {"admin", "reader", "member"})

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        name = (authorization or "").removeprefix("Bearer ") or cookies.get("argocd.token", "")
        return Person(subject=name) if name in self.known else None
