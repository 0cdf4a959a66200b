"""WebSockets: who may open one, and the conversation that follows.

A page of another origin may open a WebSocket anywhere and the browser sends its cookies along, so Origin is demanded of
whoever is signed in by a cookie, and has to be this host's. What is refused is refused in words, before anything is accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from haori.server.answering import JSON
from haori.server.errors import Kind, Refusal, RefusedError
from haori.server.hosts import is_same_origin
from haori.words import Language

LONGEST_MESSAGE = 64 << 10
DENIAL = "websocket.http.response"
CLOSED_BY_RULE, CLOSED_IN_ORDER, GOING_AWAY = 1008, 1000, 1001


def check_socket_origin(headers: Mapping[str, str]) -> None:
    """Raises RefusedError for a WebSocket that another site's page may have opened."""
    origin = headers.get("origin")
    if origin is None:
        if not headers.get("authorization"):
            raise RefusedError(Kind.FORBIDDEN, "request-unproven", header="Origin")
    elif not is_same_origin(origin, headers.get("host", "")):
        raise RefusedError(Kind.FORBIDDEN, "request-from-elsewhere", origin=origin[:200])


class Conversation:
    """One WebSocket, not accepted yet."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._is_open = False
        self._sending = asyncio.Lock()

    async def accept(self) -> None:
        """Lets the other side in."""
        await self._send({"type": "websocket.accept"})
        self._is_open = True

    async def refuse(self, refusal: Refusal, language: Language) -> None:
        """Says no: with the one shape of errors where the server can, else by closing."""
        if DENIAL not in self._scope.get("extensions", {}):
            await self._send({"type": "websocket.close", "code": CLOSED_BY_RULE})
            return
        body = orjson.dumps(refusal.to_json(language), default=str)
        headers = [(b"content-type", JSON.encode()), (b"content-length", str(len(body)).encode())]
        await self._send({"type": f"{DENIAL}.start", "status": refusal.kind.status, "headers": headers})
        await self._send({"type": f"{DENIAL}.body", "body": body})

    async def read(self) -> dict[str, Any] | None:
        """The next message, a JSON object; None once the other side is gone. Raises RefusedError for anything else."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._is_open = False
            return None
        if message["type"] == "websocket.connect":
            return await self.read()
        content = message.get("text") or message.get("bytes") or ""
        if len(content) > LONGEST_MESSAGE:
            raise RefusedError(Kind.TOO_LARGE, "body-too-large", limit=LONGEST_MESSAGE)
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise RefusedError(Kind.INVALID, "body-unreadable", problem=str(error)[:200]) from error
        if not isinstance(value, dict):
            raise RefusedError(Kind.INVALID, "body-of-another-shape", wanted="object")
        return value

    async def write(self, value: Mapping[str, Any]) -> None:
        """One message; nothing where the other side is gone."""
        async with self._sending:
            if self._is_open:
                await self._send({"type": "websocket.send", "text": orjson.dumps(value).decode()})

    async def close(self, code: int = CLOSED_IN_ORDER) -> None:
        """Ends it."""
        if self._is_open:
            self._is_open = False
            await self._send({"type": "websocket.close", "code": code})
