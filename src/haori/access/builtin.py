"""The two roles that are always there, and the account that has the wider one.

`role:readonly` reads everything but what runs inside containers, `role:admin` may everything, the account `admin` is one of
it (as `policy` knows, since a group may have the same name); nothing takes these lines away.
see: argoproj/argo-cd `assets/builtin-policy.csv` (3.x).
"""

from __future__ import annotations

from collections.abc import Iterator

READONLY, ADMIN = "role:readonly", "role:admin"
BUILTIN_ROLES = (READONLY, ADMIN)

_OF_PROJECTS = ("applications", "applicationsets")
_OTHERS = ("certificates", "clusters", "repositories", "write-repositories", "projects", "accounts", "gpgkeys")
_CHANGES = {
    "applications": (
        "create", "update", "update/*", "delete", "delete/*", "sync", "rollback", "override", "action/*",
    ),
    "applicationsets": ("create", "update", "delete"),
    "accounts": ("update",),
    "gpgkeys": ("create", "delete"),
    "extensions": ("invoke",),
}  # fmt: skip
_ANY_CHANGE = ("create", "update", "delete")


def builtin_policy() -> str:
    """The lines of the built-in roles."""
    return "\n".join([*_readonly(), *_admin(), f"g, {ADMIN}, {READONLY}"])


def _readonly() -> Iterator[str]:
    for resource in (*_OF_PROJECTS, "logs"):
        yield f"p, {READONLY}, {resource}, get, */*, allow"
    for resource in _OTHERS:
        yield f"p, {READONLY}, {resource}, get, *, allow"


def _admin() -> Iterator[str]:
    for resource in (*_OF_PROJECTS, *_OTHERS, "extensions"):
        objects = "*/*" if resource in _OF_PROJECTS else "*"
        for action in _CHANGES.get(resource, _ANY_CHANGE):
            yield f"p, {ADMIN}, {resource}, {action}, {objects}, allow"
    yield f"p, {ADMIN}, exec, create, */*, allow"
