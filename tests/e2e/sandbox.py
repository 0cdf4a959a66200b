"""Our sandbox API as a process of its own, without a node."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from haori.cluster import PatchType, connect
from haori.cluster.well_known import NODES

_TICK = threading.Event()  # Never set: waiting on it for a moment paces a poll that has a deadline.


class Sandbox:
    """The process and its data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def kubeconfig(self) -> Path:
        """Of the administrator."""
        return self.folder / "kubeconfig"

    def start(self, seconds: float = 60) -> None:
        """The API with its controllers, until it answers."""
        code = (
            "import asyncio, pathlib, sys\n"
            "from haori.sandbox.api.server import serve\n"
            "from haori.sandbox.api.settings import ApiSettings\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            "asyncio.run(serve(ApiSettings(data_dir=folder), ready=lambda: (folder / 'ready').touch()))\n"
        )
        (self.folder / "ready").unlink(missing_ok=True)
        log = (self.folder / "sandbox.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.folder)], stdout=log, stderr=log, env=dict(os.environ)
        )
        log.close()
        deadline = time.monotonic() + seconds
        while not (self.folder / "ready").exists():
            assert self._process.poll() is None, (self.folder / "sandbox.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "the sandbox did not become ready"
            _TICK.wait(0.05)

    async def add_node(self, name: str = "node-1") -> None:
        """A Node object that the scheduler binds Pods to; no kubelet is behind it."""
        capacity = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        ready = {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        async with connect(self.kubeconfig) as client:
            await client.create(NODES, node)
            await client.patch(NODES, name, "", {"status": ready}, patch_type=PatchType.MERGE, subresource="status")

    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None, "no sandbox runs"
        return self._process.pid

    def stop(self) -> None:
        """At once: it starts cleanly after anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
