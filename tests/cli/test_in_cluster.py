"""What a Pod's environment tells its process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haori.cli import in_cluster
from haori.cli.in_cluster import PodSettings, engine_settings, read_pod, server_settings
from haori.cli.instance import Instance
from haori.cli.main import run_command

IN = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


def read(environ: dict[str, str], tmp_path: Path) -> PodSettings:
    found = read_pod({**IN, **environ}, tmp_path / "namespace")
    assert found is not None
    return found


def test_elsewhere_there_is_no_pod():
    assert read_pod({"HAORI_NAMESPACE": "argocd"}) is None


@pytest.mark.parametrize(
    ("environ", "file", "namespace"),
    [({}, None, "argocd"), ({}, "delivery\n", "delivery"), ({"HAORI_NAMESPACE": "named"}, "delivery", "named")],
    ids=["neither", "the account's", "told"],
)
def test_the_namespace_is_the_one_told_else_the_service_accounts(
    environ: dict[str, str], file: str | None, namespace: str, tmp_path: Path
):
    if file is not None:
        (tmp_path / "namespace").write_text(file)
    assert read(environ, tmp_path).namespace == namespace


@pytest.mark.parametrize(
    ("environ", "host", "url"),
    [
        ({"HAORI_POD_IP": "10.1.2.3"}, "0.0.0.0", "http://10.1.2.3:8083"),
        ({"HAORI_POD_IP": "fd00::7"}, "::", "http://[fd00::7]:8083"),
        ({"HAORI_POD_IP": "10.1.2.3", "HAORI_LISTEN_HOST": "10.1.2.3"}, "10.1.2.3", "http://10.1.2.3:8083"),
    ],
    ids=["IPv4", "IPv6", "told"],
)
def test_an_engine_listens_for_the_servers_of_other_pods(environ: dict[str, str], host: str, url: str, tmp_path: Path):
    pod = read({**environ, "HAORI_ENGINE_TOKEN_FILE": "/etc/token"}, tmp_path)
    settings = engine_settings(Instance(tmp_path), pod)
    assert (settings.listener_host, settings.listener_url) == (host, url)
    assert settings.listener_token == Path("/etc/token")
    assert (settings.metrics.host, settings.metrics.port) == (host, 8082)
    assert settings.kubeconfig is None


@pytest.mark.parametrize("environ", [{"HAORI_POD_IP": "10.1.2.3"}, {"HAORI_ENGINE_TOKEN_FILE": "/etc/token"}])
def test_without_a_token_or_an_address_the_listener_stays_inside_the_pod(environ: dict[str, str], tmp_path: Path):
    settings = engine_settings(Instance(tmp_path), read(environ, tmp_path))
    assert (settings.listener_host, settings.listener_url, settings.listener_token) == ("127.0.0.1", "", None)


def test_a_server_is_known_by_its_services_names_and_those_it_is_given(tmp_path: Path):
    pod = read({"HAORI_SERVER_NAMES": "haori.example, ,gitops.example"}, tmp_path)
    settings = server_settings(Instance(tmp_path), pod)
    assert {"haori", "haori.argocd.svc", "haori.example", "gitops.example", "haori.localhost"} <= set(settings.names)
    assert "" not in settings.names
    assert settings.port == 8080


@pytest.mark.parametrize(("name", "environ"), [("engine", {}), ("git-server", IN)], ids=["no Pod", "no part of a Pod"])
def test_without_an_instance_only_engine_and_server_of_a_pod_run(
    name: str,
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    assert run_command(["run", name, "--data-dir", str(tmp_path / "data")]) == 2
    assert "error[no-instance]" in capsys.readouterr().err
    assert not os.path.exists(tmp_path / "data")


def test_the_namespace_file_is_where_kubelets_put_it():
    assert in_cluster.SERVICE_ACCOUNT_NAMESPACE.parent == in_cluster_folder()


def in_cluster_folder() -> Path:
    from haori.cluster.kubeconfig import SERVICE_ACCOUNT

    return SERVICE_ACCOUNT
