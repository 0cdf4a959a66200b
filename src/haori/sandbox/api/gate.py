"""What every request to the sandbox's API passes first: is it meant for us, and who sends it.

Loopback is no boundary: every process on the machine and every web page in its browser reaches the port. So a request
whose Host is not ours is turned away with nothing in the answer, and one without a valid token learns nothing but
whether the server lives and which version it is. What passes carries its user in `scope["haori.user"]`.

The gate also knows what is under way, so that ending the server ends long watches in good order: their chunked answer is
closed, and a client sees a watch that ended rather than a broken connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

import orjson

from haori.sandbox.api.options import User

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/version"})
ANONYMOUS = User(name="system:anonymous", groups=("system:unauthenticated",))
UNAUTHORIZED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Unauthorized",
    "reason": "Unauthorized",
    "code": 401,
}

NO_IMPERSONATION = {
    **UNAUTHORIZED,
    "message": "impersonation is for system:masters",
    "reason": "Forbidden",
    "code": 403,
}

CLOSING = (b"connection", b"close")
"""Whoever is turned away is not listened to any further: the body of the request may be long in coming."""

Authenticate = Callable[[Mapping[str, str]], User | None]
"""The user of a request's headers (names in lower case), or None."""


class Gate:
    """The ASGI application in front of the API."""

    def __init__(
        self, application: Application, *, authenticate: Authenticate, names: Iterable[str], port: int
    ) -> None:
        self._application = application
        self._authenticate = authenticate
        self._names = frozenset(names)
        self._ports = frozenset({"", "443", str(port)})
        self._running: set[asyncio.Task[Any]] = set()
        self._is_stopping = False

    def stop(self) -> None:
        """Ends what is under way; answers that have begun are closed in good order."""
        self._is_stopping = True
        for task in self._running:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] not in ("http", "websocket"):
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if len(hosts) != 1 or not self._is_ours(headers["host"]):
            return await answer(scope, receive, send, 421, b"", CLOSING)
        user = self._authenticate(headers)
        if user is None:
            if scope["path"] not in PUBLIC_PATHS or "authorization" in headers:
                return await answer(scope, receive, send, 401, orjson.dumps(UNAUTHORIZED), CLOSING)
            user = ANONYMOUS
        if "impersonate-user" in headers:
            if not user.is_master:
                return await answer(scope, receive, send, 403, orjson.dumps(NO_IMPERSONATION))
            user = impersonated(scope["headers"])
        scope["haori.user"] = user
        await self._run(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        name, port = host.lower(), ""
        if not name.endswith("]") and ":" in name:
            name, _, port = name.rpartition(":")
        return name in self._names and port in self._ports

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        began = ended = False

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal began, ended
            began = began or message["type"] == "http.response.start"
            ended = ended or (message["type"] == "http.response.body" and not message.get("more_body", False))
            await send(message)

        self._running.add(task)
        try:
            await self._application(scope, receive, watched)
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            if began and not ended:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif not began and scope["type"] == "http":
                await answer(scope, receive, send, 503, b"", (b"retry-after", b"1"))
        finally:
            self._running.discard(task)


def impersonated(headers: Iterable[tuple[bytes, bytes]]) -> User:
    """The user that the `Impersonate-*` headers name (`kubectl --as`)."""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
    found = {name: value for name, value in pairs if name in ("impersonate-user", "impersonate-uid")}
    groups = [value for name, value in pairs if name == "impersonate-group"]
    name = found["impersonate-user"]
    if name.startswith("system:serviceaccount:") and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{name.split(':')[2]}"]
    return User(
        name=name, uid=found.get("impersonate-uid", ""), groups=(*dict.fromkeys([*groups, "system:authenticated"]),)
    )


async def answer(
    scope: Scope, receive: Receive, send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]
) -> None:
    """Sends one whole answer, also to a client that asked for a WebSocket."""
    head = [(b"content-length", str(len(body)).encode()), *headers]
    if body:
        head.append((b"content-type", b"application/json"))
    prefix = ""
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            return await send({"type": "websocket.close", "code": 1008})
        prefix = "websocket."
    await send({"type": f"{prefix}http.response.start", "status": status, "headers": head})
    await send({"type": f"{prefix}http.response.body", "body": body})
