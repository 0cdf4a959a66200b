"""Asks the engine: the client of its internal listener.

Where the engine is, and its token, stand in a file that is read anew when an engine begins again. An engine that is away
is told as such (503), never as a failure of what was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from haori.errors import PeerError
from haori.server.errors import Kind, RefusedError

if TYPE_CHECKING:
    import aiohttp

ANSWER_SECONDS = 60.0
ANSWER_BYTES = 256 << 20
"""A larger answer is not read: a tree of 5,000 objects has about two megabytes."""
_KINDS = {
    400: Kind.INVALID, 404: Kind.NOT_FOUND, 409: Kind.PRECONDITION, 413: Kind.TOO_LARGE, 422: Kind.INVALID,
    502: Kind.PEER, 503: Kind.UNAVAILABLE, 504: Kind.LATE,
}  # fmt: skip


class EngineAnswerError(PeerError):
    """The engine's own refusal, with the code and parameters it gave."""

    def __init__(self, kind: Kind, code: str, /, **parameters: Any) -> None:
        super().__init__(code, **parameters)
        self.kind = kind


class Engine:
    """One engine's listener; `aclose` ends it."""

    def __init__(self, path: Path | None, *, timeout_seconds: float = ANSWER_SECONDS) -> None:
        self._path, self._timeout_seconds = path, timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def get(self, *segments: str, **query: str) -> Any:
        """The JSON at /internal/v1/SEGMENTS. Raises RefusedError where no engine answers, EngineAnswerError."""
        return await self._ask("GET", segments, query, None)

    async def post(self, *segments: str, body: Mapping[str, Any], **query: str) -> Any:
        """The JSON that a POST is answered with; raises as `get` does."""
        return await self._ask("POST", segments, query, body)

    async def aclose(self) -> None:
        """Lets go of its connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(
        self, method: str, segments: tuple[str, ...], query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> Any:
        import aiohttp
        from yarl import URL

        place = await asyncio.to_thread(_read_place, self._path)
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        path = "/internal/v1/" + "/".join(quote(segment, safe="") for segment in segments)
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._session.request(
                    method,
                    URL(f"{place['url']}{path}", encoded=True).with_query(
                        {name: value for name, value in query.items() if value}
                    ),
                    headers={"Authorization": f"Bearer {place['token']}"},
                    json=body,
                    allow_redirects=False,
                ) as answer,
            ):
                content = await answer.content.read(ANSWER_BYTES)
        except TimeoutError as error:
            raise RefusedError(Kind.LATE, "engine-too-slow", seconds=self._timeout_seconds) from error
        except (aiohttp.ClientError, OSError) as error:
            raise RefusedError(Kind.UNAVAILABLE, "engine-away") from error
        return _decode(answer.status, content)


def _read_place(path: Path | None) -> Mapping[str, str]:
    try:
        place = orjson.loads(path.read_bytes()) if path is not None else None
    except (OSError, orjson.JSONDecodeError) as error:
        raise RefusedError(Kind.UNAVAILABLE, "engine-away") from error
    if not isinstance(place, dict) or not place.get("url"):
        raise RefusedError(Kind.UNAVAILABLE, "engine-away")
    return place


def _decode(status: int, content: bytes) -> Any:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RefusedError(Kind.UNAVAILABLE, "engine-away") from error
    if status < 400:
        return value
    problem = (value.get("error") if isinstance(value, dict) else None) or {}
    raise EngineAnswerError(
        _KINDS.get(status, Kind.PEER), str(problem.get("code") or "engine-refused"), **(problem.get("parameters") or {})
    )
