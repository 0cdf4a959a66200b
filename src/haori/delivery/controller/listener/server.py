"""HTTP around the routes: token, Host, size of bodies, errors.

aiohttp's own server without its application layer, since its client is loaded in this process anyhow.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from aiohttp import web

from haori.delivery.controller.listener.errors import RequestError, describe_error
from haori.delivery.controller.listener.routes import PREFIX, Engine, Question, Repository, Rollbacks, answer
from haori.delivery.controller.view import EngineView
from haori.errors import UserError

BODY_BYTES = 1 << 20
"""The largest body taken; the largest one anybody sends is an operation."""
ANSWER_SECONDS = 120.0
"""A diff may render first; what takes longer is not waited for."""
STOP_SECONDS = 1.0
TOKEN_LETTERS = 32
"""A given token has at least so many."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class ListenerTokenError(UserError):
    """`listener-token-unusable` (path)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """Where the listener answers."""

    path: Path
    """Where {"url", "token"} is written, mode 0600, while it answers."""
    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    url: str = ""
    """The address under which others reach it, where that is not the host's."""
    token_file: Path | None = None
    """What holds the token that is asked for; None: one made now."""


@contextlib.asynccontextmanager
async def open_listener(
    view: EngineView,
    settings: ListenerSettings,
    *,
    rollbacks: Rollbacks | None = None,
    contents: Repository | None = None,
) -> AsyncIterator[str]:
    """Answers while the context lasts; gives the URL. Raises ListenerTokenError for a file without a good token."""
    token = await asyncio.to_thread(read_token, settings.token_file)
    handler = _Handler(Engine(view=view, rollbacks=rollbacks, contents=contents), token)
    runner = web.ServerRunner(web.Server(handler.handle, access_log=None), shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        handler.allow(str(host), int(port), settings.url)
        url = settings.url or f"http://{settings.host}:{port}"
        await asyncio.to_thread(_write, settings.path, {"url": url, "token": token})
        yield url
    finally:
        await asyncio.to_thread(_remove, settings.path, token)
        await runner.cleanup()


def read_token(path: Path | None) -> str:
    """The token of a file, or a new one without. Raises ListenerTokenError where it can be guessed or not be read."""
    if path is None:
        return secrets.token_urlsafe(32)
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ListenerTokenError("listener-token-unusable", path=str(path)) from error
    if len(token) < TOKEN_LETTERS:
        raise ListenerTokenError("listener-token-unusable", path=str(path))
    return token


class _Handler:
    def __init__(self, engine: Engine, token: str) -> None:
        self._engine = engine
        self._token = f"Bearer {token}".encode()
        self._hosts: frozenset[str] = frozenset()

    def allow(self, host: str, port: int, url: str) -> None:
        """The Hosts under which this listener may be asked for: its own, and that of the URL others know."""
        self._hosts = frozenset({*(f"{name}:{port}" for name in (*LOOPBACK, host)), urlsplit(url).netloc}) - {""}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        try:
            self._check(request)
            async with asyncio.timeout(ANSWER_SECONDS):
                value = await answer(self._engine, await _read(request))
        except TimeoutError:
            status, value = describe_error(RequestError(504, "listener-too-slow", seconds=ANSWER_SECONDS))
        except Exception as error:
            # The border of the process: whatever goes wrong has the one shape, and is logged where it is ours.
            status, value = describe_error(error)
        else:
            status = 200
        return web.Response(body=_dump(value), status=status, content_type="application/json")

    def _check(self, request: web.BaseRequest) -> None:
        if request.headers.get("Host", "") not in self._hosts:
            raise RequestError(421, "listener-refused-host")
        given = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(given, self._token):
            raise RequestError(401, "listener-unauthorized")


async def _read(request: web.BaseRequest) -> Question:
    if not request.path.startswith(PREFIX):
        raise RequestError(404, "listener-not-found", path=request.path[:200])
    # The raw path: an encoded slash belongs to a name.
    raw = request.rel_url.raw_path.removeprefix(PREFIX).rstrip("/")
    return Question(
        method=request.method,
        segments=tuple(unquote(part) for part in raw.split("/")),
        query=dict(request.query),
        body=await _read_body(request),
    )


async def _read_body(request: web.BaseRequest) -> dict[str, Any]:
    if request.content_length is not None and request.content_length > BODY_BYTES:
        raise RequestError(413, "listener-body-too-large", limit=BODY_BYTES)
    content = bytearray()
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > BODY_BYTES:
            raise RequestError(413, "listener-body-too-large", limit=BODY_BYTES)
    if not content:
        return {}
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "listener-body-unreadable") from error
    if not isinstance(value, dict):
        raise RequestError(400, "listener-body-unreadable")
    return value


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str)
    except TypeError:
        # Numbers beyond 64 bits, which a custom resource may hold.
        return json.dumps(value, default=str).encode()


def _write(path: Path, value: dict[str, str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(value))
    os.replace(temporary, path)


def _remove(path: Path, token: str) -> None:
    """Takes the address away, unless another engine has written its own meanwhile."""
    with contextlib.suppress(OSError, ValueError):
        if orjson.loads(path.read_bytes()).get("token") == token:
            path.unlink()
