"""No route, of whatever kind, tells anything to who is not known or came by another name; no connection costs much."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from haori.inbound import bounds
from haori.sandbox.api.app import build_app
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.gate import UNAUTHORIZED, Gate
from haori.sandbox.api.layer import Api
from haori.sandbox.api.pki import ensure_pki
from haori.sandbox.api.server import HOST_NAMES, make_authenticator, make_handlers
from haori.sandbox.api.store import open_store
from haori.sandbox.api.tokens import TokenIssuer

from .serving import Served, serving

PLAIN = ("/", "/api", "/apis", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1", "/metrics", "/healthz", "/nowhere")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes(api: Api, handlers: dict[str, Any]) -> Iterator[str]:
    """One path for each thing that is served: types, objects, subresources, what handlers add, what is no type."""
    yield from PLAIN
    for type_ in api.registry.types:
        root = f"/apis/{type_.group}/{type_.version}" if type_.group else f"/api/{type_.version}"
        yield root
        place = f"{root}{'/namespaces/default' if type_.namespaced else ''}/{type_.plural}"
        yield from (place, f"{place}?watch=true", f"{place}/kubernetes")
        added = {name.partition("/")[2] for name in handlers if name.partition("/")[0] == type_.full_name}
        for name in sorted(type_.subresources | added):
            yield f"{place}/kubernetes/{name}"
            yield f"{place}/kubernetes/{name}/below"


class Answers:
    """What a gate sent."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""

    async def send(self, message: Any) -> None:
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.status = message["status"]
            case "http.response.body" | "websocket.http.response.body":
                self.body += message.get("body", b"")
            case other:
                pytest.fail(f"{other} was sent")


async def receive() -> Any:
    return {"type": "websocket.connect"}


def scope_of(path: str, method: str, headers: dict[str, str]) -> Any:
    place, _, query = path.partition("?")
    kind = "websocket" if method == "WEBSOCKET" else "http"
    scope = {
        "type": kind,
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    more: dict[str, Any] = {"method": method} if kind == "http" else {"extensions": {"websocket.http.response": {}}}
    return scope | more


async def test_every_route_is_closed_to_strangers(tmp_path: Path) -> None:
    pki = ensure_pki(tmp_path / "pki", now=datetime.now(UTC))
    issuer = TokenIssuer(pki.signing_key)
    handlers = make_handlers(pki, issuer)
    async with open_store(tmp_path / "state.db") as store:
        api = await open_api(store)
        authenticator = make_authenticator(api, pki, issuer)
        gate = Gate(
            build_app(api, handlers, user_of_token=authenticator.user_for),
            authenticate=lambda headers: authenticator.user_of_header(headers.get("authorization", "")),
            names=HOST_NAMES,
            port=6443,
        )
        revision = store.revision
        paths = list(routes(api, handlers))
        token = f"Bearer {pki.admin_token}"
        strangers = {
            "no token": ({"host": "localhost:6443"}, 401),
            "another token": ({"host": "localhost:6443", "authorization": "Bearer x"}, 401),
            "another scheme": ({"host": "localhost:6443", "authorization": token.replace("Bearer", "Basic")}, 401),
            "another host": ({"host": "evil.example:6443", "authorization": token}, 421),
            "another port": ({"host": "localhost:1", "authorization": token}, 421),
            "no host": ({"authorization": token}, 421),
        }
        for path in paths:
            for method in (*METHODS, "WEBSOCKET"):
                for who, (headers, status) in strangers.items():
                    answers = Answers()
                    await gate(scope_of(path, method, headers), receive, answers.send)
                    body = orjson.dumps(UNAUTHORIZED) if status == 401 else b""
                    assert (answers.status, answers.body) == (status, body), (method, path, who)

        assert store.revision == revision
        assert len(paths) > 200
        assert any(path.endswith("/proxy/below") for path in paths)


async def connected(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(served.data_dir / "sandbox" / "pki" / "ca.crt")
    return await asyncio.open_connection("127.0.0.1", served.port, ssl=context)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(f"GET /version HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 200_000}\r\n\r\n", id="one-header"),
        pytest.param(
            "GET /version HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"X{n}: {'y' * 1000}\r\n" for n in range(100)),
            id="many-headers",
        ),
        pytest.param(f"GET /{'p' * 200_000}", id="path"),
    ],
)
async def test_a_head_is_bounded(tmp_path: Path, head: str) -> None:
    async with serving(tmp_path) as served, asyncio.timeout(20):
        reader, writer = await connected(served)
        writer.write(head.encode())
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begun", [b"", b"GET /version HTTP/1.1\r\nHost: loc"])
async def test_who_does_not_come_to_the_point_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.2)
    async with serving(tmp_path) as served, asyncio.timeout(20):
        reader, writer = await connected(served)
        writer.write(begun)
        assert await reader.read() == b""
        writer.close()


async def test_who_is_turned_away_is_not_listened_to(tmp_path: Path) -> None:
    """The body of a request without a token is never waited for."""
    async with serving(tmp_path) as served, asyncio.timeout(20):
        reader, writer = await connected(served)
        writer.write(b"POST /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")
