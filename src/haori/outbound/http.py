"""One GET, or a form that is posted, through the guard.

A name is resolved once and the connection goes to the very addresses that were judged, so a name that changes its
answer between the look and the dial gains nothing. Redirects are followed by us, each judged anew, and credentials do
not follow to another origin. Proxies of the environment are not used: they would dial what we may not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from haori.outbound.policy import OutboundError, OutboundPolicy, check_address, check_url, redact
from haori.outbound.tls import TlsSettings, ssl_context

_REDIRECTS = (301, 302, 303, 307, 308)
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A whole answer; `url` is where it came from in the end, headers are keyed in lower case."""

    url: str
    status: int
    body: bytes
    headers: Mapping[str, str]


async def fetch(
    url: str,
    policy: OutboundPolicy | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    tls: TlsSettings | None = None,
    form: Mapping[str, str] | None = None,
) -> Fetched:
    """What `url` answers, whatever the status; OutboundError where it is refused, too large, too slow or broken.

    A `form` is posted, and goes to nobody else: a redirect is then the answer.

    `tls` holds for the origin of `url` alone: whoever a redirect leads to sees no client certificate, and is verified.
    """
    policy = policy or OutboundPolicy()
    try:
        async with asyncio.timeout(policy.timeout_seconds):
            return await _fetch(url, policy, dict(headers or {}), tls, form)
    except TimeoutError as error:
        why = f"no whole answer within {policy.timeout_seconds:g} s"
        raise OutboundError("outbound-failed", url=redact(url), why=why) from error
    except (aiohttp.ClientError, OSError) as error:
        raise _refusal_inside(error) or OutboundError("outbound-failed", url=redact(url), why=_why(error)) from error


async def _fetch(
    url: str,
    policy: OutboundPolicy,
    headers: dict[str, str],
    tls: TlsSettings | None,
    form: Mapping[str, str] | None,
) -> Fetched:
    first = _origin(url)
    context = None if tls is None or first[0] != "https" else ssl_context(tls)
    connector = aiohttp.TCPConnector(resolver=_GuardedResolver(policy), use_dns_cache=False, limit=4)
    async with aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=policy.timeout_seconds, sock_connect=policy.connect_seconds),
    ) as session:
        for _ in range(policy.redirects + 1):
            check_url(url, policy)
            # What is quoted stays so: a signed URL counts every letter. Both readers of URLs must find an allowed host.
            target = URL(url, encoded="%" in url)
            check_url(str(target), policy)
            secured = context if context is not None and _origin(url) == first else True
            method = "GET" if form is None else "POST"
            asked = session.request(method, target, headers=headers, data=form, allow_redirects=False, ssl=secured)
            async with asked as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location or form is not None:
                    body = await _bounded(response, url, policy)
                    answered = {name.lower(): value for name, value in response.headers.items()}
                    return Fetched(url=url, status=response.status, body=body, headers=answered)
            following = urljoin(url, location)
            if _origin(following) != _origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() not in _CREDENTIALS}
            url = following
    raise OutboundError("outbound-failed", url=redact(url), why=f"more than {policy.redirects} redirects")


async def _bounded(response: aiohttp.ClientResponse, url: str, policy: OutboundPolicy) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > policy.size_bytes:
            raise OutboundError("outbound-too-large", url=redact(url), limit=policy.size_bytes)
    return bytes(body)


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientConnectorSSLError, "TLS could not be set up with it"),
    (aiohttp.ClientConnectorDNSError, "its name is not known"),
    (aiohttp.ConnectionTimeoutError, "it does not answer"),
    (aiohttp.ClientPayloadError, "its answer ends too early"),
)


def _why(error: Exception) -> str:
    """What happened, without what the other side said."""
    known = next((reason for kind, reason in _REASONS if isinstance(error, kind)), None)
    inner = getattr(error, "os_error", error)
    return known or (getattr(inner, "strerror", None) if isinstance(inner, OSError) else None) or type(error).__name__


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _refusal_inside(error: BaseException) -> OutboundError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _Refused):
            return seen.refusal
        seen = seen.__cause__ or seen.__context__
    return None


class _Refused(OSError):
    """Carries a refusal through the HTTP library, which passes OSErrors of resolvers on."""

    def __init__(self, refusal: OutboundError) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class _GuardedResolver(AbstractResolver):
    """Resolves a name; one refused address among its answers refuses the name."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses to dial, all of them judged."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[ResolveResult] = []
        for kind, _, protocol, _, place in found:
            address = str(place[0])
            try:
                check_address(f"//{host}", ipaddress.ip_address(address.partition("%")[0]), self._policy)
            except OutboundError as refusal:
                raise _Refused(refusal) from refusal
            results.append(
                ResolveResult(
                    hostname=host, host=address, port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""
