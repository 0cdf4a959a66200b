"""Which runtime a Pod gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haori.objects import annotations_of
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.runtime import SimulatedRuntime
from haori.sandbox.node.simulation import PREFIX

if TYPE_CHECKING:
    from haori.sandbox.node.pod_worker import PodWorker


def make_runtime(parts: NodeParts, worker: PodWorker) -> SimulatedRuntime:
    """Processes where the Pod names a command and the node allows them, else simulation."""
    if parts.processes is not None and any(key.startswith(f"{PREFIX}command.") for key in annotations_of(worker.pod)):
        from haori.sandbox.node.process_runtime import ProcessRuntime

        return ProcessRuntime(parts, worker, parts.processes)
    return SimulatedRuntime(parts, worker)
