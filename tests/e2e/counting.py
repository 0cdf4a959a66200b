"""A reverse proxy in front of an API server that counts what passes: what was written is known for certain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientTimeout, web

from haori.cluster.kubeconfig import load_settings
from haori.cluster.transport import Transport

PASSED_ON = ("Accept", "Content-Type", "If-None-Match")
READS = frozenset({"GET", "HEAD"})


@dataclass
class Counts:
    """How often each method was asked for, and what was written where."""

    kubeconfig: Path
    methods: Counter[str] = field(default_factory=Counter)
    writes: list[str] = field(default_factory=list)


@asynccontextmanager
async def counting(kubeconfig: Path, folder: Path) -> AsyncIterator[Counts]:
    """Counts of everything that is sent by way of `counts.kubeconfig`."""
    transport = Transport(load_settings(kubeconfig, ""))
    counts = Counts(kubeconfig=folder / "counting.kubeconfig")

    async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
        counts.methods[request.method] += 1
        if request.method not in READS:
            counts.writes.append(f"{request.method} {request.path_qs}")
        credential = await transport._credentials.current()
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        if credential.authorization:
            headers["Authorization"] = credential.authorization
        session, url = transport._session_for(credential), f"{transport.settings.server}{request.raw_path}"
        body = await request.read()
        async with session.request(
            request.method, url, data=body or None, headers=headers, timeout=ClientTimeout(total=None)
        ) as answer:
            kept = {name: answer.headers[name] for name in ("Content-Type", "ETag") if name in answer.headers}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    runner = web.ServerRunner(web.Server(pass_on), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = site._server
    assert server is not None, "no socket"
    port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    counts.kubeconfig.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{port}")))
    try:
        yield counts
    finally:
        await runner.cleanup()
        await transport.close()


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "counting",
        "clusters": [{"name": "counting", "cluster": {"server": server}}],
        "users": [{"name": "counting", "user": {}}],
        "contexts": [{"name": "counting", "context": {"cluster": "counting", "user": "counting"}}],
    }
