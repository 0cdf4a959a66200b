"""Asks an ASGI application without a network in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """`NAME=VALUE` of each that is given or taken away."""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the error."""
        return str(self.json()["haori"]["code"])


class Talk:
    """One application, asked as `localhost:8080`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def ask(
        self, method: str, path: str, *, who: str = "", body: Any = None, raw: bytes = b"", **headers: str
    ) -> Answer:
        """The answer to one request; `who` sends a token; underscores in names of headers stand for dashes."""
        raw_path, _, query = path.partition("?")
        given = {"host": "localhost:8080", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if who:
            given["authorization"] = f"Bearer {who}"
        content = raw or (json.dumps(body).encode() if body is not None else b"")
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": unquote(raw_path),
            "raw_path": raw_path.encode(), "query_string": query.encode(), "root_path": "", "extensions": {},
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8080),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:  # The client listens until the answer has ended.
                await asyncio.get_running_loop().create_future()
            asked = True
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start = sent[0]
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        given_cookies = [value.decode() for name, value in start["headers"] if name == b"set-cookie"]
        return Answer(
            status=start["status"],
            headers=told,
            body=b"".join(m.get("body", b"") for m in sent[1:]),
            cookies=tuple(each.partition(";")[0] for each in given_cookies),
        )
