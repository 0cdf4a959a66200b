"""The endpoints by which an API server reaches a node: logs, exec, attach, port-forward.

HTTPS on loopback. A caller shows a client certificate of the cluster's authority that belongs to `system:masters`, as API
servers do; nobody else is answered. Streams are WebSockets (`v5.channel.k8s.io`, `v4.channel.k8s.io`). A simulated
container has one line of log that says so, and refuses exec.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from haori.sandbox.node.containers import Running
from haori.sandbox.node.kubelet_streams import attach, execute, forward_port, is_stream_request
from haori.sandbox.node.logs import LogFile, LogOptions, read_log, read_options
from haori.sandbox.node.process_runtime import ProcessRuntime
from haori.sandbox.node.serving_certificate import server_context
from haori.sandbox.node.settings import NodeSettings

if TYPE_CHECKING:
    from haori.sandbox.node.pod_worker import PodWorker
    from haori.sandbox.node.pods import Pods

log = logging.getLogger(__name__)

CALLERS = "system:masters"
SIMULATED_LOG = "This container is simulated by the sandbox: no process runs, so there is no log."
SIMULATED_EXEC = "this container is simulated by the sandbox: no process runs in which a command could be executed"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def choose_port(settings: NodeSettings, address: str) -> socket.socket:
    """A bound socket: the port that was asked for, else the one of the last start, else any free one."""
    kept = settings.folder / "kubelet-port"
    candidates = [settings.kubelet_port] if settings.kubelet_port else [_number(kept), 0]
    for position, port in enumerate(candidates):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((address, port))
        except OSError:
            bound.close()
            if position == len(candidates) - 1:
                raise
            continue
        break
    kept.write_text(str(bound.getsockname()[1]))
    return bound


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


class KubeletServer:
    """Answers until `run` is cancelled."""

    def __init__(self, pods: Pods, *, certificate: Path, client_authority: bytes | None) -> None:
        self._pods = pods
        self._context = server_context(certificate, client_authority)

    async def run(self, bound: socket.socket) -> None:
        """Serve on a bound socket."""
        app = web.Application(middlewares=[_only_api_servers])
        app.router.add_get("/healthz", _healthz)
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        for name in ("exec", "attach"):
            for method in ("GET", "POST"):
                app.router.add_route(method, f"/{name}/{{namespace}}/{{pod}}/{{container}}", self._stream)
                app.router.add_route(method, f"/{name}/{{namespace}}/{{pod}}/{{uid}}/{{container}}", self._stream)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/portForward/{namespace}/{pod}", self._forward)
            app.router.add_route(method, "/portForward/{namespace}/{pod}/{uid}", self._forward)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.SockSite(runner, bound, ssl_context=self._context).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def _worker(self, request: web.Request) -> PodWorker:
        namespace, name = request.match_info["namespace"], request.match_info["pod"]
        worker = self._pods.find(namespace, name)
        if worker is None:
            raise web.HTTPNotFound(text=f'pod "{name}" not found on this node')
        return worker

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        worker, container = self._worker(request), request.match_info["container"]
        record = next((each for each in worker.records if each.name == container), None)
        if record is None:
            raise web.HTTPNotFound(text=f'container "{container}" not found in pod "{worker.name}"')
        try:
            options = read_options(dict(request.query), now=datetime.now(UTC))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        runtime = worker.runtime
        if not isinstance(runtime, ProcessRuntime) or not runtime.is_real(container):
            text = runtime.behaviour(record).log or SIMULATED_LOG
            return web.Response(text=f"{text}\n")
        attempt = record.restart_count - (1 if options.previous else 0)
        path = runtime.files.log_file(container, attempt)
        if options.previous and not path.exists():
            raise web.HTTPBadRequest(
                text=f'previous terminated container "{container}" in pod "{worker.name}" not found'
            )
        live = None if options.previous else runtime.logs.get(container)
        return await self._send_log(request, path, options, live)

    async def _send_log(
        self, request: web.Request, path: Path, options: LogOptions, live: LogFile | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            async for piece in read_log(path, options, live):
                await response.write(piece)
            await response.write_eof()
        return response

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        worker, container = self._worker(request), request.match_info["container"]
        runtime = worker.runtime
        if not isinstance(runtime, ProcessRuntime) or not runtime.is_real(container):
            raise web.HTTPBadRequest(text=SIMULATED_EXEC)
        record = next((each for each in worker.records if each.name == container), None)
        if record is None or not isinstance(record.state, Running):
            raise web.HTTPBadRequest(text=f'container "{container}" is not running')
        if not is_stream_request(request):
            raise web.HTTPBadRequest(text="only WebSockets (v5.channel.k8s.io, v4.channel.k8s.io) are spoken here")
        if request.path.startswith("/attach/"):
            return await attach(request, runtime, container)
        return await execute(request, runtime, container)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        worker = self._worker(request)
        if not isinstance(worker.runtime, ProcessRuntime):
            raise web.HTTPBadRequest(text="this pod is simulated by the sandbox: nothing listens on its ports")
        if not is_stream_request(request):
            raise web.HTTPBadRequest(text="only WebSockets (v4.channel.k8s.io) are spoken here")
        return await forward_port(request, worker.runtime)


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(text="ok")


@web.middleware
async def _only_api_servers(request: web.Request, handler: Handler) -> web.StreamResponse:
    certificate: Any = request.get_extra_info("peercert")
    if not certificate:
        raise web.HTTPUnauthorized(text="a client certificate of the cluster's authority is needed")
    groups = [value for row in certificate.get("subject", ()) for name, value in row if name == "organizationName"]
    if CALLERS not in groups:
        raise web.HTTPForbidden(text="the client certificate does not belong to an API server")
    return await handler(request)
