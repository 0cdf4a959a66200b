"""Repository Secrets take effect as they change, and what they hold is never told."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from haori.cluster import EventType, WatchEvent
from haori.delivery.controller.repositories import RepositoryIndex, build_secret, read_entry, secret_name

CANARY = "canary-in-a-coal-mine"


def secret(name: str, *, kind: str = "repository", namespace: str = "argocd", **values: str) -> dict[str, Any]:
    data = {field: base64.b64encode(value.encode()).decode() for field, value in values.items()}
    labels = {"argocd.argoproj.io/secret-type": kind}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def event(manifest: dict[str, Any], type_: EventType = EventType.ADDED) -> WatchEvent:
    return WatchEvent(type=type_, object=manifest)


def test_a_changed_password_works_at_once_and_the_url_is_told() -> None:
    told: list[str] = []
    index = RepositoryIndex("argocd", on_change=told.append)
    url = "https://git.example/Shop.git"
    for password in ("one", "two", "two"):
        index.observe(event(secret("a", url=url, username="bot", password=password)))
    found = index.credentials_for("https://git.example/shop")

    assert found is not None
    assert found.password == "two"
    assert told == ["https://git.example/shop"] * 3


def test_a_deleted_secret_is_forgotten() -> None:
    index = RepositoryIndex("argocd")
    index.observe(event(secret("a", url="https://git.example/x", password="p")))
    remains = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "argocd"}}
    index.observe(event(remains, EventType.DELETED))
    assert index.credentials_for("https://git.example/x") is None
    assert index.statistics() == {"repositories": 0, "templates": 0}


def test_a_secret_that_loses_its_label_is_forgotten() -> None:
    index = RepositoryIndex("argocd")
    plain = secret("a", url="https://git.example/x", password="p")
    index.observe(event(plain))
    plain = {**plain, "metadata": {"name": "a", "namespace": "argocd"}}
    index.observe(event(plain, EventType.MODIFIED))
    assert index.credentials_for("https://git.example/x") is None


def test_the_longest_template_opens_what_is_below_it() -> None:
    index = RepositoryIndex("argocd")
    index.observe(event(secret("a", kind="repo-creds", url="https://git.example", password="wide")))
    index.observe(event(secret("b", kind="repo-creds", url="https://git.example/team", password="narrow")))
    found = [index.credentials_for(f"https://git.example{path}") for path in ("/team/x", "/other/x", ".evil.test/x")]
    assert [item.password if item else None for item in found] == ["narrow", "wide", None]


def test_secrets_of_other_namespaces_and_kinds_count_for_nothing() -> None:
    index = RepositoryIndex("argocd")
    index.observe(event(secret("a", namespace="elsewhere", url="https://git.example/x", password="p")))
    index.observe(event(secret("b", kind="cluster", url="https://git.example/x", password="p")))
    assert index.credentials_for("https://git.example/x") is None


def test_known_hosts_come_from_the_config_map() -> None:
    index = RepositoryIndex("argocd")
    metadata = {"name": "argocd-ssh-known-hosts-cm", "namespace": "argocd"}
    hosts = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ssh_known_hosts": "h k v"}}
    index.observe(event(hosts))
    assert index.known_hosts() == "h k v"
    index.observe(event(hosts, EventType.DELETED))
    assert index.known_hosts() is None


def test_a_broken_secret_is_said_without_what_it_holds(caplog: pytest.LogCaptureFixture) -> None:
    index = RepositoryIndex("argocd")
    broken = secret("a", url="https://git.example/x")
    broken["data"]["password"] = f"not base64 {CANARY}"
    with caplog.at_level(logging.DEBUG):
        index.observe(event(broken))
        index.observe(event(secret("b", url="https://git.example/y", password=CANARY)))
    assert "repository Secret not readable" in caplog.text
    assert CANARY not in caplog.text
    assert CANARY not in repr(index.credentials_for("https://git.example/y"))


def test_a_built_secret_reads_back_without_its_secrets() -> None:
    built = build_secret("https://git.example/x.git", {"username": "bot", "password": CANARY}, namespace="argocd")
    entry = read_entry(built)
    assert entry is not None
    assert (entry.url, entry.username, entry.has_credentials) == ("https://git.example/x.git", "bot", True)
    assert CANARY not in str(entry.to_json())


@pytest.mark.parametrize(
    ("url", "project", "expected"),
    [("", "", "repo-2166136261"), ("a", "", "repo-3826002220"), ("foo", "bar", "repo-3214735720")],
)
def test_secrets_are_named_by_the_fnv_hash(url: str, project: str, expected: str) -> None:
    """Values of the FNV-1a 32-bit test vectors: "", "a", "foobar"."""
    assert secret_name(url, project) == expected


@pytest.mark.parametrize(
    ("secrets", "projects"),
    [
        pytest.param([], set(), id="unknown to all"),
        pytest.param([secret("a", url="https://git.example/shop")], set(), id="everybody's"),
        pytest.param([secret("a", url="https://git.example/Shop.git", project="one")], {"one"}, id="one project's"),
        pytest.param(
            [
                secret("a", url="https://git.example/shop", project="one"),
                secret("b", url="https://git.example/shop", project="two"),
            ],
            {"one", "two"},
            id="of two projects",
        ),
        pytest.param(
            [secret("a", url="https://git.example/shop", project="one"), secret("b", url="https://git.example/shop")],
            set(),
            id="everybody's too",
        ),
        pytest.param(
            [secret("a", url="https://git.example", kind="repo-creds", project="one")], {"one"}, id="by a template"
        ),
        pytest.param(
            [
                secret("a", url="https://git.example", kind="repo-creds", project="one"),
                secret("b", url="https://git.example/shop"),
            ],
            set(),
            id="the very repository beats a template",
        ),
        pytest.param([secret("a", url="https://git.example/other", project="one")], set(), id="of another repository"),
    ],
)
def test_a_secret_of_a_project_keeps_the_repository_to_it(secrets: list[dict[str, Any]], projects: set[str]) -> None:
    index = RepositoryIndex("argocd")
    for each in secrets:
        index.observe(event(each))
    assert index.projects_for("https://git.example/shop.git") == projects


def test_a_changed_project_of_a_secret_is_told() -> None:
    told: list[str] = []
    index = RepositoryIndex("argocd", on_change=told.append)
    for project in ("one", "one", "two"):
        index.observe(event(secret("a", url="https://git.example/shop", project=project)))
    assert told == ["https://git.example/shop"] * 3
