"""Keys are made once, kept over restarts, and made anew before they expire."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from haori.sandbox.api.pki import (
    AUTHORITY_LIFETIME,
    CERTIFICATE_LIFETIME,
    RENEW_BEFORE,
    Pki,
    ensure_pki,
    write_kubeconfig,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_keys_are_kept_over_restarts(tmp_path: Path) -> None:
    first = ensure_pki(tmp_path, now=NOW)
    before = contents(tmp_path)

    second = ensure_pki(tmp_path, now=NOW + timedelta(days=30))

    assert contents(tmp_path) == before
    assert (first.admin_token, first.node_token) == (second.admin_token, second.node_token)
    assert first.admin_token != first.node_token


def test_every_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    ensure_pki(tmp_path / "pki", now=NOW)
    write_kubeconfig(tmp_path / "kubeconfig", server="https://127.0.0.1:1", authority=b"x", token="t", user="admin")

    files = [*(tmp_path / "pki").iterdir(), tmp_path / "kubeconfig"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_what_is_about_to_expire_is_made_anew_under_the_same_authority(tmp_path: Path) -> None:
    ensure_pki(tmp_path, now=NOW)
    before = contents(tmp_path)

    ensure_pki(tmp_path, now=NOW + CERTIFICATE_LIFETIME - RENEW_BEFORE + timedelta(days=1))

    changed = {name for name, content in contents(tmp_path).items() if content != before[name]}
    assert changed == {"serving.pem", "kubelet-client.pem"}


def test_a_new_authority_signs_everything_anew(tmp_path: Path) -> None:
    ensure_pki(tmp_path, now=NOW)
    pki = ensure_pki(tmp_path, now=NOW + AUTHORITY_LIFETIME)

    authority = x509.load_pem_x509_certificate(pki.authority)
    for path in (pki.serving, pki.kubelet_client):
        x509.load_pem_x509_certificate(path.read_bytes()).verify_directly_issued_by(authority)


def test_a_file_cut_off_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    pki = ensure_pki(tmp_path, now=NOW)
    pki.serving.write_bytes(pki.serving.read_bytes()[:200])

    again = ensure_pki(tmp_path, now=NOW)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(again.serving)


def test_the_serving_certificate_names_loopback_and_the_service(tmp_path: Path) -> None:
    pki = ensure_pki(tmp_path, now=NOW)

    certificate = x509.load_pem_x509_certificate(pki.serving.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "kubernetes.default.svc"} <= set(names.get_values_for_type(x509.DNSName))
    assert "127.0.0.1" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}


def test_secrets_do_not_show_in_the_repr(tmp_path: Path) -> None:
    pki: Pki = ensure_pki(tmp_path, now=NOW)
    assert pki.admin_token not in repr(pki)
    assert pki.node_token not in repr(pki)
