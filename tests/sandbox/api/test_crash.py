"""The server is killed while it is written to: what was acknowledged is there afterwards, and it starts cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from haori.cli.instance import Instance
from haori.cli.settings import InstanceSettings
from haori.cluster.http_client import connect
from haori.cluster.well_known import CONFIG_MAPS
from haori.errors import PeerError

WRITERS = 8
pytestmark = pytest.mark.e2e


def start(data_dir: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "haori", "run", "sandbox-api", "--data-dir", str(data_dir)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def wait_ready(data_dir: Path, pid: int) -> None:
    record = data_dir / "run" / "sandbox-api.json"

    def is_ready() -> bool:
        value = json.loads(record.read_bytes()) if record.exists() else {}
        return value.get("pid") == pid and bool(value.get("ready"))

    async with asyncio.timeout(30):
        while not is_ready():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def write_until_it_breaks(data_dir: Path, worker: int, acknowledged: list[str]) -> None:
    async with connect(data_dir / "kubeconfig") as client:
        for number in range(100_000):
            name = f"w{worker}-{number}"
            manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}
            try:
                await client.create(CONFIG_MAPS, manifest)
            except PeerError:
                return
            acknowledged.append(name)


async def test_a_kill_loses_no_acknowledged_write(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.create()
    InstanceSettings(engine=False).save(instance)
    acknowledged: list[str] = []
    for round_ in range(2):
        server = start(tmp_path)
        try:
            await wait_ready(tmp_path, server.pid)
            kubeconfig = instance.kubeconfig.read_bytes()
            before = len(acknowledged)
            async with asyncio.TaskGroup() as group:
                for worker in range(WRITERS):
                    group.create_task(write_until_it_breaks(tmp_path, round_ * WRITERS + worker, acknowledged))
                while len(acknowledged) < before + 100:  # noqa: ASYNC110 - the writers count up
                    await asyncio.sleep(0.005)
                os.kill(server.pid, signal.SIGKILL)
        finally:
            server.kill()
            server.wait()
    server = start(tmp_path)
    try:
        await wait_ready(tmp_path, server.pid)
        assert instance.kubeconfig.read_bytes() == kubeconfig
        async with connect(instance.kubeconfig) as client:
            found = {item["metadata"]["name"] for item in (await client.list(CONFIG_MAPS, "default")).items}
    finally:
        server.terminate()
        ended = server.wait(10)
    assert set(acknowledged) <= found
    assert len(acknowledged) >= 200
    assert ended == 0
