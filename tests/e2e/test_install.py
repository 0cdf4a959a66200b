"""`haori install` on a cluster: it shows, asks, writes what lacks, and has nothing to do the second time."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haori.cluster import HttpClient, NotFoundError
from haori.cluster.well_known import DEPLOYMENTS, NAMESPACES, SECRETS

pytestmark = [pytest.mark.e2e]
STORE = "postgresql://haori:secret-of-the-store@db.example/haori"


class Install:
    """The command, on one cluster."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._kubeconfig, self.namespace = kubeconfig, namespace

    async def run(self, *arguments: str, store: str = "", code: int = 0) -> str:
        """What it printed on both streams."""
        environment = {**os.environ, "HAORI_LANG": "en", "HAORI_STORE_URL": store}
        command = [
            sys.executable,
            "-m",
            "haori",
            "install",
            "--kubeconfig",
            str(self._kubeconfig),
            "-n",
            self.namespace,
        ]
        done = await asyncio.to_thread(
            subprocess.run, [*command, *arguments],
            capture_output=True, text=True, timeout=100, env=environment, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return str(done.stdout + done.stderr)


@pytest.fixture
async def command(kubeconfig: Path, client: HttpClient) -> AsyncIterator[Install]:
    """The command, for a namespace of its own; nothing ends Pods here, so nobody waits for its end."""
    namespace = f"installed-{secrets.token_hex(3)}"
    yield Install(kubeconfig, namespace)
    await client.delete(NAMESPACES, namespace)


async def is_there(client: HttpClient, namespace: str) -> bool:
    try:
        await client.get(NAMESPACES, namespace)
    except NotFoundError:
        return False
    return True


async def test_it_shows_first_asks_and_the_second_time_there_is_nothing_to_do(command: Install, client: HttpClient):
    assert "install-no-store" in await command.run("--yes", code=2)
    shown = await command.run("--dry-run", store=STORE)
    for each in (
        f"Deployment {command.namespace}/haori-engine",
        f"Secret {command.namespace}/haori-store",
        "ClusterRole",
    ):
        assert each in shown
    assert "secret-of-the-store" not in shown
    assert "confirmation-needed" in await command.run(store=STORE, code=2)
    assert not await is_there(client, command.namespace)

    done = await command.run("--yes", store=STORE)

    assert f"kubectl -n {command.namespace} rollout status" in done
    secret = await client.get(SECRETS, "haori-store", command.namespace)
    assert base64.b64decode(secret["data"]["url"]).decode() == STORE
    token = await client.get(SECRETS, "haori-engine-token", command.namespace)
    again = await command.run("--yes", store="postgresql://another/url")
    assert "ACTION" not in again, again
    assert await client.get(SECRETS, "haori-engine-token", command.namespace) == token
    assert (await client.get(SECRETS, "haori-store", command.namespace))["data"] == secret["data"]


async def test_a_newer_image_changes_the_deployments_alone(command: Install, client: HttpClient):
    await command.run("--yes", store=STORE)
    shown = await command.run("--yes", "--image", "registry.example/haori:9.9.9")
    changed = [line for line in shown.splitlines() if line.startswith("change")]
    assert [line.split("/")[-1] for line in changed] == ["haori-engine", "haori-server"]
    assert "ACTION" in shown
    deployment = await client.get(DEPLOYMENTS, "haori-server", command.namespace)
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/haori:9.9.9"
