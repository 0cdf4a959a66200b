"""The API without sockets: a real store, the real application, requests handed over as ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from haori.sandbox.api.app import App, build_app
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.layer import Api
from haori.sandbox.api.options import SYSTEM, User
from haori.sandbox.api.store import open_store


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Caller:
    """Sends requests to an application in this process."""

    def __init__(self, app: App, api: Api) -> None:
        self.app = app
        self.api = api

    def scope(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], user: User) -> Any:
        return {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query).encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "haori.user": user,
        }

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        user: User = SYSTEM,
    ) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        sent: list[Any] = []
        asked = [{"type": "http.request", "body": raw, "more_body": False}]

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        given = {"content-type": "application/json"} | dict(headers or {})
        await self.app(self.scope(method, path, query or {}, given, user), receive, send)
        start = sent[0]
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(status=start["status"], headers=found, body=b"".join(each.get("body", b"") for each in sent[1:]))

    async def ok(self, method: str, path: str, body: Any = None, **given: Any) -> Any:
        answer = await self.send(method, path, body, **given)
        assert answer.status in (200, 201), answer.body
        return answer.json

    async def refused(self, method: str, path: str, body: Any = None, **given: Any) -> tuple[int, str, str]:
        answer = await self.send(method, path, body, **given)
        status = answer.json
        assert status["kind"] == "Status"
        assert status["code"] == answer.status
        assert status["status"] == "Failure"
        return answer.status, status["reason"], status["message"]

    @asynccontextmanager
    async def watching(
        self, path: str, *, accept: str = "*/*", user: User = SYSTEM, **query: str
    ) -> AsyncIterator[asyncio.Queue[Any]]:
        """The events of a watch as they come; None when it has ended."""
        events: asyncio.Queue[Any] = asyncio.Queue()
        gone = asyncio.Event()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            for line in message.get("body", b"").splitlines():
                events.put_nowait(orjson.loads(line))

        scope = self.scope("GET", path, {"watch": "true", **query}, {"accept": accept}, user)

        async def run() -> None:
            await self.app(scope, receive, send)
            events.put_nowait(None)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run())
            async with asyncio.timeout(20):
                yield events
            gone.set()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Caller]:
    async with open_store(folder / "state.db") as store:
        api = await open_api(store)
        yield Caller(build_app(api), api)


async def next_event(events: asyncio.Queue[Any]) -> tuple[str, dict[str, Any]]:
    event = await asyncio.wait_for(events.get(), 10)
    assert event is not None
    return event["type"], event["object"]
