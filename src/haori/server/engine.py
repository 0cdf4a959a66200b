"""Asks the engine: the client of its internal listener.

Where the engine is, and its token, stand in a file that is read anew when an engine begins again; in a cluster its leader
says it in its Lease (`LeasePlaces`). An engine that is away is told as such (503), never as a failure of what was asked;
one that hangs is found out by looks (`presence`), so that no question waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import orjson

from haori.cluster import KubernetesClient
from haori.cluster.well_known import LEASES
from haori.errors import HaoriError, PeerError
from haori.objects import annotations_of, nested_text
from haori.resources import haori
from haori.server.errors import Kind, RefusedError
from haori.server.presence import Presence

if TYPE_CHECKING:
    import aiohttp

ANSWER_SECONDS = 60.0
PLACE_SECONDS = 2.0
"""How long a place out of a Lease counts without another look."""
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


class Places(Protocol):
    """Knows where the engine is."""

    async def find(self) -> Mapping[str, str]:
        """{"url", "token"}. Raises RefusedError where no engine is known."""
        ...

    def forget(self) -> None:
        """Hears that nobody answered at the place found last."""


class FilePlaces:
    """By the file that the engine of the same machine writes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    async def find(self) -> Mapping[str, str]:
        """What the file says now."""
        return await asyncio.to_thread(_read_place, self._path)

    def forget(self) -> None:
        """Nothing was kept."""


class LeasePlaces:
    """By the Lease that the leader among the engines of a cluster holds; asked for again every few seconds."""

    def __init__(self, client: KubernetesClient, namespace: str, token_file: Path) -> None:
        self._client, self._namespace, self._token_file = client, namespace, token_file
        self._found: tuple[float, Mapping[str, str]] | None = None

    async def find(self) -> Mapping[str, str]:
        """The holder's URL. A holder that ended well has let go of the Lease; one that was killed does not answer."""
        now = asyncio.get_running_loop().time()
        if self._found is None or now - self._found[0] > PLACE_SECONDS:
            self._found = (now, await self._ask())
        return self._found[1]

    def forget(self) -> None:
        """The next one asks the cluster."""
        self._found = None

    async def _ask(self) -> Mapping[str, str]:
        try:
            lease = await self._client.get(LEASES, haori.LEASE, self._namespace)
            token = (await asyncio.to_thread(self._token_file.read_text)).strip()
        except (PeerError, OSError) as error:
            raise RefusedError(Kind.UNAVAILABLE, "engine-away") from error
        url = annotations_of(lease).get(haori.LISTENER, "")
        if not nested_text(lease, "spec", "holderIdentity") or not url.startswith("http://"):
            raise RefusedError(Kind.UNAVAILABLE, "engine-away")
        return {"url": url, "token": token}


class Engine:
    """One engine's listener; `aclose` ends it."""

    def __init__(
        self,
        places: Places,
        *,
        timeout_seconds: float = ANSWER_SECONDS,
        hear: Callable[[HaoriError | None], None] = lambda problem: None,
        is_watched: Callable[[], bool] = lambda: False,
    ) -> None:
        """`hear` is told whether it answers, whenever that was found out; `is_watched`: whether anybody is connected."""
        self._places, self._timeout_seconds = places, timeout_seconds
        self._session: aiohttp.ClientSession | None = None
        self.presence = Presence(self._look, hear=hear, is_watched=is_watched)

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

    async def _look(self) -> None:
        """Asks for what costs the engine nothing. Raises RefusedError where none is there, or none that leads."""
        try:
            told = await self._send("GET", ("statistics",), {}, None)
        except EngineAnswerError:  # An answer, whatever it says.
            return
        except BaseException:
            self._places.forget()
            raise
        if isinstance(told, Mapping) and told.get("leading") is False:
            self._places.forget()
            raise RefusedError(Kind.UNAVAILABLE, "engine-stands-by")

    async def _ask(
        self, method: str, segments: tuple[str, ...], query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> Any:
        try:
            value = await self.presence.hold(self._send(method, segments, query, body))
        except (RefusedError, EngineAnswerError) as error:
            if error.code in ("engine-away", "engine-stands-by") and not self.presence.is_silent:
                self.presence.missed(error)
            raise
        if not self.presence.is_there:
            await self.presence.look(older_than_seconds=0.0)
        return value

    async def _send(
        self, method: str, segments: tuple[str, ...], query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> Any:
        import aiohttp
        from yarl import URL

        place = await self._places.find()
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
                content = await _read_whole(answer, ANSWER_BYTES)
        except TimeoutError as error:
            raise RefusedError(Kind.LATE, "engine-too-slow", seconds=self._timeout_seconds) from error
        except (aiohttp.ClientError, OSError) as error:
            self._places.forget()
            raise RefusedError(Kind.UNAVAILABLE, "engine-away") from error
        return _decode(answer.status, content)


async def _read_whole(answer: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    """The body, which comes in pieces. Raises RefusedError where it is larger."""
    pieces, size = [], 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > limit_bytes:
            raise RefusedError(Kind.TOO_LARGE, "engine-answer-too-large", limit=limit_bytes)
        pieces.append(piece)
    return b"".join(pieces)


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
