"""Probes: how one is asked, and what a row of answers means.

`ProbeState` is the rule (thresholds), `Prober` the clock around it. A container that was just started is asked every half
second through its first period without counting failures, so that one that is up in a moment is not held for a period.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from haori.objects import nested_list, nested_mapping, nested_text

EAGER_SECONDS = 0.5
Answer = str | None
"""What is wrong, None where nothing is."""
Ask = Callable[[], Awaitable[Answer]]


class ProbeKind(StrEnum):
    """Which probe."""

    STARTUP = "Startup"
    LIVENESS = "Liveness"
    READINESS = "Readiness"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """The last result and how often it was contradicted in a row. see: kubernetes pkg/kubelet/prober/worker.go."""

    passed: bool
    success_threshold: int = 1
    failure_threshold: int = 3
    against: int = 0

    def observe(self, ok: bool) -> ProbeState:
        """The state after one more answer."""
        if ok == self.passed:
            return replace(self, against=0)
        threshold = self.success_threshold if ok else self.failure_threshold
        if self.against + 1 >= threshold:
            return replace(self, passed=ok, against=0)
        return replace(self, against=self.against + 1)

    def is_at_limit(self, ok: bool) -> bool:
        """Whether a probe that has not passed (startup) or has (liveness) fails for good with this answer."""
        return not ok and self.against + 1 >= self.failure_threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """The numbers of a probe, with Kubernetes' defaults."""

    initial_delay_seconds: float
    period_seconds: float
    timeout_seconds: float
    success_threshold: int
    failure_threshold: int

    @classmethod
    def of(cls, probe: Mapping[str, Any]) -> ProbeSpec:
        """From a manifest."""
        return cls(
            initial_delay_seconds=float(probe.get("initialDelaySeconds") or 0),
            period_seconds=float(probe.get("periodSeconds") or 10),
            timeout_seconds=float(probe.get("timeoutSeconds") or 1),
            success_threshold=int(probe.get("successThreshold") or 1),
            failure_threshold=int(probe.get("failureThreshold") or 3),
        )


class Prober:
    """Asks one probe for ever. `on_change(passed)` hears of each change, `on_failure(message)` of each failed answer."""

    def __init__(
        self,
        kind: ProbeKind,
        spec: ProbeSpec,
        ask: Ask,
        *,
        on_change: Callable[[bool], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._kind = kind
        self._spec = spec
        self._ask = ask
        self._on_change = on_change
        self._on_failure = on_failure

    async def run(self) -> None:
        """Until cancelled; a startup probe ends when it passed, startup and liveness when they failed for good."""
        spec, loop = self._spec, asyncio.get_running_loop()
        state = ProbeState(
            passed=self._kind is ProbeKind.LIVENESS,
            success_threshold=spec.success_threshold,
            failure_threshold=spec.failure_threshold,
        )
        await asyncio.sleep(spec.initial_delay_seconds)
        eager_until = loop.time() + spec.period_seconds
        while True:
            problem = await self._answer()
            ok = problem is None
            if not ok and self._kind is not ProbeKind.LIVENESS and loop.time() < eager_until:
                await asyncio.sleep(min(EAGER_SECONDS, spec.period_seconds))
                continue
            eager_until = 0.0
            if problem is not None:
                self._on_failure(f"{self._kind} probe failed: {problem}")
            failed = state.is_at_limit(ok) and self._kind is not ProbeKind.READINESS
            before, state = state, state.observe(ok)
            if failed or state.passed != before.passed:
                self._on_change(state.passed and not failed)
                if failed or self._kind is ProbeKind.STARTUP:
                    return
            await asyncio.sleep(spec.period_seconds)

    async def _answer(self) -> Answer:
        try:
            async with asyncio.timeout(self._spec.timeout_seconds):
                return await self._ask()
        except TimeoutError:
            return f"probe timed out after {self._spec.timeout_seconds:g}s"


def port_of(container: Mapping[str, Any], port: Any) -> int:
    """A port by number, or by its name in the container; 0 where there is none."""
    if isinstance(port, int):
        return port
    if str(port).isdigit():
        return int(port)
    for each in nested_list(container, "ports"):
        if each.get("name") == port:
            return int(each.get("containerPort") or 0)
    return 0


async def ask_http(address: str, port: int, action: Mapping[str, Any]) -> Answer:
    """An HTTP GET: any status from 200 to 399 is well."""
    tls = str(action.get("scheme") or "HTTP").upper() == "HTTPS"
    path = nested_text(action, "path") or "/"
    host = nested_text(action, "host") or address
    url = f"{'https' if tls else 'http'}://{host}:{port}{path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.37", "Accept": "*/*", "Connection": "close"}
    headers |= {str(each.get("name")): str(each.get("value")) for each in nested_list(action, "httpHeaders")}
    lines = [f"GET {path if path.startswith('/') else '/' + path} HTTP/1.1"]
    request = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""])
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_lenient() if tls else None, limit=1 << 12)
    except OSError as error:
        return f'Get "{url}": dial tcp {host}:{port}: connect: {(error.strerror or str(error)).lower()}'
    try:
        writer.write(request.encode())
        status = await reader.readline()
        code = int(status.split()[1])
    except (OSError, ValueError, IndexError):
        return f'Get "{url}": EOF'
    finally:
        writer.close()
    return None if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"


async def ask_tcp(address: str, port: int, action: Mapping[str, Any]) -> Answer:
    """A connection that opens."""
    host = nested_text(action, "host") or address
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return f"dial tcp {host}:{port}: connect: {(error.strerror or str(error)).lower()}"
    writer.close()
    return None


def _lenient() -> ssl.SSLContext:
    # A probe asks whether it answers, not who answers; kubelets do not verify either.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def action_of(probe: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """(`httpGet`, `tcpSocket`, `grpc` or `exec`, its mapping); a gRPC probe is asked as a connection."""
    for name in ("httpGet", "tcpSocket", "exec", "grpc"):
        if name in probe:
            return name, nested_mapping(probe, name)
    return "", {}
