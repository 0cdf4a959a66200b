"""Whom a request may be addressed to, and from where a browser may send it.

A page in somebody's browser can reach this listener under a name of its own, so Host is checked before all else. A
cookie travels with requests that other pages make, so a write that is signed in by a cookie has to prove that our own
page, or no browser at all, made it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from haori.server.errors import Kind, RefusedError
from haori.server.routing import SAFE

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROOF_HEADER = "x-haori-request"
"""A header that no page of another origin can set without asking first, which is never granted."""


class Hosts:
    """The names of one listener."""

    def __init__(self, host: str, names: Iterable[str], port: int) -> None:
        self._names = frozenset({host.lower(), *(name.lower() for name in names)}) - LOOPBACK
        self._is_local = host in LOOPBACK
        self._port = str(port)

    def is_ours(self, host: str) -> bool:
        """Whether Host names this listener. Behind a proxy a name has any port; loopback's names have ours alone."""
        name, port = split_host(host)
        if name in self._names or (not self._is_local and is_address(name)):
            return True
        return name in LOOPBACK and port == self._port


def split_host(host: str) -> tuple[str, str]:
    """(name in lower case without brackets, port or "")."""
    name, port = host.lower(), ""
    if not name.endswith("]") and ":" in name:
        name, _, port = name.rpartition(":")
    return name.strip("[]"), port


def is_address(name: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def sender_address(peer: str, forwarded: str, trusted: Iterable[str]) -> str:
    """Who sent a request: the last address that a proxy we trust saw. What stands before it anybody may have written."""
    networks = [ipaddress.ip_network(each, strict=False) for each in trusted]

    def is_trusted(address: str) -> bool:
        return is_address(address) and any(ipaddress.ip_address(address) in network for network in networks)

    found = peer
    for address in reversed([each.strip() for each in forwarded.split(",")]):
        if not is_trusted(found) or not is_address(address):
            break
        found = address
    return found


def check_origin(method: str, headers: Mapping[str, str]) -> None:
    """Raises RefusedError for a write that another site's page may have made.

    A request with an Authorization header is nobody's but its sender's: no page adds one by itself.
    """
    if method in SAFE or headers.get("authorization"):
        return
    origin = headers.get("origin")
    if origin is not None and not is_same_origin(origin, headers.get("host", "")):
        raise RefusedError(Kind.FORBIDDEN, "request-from-elsewhere", origin=origin[:200])
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise RefusedError(Kind.FORBIDDEN, "request-from-elsewhere", origin=headers["sec-fetch-site"][:50])
    if "cookie" not in headers:
        return
    proven = origin is not None or "sec-fetch-site" in headers or PROOF_HEADER in headers
    if not proven:
        raise RefusedError(Kind.FORBIDDEN, "request-unproven", header=PROOF_HEADER)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` is one of this host."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
