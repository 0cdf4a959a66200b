"""Which addresses a URL that a user or a repository gave may lead to.

UserError
└── OutboundError   `outbound-refused` (url, address, why), `outbound-url-invalid` (url, why), `outbound-failed` (url, why),
                    `outbound-too-large` (url, limit), `outbound-tls` (why)
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from unicodedata import normalize
from urllib.parse import urlsplit, urlunsplit

from haori.errors import UserError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class OutboundError(UserError):
    """A URL that we do not fetch, or could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundPolicy:
    """Where requests may go and how much they may bring."""

    allow_loopback: bool = False
    """For tests and for servers of this very machine."""
    allow_private: bool = False
    """Addresses of private networks (RFC 1918, 6598, 4193); a company's own chart museum often is one."""
    schemes: frozenset[str] = frozenset({"https", "http"})
    timeout_seconds: float = 60.0
    """The whole fetch, redirects included."""
    connect_seconds: float = 10.0
    """For one connection: a host that is away answers nothing."""
    size_bytes: int = 64 << 20
    """Of a body, unpacked."""
    redirects: int = 5


def refusal_of(address: Address, policy: OutboundPolicy) -> str | None:
    """Why `address` is not dialled; None where it may be. An address inside another is judged as itself."""
    inner = _inner(address)
    if inner in _METADATA:
        return "a cloud's metadata service"
    if inner.is_loopback:
        return None if policy.allow_loopback else "a loopback address"
    if inner.is_link_local:
        return "a link-local address"
    if inner.is_multicast or inner.is_unspecified or (inner.is_reserved and not inner.is_private):
        return "not an address of one machine"
    is_shared = isinstance(inner, ipaddress.IPv4Address) and inner in _SHARED
    if (inner.is_private or is_shared) and not policy.allow_private:
        return "an address of a private network"
    return None


def check_url(url: str, policy: OutboundPolicy) -> str:
    """The host of `url`; OutboundError for other schemes, user names inside, no host, or a refused address as host."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise OutboundError("outbound-url-invalid", url=redact(url), why="it cannot be read") from error
    if parts.scheme.lower() not in policy.schemes:
        raise OutboundError("outbound-url-invalid", url=redact(url), why=f"the scheme {parts.scheme} is not allowed")
    if not host or parts.username is not None or parts.password is not None:
        why = "it names no host" if not host else "credentials belong in a repository Secret"
        raise OutboundError("outbound-url-invalid", url=redact(url), why=why)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _is_disguised(host):
            why = "the host is a number: write an address as four decimal numbers with dots"
            raise OutboundError("outbound-url-invalid", url=redact(url), why=why) from None
        return host
    check_address(url, address, policy)
    return host


def _is_disguised(host: str) -> bool:
    """Whether resolvers may read `host`, which is no plain address, as one: `2130706433`, `0x7f.1`, `0177.0.0.1`.

    No name ends in a label that is a number. see: WHATWG URL, "ends in a number checker"; inet_aton(3).
    """
    last = normalize("NFKC", host).rstrip(".").rpartition(".")[2]
    return last.isdigit() or re.fullmatch("0x[0-9a-f]*", last, re.IGNORECASE) is not None


def check_address(url: str, address: Address, policy: OutboundPolicy) -> None:
    """OutboundError `outbound-refused` where `address` may not be dialled."""
    if why := refusal_of(address, policy):
        raise OutboundError("outbound-refused", url=redact(url), address=str(address), why=why)


def redact(url: str) -> str:
    """`url` without user, password and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[:500]


def _inner(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if any(address in network for network in _TRANSLATED):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
