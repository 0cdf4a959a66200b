"""What every request passes, in this order: a request id, Host, its route, its origin, who sends it, what they may, time.

Whatever goes wrong on the way has the one shape of errors. One line is written when the answer has ended: who, which
route, how it ended, how long it took; never a query, a body or a header, where secrets travel.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from time import perf_counter

import orjson
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from haori.access.identity import OWNER
from haori.errors import TransientError
from haori.observe import Counter, Histogram, bound
from haori.server.answering import JSON
from haori.server.asking import Ask, language_of
from haori.server.context import ServerContext
from haori.server.errors import Kind, RefusedError, describe_error
from haori.server.files import Files
from haori.server.hosts import Hosts, check_origin
from haori.server.recording import record_request
from haori.server.routing import SAFE, Filtered, Open, Route, Router, Rule
from haori.server.sockets import Conversation, check_socket_origin
from haori.server.who import Identity
from haori.store import StoreUnavailableError
from haori.words import Sentence

log = logging.getLogger("haori.server.access")

REQUEST_SECONDS = 120.0
"""The longest that an answer may take to begin; streams may then go on."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
COMMON_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": API_POLICY,
    "Cache-Control": "private, no-cache",
}

REQUESTS = Counter(
    "haori_server_requests_total", "Requests answered, by route and HTTP status.", ("method", "route", "status")
)
SECONDS = Histogram(
    "haori_server_request_seconds", "Seconds until a request was answered, streams left out.", ("route",)
)


class Guard:
    """The ASGI application."""

    def __init__(self, context: ServerContext, router: Router, files: Files, hosts: Hosts) -> None:
        self._context, self._router, self._files, self._hosts = context, router, files, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send)
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        given = request.headers.get("x-request-id", "")
        exchange = _Exchange(request, given if _REQUEST_ID.match(given) else uuid.uuid4().hex, send)
        with bound(request_id=exchange.id):
            try:
                response = await self._answer(exchange)
                self._record(exchange, None)
            except Exception as error:
                # The border of the process: whatever goes wrong has the one shape, and is logged where it is ours.
                response = _refuse(request, _as_told(exchange, error))
                self._record(exchange, error)
            try:
                await response(scope, receive, exchange.send)
            finally:
                exchange.log()

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: everything is checked before it is accepted, as for a request."""
        request = Request({**scope, "type": "http", "method": "GET"})
        conversation = Conversation(scope, receive, send)
        exchange = _Exchange(request, uuid.uuid4().hex, send)
        with bound(request_id=exchange.id):
            try:
                talk = await self._open_socket(exchange)
            except Exception as error:
                # As above: what goes wrong before the conversation has the one shape.
                self._record(exchange, error)
                await conversation.refuse(
                    describe_error(_as_told(exchange, error)), language_of(request.headers.get("accept-language", ""))
                )
                return
            await talk(conversation)

    async def _open_socket(self, exchange: _Exchange) -> Callable[[Conversation], Awaitable[None]]:
        request = exchange.request
        self._check_host(request)
        route, parameters = self._router.find("GET", request.scope["raw_path"].decode("latin-1"))
        if route.socket is None:
            raise RefusedError(Kind.NOT_FOUND, "route-not-found", path=request.url.path[:200])
        exchange.route = route.path
        check_socket_origin(request.headers)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                identity, unknown = await self._identify(request, route)
                ask = Ask(self._context, request, identity, parameters, unknown=unknown)
                exchange.identity, exchange.asked = identity, (ask, route)
                await authorize(ask, route)
                return await route.socket(ask)
        except TimeoutError as error:
            raise RefusedError(Kind.LATE, "request-too-slow", seconds=REQUEST_SECONDS) from error

    def _check_host(self, request: Request) -> None:
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._hosts.is_ours(hosts[0]):
            raise RefusedError(Kind.MISDIRECTED, "host-unknown", host=(hosts or [""])[0][:200])

    def _record(self, exchange: _Exchange, error: Exception | None) -> None:
        if exchange.asked is not None:
            record_request(self._context.trail, *exchange.asked, exchange.id, error)

    async def _answer(self, exchange: _Exchange) -> Response:
        request = exchange.request
        self._check_host(request)
        raw_path = request.scope["raw_path"].decode("latin-1")
        if request.method in SAFE and (file := self._files.find(request, raw_path)) is not None:
            exchange.route = "files"
            return file
        route, parameters = self._router.find(request.method, raw_path)
        exchange.route, exchange.is_stream = route.path, route.streams
        check_origin(request.method, request.headers)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                identity, unknown = await self._identify(request, route)
                exchange.identity = identity
                ask = Ask(self._context, request, identity, parameters, unknown=unknown)
                exchange.asked = ask, route
                await authorize(ask, route)
                return await route.handler(ask)
        except TimeoutError as error:
            raise RefusedError(Kind.LATE, "request-too-slow", seconds=REQUEST_SECONDS) from error

    async def _identify(self, request: Request, route: Route) -> tuple[Identity | None, TransientError | None]:
        try:
            headers = request.headers.get("authorization"), request.cookies
            return await self._context.authenticator.identify(*headers), None
        except TransientError as error:
            if route.access is not Open.PUBLIC:
                raise
            return None, error


def _as_told(exchange: _Exchange, error: Exception) -> Exception:
    """The error as the sender may read it: why the store is away may hold addresses, paths and lines of a log, which are for
    who may read them there."""
    if exchange.identity != OWNER and isinstance(error, StoreUnavailableError) and error.parameters:
        return StoreUnavailableError("store-away", reason=Sentence(code="store-reason-logged", parameters={}))
    return error


async def authorize(ask: Ask, route: Route) -> None:
    """Raises RefusedError where the sender may not use the route as asked."""
    match route.access:
        case Open.PUBLIC:
            return
        case Open.SIGNED_IN | Filtered():
            _ = ask.who
        case Open.OWNER:
            if ask.who != OWNER:
                raise RefusedError(Kind.FORBIDDEN, "owner-only")
        case Rule() as rule:
            _ = ask.who
            if rule.own is not None and await rule.own(ask):
                return
            object_ = await rule.object_of(ask)
            action = rule.action if rule.detail_of is None else f"{rule.action}/{rule.detail_of(ask)}"
            ask.demand(rule.resource, action, object_, shown=ask.parameters.get(rule.shown, ""))
        case None:
            raise AssertionError("the router refuses a route without a declaration")


class _Exchange:
    """One request on its way, and what is told of it in the end."""

    def __init__(self, request: Request, id_: str, send: Send) -> None:
        self.request, self.id = request, id_
        self.route, self.is_stream = "none", False
        self.identity: Identity | None = None
        self.asked: tuple[Ask, Route] | None = None
        self._send, self._began = send, perf_counter()
        self._status, self._bytes = 0, 0

    async def send(self, message: Message) -> None:
        """Passes a part of the answer on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in COMMON_HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self.id
            headers["Date"] = formatdate(usegmt=True)
            self._status = message["status"]
        elif message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
        await self._send(message)

    def log(self) -> None:
        """The one line, and the numbers."""
        seconds = perf_counter() - self._began
        method = self.request.method if self.request.method in _METHODS else "other"
        REQUESTS.add(method, self.route, str(self._status))
        if not self.is_stream:
            SECONDS.observe(seconds, self.route)
        facts = {
            "method": method,
            "route": self.route,
            "status": self._status,
            "bytes": self._bytes,
            "milliseconds": round(seconds * 1000, 1),
            "subject": self.identity.subject if self.identity is not None else "",
        }
        log.info("request", extra={"facts": facts})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _refuse(request: Request, error: Exception) -> Response:
    refusal = describe_error(error)
    body = orjson.dumps(refusal.to_json(language_of(request.headers.get("accept-language", ""))), default=str)
    headers = {}
    if refusal.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="haori"'
    if refusal.kind is Kind.METHOD:
        headers["Allow"] = ", ".join(refusal.sentence.parameters["allowed"])
    if refusal.kind in (Kind.UNAVAILABLE, Kind.TOO_MANY):
        headers["Retry-After"] = str(refusal.sentence.parameters.get("seconds", 1))
    return Response(body, status_code=refusal.kind.status, headers=headers, media_type=JSON)
