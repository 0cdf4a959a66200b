"""The server that is measured, with the owner's token."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

WAIT_SECONDS = 900.0
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it is, and what opens it."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def read(cls, data_dir: Path) -> Server:
        """As the instance's data folder has it."""
        found = json.loads((data_dir / "server" / "server.json").read_text())
        return cls(url=found["url"], token=found["token"])

    @property
    def headers(self) -> dict[str, str]:
        """What requests carry."""
        return {"Authorization": f"Bearer {self.token}"}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client that leaves bodies as they came, so that bytes on the wire are counted."""
        async with aiohttp.ClientSession(self.url, headers=self.headers, auto_decompress=False) as session:
            yield session

    async def get(self, path: str) -> Any:
        """The JSON of a path."""
        async with aiohttp.ClientSession(self.url, headers=self.headers) as session, session.get(path) as response:
            response.raise_for_status()
            return await response.json()

    async def wait_for_rows(self, count: int) -> None:
        """Until the list counts so many. Raises SystemExit."""
        await self._wait(lambda: self._rows(), count, "rows")

    async def wait_for_nodes(self, application: str, count: int) -> None:
        """Until the application's tree has so many nodes. Raises SystemExit."""
        await self._wait(lambda: self._nodes(application), count, "nodes")

    async def _rows(self) -> int:
        return int((await self.get("/api/haori/v1/applications?perPage=1"))["total"])

    async def _nodes(self, application: str) -> int:
        try:
            tree = await self.get(f"/api/haori/v1/applications/{application}/tree")
        except aiohttp.ClientResponseError:
            return 0  # The engine has not looked at it yet.
        return len(tree["nodes"])

    async def _wait(self, ask: Any, count: int, what: str) -> None:
        ends, found = time.monotonic() + WAIT_SECONDS, 0
        while time.monotonic() < ends:
            if (found := await ask()) >= count:
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise SystemExit(f"{found} of {count} {what} after {WAIT_SECONDS:.0f} s")
