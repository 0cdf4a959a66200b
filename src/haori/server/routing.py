"""The table of routes: where, how, for whom; and the router made of it.

Every route declares who may use it. One that does not, or that names a resource or action nobody could be granted, stops
the server from starting: forgetting is not possible. The OpenAPI document and the test that walks all routes read this
same table. Paths are matched segment by segment before they are decoded, since names of repositories and clusters are
URLs whose slashes come encoded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.responses import Response

from haori.errors import InternalError
from haori.server.errors import Kind, RefusedError
from haori.server.who import ACTIONS, RESOURCES

if TYPE_CHECKING:
    from haori.server.asking import Ask
    from haori.server.sockets import Conversation

Handler = Callable[["Ask"], Awaitable[Response]]
ObjectOf = Callable[["Ask"], Awaitable[str]]
SocketHandler = Callable[["Ask"], Awaitable[Callable[["Conversation"], Awaitable[None]]]]
"""Checks what is asked for while it can still be refused in words; gives what then holds the conversation."""
SAFE = frozenset({"GET", "HEAD"})


class UndeclaredRouteError(InternalError):
    """`route-undeclared` (method, path): nobody said who may use it."""


class Open(Enum):
    """Routes that no policy is asked about."""

    PUBLIC = "public"
    """Anybody, signed in or not: nothing is told but that the server is there and how to sign in."""
    SIGNED_IN = "signed-in"
    """Whoever is signed in: it is about themselves, or the same for all."""
    OWNER = "owner"
    """Whoever may read the folder of the server, by the token that stands in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A permission that is demanded before the handler runs."""

    resource: str
    action: str
    object_of: ObjectOf
    """The object of the request, as policies write it."""
    detail_of: Callable[[Ask], str] | None = None
    """What follows the action, as in `update/apps/Deployment/shop/web`; None: nothing does."""
    shown: str = ""
    """The part of the path that a refusal names instead of the object, which says more (whose it is); empty: the object."""
    own: Callable[[Ask], Awaitable[bool]] | None = None
    """Whether it is about the sender themselves, who then need no permission; None: it never is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """Whoever is signed in; the handler leaves out, or refuses, each object that the policy does not grant."""

    resource: str
    action: str = "get"


Access = Open | Rule | Filtered


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query parameter."""

    name: str
    help: str
    type: str = "string"
    many: bool = False
    """Whether it may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    """With `{name}` for a segment that varies."""
    handler: Handler
    access: Access | None = None
    summary: str
    query: tuple[Query, ...] = ()
    body: str = ""
    """The schema of the body, by its name in `openapi`; empty: there is none."""
    streams: bool = False
    """Whether the answer may go on for long: it then has no time limit of its own."""
    socket: SocketHandler | None = None
    """Answers a WebSocket at the path; `handler` then says what is wanted here."""
    changes: bool | None = None
    """Whether something is different afterwards, so that the audit tells of it; None: as the method says."""
    deed: str = ""
    """What the audit calls it where no permission has a name for it, as `session/sign-in`."""

    @property
    def is_change(self) -> bool:
        """Whether the audit tells of it."""
        return self.method not in SAFE if self.changes is None else self.changes

    @property
    def segments(self) -> tuple[str, ...]:
        """Of the path."""
        return tuple(self.path.strip("/").split("/"))


@dataclass(slots=True)
class _Node:
    """What may follow a beginning of a path."""

    literal: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises UndeclaredRouteError, ValueError where two routes are the same."""
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            check_declared(route)
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.segments:
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literal.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.routes[route.method] = route

    def find(self, method: str, raw_path: str) -> tuple[Route, Mapping[str, str]]:
        """(route, values of its variable segments). Raises RefusedError: no such path, or not by this method."""
        segments = tuple(raw_path.strip("/").split("/"))
        found = _walk(self._root, segments, 0)
        if not found:
            raise RefusedError(Kind.NOT_FOUND, "route-not-found", path=raw_path[:200])
        # Literal segments stand before variable ones, so the first that knows the method is the nearest.
        for node in found:
            route = node.routes.get("GET" if method == "HEAD" else method)
            if route is not None:
                return route, _values(route, segments)
        allowed = sorted({each for node in found for each in node.routes})
        raise RefusedError(Kind.METHOD, "route-method-refused", method=method[:20], allowed=allowed)


def check_declared(route: Route) -> None:
    """Raises UndeclaredRouteError for a route of which nobody said who may use it."""
    access = route.access
    known = access is not None
    if isinstance(access, (Rule, Filtered)):
        known = access.resource in RESOURCES and access.action in ACTIONS
    if not known:
        raise UndeclaredRouteError("route-undeclared", method=route.method, path=route.path)


def _walk(node: _Node, segments: tuple[str, ...], at: int) -> list[_Node]:
    if at == len(segments):
        return [node] if node.routes else []
    found: list[_Node] = []
    if (literal := node.literal.get(segments[at])) is not None:
        found += _walk(literal, segments, at + 1)
    if node.variable is not None and segments[at]:
        found += _walk(node.variable, segments, at + 1)
    return found


def _values(route: Route, segments: tuple[str, ...]) -> dict[str, str]:
    pairs = zip(route.segments, segments, strict=True)
    return {known[1:-1]: unquote(given) for known, given in pairs if known.startswith("{")}


def describe_access(access: Access | None) -> dict[str, Any]:
    """A declaration as the OpenAPI document tells it."""
    match access:
        case Rule() | Filtered():
            told: dict[str, Any] = {"resource": access.resource, "action": access.action}
            return {**told, "orOwn": True} if isinstance(access, Rule) and access.own is not None else told
        case Open():
            return {"open": access.value}
        case None:
            return {}
