from __future__ import annotations

import base64
from pathlib import Path

import pytest

from haori.cluster import KubeconfigError
from haori.cluster.kubeconfig import load_settings


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    path = tmp_path / "one" / "config"
    path.parent.mkdir()
    (path.parent / "ca.pem").write_text("CA")
    path.write_text(
        f"""
clusters:
- name: c
  cluster: {{server: "https://a:6443/", certificate-authority: ca.pem, tls-server-name: real, proxy-url: "http://p"}}
contexts:
- name: one
  context: {{cluster: c, user: u, namespace: shop}}
users:
- name: u
  user: {{client-certificate-data: {b64("CERT")}, client-key-data: {b64("KEY")}, as: jane, as-groups: [dev, ops]}}
"""
    )
    return path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    path = tmp_path / "two"
    path.write_text(
        """
current-context: two
clusters:
- name: c
  cluster: {server: "https://other"}
contexts:
- name: two
  context: {cluster: c, user: plugin}
users:
- name: plugin
  user:
    exec: {command: ./bin/get-token, args: [--x], env: [{name: A, value: b}], provideClusterInfo: true}
"""
    )
    return path


def test_files_are_merged_and_the_first_that_names_a_thing_wins(first: Path, second: Path):
    settings = load_settings(environ={"KUBECONFIG": f"{first}:/absent:{second}"})
    assert settings.name == "two"
    assert settings.server == "https://a:6443"
    assert settings.exec_plugin is not None
    assert settings.exec_plugin.command == str(second.parent / "bin/get-token")
    assert settings.exec_plugin.environment == {"A": "b"}


def test_reads_certificates_names_and_impersonation(first: Path):
    settings = load_settings(first, "one")
    assert settings.certificate_authority == b"CA"
    assert (settings.client_certificate, settings.client_key) == (b"CERT", b"KEY")
    assert (settings.namespace, settings.tls_server_name, settings.proxy_url) == ("shop", "real", "http://p")
    assert settings.impersonate == {"Impersonate-User": ["jane"], "Impersonate-Group": ["dev", "ops"]}
    assert "KEY" not in repr(settings)


def test_says_which_contexts_there_are(first: Path):
    with pytest.raises(KubeconfigError, match=r"no context .nope.*one"):
        load_settings(first, "nope")


def test_a_pod_finds_its_own_cluster(tmp_path: Path):
    (tmp_path / "ca.crt").write_text("CA")
    (tmp_path / "namespace").write_text("argocd")
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}
    settings = load_settings(environ=environ, service_account=tmp_path)
    assert settings.server == "https://[fd00::1]:443"
    assert (settings.namespace, settings.token_file) == ("argocd", tmp_path / "token")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(KubeconfigError, match="absent"):
        load_settings(tmp_path / "absent")
