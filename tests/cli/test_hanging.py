"""Commands whose engine or server hangs: connections are taken, and nothing is ever answered."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from haori.cli import engine_client, server_client
from haori.cli.engine_client import EngineClient, EngineUnreachableError
from haori.cli.instance import Instance
from haori.cli.server_client import ServerUnreachableError, post_patiently


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a process that stands still: the kernel still takes its connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_engine_that_hangs_is_not_waited_for_as_one_that_has_much_to_do(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_client, "LOOK_SECONDS", 0.1)
    with pytest.raises(EngineUnreachableError) as raised:
        EngineClient(url=silent, token="t", path=tmp_path).get("applications")
    assert raised.value.code == "engine-unreachable"


def test_a_server_that_hangs_is_asked_no_longer_than_was_said(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_client, "LEAST_SECONDS", 0.1)
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "server.json").write_text(json.dumps({"url": silent, "token": "t"}))
    with pytest.raises(ServerUnreachableError):
        post_patiently(Instance(tmp_path), "/api/haori/v1/session/links", seconds=0.2)
