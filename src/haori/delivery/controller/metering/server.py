"""HTTP around the numbers: no token, only reads, nothing that names a secret. Loopback unless a flag says otherwise.

A page in somebody's browser reaches loopback under a name of its own, so Host is checked: loopback's names, the address that
was asked for and the names that were given. Beyond loopback an address counts too, since the kubelet and Prometheus ask for
Pods by theirs, and no page's name is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from aiohttp import web

from haori.delivery.controller.metering.readiness import Check, format_checks
from haori.delivery.controller.metering.snapshot import Snapshot
from haori.errors import UserError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
STOP_SECONDS = 1.0


class MetricsError(UserError):
    """`metrics-address-taken` (address, reason)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Where and what is told."""

    host: str = "127.0.0.1"
    """The address to listen on; empty: there is no listener."""
    port: int = 0
    """0: the one of the last run, where it is free, else any."""
    names: tuple[str, ...] = ()
    """Further names that may stand in Host, as a Service's."""
    labels: tuple[str, ...] = field(default=())
    """Labels of Applications that `argocd_app_labels` shows."""
    conditions: tuple[str, ...] = field(default=())
    """Condition types that `argocd_app_condition` counts."""


@contextlib.asynccontextmanager
async def open_metrics(
    settings: MetricsSettings,
    path: Path,
    *,
    take: Callable[[], Snapshot],
    ready: Callable[[], Sequence[Check]],
) -> AsyncIterator[str]:
    """Answers while the context lasts; gives the URL, which also stands in the file at `path`. Raises MetricsError."""
    handler = _Handler(settings, take, ready)
    runner = web.ServerRunner(web.Server(handler.handle, access_log=None), shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        port = await _listen(runner, settings, await asyncio.to_thread(_kept_port, path))
        handler.port = port
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{port}"
        await asyncio.to_thread(_write, path, url)
        yield url
    finally:
        await runner.cleanup()


async def _listen(runner: web.ServerRunner, settings: MetricsSettings, kept: int) -> int:
    for port in (settings.port,) if settings.port or not kept else (kept, 0):
        try:
            await web.TCPSite(runner, settings.host, port).start()
            return int(runner.addresses[0][1])
        except OSError as error:
            if port == settings.port:
                address = f"{settings.host}:{port}"
                raise MetricsError("metrics-address-taken", address=address, reason=error.strerror or "") from error
    raise AssertionError("the last port either works or raises")


class _Handler:
    def __init__(
        self, settings: MetricsSettings, take: Callable[[], Snapshot], ready: Callable[[], Sequence[Check]]
    ) -> None:
        self._settings, self._take, self._ready = settings, take, ready
        self._names = {settings.host.lower(), *(name.lower() for name in settings.names)}
        self._is_local = settings.host in LOOPBACK
        self.port = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        if not self._is_ours(request.headers.get("Host", "")):
            return web.Response(status=421)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/metrics":
                return await self._metrics()
            case "/livez":
                return self._told("livez", [Check(name="loop", is_well=True)], request)
            case "/readyz":
                return self._told("readyz", self._ready(), request)
            case _:
                return web.Response(status=404)

    def _is_ours(self, host: str) -> bool:
        name, port = host.lower(), ""
        if not name.endswith("]") and ":" in name:
            name, _, port = name.rpartition(":")
        name = name.strip("[]")
        if name in self._settings.names or (not self._is_local and _is_address(name)):
            return True  # A Service's port may be another one.
        return name in self._names | LOOPBACK and port == str(self.port)

    def _told(self, endpoint: str, checks: Sequence[Check], request: web.BaseRequest) -> web.Response:
        passed = all(each.is_well for each in checks)
        text = "ok" if passed and "verbose" not in request.query else format_checks(endpoint, checks)
        return web.Response(text=text, status=200 if passed else 503)

    async def _metrics(self) -> web.Response:
        snapshot = self._take()
        body = await asyncio.to_thread(_exposition, snapshot, self._settings)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _exposition(snapshot: Snapshot, settings: MetricsSettings) -> bytes:
    # Imported by the first who looks: an engine that nobody looks at does without.
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector

    from haori.delivery.controller.metering.families import families

    class Families(Collector):
        def collect(self) -> list[Metric]:
            return list(families(snapshot, labels=settings.labels, conditions=settings.conditions))

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    return generate_latest(registry)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _kept_port(path: Path) -> int:
    try:
        return int(orjson.loads(path.read_bytes())["url"].rpartition(":")[2])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0


def _write(path: Path, url: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(orjson.dumps({"url": url}))
    os.replace(temporary, path)
