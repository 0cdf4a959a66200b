"""One instance for all clients: the example platform on the sandbox, its engine, its server."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.e2e.up.instance import Clone, Running

ROBOT = "robot"
"""The account whose token programs are given."""
SETTINGS = f"""apiVersion: v1
kind: ConfigMap
metadata: {{name: argocd-cm, namespace: argocd}}
data: {{accounts.{ROBOT}: apiKey}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: argocd-rbac-cm, namespace: argocd}}
data: {{policy.csv: "g, {ROBOT}, role:admin"}}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is, and how people and programs come in."""

    url: str
    password: str
    """Of the account admin."""
    token: str
    """Of ROBOT, which may everything that an administrator may."""


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An instance with the example platform, all of it Synced and Healthy."""
    instance = Running(tmp_path_factory.mktemp("clients") / "data")
    try:
        instance.up()
        instance.expect_all_as_wanted()
        yield instance
    finally:
        instance.haori("down")


@pytest.fixture(scope="session")
def place(running: Running) -> Place:
    """The server of the instance, with an account for programs, as Argo CD's manual says to make one."""
    url = str(json.loads((running.data_dir / "server" / "server.json").read_bytes())["url"])
    path = "jsonpath={.data.password}"
    encoded = running.kubectl("-n", "argocd", "get", "secret", "argocd-initial-admin-secret", "-o", path)
    password = base64.b64decode(encoded).decode()
    running.kubectl("apply", "--server-side", "--field-manager=clients", "-f", "-", stdin=SETTINGS)
    session = post(f"{url}/api/v1/session", {"username": "admin", "password": password})["token"]

    def probe() -> tuple[bool, Any]:
        found = post(f"{url}/api/v1/account/{ROBOT}/token", {"expiresIn": 3600}, session)
        return "token" in found, found

    return Place(url=url, password=password, token=running.expect("a token of the account", probe)["token"])


def post(url: str, body: Any, token: str = "") -> Any:
    """The JSON that a POST is answered with, also where it is refused."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60
        ) as answer:
            return json.load(answer)
    except HTTPError as error:
        with error:
            return json.load(error)


PATH = "clients/web"
"""What `Source.path` holds: a folder without a namespace of its own, so that any application may deploy it anywhere."""
WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.wear.example/admin:1.9.0"}]
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of the served repository that no application of the example deploys."""

    url: str
    path: str
    commit: str


@pytest.fixture(scope="session")
def source(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The folder, pushed."""
    clone = Clone.of(running, tmp_path_factory.mktemp("clone") / "platform")
    folder = clone.folder / PATH
    folder.mkdir(parents=True)
    (folder / "web.yaml").write_text(WEB)
    commit = clone.push("web: What clients deploy")
    url = running.applications()["admin"]["repository"]
    return Source(url=url, path=PATH, commit=commit)
