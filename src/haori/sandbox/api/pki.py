"""The keys of one sandbox: authority, certificates, signing key and tokens.

They are made once, each file in one step and readable by its owner only, and kept over restarts, so that a kubeconfig
that was copied away goes on working. A certificate lies in one file with its key: a crash never leaves a pair that does
not match. What is about to expire is made anew when the API starts; the authority outlives what it signed.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVING_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
SERVING_ADDRESSES = ("127.0.0.1", "::1", "127.64.0.1")
"""Loopback, and the cluster address of the API's own Service."""
AUTHORITY_LIFETIME = timedelta(days=3650)
CERTIFICATE_LIFETIME = timedelta(days=730)
RENEW_BEFORE = timedelta(days=60)
BACKDATED = timedelta(hours=1)
"""How long before it was made a certificate is valid: clocks of clients differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """What `ensure_pki` found or made. Secret fields never appear in its repr."""

    authority: bytes
    """The authority's certificate, PEM; what clients trust."""
    authority_file: Path
    serving: Path
    """Certificate and key of the API server, PEM."""
    kubelet_client: Path
    """Certificate and key by which nodes know the API server, PEM."""
    signing_key: ec.EllipticCurvePrivateKey
    """Signs the tokens of service accounts."""
    admin_token: str
    node_token: str

    def __repr__(self) -> str:
        return f"Pki(authority_file={str(self.authority_file)!r})"


def ensure_pki(folder: Path, *, now: datetime) -> Pki:
    """The keys in `folder`, made where they lack and renewed where they are about to expire. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = folder / "ca.pem"
    if _expires_soon(authority, now):
        key = _new_key()
        write_private(authority, _pem_pair(_authority(key, now), key))
    authority_key, authority_certificate = _read_pair(authority)
    authority_pem = authority_certificate.public_bytes(Encoding.PEM)
    public = folder / "ca.crt"
    if not public.exists() or public.read_bytes() != authority_pem:
        write_private(public, authority_pem)
    for name, is_server in (("serving", True), ("kubelet-client", False)):
        path = folder / f"{name}.pem"
        if _expires_soon(path, now) or not _is_signed_by(_read_pair(path)[1], authority_certificate):
            key = _new_key()
            write_private(path, _pem_pair(_leaf(key, authority_key, authority_certificate, now, is_server), key))
    return Pki(
        authority=authority_pem,
        authority_file=public,
        serving=folder / "serving.pem",
        kubelet_client=folder / "kubelet-client.pem",
        signing_key=_signing_key(folder / "service-account.key"),
        admin_token=_token(folder / "admin.token"),
        node_token=_token(folder / "node.token"),
    )


def write_private(path: Path, content: bytes) -> None:
    """Replaces `path` by `content` in one step, readable by its owner only. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_kubeconfig(path: Path, *, server: str, authority: bytes, token: str, user: str) -> None:
    """Writes credentials for one API server as kubectl reads them, readable by their owner only. Raises OSError."""
    import base64
    import json

    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "sandbox",
                "cluster": {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
        "current-context": "sandbox",
    }
    # JSON is YAML: nothing has to be imported for it, and kubectl reads it as it is.
    write_private(path, json.dumps(config, indent=2).encode() + b"\n")


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("haori-sandbox")
    return (
        _builder(name, name, key, now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    now: datetime,
    is_server: bool,
) -> x509.Certificate:
    # The name and group of the client are those a kubeadm cluster gives its API server towards kubelets.
    subject = _name("kube-apiserver") if is_server else _name("kube-apiserver-kubelet-client", "system:masters")
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
    lifetime = min(CERTIFICATE_LIFETIME, authority.not_valid_after_utc - now)
    builder = (
        _builder(subject, authority.subject, key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    if is_server:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in SERVING_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVING_ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _pem_pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    return certificate.public_bytes(Encoding.PEM) + _pem_key(key)


def _load_key(content: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(content, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not an elliptic-curve key")
    return key


def _read_pair(path: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    content = path.read_bytes()
    return _load_key(content), x509.load_pem_x509_certificate(content)


def _expires_soon(path: Path, now: datetime) -> bool:
    """Whether what lies there is absent, unreadable or valid for too short a time."""
    try:
        return _read_pair(path)[1].not_valid_after_utc - now < RENEW_BEFORE
    except (FileNotFoundError, ValueError):
        return True


def _is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _signing_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        write_private(path, _pem_key(_new_key()))
    return _load_key(path.read_bytes())


def _token(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()
