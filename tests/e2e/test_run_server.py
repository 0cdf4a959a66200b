"""`haori run server` as a supervisor starts it: before there is a cluster to speak of, until it is asked to end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from haori.cluster import connect
from haori.delivery.controller.install import install_missing

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-sandbox")]
_TICK = threading.Event()  # Never set: waiting on it for a moment paces a poll that has a deadline.


def get(url: str, token: str = "", host: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if host:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def install(kubeconfig: Path) -> None:
    async with connect(kubeconfig) as client:
        await install_missing(client, "argocd", on_installed=lambda name: None)


def wait_ready(folder: Path, process: subprocess.Popen[bytes]) -> None:
    record, deadline = folder / "run" / "server.json", time.monotonic() + 60

    def is_ready() -> bool:
        found = json.loads(record.read_bytes()) if record.exists() else {}
        return bool(found.get("ready")) and found["pid"] == process.pid  # The record of an earlier one may lie there.

    while not is_ready():
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
        assert time.monotonic() < deadline, "the server did not become ready"
        _TICK.wait(0.05)


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "haori", "run", "server", "--data-dir", str(folder)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))


def test_the_server_of_an_instance_answers_keeps_its_port_and_ends_when_asked(sandbox_cluster: Path, tmp_path: Path):
    asyncio.run(install(sandbox_cluster))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "instance.json").write_text(json.dumps({"kubeconfig": str(sandbox_cluster)}))
    places = []
    for _ in range(2):
        process = start(folder)
        try:
            wait_ready(folder, process)
            path = folder / "server" / "server.json"
            place = json.loads(path.read_bytes())
            places.append(place)
            assert path.stat().st_mode & 0o077 == 0
            assert get(place["url"] + "/livez") == (200, "ok")
            assert get(place["url"] + "/readyz") == (200, "ok")
            assert get(place["url"] + "/api/v1/applications")[0] == 401
            assert get(place["url"] + "/api/v1/applications", place["token"])[0] == 200
            assert get(place["url"] + "/livez", host="evil.example")[0] == 421
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()

    assert places[0]["url"] == places[1]["url"]
    assert places[0]["token"] != places[1]["token"]
    log = (folder / "log").read_text()
    assert places[0]["token"] not in log
    assert '"event": "request"' in log


async def test_a_head_without_an_end_is_turned_away(sandbox_cluster: Path, tmp_path: Path):
    await install(sandbox_cluster)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "instance.json").write_text(json.dumps({"kubeconfig": str(sandbox_cluster)}))
    process = start(folder)
    try:
        await asyncio.to_thread(wait_ready, folder, process)
        port = json.loads((folder / "server" / "server.json").read_bytes())["port"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * (70 << 10))
        async with asyncio.timeout(10):
            answer = await reader.read(200)
        writer.close()
    finally:
        process.kill()
        process.wait()

    assert answer.startswith(b"HTTP/1.1 400")
