"""The certificate that the kubelet endpoints show: self-signed, kept in the node's folder, pinned by its fingerprint."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

LIFETIME = timedelta(days=730)
RENEW_BEFORE = timedelta(days=60)


def ensure_certificate(file: Path, *, name: str, address: str) -> str:
    """Makes sure that `file` holds a certificate and its key that are good for a while; gives its sha256. Blocking."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        if certificate.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE:
            certificate = _make(file, name=name, address=address)
    except (OSError, ValueError):
        certificate = _make(file, name=name, address=address)
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _make(file: Path, *, name: str, address: str) -> x509.Certificate:  # type: ignore[name-defined]  # noqa: F821
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{name}")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = file.with_name(f"{file.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(certificate.public_bytes(Encoding.PEM) + secret)
    os.rename(temporary, file)
    return certificate


def server_context(file: Path, client_authority: bytes | None) -> ssl.SSLContext:
    """TLS that asks for a client certificate of the authority; who shows none is turned away by the handler."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file)
    if client_authority:
        context.load_verify_locations(cadata=client_authority.decode())
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
