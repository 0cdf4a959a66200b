"""One instance for all clients: the example platform on the sandbox, its engine, its server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.up.instance import Clone, Running


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is, and what may everything there."""

    url: str
    token: str


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
    """The server of the instance."""
    found = json.loads((running.data_dir / "server" / "server.json").read_bytes())
    return Place(url=found["url"], token=found["token"])


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
