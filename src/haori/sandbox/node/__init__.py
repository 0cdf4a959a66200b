"""The node of the sandbox: a kubelet that simulates containers, or runs them as plain processes of this machine.

Takes a kubeconfig and a data folder, gives a Node and the Pods that are bound to it, over HTTP as any kubelet does; so it
works for the sandbox's API and for a real control plane alike. It decides nothing about what should run (that is the
controllers' and the scheduler's work), it never reads Git, and it pretends to no image having been pulled.

A Pod is asked to misbehave by annotations of its template (`haori.sandbox.node.simulation`); a Pod gets real processes
by `sandbox.haori.dev/command.<container>` where the node was started with `run_processes`.
"""

from __future__ import annotations

from collections.abc import Callable

from haori.sandbox.node.settings import NodeSettings

__all__ = ["NodeSettings", "serve"]


async def serve(settings: NodeSettings, *, ready: Callable[[], None]) -> None:
    """Be that node until cancelled; `ready` is called once the Node is there and its Pods are looked after.

    Starts cleanly after `kill -9`: what an earlier node of the same folder left running is ended first. Raises
    KubeconfigError, and PeerError where the API refuses the Node itself.
    """
    from haori.sandbox.node.service import run_node

    await run_node(settings, ready=ready)
