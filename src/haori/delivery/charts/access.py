"""How one repository is opened, and one request to it, with every failure named."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from haori.delivery.charts.errors import ChartError, ChartRefusedError, ChartUnreachableError, Subject
from haori.outbound import Fetched, OutboundError, OutboundPolicy, TlsSettings, fetch

FOUND, UNCHANGED, MISSING = 200, 304, 404
_BUSY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one repository is opened with."""

    username: str = ""
    password: str = field(default="", repr=False)
    tls: TlsSettings = field(default_factory=TlsSettings)
    is_oci: bool = False
    """Whether it is a registry though its URL does not say so (`enableOCI`)."""
    is_plain: bool = False
    """Whether a registry is spoken to without TLS (`insecureOCIForceHttp`)."""

    @property
    def basic(self) -> str:
        """The value of an Authorization header, empty without credentials."""
        if not self.username and not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


AccessFor = Callable[[str], Access]
"""What the repository at a URL is opened with, asked anew each time so that a changed Secret works at once."""


async def get(
    url: str,
    subject: Subject,
    policy: OutboundPolicy,
    *,
    tls: TlsSettings | None = None,
    headers: Mapping[str, str] | None = None,
    limit_bytes: int = 1 << 20,
) -> Fetched:
    """What `url` answers: 200, 304, or (for the caller to say what is missing) 401 and 404.

    Raises ChartUnreachableError for a server that is away or busy, ChartRefusedError where it refuses, ChartError for an
    address or size that we do not accept.
    """
    try:
        answer = await fetch(url, replace(policy, size_bytes=limit_bytes), headers=headers, tls=tls)
    except OutboundError as error:
        if error.code == "outbound-failed":
            raise ChartUnreachableError("chart-unreachable", **subject.facts(), reason=error.sentence) from error
        raise ChartError("chart-address-refused", **subject.facts(), reason=error.sentence) from error
    if answer.status in (FOUND, UNCHANGED, MISSING, 401):
        return answer
    if answer.status == _BUSY or answer.status >= 500:
        raise ChartUnreachableError("chart-server-busy", **subject.facts(), status=answer.status)
    raise refusal(subject, answer.status)


def refusal(subject: Subject, status: int) -> ChartRefusedError:
    """The repository said no."""
    return ChartRefusedError("chart-refused", **subject.facts(), status=status)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs are of one scheme, host and port: Helm sends credentials to no other."""
    places = [urlsplit(url) for url in (one, other)]
    first, second = ((place.scheme, place.hostname, place.port) for place in places)
    return first == second
