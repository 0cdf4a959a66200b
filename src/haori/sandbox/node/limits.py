"""The limits of real containers: what a Pod asks for, and the memory limit kept by looking where no control group does.

Kept by control groups where this machine has them for us (`haori.sandbox.node.cgroups`). Else: memory by a look once a
second at what the process and its descendants occupy, the number of processes by rlimit where each Pod is a user of its
own (an rlimit counts all processes of a user, and none of root's), the processor not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from haori.jail.runner import resident_bytes
from haori.objects import nested
from haori.objects.quantities import parse_quantity

if TYPE_CHECKING:
    from haori.sandbox.node.process_run import ProcessRun

CHECK_SECONDS = 1.0
MOST_PROCESSES = 1024
"""Processes and threads of one container, as a kubelet's `podPidsLimit`; far more than a program of a sandbox needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """What one container may take."""

    memory_bytes: int | None = None
    """None: as much as there is."""
    cpu_limit_millis: int | None = None
    """Thousandths of a processor; None: all of them."""
    cpu_request_millis: int = 0
    """Its share where processors are short."""
    processes: int = MOST_PROCESSES

    @classmethod
    def of(cls, container: Mapping[str, Any]) -> ContainerLimits:
        """Of a container's spec; a limit without a request is the request, as the API has it."""
        memory = nested(container, "resources", "limits", "memory")
        cpu = nested(container, "resources", "limits", "cpu")
        request = nested(container, "resources", "requests", "cpu")
        if request is None:
            request = cpu
        return cls(
            memory_bytes=None if memory is None else int(parse_quantity(str(memory))),
            cpu_limit_millis=None if cpu is None else int(parse_quantity(str(cpu)) * 1000),
            cpu_request_millis=0 if request is None else int(parse_quantity(str(request)) * 1000),
        )


def kept_limits(*, by_groups: frozenset[str], own_users: bool) -> dict[str, str]:
    """What keeps each limit here: `cgroup`, `watch`, `rlimit` or `none`, by `memory`, `pids` and `cpu`."""
    otherwise = {"memory": "watch", "pids": "rlimit" if own_users else "none", "cpu": "none"}
    return {name: "cgroup" if name in by_groups else other for name, other in otherwise.items()}


async def watch_memory(run: ProcessRun, limit_bytes: int) -> None:
    """Ends the run as OOMKilled once it takes more than that."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if resident_bytes(run.pid) > limit_bytes:
            run.killed_for_memory = True
            await run.stop(0)
            return
