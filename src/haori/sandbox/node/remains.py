"""What one run of a node leaves to the next: who it is, a lock, and what has to be ended and removed first."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from haori.sandbox.node.cgroups import Cgroups, find_cgroups
from haori.sandbox.node.isolation import Isolation
from haori.sandbox.node.process_run import end_marked
from haori.sandbox.node.settings import NodeSettings

log = logging.getLogger(__name__)

LOCK_SECONDS = 0.2


def node_digest(settings: NodeSettings) -> str:
    """Names this node on this machine: two data folders are two nodes."""
    return hashlib.sha256(str(settings.folder.resolve()).encode()).hexdigest()[:24]


def node_mark(settings: NodeSettings) -> str:
    """`NAME=value` in the environment of every process that a node of this folder ever starts."""
    return f"SANDBOX_NODE={node_digest(settings)}"


@contextlib.asynccontextmanager
async def exclusive(path: Path) -> AsyncIterator[None]:
    """Waits until no other node of the folder runs, then keeps others waiting; the kernel lets go when we end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_SECONDS)
            else:
                break
        yield
    finally:
        os.close(descriptor)


def clear_remains(settings: NodeSettings) -> Cgroups:
    """Ends what an earlier node of this folder left running; the control groups there are for this one. Blocking."""
    while ended := end_marked(node_mark(settings)):
        log.info("processes of an earlier node ended", extra={"count": ended})
    if not settings.run_processes:
        return Cgroups()
    cgroups = find_cgroups(node_digest(settings))
    cgroups.clear()
    return cgroups


def sweep_folders(settings: NodeSettings, isolation: Isolation | None, uids: frozenset[str]) -> None:
    """Removes the folders of Pods that are no more. Blocking."""
    for parent in {settings.pods_folder, isolation.files / "pods" if isolation else settings.pods_folder}:
        if parent.is_dir():
            for folder in parent.iterdir():
                if folder.name not in uids:
                    shutil.rmtree(folder, ignore_errors=True)


def write_record(settings: NodeSettings, *, isolation: str, limits: Mapping[str, str]) -> None:
    """`node.json`, for who wants to know of the node without asking the API: `haori status`."""
    record = {
        "name": settings.node_name,
        "processes": "allowed" if settings.run_processes else "simulated",
        "isolation": isolation,
        "limits": dict(limits),
    }
    path = settings.folder / "node.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(record, indent=2) + "\n")
    fresh.replace(path)
