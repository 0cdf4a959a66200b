"""An engine as a process of its own, to be killed and stopped like one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LEASE_SECONDS = 4.0
QUICK = f"duration_seconds={LEASE_SECONDS}, renew_seconds=1.0, retry_seconds=0.2, margin_seconds=1.0"
"""A Lease that is over soon."""

_CODE = """
import asyncio, json, pathlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # Who starts tests in the background leaves it ignored.
from haori.delivery.controller.engine import serve
from haori.delivery.controller.lease import LeaseSettings
from haori.delivery.controller.settings import EngineSettings
from haori.timeline import LogRecorder
folder, kubeconfig, namespace, lease = sys.argv[1:]
folder = pathlib.Path(folder)
records = (folder / "timeline.jsonl").open("a", buffering=1)
settings = EngineSettings(
    data_dir=folder / "engine", kubeconfig=pathlib.Path(kubeconfig), namespace=namespace,
    allow_file_repositories=True, listener_host="127.0.0.1",
    lease=eval("LeaseSettings(" + lease + ")"),
)
recorder = LogRecorder(lambda line: records.write(line + chr(10)))
asyncio.run(serve(settings, ready=(folder / "ready").touch, recorder=recorder))
"""


class EngineProcess:
    """One engine with a data folder of its own."""

    def __init__(self, folder: Path, kubeconfig: Path, namespace: str, *, lease: str = QUICK) -> None:
        """`lease`: arguments of LeaseSettings; empty: as everybody has it."""
        self._lease = lease
        self.folder, self._kubeconfig, self._namespace = folder, kubeconfig, namespace
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, seconds: float = 60) -> None:
        """Until it leads, or stands by."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-c", _CODE, str(self.folder), str(self._kubeconfig), self._namespace]
        command.append(self._lease)
        environment = {name: os.environ[name] for name in ("PATH", "HAORI_TOOLS", "HOME") if name in os.environ}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it is begun, not waited for
                command, stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + seconds
        while not ready.exists():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-4000:]
            assert time.monotonic() < deadline, "the engine did not become ready"
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """As the kernel would when memory runs out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def send(self, number: signal.Signals) -> None:
        """Stops it in its tracks, or lets it go on."""
        assert self._process is not None, "no engine runs"
        self._process.send_signal(number)

    async def wait_ended(self, seconds: float = 60) -> None:
        """Until it has ended by itself."""
        assert self._process is not None, "no engine runs"
        await asyncio.to_thread(self._process.wait, seconds)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def expect_syncs(self, codes: list[str], seconds: float = 10) -> None:
        """Until its timeline says this of syncs, in this order; a record follows the status it is about."""
        deadline = time.monotonic() + seconds
        while (found := [each["code"] for each in self.records() if each["code"].startswith("sync")]) != codes:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    def records(self) -> list[dict[str, Any]]:
        """What it put on the timeline, over all its lives."""
        path = self.folder / "timeline.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
