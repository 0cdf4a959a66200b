from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from haori.cluster.kubeconfig import ClusterSettings, ExecPlugin
from haori.delivery.controller.cluster_secrets import build_cluster_secret, read_cluster, secret_name

SERVER = "https://edge.example:6443"
SECRET_WORDS = "hush-hush-hush"


def secret(config: Any = None, **fields: str) -> dict[str, Any]:
    """As the API gives it back: everything in `data`."""
    text = config if isinstance(config, str) else json.dumps(config or {"bearerToken": SECRET_WORDS})
    plain = {"name": "edge", "server": f"{SERVER}/", "config": text, **fields}
    return {
        "metadata": {"name": "cluster-edge", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in plain.items()},
    }


def test_a_secret_says_how_a_cluster_is_reached():
    config = {
        "username": "ann", "password": SECRET_WORDS, "bearerToken": "t", "proxyUrl": "http://proxy.example:3128",
        "tlsClientConfig": {"insecure": True, "serverName": "api.internal"},
    }  # fmt: skip
    found = read_cluster(secret(config, project="shop", shard="3"))

    assert found is not None
    assert (found.server, found.name, found.project, found.problem) == (SERVER, "edge", "shop", None)
    settings = found.settings
    assert settings is not None
    assert (settings.name, settings.server, settings.insecure, settings.tls_server_name) == (
        "edge", SERVER, True, "api.internal",
    )  # fmt: skip
    assert (settings.username, settings.password, settings.token) == ("ann", SECRET_WORDS, "t")
    assert settings.proxy_url == "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("fields", "namespaces", "cluster_resources"),
    [
        pytest.param({}, (), True, id="everything"),
        pytest.param({"clusterResources": "false"}, (), True, id="nothing to restrict"),
        pytest.param({"namespaces": "shop, search,"}, ("shop", "search"), False, id="namespaces"),
        pytest.param({"namespaces": "shop", "clusterResources": "true"}, ("shop",), True, id="and what is in none"),
    ],
)
def test_what_is_looked_at(fields: dict[str, str], namespaces: tuple[str, ...], cluster_resources: bool):
    found = read_cluster(secret(**fields))

    assert found is not None
    assert (found.namespaces, found.cluster_resources) == (namespaces, cluster_resources)


@pytest.mark.parametrize(
    ("config", "server", "code", "field"),
    [
        pytest.param("{", SERVER, "cluster-secret-invalid", "config: JSON", id="broken JSON"),
        pytest.param("[1]", SERVER, "cluster-secret-invalid", "config: JSON", id="no mapping"),
        pytest.param({"tlsClientConfig": {"caData": "%%%"}}, SERVER, "cluster-secret-invalid", "caData", id="base64"),
        pytest.param({"tlsClientConfig": {"caData": "aHVzaA=="}}, SERVER, "cluster-secret-invalid", "caData", id="CA"),
        pytest.param({"tlsClientConfig": {"caData": "/////w=="}}, SERVER, "cluster-secret-invalid", "caData", id="bytes"),
        pytest.param({"tlsClientConfig": {"keyData": "aHVzaA=="}}, SERVER, "cluster-secret-invalid", "certData", id="half"),
        pytest.param(
            {"tlsClientConfig": {"insecure": True, "caData": "aHVzaA=="}}, SERVER, "cluster-secret-invalid", "insecure",
            id="contradiction",
        ),
        pytest.param({"tlsClientConfig": {"insecure": "false"}}, SERVER, "cluster-secret-invalid", "insecure", id="text"),
        pytest.param({}, "", "cluster-secret-invalid", "server", id="no server"),
        pytest.param({}, "https://[", "cluster-secret-invalid", "server", id="half a bracket"),
        pytest.param({}, "https://x:abc", "cluster-secret-invalid", "server", id="no port"),
        pytest.param({}, "https://x:99999", "cluster-secret-invalid", "server", id="a port too high"),
        pytest.param({}, "https://x y", "cluster-secret-invalid", "server", id="a blank"),
        pytest.param({}, f"https://ann:{SECRET_WORDS}@edge", "cluster-secret-invalid", "server", id="user in the URL"),
        pytest.param({"awsAuthConfig": {"clusterName": "x"}}, SERVER, "cluster-aws-unsupported", "", id="aws"),
        pytest.param({"execProviderConfig": {"command": "aws"}}, SERVER, "cluster-exec-refused", "", id="a program"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_problem_that_repeats_no_secret(config: Any, server: str, code: str, field: str):
    found = read_cluster(secret(config, server=server))

    assert found is not None
    assert found.settings is None
    assert found.problem is not None
    assert found.problem.code == code
    assert field in str(found.problem.parameters.get("field", ""))
    if "@" not in server:
        assert SECRET_WORDS not in found.problem.text()


def test_a_program_is_run_where_that_was_allowed():
    config = {"execProviderConfig": {"command": "aws", "args": ["eks"], "env": {"AWS_PROFILE": "shop"}}}
    found = read_cluster(secret(config), allow_exec=True)

    assert found is not None
    assert found.settings is not None
    plugin = found.settings.exec_plugin
    assert plugin is not None
    assert (plugin.command, plugin.arguments, plugin.environment) == ("aws", ("eks",), {"AWS_PROFILE": "shop"})


def test_other_secrets_are_no_clusters():
    other = secret()
    other["metadata"]["labels"] = {"argocd.argoproj.io/secret-type": "repository"}
    assert read_cluster(other) is None


def test_no_value_of_a_secret_stands_in_what_is_printed():
    found = read_cluster(secret({"bearerToken": SECRET_WORDS}))

    assert SECRET_WORDS not in repr(found)
    assert found is not None
    assert SECRET_WORDS not in json.dumps(found.to_json())


def test_what_is_built_is_read_back():
    settings = ClusterSettings(
        name="edge", server=SERVER, token="t", tls_server_name="api", insecure=True,
        exec_plugin=ExecPlugin(command="aws", arguments=("eks",), environment={"A": "b"}, api_version="v1"),
    )  # fmt: skip
    built = build_cluster_secret(settings, name="edge", namespace="argocd", namespaces=["shop"], project="shop")
    found = read_cluster(built, allow_exec=True)

    assert found is not None
    assert found.settings == settings
    assert (found.namespaces, found.cluster_resources, found.project) == (("shop",), False, "shop")
    assert built["metadata"]["name"] == secret_name(SERVER)


@pytest.mark.parametrize(
    ("server", "begin"),
    [
        pytest.param("https://edge.example:6443", "cluster-edge.example-", id="name"),
        pytest.param("https://[::1]:6443", "cluster-1-", id="IPv6"),
        pytest.param("https://10.0.0.1", "cluster-10.0.0.1-", id="IPv4"),
    ],
)
def test_the_name_of_a_secret_is_one_that_kubernetes_takes(server: str, begin: str):
    name = secret_name(server)
    assert name.startswith(begin)
    assert len(name) < 253
    assert name != secret_name(f"{server}0")
