"""HTTP to one API server: sessions, credentials, deadlines, retries, flow control, counts.

A request is asked again only where that is safe: after 429 (nothing happened), after 401 with fresh credentials, and a
read whose connection broke before an answer. A write that was cut off raises UnreachableError; the caller looks at
what is there, since only the cluster knows. No exception of the HTTP library leaves this module.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from yarl import URL

from haori.cluster.credentials import Credential, Credentials, tls_context
from haori.cluster.errors import ReadOnlyError, TooManyRequestsError, UnreachableError, error_of_status
from haori.cluster.flow import FlowControl, Priority
from haori.cluster.kubeconfig import ClusterSettings
from haori.observe import Histogram, span

JSON = "application/json"
REQUESTS = Histogram(
    "haori_kubernetes_request_duration_seconds",
    "Requests to Kubernetes API servers, from sending to the whole answer.",
    ("cluster", "verb", "resource", "code"),
)
ANSWER_LIMIT_BYTES = 512 << 20
_BROKEN = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `verb` is the word statistics count it under."""

    verb: str
    method: str
    path: str
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    headers: Mapping[str, str] | None = None

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.method not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class VerbCount:
    """What requests of one verb came to."""

    count: int = 0
    errors: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    seconds: float = 0.0


class Transport:
    """The connections to one cluster. `close` ends them."""

    def __init__(
        self,
        settings: ClusterSettings,
        *,
        timeout_seconds: float = 30.0,
        user_agent: str = "haori",
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.timeout_seconds = timeout_seconds
        self._rng = rng or random.Random()  # noqa: S311  # jitter, not a secret
        self._credentials = Credentials(settings, clock=_loop_time, now=lambda: datetime.now(UTC))
        self.flow = FlowControl(clock=_loop_time)
        self.fence: Callable[[], None] | None = None
        """Asked at the last moment before a write goes out; what it raises is raised, and nothing is sent."""
        self._session: aiohttp.ClientSession | None = None
        self._certificate: tuple[bytes, bytes] | None = None
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": _encoding_for(settings.server)}
        self._counts: dict[str, VerbCount] = {}
        self._retired: list[aiohttp.ClientSession] = []
        self._is_closed = False
        self.is_read_only = False
        """Whether what may change something is refused before it is sent, dry runs too."""

    def use(self, settings: ClusterSettings) -> None:
        """Other settings from the next request on; what is under way ends with those it began with."""
        self.settings = settings
        self._credentials = Credentials(settings, clock=_loop_time, now=lambda: datetime.now(UTC))
        if self._session is not None:
            self._retired.append(self._session)
            self._session = None

    async def close(self) -> None:
        """End all connections."""
        for session in (self._session, *self._retired):
            if session is not None:
                if isinstance(session.connector, aiohttp.TCPConnector):
                    # A polite TLS goodbye outlives the loop; nothing is under way that it could protect.
                    await session.connector.close(abort_ssl=True)
                await session.close()
        self._session, self._is_closed = None, True
        await asyncio.sleep(0)  # The sockets themselves are closed in the loop's next turn.

    def statistics(self) -> dict[str, Any]:
        """{"verbs": {verb: {count, errors, bytes_sent, bytes_received, seconds}}, "flow": see FlowControl}."""
        verbs = {
            verb: {name: getattr(count, name) for name in VerbCount.__slots__}
            for verb, count in sorted(self._counts.items())
        }
        return {"verbs": verbs, "flow": self.flow.statistics()}

    async def send(self, request: Request, *, accept_statuses: tuple[int, ...] = ()) -> Answer:
        """The answer, 2xx or one of `accept_statuses`, within the deadline; else the error of its Status."""
        if self.is_read_only and request.is_write:
            raise ReadOnlyError(cluster=self.settings.name, action=_action(request))
        deadline = _loop_time() + self.timeout_seconds
        retried = False
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    answer = await self._traced(request)
            except _BROKEN as error:
                if not request.is_write and not retried and not isinstance(error, TimeoutError):
                    retried = True
                    continue
                raise self._unreachable(request, error) from error
            if answer.status == 429:
                await self._wait_throttled(request, answer, deadline)
                continue
            if answer.status == 401 and not retried and self._credentials.invalidate():
                retried = True
                continue
            if 200 <= answer.status < 300 or answer.status in accept_statuses:
                return answer
            self._count(request.verb).errors += 1
            raise error_of_status(
                answer.status, _status_of(self.masked(answer.body)), cluster=self.settings.name, action=_action(request)
            )

    @asynccontextmanager
    async def stream(self, request: Request, *, seconds: float) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of an answer as it comes, for at most `seconds`; takes no place in the window while it runs."""
        retried = False
        while True:
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    response = await self._open(request, aiohttp.ClientTimeout(total=seconds, sock_connect=10))
                    if response.status >= 400:
                        body = await response.content.read(1 << 20)
            except _BROKEN as error:
                raise self._unreachable(request, error) from error
            if response.status == 401 and not retried and self._credentials.invalidate():
                response.close()
                retried = True
                continue
            break
        self._count(request.verb).count += 1
        try:
            if response.status >= 400:
                self._count(request.verb).errors += 1
                raise error_of_status(
                    response.status,
                    _status_of(self.masked(body)),
                    cluster=self.settings.name,
                    action=_action(request),
                    retry_after=_retry_after(response.headers),
                )
            try:
                yield response.content
            except _BROKEN as error:
                raise self._unreachable(request, error) from error
        finally:
            if response.connection is not None and response.connection.transport is not None:
                response.connection.transport.abort()  # Cut off midway, there is nobody to say a TLS goodbye to.
            response.close()

    @asynccontextmanager
    async def socket(
        self, path: str, params: list[tuple[str, str]], *, protocols: tuple[str, ...], limit: int, heartbeat: float
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket at a path, until left. Raises what the cluster refuses, as `send` does."""
        request = Request(verb="connect", method="GET", path=path)
        if self.is_read_only:
            raise ReadOnlyError(cluster=self.settings.name, action=_action(request))
        if self.fence is not None:
            self.fence()
        credential = await self._credentials.current()
        headers = [("Authorization", credential.authorization)] if credential.authorization else []
        headers += [(name, value) for name, values in self.settings.impersonate.items() for value in values]
        self._count(request.verb).count += 1
        try:
            async with asyncio.timeout(self.timeout_seconds):
                opened = await self._session_for(credential).ws_connect(
                    URL(f"{self.settings.server}{path}?{urlencode(params)}", encoded=True),
                    protocols=protocols,
                    headers=headers,
                    max_msg_size=limit,
                    heartbeat=heartbeat,
                    proxy=self.settings.proxy_url or None,
                    server_hostname=self.settings.tls_server_name or None,
                )
        except aiohttp.WSServerHandshakeError as error:
            self._count(request.verb).errors += 1
            name, action = self.settings.name, _action(request)
            raise error_of_status(error.status, error.message, cluster=name, action=action) from error
        except _BROKEN as error:
            raise self._unreachable(request, error) from error
        try:
            yield opened
        finally:
            await opened.close()

    async def _traced(self, request: Request) -> Answer:
        if not request.is_write:
            return await self._send_once(request)
        with span(f"{request.verb} {_plural(request.path)}", cluster=self.settings.name, method=request.method):
            return await self._send_once(request)

    async def _send_once(self, request: Request) -> Answer:
        count = self._count(request.verb)
        async with self.flow.slot(Priority.WRITE if request.is_write else Priority.READ):
            if self.fence is not None and request.is_write:
                self.fence()
            started = time.perf_counter()
            count.count += 1
            count.bytes_sent += len(request.body or b"")
            response = await self._open(request, aiohttp.ClientTimeout(total=None, sock_connect=10))
            try:
                body = await response.read()
            finally:
                response.release()
            elapsed = time.perf_counter() - started
            count.bytes_received += len(body)
            count.seconds += elapsed
            REQUESTS.observe(elapsed, self.settings.name, request.verb, _plural(request.path), str(response.status))
            if response.status == 429:
                self.flow.throttled(_retry_after(response.headers))
            else:
                self.flow.answered(elapsed)
            return Answer(status=response.status, body=body, headers=response.headers)

    async def _open(self, request: Request, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        credential = await self._credentials.current()
        session = self._session_for(credential)
        headers: list[tuple[str, str]] = [("Accept", request.accept)]
        if request.body is not None:
            headers.append(("Content-Type", request.content_type))
        if credential.authorization:
            headers.append(("Authorization", credential.authorization))
        headers += [(name, value) for name, values in self.settings.impersonate.items() for value in values]
        headers += list((request.headers or {}).items())
        query = f"?{urlencode(request.params)}" if request.params else ""
        return await session.request(
            request.method,
            URL(f"{self.settings.server}{request.path}{query}", encoded=True),
            data=request.body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            proxy=self.settings.proxy_url or None,
            server_hostname=self.settings.tls_server_name or None,
        )

    def _session_for(self, credential: Credential) -> aiohttp.ClientSession:
        if self._is_closed:
            raise OSError("the connection was given up")
        if self._session is None or credential.certificate != self._certificate:
            if self._session is not None:  # Requests under way keep the old one until the end.
                self._retired.append(self._session)
            self._certificate = credential.certificate
            context = tls_context(self.settings, credential.certificate) if self._is_tls else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=55),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    @property
    def _is_tls(self) -> bool:
        return self.settings.server.startswith("https:")

    async def _wait_throttled(self, request: Request, answer: Answer, deadline: float) -> None:
        # A herd that was sent away together must not come back together.
        pause = _retry_after(answer.headers) * (1 + self._rng.random() * 0.25)
        if _loop_time() + pause >= deadline:
            self._count(request.verb).errors += 1
            raise TooManyRequestsError(retry_after=pause, cluster=self.settings.name, action=_action(request))
        await asyncio.sleep(pause)

    def _unreachable(self, request: Request, error: Exception) -> UnreachableError:
        self._count(request.verb).errors += 1
        problem = self.masked((str(error) or type(error).__name__).encode()).decode(errors="replace")
        if isinstance(error, TimeoutError):
            problem = f"no answer within {self.timeout_seconds:g} s"
        return UnreachableError(cluster=self.settings.name, action=_action(request), problem=problem[:1000])

    def masked(self, body: bytes) -> bytes:
        """A refusal without our own credentials: a server may quote what it was sent."""
        for secret in self._credentials.secrets():
            body = body.replace(secret, b"******")
        return body

    def _count(self, verb: str) -> VerbCount:
        return self._counts.setdefault(verb, VerbCount())


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _plural(path: str) -> str:
    """The type that a path is about, with its subresource: `pods`, `pods/log`; empty for paths of another kind."""
    parts = path.split("/")
    first = 3 if path.startswith("/api/") else 4 if path.startswith("/apis/") else len(parts)
    if parts[first : first + 1] == ["namespaces"] and len(parts) > first + 2:
        first += 2
    below = parts[first + 2 : first + 3]
    return "/".join([*parts[first : first + 1], *below])


def _action(request: Request) -> str:
    return f"{request.verb} {request.path}"


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return min(max(float(headers.get("Retry-After", "1")), 0.1), 60.0)
    except ValueError:
        return 1.0


def _status_of(body: bytes) -> Mapping[str, Any] | str:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace").strip()
    return document if isinstance(document, dict) else str(document)


def _encoding_for(server: str) -> str:
    """Compression costs both ends CPU and saves nothing on the same machine."""
    host = urlsplit(server).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return "identity" if local else "gzip"
