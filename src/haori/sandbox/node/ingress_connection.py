"""One client of an Ingress: its requests one after the other, each to an endpoint, both bodies streamed.

Every request gets a connection of its own to the endpoint, so nothing of one client reaches another's. A body is passed
on as it comes, at the pace of who takes it. An endpoint that agrees to another protocol (101) is joined to the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus

from haori.sandbox.node.http_heads import (
    Framing,
    HeadProblem,
    Request,
    Response,
    read_request,
    read_response,
    write_head,
)

log = logging.getLogger(__name__)

HEAD_BYTES = 1 << 16
PIECE_BYTES = 1 << 16
LINE_BYTES = 4096
IDLE_SECONDS = 75.0
"""How long a client may take to send a request's head, or to send another one."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""How long an endpoint may take to begin an answer once it has the request."""

Target = tuple[str, int]
Find = Callable[[Request], Sequence[Target]]
"""The endpoints that a request may go to, the first to be tried first; HeadProblem where there are none."""


class _Broken(Exception):
    """One side went away, or spoke nonsense, amid a body: the connection cannot go on."""


async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, find: Find) -> None:
    """Until the client is gone or its connection has to end. Never raises but CancelledError."""
    try:
        while await _one_request(reader, writer, find):
            pass
    except (OSError, _Broken, asyncio.IncompleteReadError, TimeoutError) as problem:
        log.debug("client of an ingress left", extra={"problem": repr(problem)})
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _one_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, find: Find) -> bool:
    """Whether another request may follow."""
    try:
        raw = await _head(reader, IDLE_SECONDS)
        if not raw:
            return False
        request = read_request(raw)
        upstream_reader, upstream_writer = await _connect(find(request))
    except HeadProblem as problem:
        await refuse(writer, problem)
        return False
    try:
        return await _exchange(request, reader, writer, upstream_reader, upstream_writer)
    finally:
        upstream_writer.close()
        with contextlib.suppress(OSError):
            await upstream_writer.wait_closed()


async def _connect(targets: Sequence[Target]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first endpoint that answers."""
    for address, port in targets:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(address, port, limit=HEAD_BYTES)
        except OSError as problem:
            log.debug("endpoint does not answer", extra={"target": f"{address}:{port}", "problem": str(problem)})
    raise HeadProblem(502, "no endpoint of the Service answers")


async def _exchange(
    request: Request,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
) -> bool:
    peer = writer.get_extra_info("peername")
    upstream_writer.write(request.forwarded(str(peer[0]) if peer else "127.0.0.1"))
    sending = asyncio.create_task(_send_body(request, reader, upstream_writer))
    try:
        try:
            response = await _answer(upstream_reader, writer, sending)
        except HeadProblem as problem:
            await refuse(writer, problem)
            return False
        if response.status == 101:
            writer.write(response.forwarded(stays_open=True))
            await sending
            await _join(reader, writer, upstream_reader, upstream_writer)
            return False
        framing, length = response.framing(request.method)
        stays_open = request.stays_open and framing is not Framing.CLOSE and sending.done()
        writer.write(response.forwarded(stays_open=stays_open))
        await _copy_body(framing, length, upstream_reader, writer)
        return stays_open
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send_body(request: Request, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
    framing, length = request.headers.framing()
    try:
        await _copy_body(framing, length, reader, upstream)
    except ConnectionError:
        # The endpoint takes no more; it may have said why, and its answer is read by somebody else.
        return


async def _answer(
    upstream: asyncio.StreamReader, client: asyncio.StreamWriter, sending: asyncio.Task[None]
) -> Response:
    """The final answer's head, or 101; interim ones are passed on. HeadProblem (502, 504) where none comes."""
    while True:
        heading = asyncio.create_task(_head(upstream, None))
        try:
            # The clock starts when the endpoint has the whole request: an upload may take its time.
            await asyncio.wait({heading, sending}, return_when=asyncio.FIRST_COMPLETED)
            if not heading.done():
                sending.result()
                await asyncio.wait({heading}, timeout=ANSWER_SECONDS)
            if not heading.done():
                raise HeadProblem(504, "the endpoint takes too long")
            raw = heading.result()
        except (OSError, asyncio.IncompleteReadError) as problem:
            raise HeadProblem(502, "the endpoint ended without an answer") from problem
        finally:
            heading.cancel()
            await asyncio.gather(heading, return_exceptions=True)
        if not raw:
            raise HeadProblem(502, "the endpoint ended without an answer")
        response = read_response(raw)
        if response.status >= 200 or response.status == 101:
            return response
        client.write(response.forwarded(stays_open=True))
        await client.drain()


async def _head(reader: asyncio.StreamReader, seconds: float | None) -> bytes:
    """A head with its empty line; empty where the sender is gone or said nothing in time."""
    try:
        async with asyncio.timeout(seconds):
            raw = await reader.readuntil(b"\r\n\r\n")
    except TimeoutError:
        return b""
    except asyncio.IncompleteReadError as problem:
        if problem.partial.strip():
            raise
        return b""
    except asyncio.LimitOverrunError as problem:
        raise HeadProblem(431, "the header fields are too large") from problem
    # An empty line before a request is allowed (RFC 9112, 2.2).
    return raw.lstrip(b"\r\n") if raw.startswith(b"\r\n") and raw.strip() else raw


async def _copy_body(framing: Framing, length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match framing:
        case Framing.NONE:
            await writer.drain()
        case Framing.LENGTH:
            await _copy(reader, writer, length)
        case Framing.CHUNKED:
            await _copy_chunks(reader, writer)
        case Framing.CLOSE:
            while piece := await reader.read(PIECE_BYTES):
                writer.write(piece)
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    await writer.drain()
    while length:
        piece = await reader.read(min(length, PIECE_BYTES))
        if not piece:
            raise _Broken("a body ended early")
        length -= len(piece)
        writer.write(piece)
        await writer.drain()


async def _copy_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        line = await _line(reader)
        digits = line.partition(b";")[0].strip()
        try:
            size = int(digits, 16) if digits.isalnum() else -1
        except ValueError:
            size = -1
        if not 0 <= size <= 1 << 40:
            raise _Broken("not a chunk")
        writer.write(b"%x\r\n" % size)
        if size == 0:
            break
        await _copy(reader, writer, size)
        if await reader.readexactly(2) != b"\r\n":
            raise _Broken("not a chunk")
        writer.write(b"\r\n")
    left = HEAD_BYTES
    while line := await _line(reader):
        # Trailers may say nothing that matters here; they are read and not passed on.
        left -= len(line) + 2
        if left < 0:
            raise _Broken("too many trailers")
    writer.write(b"\r\n")
    await writer.drain()


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        line = await reader.readuntil(b"\r\n")
    except asyncio.LimitOverrunError as problem:
        raise _Broken("a line is too long") from problem
    if len(line) > LINE_BYTES:
        raise _Broken("a line is too long")
    return line[:-2]


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
) -> None:
    """Bytes both ways until both have ended, or one broke."""

    async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        await _copy_body(Framing.CLOSE, 0, source, sink)
        if sink.can_write_eof():
            sink.write_eof()

    ways = {
        asyncio.create_task(pass_on(reader, upstream_writer)),
        asyncio.create_task(pass_on(upstream_reader, writer)),
    }
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        for way in done:
            way.result()
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def refuse(writer: asyncio.StreamWriter, problem: HeadProblem) -> None:
    """Answers with the problem, as text; the connection ends with it."""
    body = f"{problem.status} {problem}\n".encode()
    fields = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", b"%d" % len(body)),
        (b"Connection", b"close"),
    ]
    phrase = HTTPStatus(problem.status).phrase.encode()
    writer.write(write_head(b"HTTP/1.1 %d %s" % (problem.status, phrase), fields) + body)
    await writer.drain()
