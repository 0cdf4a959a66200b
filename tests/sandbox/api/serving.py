"""A whole API server in this process, over HTTPS, for tests that need what surrounds the application."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from haori.cluster.http_client import HttpClient, connect
from haori.sandbox.api.server import serve
from haori.sandbox.api.settings import ApiSettings


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where the server is, and a client of its admin."""

    data_dir: Path
    url: str
    port: int
    client: HttpClient

    @property
    def kubeconfig(self) -> Path:
        return self.data_dir / "kubeconfig"


@contextlib.asynccontextmanager
async def serving(data_dir: Path, *, controllers: bool = False, port: int = 0) -> AsyncIterator[Served]:
    """A server of that folder, ready."""
    ready = asyncio.Event()
    settings = ApiSettings(data_dir=data_dir, port=port, controllers=controllers)
    task = asyncio.create_task(serve(settings, ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    try:
        async with asyncio.timeout(30):
            await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        where = json.loads((data_dir / "sandbox" / "server.json").read_bytes())
        async with connect(data_dir / "kubeconfig") as client:
            yield Served(data_dir=data_dir, url=where["url"], port=where["port"], client=client)
    finally:
        waiting.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
