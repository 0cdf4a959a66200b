"""Hands one HTTP request on to another server and streams its answer back.

Used for what the API answers by asking others: logs of the kubelet, the proxy paths of Pods and Services. Headers that
belong to one connection are not handed on, nor is the caller's Authorization: what a Pod hears must not let it act for
whoever called. Only loopback is ever dialled, on addresses that the cluster itself holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import httptools

from haori.sandbox.api.errors import ApiStatusError
from haori.sandbox.api.exchange import Receive, Scope, Send

CONNECT_SECONDS = 10.0
HEAD_SECONDS = 60.0
CHUNK = 1 << 16
_NOT_HANDED_ON = frozenset(
    {
        "authorization", "connection", "content-length", "cookie", "expect", "host", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "impersonate-user", "impersonate-group", "impersonate-uid",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a request is handed on to."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class NotReachableError(Exception):
    """Nobody listens there (or it is no loopback address); nothing was sent."""


def is_loopback(host: str) -> bool:
    """Whether a text is a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def dial(upstream: Upstream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection. Raises NotReachableError."""
    if not is_loopback(upstream.host):
        raise NotReachableError(f"{upstream.host} is not an address of this machine")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # The certificate is known by its fingerprint, not by a name.
            name = "" if upstream.tls else None
            return await asyncio.open_connection(upstream.host, upstream.port, ssl=upstream.tls, server_hostname=name)
    except TimeoutError as error:
        raise NotReachableError(f"dial tcp {upstream.host}:{upstream.port}: i/o timeout") from error
    except OSError as error:
        problem = error.strerror or str(error)
        raise NotReachableError(f"dial tcp {upstream.host}:{upstream.port}: connect: {problem.lower()}") from error


def unreachable(error: NotReachableError) -> ApiStatusError:
    """503, as the API says it of what it proxies to."""
    return ApiStatusError(503, "ServiceUnavailable", f"error trying to reach service: {error}", {})


@dataclass(slots=True)
class _Head:
    """The answer so far; what httptools calls."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    is_whole: bool = False
    is_ended: bool = False
    chunks: list[bytes] = field(default_factory=list)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_whole = True

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        # An informational answer (100) is not the answer.
        self.is_ended = self.is_whole


async def forward(
    scope: Scope,
    receive: Receive,
    send: Send,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: str,
    more_headers: Mapping[str, str] | None = None,
) -> None:
    """Sends the request to `target` (path and query) over the connection, and its answer to the caller, as they come.

    A caller that leaves ends it. A server that breaks off before its head is answered for with 502.
    """
    method: str = scope["method"]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    length = headers.get("content-length")
    has_body = length is not None or "chunked" in headers.get("transfer-encoding", "")
    kept = {name: value for name, value in headers.items() if name not in _NOT_HANDED_ON} | dict(more_headers or {})
    kept["connection"] = "close"
    if has_body:
        kept |= {"content-length": length} if length is not None else {"transfer-encoding": "chunked"}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in kept.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    feeding = asyncio.ensure_future(_feed(receive, writer, is_chunked=has_body and length is None))
    answering = asyncio.ensure_future(_answer(reader, send, is_head=method == "HEAD"))
    try:
        await asyncio.wait((feeding, answering), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (feeding, answering):
            if not task.done():
                task.cancel()
        await asyncio.gather(feeding, answering, return_exceptions=True)
        writer.transport.abort()
    if answering.done() and not answering.cancelled() and (error := answering.exception()):
        raise error


async def _feed(receive: Receive, writer: asyncio.StreamWriter, *, is_chunked: bool) -> None:
    """Hands the caller's body on; returns only when the caller has gone."""
    with contextlib.suppress(ConnectionError):
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = message.get("body", b""), message.get("more_body", False)
            if body:
                writer.write(b"%x\r\n%b\r\n" % (len(body), body) if is_chunked else body)
            if is_chunked and not more:
                writer.write(b"0\r\n\r\n")
            await writer.drain()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(reader: asyncio.StreamReader, send: Send, *, is_head: bool) -> None:
    has_begun = False
    async for head in _parts(reader):
        if not has_begun:
            has_begun = True
            kept = [(name, value) for name, value in head.headers if name.decode("latin-1") not in _HOP_HEADERS]
            await send({"type": "http.response.start", "status": head.status, "headers": kept})
            # An empty chunk sends the head at once: the body of a followed log may be long in coming.
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            if is_head:
                break
        for chunk in head.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        head.chunks.clear()
    if not has_begun:
        raise ApiStatusError(502, "BadGateway", "error trying to reach service: the server broke off", {})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


_HOP_HEADERS = _NOT_HANDED_ON - {"content-length"}


async def _parts(reader: asyncio.StreamReader) -> AsyncIterator[_Head]:
    """The answer each time there is more of it, from when its head is whole."""
    head = _Head()
    parser = httptools.HttpResponseParser(head)
    while not head.is_ended:
        try:
            async with asyncio.timeout(None if head.is_whole else HEAD_SECONDS):
                data = await reader.read(CHUNK)
            if data:
                parser.feed_data(data)
        except (OSError, httptools.HttpParserError):
            return
        if head.is_whole:
            head.status = parser.get_status_code()
            if head.status < 200 and head.status != 101:
                head.is_whole, head.is_ended, head.headers = False, False, []
                continue
            yield head
        if not data:
            return
