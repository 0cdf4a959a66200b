"""TLS as one server wants it: its authority, our certificate, or no check at all; for its origin only."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from haori.outbound import OutboundError, OutboundPolicy, TlsSettings, fetch

LOCAL = OutboundPolicy(allow_loopback=True, timeout_seconds=10)


class Authority:
    """Signs certificates for localhost."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.certificate = self._sign(self.name, self.key, is_authority=True)

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> str:
        begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + datetime.timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )  # fmt: skip
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name: str) -> tuple[str, str]:
        """(certificate, key) as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._sign(subject, key, is_authority=False), pem.decode()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def server(authority: Authority, tmp_path: Path) -> AsyncIterator[str]:
    """Says who the client is, by its certificate."""
    certificate, key = authority.issue("server")
    (tmp_path / "server.pem").write_text(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.certificate)
    context.load_cert_chain(tmp_path / "server.pem")
    context.verify_mode = ssl.CERT_OPTIONAL

    async def handle(request: web.Request) -> web.Response:
        assert request.transport is not None
        shown = request.transport.get_extra_info("peercert")
        return web.Response(text=dict(part[0] for part in shown["subject"])["commonName"] if shown else "nobody")

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_unknown_authority_is_refused_and_named(server: str):
    with pytest.raises(OutboundError, match="certificate is not trusted"):
        await fetch(server, LOCAL)


async def test_its_own_authority_is_trusted(server: str, authority: Authority):
    answer = await fetch(server, LOCAL, tls=TlsSettings(authorities=authority.certificate))
    assert (answer.status, answer.body) == (200, b"nobody")


async def test_the_check_can_be_left_out(server: str):
    assert (await fetch(server, LOCAL, tls=TlsSettings(verify=False))).status == 200


async def test_we_show_our_certificate(server: str, authority: Authority):
    certificate, key = authority.issue("haori")
    settings = TlsSettings(authorities=authority.certificate, certificate=certificate, key=key)
    assert (await fetch(server, LOCAL, tls=settings)).body == b"haori"


async def test_another_origin_is_verified_and_sees_no_certificate(server: str, authority: Authority):
    """A redirect from one TLS server to another: what was said of the first does not hold for the second."""

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(server)

    application = web.Application()
    application.router.add_get("/", away)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        with pytest.raises(OutboundError, match="not trusted"):
            await fetch(f"http://localhost:{runner.addresses[0][1]}/", LOCAL, tls=TlsSettings(verify=False))
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("settings", [
    TlsSettings(authorities="no PEM"), TlsSettings(certificate="no PEM", key="no PEM"),
])  # fmt: skip
async def test_what_is_no_pem_is_said(server: str, settings: TlsSettings):
    with pytest.raises(OutboundError) as caught:
        await fetch(server, LOCAL, tls=settings)
    assert caught.value.code == "outbound-tls"
