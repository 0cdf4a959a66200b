"""Two ways to a server: the sandbox's application in this process, and HTTPS to a real one."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from haori.sandbox.api.app import build_app
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.gate import Gate
from haori.sandbox.api.store import open_store
from haori.sandbox.api.token_requests import TokenRequests
from haori.sandbox.api.tokens import ADMIN, TokenIssuer
from tests.sandbox.requests.stories import Reply

SECONDS = 30


class SandboxWire:
    """Requests handed to the sandbox's gate as ASGI."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes, events: int | None) -> Reply:
        """The answer; of a watch, so many events."""
        url = urlsplit(path)
        sent: list[MutableMapping[str, Any]] = []
        enough = asyncio.Event()
        asked = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            if asked:
                return asked.pop()
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)
            if events is not None and _body(sent).count(b"\n") >= events:
                enough.set()

        pairs = [(n.encode(), each.encode()) for n, value in headers.items() for each in value.split("\n")]
        scope = {
            "type": "http",
            "method": method,
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "headers": [(b"host", b"localhost"), *pairs],
        }
        async with asyncio.timeout(SECONDS):
            await self._gate(scope, receive, send)
        found = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return _reply(sent[0]["status"], found, _body(sent), events)


def _body(sent: list[MutableMapping[str, Any]]) -> bytes:
    return b"".join(each.get("body", b"") for each in sent)


@contextlib.asynccontextmanager
async def sandbox(folder: Path) -> AsyncIterator[SandboxWire]:
    """An empty sandbox API without controllers."""
    async with open_store(folder / "state.db") as store:
        api = await open_api(store)
        app = build_app(
            api, {"serviceaccounts/token": TokenRequests(TokenIssuer(ec.generate_private_key(ec.SECP256R1())))}
        )
        yield SandboxWire(Gate(app, authenticate=lambda headers: ADMIN, names=("localhost",), port=443))


class ServerWire:
    """Requests over HTTPS, each on its own connection, with an administrator's token."""

    def __init__(self, url: str, tls: ssl.SSLContext, token: str) -> None:
        self._host = urlsplit(url)
        self._tls = tls
        self._token = token

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes, events: int | None) -> Reply:
        """The answer; of a watch, so many events."""
        return await asyncio.to_thread(self._exchange, method, path, headers, body, events)

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes, events: int | None) -> Reply:
        connection = http.client.HTTPSConnection(
            self._host.hostname or "", self._host.port or 443, context=self._tls, timeout=SECONDS
        )
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {**headers, "authorization": f"Bearer {self._token}"}.items():
                for each in value.split("\n"):
                    connection.putheader(name, each)
            if body:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            if events is None or answer.status != 200:
                return _reply(answer.status, answer.getheaders(), answer.read(), None)
            lines = b"".join(answer.readline() for _ in range(events))
            return _reply(answer.status, answer.getheaders(), lines, events)
        finally:
            connection.close()


def _reply(code: int, headers: Iterable[tuple[str, str]], body: bytes, events: int | None) -> Reply:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name.lower()] = "\n".join(part for part in (found.get(name.lower()), value) if part)
    if events is not None and code == 200:
        return Reply(code=code, headers=found, body=[orjson.loads(line) for line in body.splitlines()][:events])
    is_json = "json" in found.get("content-type", "")
    return Reply(code=code, headers=found, body=orjson.loads(body) if is_json and body else body.decode())
