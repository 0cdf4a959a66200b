"""The one guarded way out for URLs that users or repositories give.

Takes a URL and a policy, gives a bounded answer. It never dials metadata services or link-local addresses, and
loopback and private networks only where the policy says so. Addresses that an operator configured (the cluster, the
Git server) are not its business. The HTTP library loads with `fetch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haori.outbound.policy import OutboundError, OutboundPolicy, check_url, refusal_of
from haori.outbound.tls import TlsSettings

if TYPE_CHECKING:
    from haori.outbound.http import Fetched, fetch

__all__ = ["Fetched", "OutboundError", "OutboundPolicy", "TlsSettings", "check_url", "fetch", "refusal_of"]


def __getattr__(name: str) -> Any:
    if name in ("Fetched", "fetch"):
        from haori.outbound import http

        return getattr(http, name)
    raise AttributeError(name)
