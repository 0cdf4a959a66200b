"""Ports that an unprivileged process cannot bind, and where it listens instead."""

from __future__ import annotations

import functools
import os
from pathlib import Path

SHIFT = 20_000


@functools.cache
def first_unprivileged_port() -> int:
    """From where on everybody may listen."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def bindable_port(port: int) -> int:
    """Where a process of a Pod listens that was told of `port`; `SANDBOX_PORT_<port>` says it where it is another."""
    return port if port == 0 or port >= first_unprivileged_port() else port + SHIFT


def listening_port(port: int) -> int:
    """Where the node itself listens for `port` of a Service: root may have any."""
    return port if os.geteuid() == 0 else bindable_port(port)
