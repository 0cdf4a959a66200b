"""Which processes an instance has, by what it was asked for and by what is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from haori.cli import up
from haori.cli.run import BUILDERS
from haori.cli.settings import STORE_URL, InstanceSettings
from haori.store import binaries

SANDBOX = InstanceSettings(platform="x")
CLUSTER = InstanceSettings(context="prod")


def names(settings: InstanceSettings) -> list[str]:
    return [spec.name for spec in up.process_specs(settings)]


@pytest.fixture
def a_server_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE_URL, raising=False)
    monkeypatch.setattr(up, "is_server_here", lambda: True)


@pytest.mark.usefixtures("a_server_here")
def test_everything_of_a_sandbox_starts_the_store_before_its_users():
    expected = ["sandbox-api", "store", "git-server", "engine", "server", "sandbox-node", "bootstrap"]
    assert names(SANDBOX) == expected
    assert set(expected) == set(BUILDERS)


@pytest.mark.usefixtures("a_server_here")
def test_a_cluster_of_ones_own_gets_engine_server_and_store():
    assert names(CLUSTER) == ["store", "engine", "server"]


@pytest.mark.usefixtures("a_server_here")
def test_a_given_store_is_not_run_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(STORE_URL, "postgresql://db/haori")
    assert names(CLUSTER) == ["engine", "server"]


def test_without_a_postgresql_on_the_machine_the_rest_starts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(STORE_URL, raising=False)
    monkeypatch.setattr(binaries, "known_folders", lambda: iter(()))
    assert names(CLUSTER) == ["engine", "server"]


def test_the_supervisor_does_without_the_drivers_and_servers_of_its_children():
    """It lives as long as the instance, so what it does not need would be paid for all that time."""
    heavy = {"psycopg", "aiohttp", "uvicorn", "starlette", "cryptography", "rich"}
    code = f"import sys, haori.cli.up; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"
