"""How one repository is opened, and one request to it, with every failure named."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from haori.delivery.charts.errors import ChartError, ChartRefusedError, ChartUnreachableError, Subject
from haori.outbound import Fetched, OutboundError, OutboundPolicy, TlsSettings, fetch
from haori.words import Sentence

FOUND, UNCHANGED, MISSING = 200, 304, 404
_BUSY = 429
AWAY_SECONDS = 5.0
"""How long a host that did not answer is left alone."""


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


_Way = tuple[str, str, TlsSettings | None]
"""A scheme, a host with its port, and how its certificate is judged."""


class Door:
    """Requests to repositories: a few at once to each host, and none to one that just did not answer, so that a host
    which is away costs the others nothing and each of its own charts little."""

    def __init__(self, policy: OutboundPolicy, *, at_once: int = 4) -> None:
        self._policy, self._at_once = policy, at_once
        self._slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._away: dict[_Way, tuple[float, Sentence]] = {}
        """By way: until when it is not asked (loop time), and what it failed with."""

    async def get(
        self,
        url: str,
        subject: Subject,
        *,
        tls: TlsSettings | None = None,
        headers: Mapping[str, str] | None = None,
        limit_bytes: int = 1 << 20,
    ) -> Fetched:
        """What `url` answers: 200, 304, or (for the caller to say what is missing) 401 and 404.

        Raises ChartUnreachableError for a server that is away or busy, ChartRefusedError where it refuses, ChartError for
        an address or size that we do not accept.
        """
        host = urlsplit(url).netloc.rpartition("@")[2]
        # A Secret that comes later may open another way to the same host, which is free at once.
        way = (urlsplit(url).scheme, host, tls)
        slots = self._slots.get(host)
        if slots is None:
            slots = self._slots[host] = asyncio.Semaphore(self._at_once)
        async with slots:
            self._check_away(way, subject)
            try:
                answer = await fetch(url, replace(self._policy, size_bytes=limit_bytes), headers=headers, tls=tls)
            except OutboundError as error:
                if error.code != "outbound-failed":
                    raise ChartError("chart-address-refused", **subject.facts(), reason=error.sentence) from error
                self._note_away(way, error.sentence)
                raise ChartUnreachableError("chart-unreachable", **subject.facts(), reason=error.sentence) from error
        if answer.status in (FOUND, UNCHANGED, MISSING, 401):
            return answer
        if answer.status == _BUSY or answer.status >= 500:
            raise ChartUnreachableError("chart-server-busy", **subject.facts(), status=answer.status)
        raise refusal(subject, answer.status)

    def _check_away(self, way: _Way, subject: Subject) -> None:
        until, reason = self._away.get(way, (0.0, None))
        if reason is not None and asyncio.get_running_loop().time() < until:
            raise ChartUnreachableError("chart-unreachable", **subject.facts(), reason=reason)

    def _note_away(self, way: _Way, reason: Sentence) -> None:
        now = asyncio.get_running_loop().time()
        self._away = {name: each for name, each in self._away.items() if each[0] > now}
        self._away[way] = (now + AWAY_SECONDS, reason)


def refusal(subject: Subject, status: int) -> ChartRefusedError:
    """The repository said no."""
    return ChartRefusedError("chart-refused", **subject.facts(), status=status)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs are of one scheme, host and port: Helm sends credentials to no other."""
    places = [urlsplit(url) for url in (one, other)]
    first, second = ((place.scheme, place.hostname, place.port) for place in places)
    return first == second
