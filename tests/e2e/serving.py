"""A server of our own beside an engine, spoken to over HTTP by the owner of its folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from haori.server import ServerSettings, serve
from tests.e2e.delivery import Delivery


class Api:
    """The server, as a client sees it."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        """The JSON answer; fails where the status is another one."""
        async with self.session.request(method, self.url + path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text[:500]}"
            return json.loads(text)

    @asynccontextmanager
    async def listen(self, path: str, **headers: str) -> AsyncIterator[Lines]:
        """The lines of a stream."""
        async with self.session.get(self.url + path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield Lines(answer)


class Lines:
    """What a stream says, line by line."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> Any:
        """The next line that says something, as JSON."""
        async with asyncio.timeout(30):
            while True:
                line = (await self.answer.content.readline()).decode()
                assert line, "the stream ended"
                if (text := line.removeprefix("data: ").strip()) and text[0] == "{":
                    return json.loads(text)


@asynccontextmanager
async def serving(delivery: Delivery, *, engine: Path | None = None, **settings: Any) -> AsyncIterator[Api]:
    """A server of a delivery's cluster while the context lasts."""
    folder = delivery.folder / "server"
    chosen = ServerSettings(
        data_dir=folder,
        kubeconfig=delivery.kubeconfig,
        namespace=delivery.control,
        allow_file_repositories=True,
        engine=engine or delivery.folder / "engine" / "listener.json",
        **settings,
    )
    ready = asyncio.Event()
    task = asyncio.create_task(serve(chosen, ready=ready.set))
    try:
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        waiting.cancel()
        if task.done():
            task.result()
        place = json.loads(chosen.address_file.read_bytes())
        headers = {"Authorization": f"Bearer {place['token']}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            yield Api(session, place["url"])
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
