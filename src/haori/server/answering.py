"""Answers: JSON with an ETag, compressed where that pays, and lines or events that go on.

An ETag is of the body, weak, since the same value may travel compressed or not. Long answers are never compressed: a
compressor would hold back what should be seen at once.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from haori.errors import HaoriError
from haori.server.errors import describe_error
from haori.words import Language

SMALLEST_COMPRESSED = 1024
COMPRESSED_APART = 64 << 10
"""From this size on a thread compresses, so that nobody else waits."""
LEVEL = 5
JSON = "application/json"
EVENTS = "text/event-stream"
FIELDS = "Only these fields (a.b,a.c), or, with a leading -, all but these."
"""What `project_fields` does, as the API's document says it."""


async def answer_json(request: Request, value: Any, *, status: int = 200) -> Response:
    """`value` as JSON; 304 where the client holds the very same."""
    return await answer_bytes(request, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), status=status)


async def answer_bytes(request: Request, body: bytes, *, status: int = 200, media_type: str = JSON) -> Response:
    """A whole body, as `answer_json` sends it."""
    headers = {"Vary": "Accept-Encoding, Accept-Language"}
    if request.method in ("GET", "HEAD") and status == 200:
        etag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        headers["ETag"] = etag
        if is_known(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
    if len(body) >= SMALLEST_COMPRESSED and takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        if len(body) >= COMPRESSED_APART:
            body = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
        else:
            body = gzip.compress(body, LEVEL, mtime=0)
    return Response(body, status_code=status, headers=headers, media_type=media_type)


def answer_stream(content: AsyncIterator[bytes], *, media_type: str, language: Language) -> Response:
    """What comes, as it comes; a failure on the way is its last line, in the shape that grpc-gateway ends streams with."""
    # nginx, and what was made after it, would gather the answer otherwise.
    headers = {"X-Accel-Buffering": "no"}
    told = _to_the_end(content, language, is_events=media_type == EVENTS)
    return StreamingResponse(told, media_type=media_type, headers=headers)


async def _to_the_end(content: AsyncIterator[bytes], language: Language, *, is_events: bool) -> AsyncIterator[bytes]:
    try:
        async for piece in content:
            yield piece
    except HaoriError as error:
        refusal = describe_error(error)
        told = refusal.to_json(language)
        value = {
            "error": {
                "grpc_code": refusal.kind.grpc_code, "http_code": refusal.kind.status, "message": told["message"],
                "haori": told["haori"],
            }
        }  # fmt: skip
        body = orjson.loads(orjson.dumps(value, default=str))
        # Not an event called `error`: a browser would take it for a broken connection.
        yield format_event(body, event="failed") if is_events else format_line(body)


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether the header names `etag`; compared weakly, as RFC 9110 has it for reads."""
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in {each.strip().removeprefix("W/") for each in if_none_match.split(",")}


def takes_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding allows gzip."""
    for each in accepted.lower().split(","):
        name, _, weight = each.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def wants_events(request: Request) -> bool:
    """Whether the client is a browser's EventSource."""
    return EVENTS in request.headers.get("accept", "")


def format_event(value: Any, *, event: str = "", id_: str = "") -> bytes:
    """One server-sent event; JSON has no line breaks of its own."""
    head = (f"event: {event}\n" if event else "") + (f"id: {id_}\n" if id_ else "")
    return head.encode() + b"data: " + orjson.dumps(value) + b"\n\n"


def format_line(value: Any) -> bytes:
    """One line of a stream as grpc-gateway writes it."""
    return orjson.dumps(value) + b"\n"


def project_fields(value: Any, fields: str) -> Any:
    """`value` with only the fields named (`a.b,a.c`), or, with `-` before the first, without them; lists are gone through.

    see: argoproj/argo-cd `pkg/apiclient/application/forwarder_overwrite.go` (3.x), the `fields` of its lists and streams.
    """
    if not fields:
        return value
    wanted: dict[str, Any] = {}
    for path in fields.removeprefix("-").split(",")[:200]:
        node = wanted
        for step in path.strip().split(".")[:20]:
            node = node.setdefault(step, {})
    return _without(value, wanted) if fields.startswith("-") else _only(value, wanted)


def _only(value: Any, wanted: Mapping[str, Any]) -> Any:
    if not wanted:
        return value
    if isinstance(value, list):
        return [_only(each, wanted) for each in value]
    if isinstance(value, dict):
        return {name: _only(value[name], below) for name, below in wanted.items() if name in value}
    return value


def _without(value: Any, unwanted: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_without(each, unwanted) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without(each, unwanted[name]) if unwanted.get(name) else each
        for name, each in value.items()
        if unwanted.get(name) != {}
    }
