"""Webhooks of Git services, at Argo CD's path: checked, answered at once, followed up behind."""

from __future__ import annotations

import asyncio

import orjson
from starlette.responses import Response

from haori.errors import HaoriError
from haori.server.answering import answer_json
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.hooks import identify, read_repositories, verify
from haori.server.knocking import BODY_SECONDS, HOOKS
from haori.server.routing import Open, Route

HOOK_BYTES = 10 << 20
"""The largest body taken: a push of thousands of commits; GitHub sends 25 MB at most."""


async def _take(ask: Ask) -> Response:
    service = identify(ask.request.headers)
    try:
        ask.context.knocking.buckets.take(ask.address)
        with ask.context.knocking.bodies.read(ask.address):
            body = await _body(ask)
        verify(service, ask.request.headers, body, ask.context.entrance.book.secret)
        urls = read_repositories(_read(body))
        for url in urls:
            ask.context.knocking.put(url)
    except HaoriError:
        HOOKS.add(service.title, "refused")
        raise
    HOOKS.add(service.title, "taken" if urls else "passed-over")
    return await answer_json(ask.request, {"accepted": len(urls)})


async def _body(ask: Ask) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await ask.body(limit=HOOK_BYTES)
    except TimeoutError as error:
        raise RefusedError(Kind.LATE, "request-too-slow", seconds=BODY_SECONDS) from error


def _read(body: bytes) -> dict[str, object]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(Kind.INVALID, "body-unreadable", problem=str(error)[:200]) from error
    if not isinstance(value, dict):
        raise RefusedError(Kind.INVALID, "body-of-another-shape", wanted="object")
    return value


ROUTES = (
    Route(
        method="POST",
        path="/api/webhook",
        handler=_take,
        access=Open.PUBLIC,
        summary="A Git service says that somebody pushed; signed where a secret is set",
        body="Webhook",
        changes=False,
    ),
)
