"""Which addresses a repository that a stranger named may lead to, held against what git dials.

A name is resolved once and git is told to go to the very address that was judged (curl's resolve list, ssh's HostName), so a
name that changes its answer in between gains nothing. Redirects are not followed, and proxies, which would dial for us, not
used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from haori.git.errors import RepositoryUnreachableError
from haori.git.urls import RepositoryUrl
from haori.outbound import OutboundPolicy
from haori.outbound.policy import check_address

_SCP_HOST = re.compile(r"(?:[^@/]+@)?([^:/]+):")
_PORTS = {"https": 443, "http": 80, "ssh": 22}
PROXIES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where one URL leads."""

    host: str
    port: int
    address: str

    @property
    def settings(self) -> list[tuple[str, str]]:
        """For git over http."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return [("http.curloptResolve", f"{self.host}:{self.port}:{shown}"), ("http.followRedirects", "false")]

    @property
    def ssh_options(self) -> list[str]:
        """For ssh; the key that is known by the host's name counts."""
        alias = self.host if self.port == _PORTS["ssh"] else f"[{self.host}]:{self.port}"
        return [f"HostName={self.address}", f"HostKeyAlias={alias}"]


async def find_route(url: RepositoryUrl, policy: OutboundPolicy) -> Route:
    """The way to `url`. Raises OutboundError where it may not be gone, RepositoryUnreachableError for an unknown name."""
    host, port = _place(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise RepositoryUnreachableError("git-unreachable", url=url.address, reason=str(error)) from error
    addresses = [str(place[0]).partition("%")[0] for _, _, _, _, place in found]
    for address in addresses:
        # One refused address among the answers refuses the name.
        check_address(url.address, ipaddress.ip_address(address), policy)
    return Route(host=host, port=port, address=addresses[0])


def _place(url: RepositoryUrl) -> tuple[str, int]:
    if "://" not in url.address:
        found = _SCP_HOST.match(url.address)
        return (found[1] if found else ""), _PORTS["ssh"]
    parts = urlsplit(url.address)
    return parts.hostname or "", parts.port or _PORTS[url.protocol]
