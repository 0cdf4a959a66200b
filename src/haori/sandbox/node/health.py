"""The probes of one run of a real container, together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from haori.objects import nested, nested_list, nested_mapping
from haori.sandbox.node.containers import ContainerRecord
from haori.sandbox.node.probes import Answer, Ask, ProbeKind, Prober, ProbeSpec, action_of, ask_http, ask_tcp, port_of
from haori.sandbox.node.process_run import ProcessRun

if TYPE_CHECKING:
    from haori.sandbox.node.process_runtime import ProcessRuntime

DEFAULT_GRACE_SECONDS = 30.0


async def watch_health(
    runtime: ProcessRuntime,
    record: ContainerRecord,
    spec: Mapping[str, Any],
    run: ProcessRun,
    report: Callable[[bool, bool], None],
) -> None:
    """Startup, then liveness and readiness, until cancelled; `report(started, ready)` at the start and at each change.

    A container that fails its startup or liveness probe is ended; what comes after is the restart policy's matter.
    """

    def prober(kind: ProbeKind, field: str, on_change: Callable[[bool], None]) -> Prober:
        probe = nested_mapping(spec, field)
        return Prober(
            kind,
            ProbeSpec.of(probe),
            _ask(runtime, record.name, spec, probe),
            on_change=on_change,
            on_failure=lambda message: runtime.worker.tell("Warning", "Unhealthy", message, record.name),
        )

    dead = asyncio.Event()

    def on_life(passed: bool) -> None:
        if not passed:
            dead.set()

    if spec.get("startupProbe"):
        report(False, False)
        await prober(ProbeKind.STARTUP, "startupProbe", on_life).run()
        if dead.is_set():
            await _end(runtime, record, spec, run, "startup")
            return
    report(True, not spec.get("readinessProbe"))
    async with asyncio.TaskGroup() as group:
        if spec.get("readinessProbe"):
            on_ready: Callable[[bool], None] = lambda passed: report(True, passed)  # noqa: E731
            group.create_task(prober(ProbeKind.READINESS, "readinessProbe", on_ready).run())
        if spec.get("livenessProbe"):
            group.create_task(prober(ProbeKind.LIVENESS, "livenessProbe", on_life).run())
            await dead.wait()
            await _end(runtime, record, spec, run, "liveness")


async def _end(
    runtime: ProcessRuntime, record: ContainerRecord, spec: Mapping[str, Any], run: ProcessRun, probe: str
) -> None:
    message = f"Container {record.name} failed {probe} probe, will be restarted"
    runtime.worker.tell("Normal", "Killing", message, record.name)
    grace = nested(spec, f"{probe}Probe", "terminationGracePeriodSeconds")
    if grace is None:
        grace = nested(runtime.worker.pod, "spec", "terminationGracePeriodSeconds")
    await runtime.stop(record, spec, run, DEFAULT_GRACE_SECONDS if grace is None else float(grace))


def _ask(runtime: ProcessRuntime, name: str, spec: Mapping[str, Any], probe: Mapping[str, Any]) -> Ask:
    kind, action = action_of(probe)

    async def ask() -> Answer:
        if kind == "exec":
            return await runtime.ask_exec(name, [str(word) for word in nested_list(action, "command")])
        port = runtime.port(port_of(spec, action.get("port")))
        if kind == "httpGet":
            return await ask_http(runtime.facts.pod_ip, port, action)
        return await ask_tcp(runtime.facts.pod_ip, port, action)

    return ask
