"""How one server is spoken to over TLS: who vouches for it, and who we say we are."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field

from haori.outbound.policy import OutboundError


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Of one server."""

    verify: bool = True
    """Whether its certificate is checked."""
    authorities: str = ""
    """PEM: who may have signed it; empty: the system's authorities."""
    certificate: str = ""
    """PEM: our own, with its chain."""
    key: str = field(default="", repr=False)
    """PEM: the key of `certificate`."""


def ssl_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context for it. Raises OutboundError `outbound-tls` for what is no PEM, or a key that fits no certificate."""
    try:
        context = ssl.create_default_context(cadata=settings.authorities or None)
        if settings.certificate and settings.key:
            # The library reads files only; the key is on the disk for a moment, for nobody but us.
            with tempfile.NamedTemporaryFile("w", prefix="haori-tls-", suffix=".pem") as file:
                file.write(f"{settings.certificate.rstrip()}\n{settings.key.rstrip()}\n")
                file.flush()
                context.load_cert_chain(file.name, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise OutboundError("outbound-tls", why=getattr(error, "reason", None) or type(error).__name__) from error
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
