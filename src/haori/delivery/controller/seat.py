"""One engine a data folder: a lock that the kernel gives back, and a name that outlives the process.

An engine that comes back after `kill -9` is the same holder to its Lease and goes on at once, in a new term; that is safe
only because the lock keeps a second process of the same name from running beside it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

LOOK_SECONDS = 1.0


@asynccontextmanager
async def take_seat(folder: Path, *, on_wait: Callable[[], None]) -> AsyncIterator[str]:
    """Waits until no other process uses `folder`; gives the identity under which Leases are held from here."""
    descriptor = os.open(folder / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _lock(descriptor):
            on_wait()
            await asyncio.sleep(LOOK_SECONDS)
        yield _identity(folder / "identity")
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(path: Path) -> str:
    """The host's name, and what was drawn at the first start; a copied folder on another host is another engine."""
    try:
        drawn = path.read_text().strip()
    except FileNotFoundError:
        drawn = ""
    if not drawn:
        drawn = secrets.token_hex(8)
        path.write_text(drawn)
    return f"{socket.gethostname()}-{drawn}"
