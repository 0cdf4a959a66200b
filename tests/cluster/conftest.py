"""A small API server in this process that misbehaves on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from haori.cluster.http_client import HttpClient, connect_to
from haori.cluster.kubeconfig import ClusterSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FakeApi:
    """Answers each request with the next of `script` (the last one for ever), and remembers what it was asked."""

    url: str = ""
    script: list[Handler] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        handler = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await handler(request)

    def settings(self, **changes: object) -> ClusterSettings:
        return ClusterSettings(name="fake", server=self.url, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    api = FakeApi()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield api
    await runner.cleanup()


@pytest.fixture
async def client(fake: FakeApi) -> AsyncIterator[HttpClient]:
    async with connect_to(fake.settings(token="t"), timeout_seconds=5) as connected:
        yield connected


def json(body: object, status: int = 200, **headers: str) -> Handler:
    """A handler that answers with a document."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handle


def status(code: int, reason: str, message: str = "no", **headers: str) -> Handler:
    """A handler that answers with a Status."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return json({**body, "message": message}, code, **headers)


def lines(*chunks: bytes) -> Handler:
    """A handler that streams chunks as they are and ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return handle


def broken() -> Handler:
    """A handler that drops the connection."""

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return handle
