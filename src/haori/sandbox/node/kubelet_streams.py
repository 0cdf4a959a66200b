"""Exec, attach and port-forward over WebSockets, in Kubernetes' channels.

A message is binary, its first byte the channel: 0 input, 1 output, 2 errors, 3 how it ended (a Status as JSON), 4 the
terminal's size; in v5 the message 255, n says that channel n ends. Port-forward has two channels a port (data, error),
each opened with the port's number in two bytes, low first.
see: kubernetes staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go, pkg/kubelet/.../portforward/websocket.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMessage, WSMsgType, web

from haori.sandbox.node.containers import Ended

if TYPE_CHECKING:
    from haori.sandbox.node.process_run import ProcessRun
    from haori.sandbox.node.process_runtime import ProcessRuntime

log = logging.getLogger(__name__)

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
LARGEST_MESSAGE_BYTES = 1 << 20
END_OF_INPUT = b"\x04"
"""Ctrl-D."""
QUEUED_CHUNKS = 256
"""Output that waits for a slow reader; when it is full the oldest is dropped, as no process may hang for its reader."""


def is_stream_request(request: web.Request) -> bool:
    """Whether a WebSocket with channels is asked for."""
    return web.WebSocketResponse(protocols=(V5, V4)).can_prepare(request).ok


def status_of(ended: Ended) -> dict[str, Any]:
    """The Status that the error channel ends with."""
    if ended.exit_code == 0:
        return {"metadata": {}, "status": "Success"}
    message = ended.message or f"command terminated with non-zero exit code: exit status {ended.exit_code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(ended.exit_code)}]},
    }


class _Channels:
    """The WebSocket's sending side; `put` never waits."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED_CHUNKS)

    def put(self, channel: int, content: bytes) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(bytes((channel,)) + content)

    def put_output(self, stream: str, content: bytes) -> None:
        self.put(STDOUT if stream == "stdout" else STDERR, content)

    async def send_for_ever(self) -> None:
        while (message := await self._queue.get()) is not None:
            await self.socket.send_bytes(message)

    async def finish(self, sender: asyncio.Task[None]) -> None:
        """Everything that was put is sent."""
        await self._queue.put(None)
        with contextlib.suppress(ConnectionError):
            await sender


async def _accept(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=(V5, V4), max_msg_size=LARGEST_MESSAGE_BYTES, heartbeat=30)
    await socket.prepare(request)
    return socket


async def execute(request: web.Request, runtime: ProcessRuntime, container: str) -> web.StreamResponse:
    """Runs `command=…` of the query in the container; a command whose caller leaves is ended."""
    socket = await _accept(request)
    channels = _Channels(socket)
    command = request.query.getall("command", ["true"])
    wants_input = _is_true(request, "stdin", "input")
    terminal = _Terminal(channels) if _is_true(request, "tty") else None
    put = channels.put_output if terminal is None else terminal.put_output
    run = await runtime.execute(container, command, put, stdin=wants_input)
    sender = asyncio.create_task(channels.send_for_ever())
    reader = asyncio.create_task(_read_input(socket, run, terminal))
    ended = asyncio.create_task(run.wait())
    try:
        await asyncio.wait({reader, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            channels.put(ERROR, orjson.dumps(status_of(ended.result())))
            await channels.finish(sender)
    finally:
        for task in (reader, ended, sender):
            task.cancel()
        await asyncio.gather(reader, ended, sender, return_exceptions=True)
        await run.stop(0)
        await socket.close()
    return socket


class _Terminal:
    """As much of a terminal as a pipe can be: what is typed is shown, return ends a line, lines begin at the left.

    There is none behind it: programs see a pipe, its size counts for nothing, and no key interrupts.
    """

    def __init__(self, channels: _Channels) -> None:
        self._channels = channels

    def put_output(self, stream: str, content: bytes) -> None:
        self._channels.put(STDOUT, content.replace(b"\n", b"\r\n"))

    def typed(self, content: bytes) -> bytes:
        """What the process reads of what was typed."""
        lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._channels.put(STDOUT, lines.replace(b"\n", b"\r\n"))
        return lines


async def _read_input(socket: web.WebSocketResponse, run: ProcessRun, terminal: _Terminal | None = None) -> None:
    """Until the caller leaves."""
    stdin = run.stdin
    async for message in socket:
        channel, content = _parts(message)
        if stdin is None or stdin.is_closing():
            continue
        if channel == STDIN and content:
            before, end, _ = content.partition(END_OF_INPUT) if terminal is not None else (content, b"", b"")
            stdin.write(before if terminal is None else terminal.typed(before))
            if end:
                stdin.close()
        elif channel == CLOSE and content[:1] == bytes((STDIN,)):
            stdin.close()


async def attach(request: web.Request, runtime: ProcessRuntime, container: str) -> web.StreamResponse:
    """What the container prints from now on; its input is closed since its start."""
    socket = await _accept(request)
    channels = _Channels(socket)
    log_file = runtime.logs[container]
    log_file.listeners.add(channels.put_output)
    sender = asyncio.create_task(channels.send_for_ever())
    reader = asyncio.create_task(_drain(socket))
    ended = asyncio.create_task(log_file.wait_closed())
    try:
        await asyncio.wait({reader, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            channels.put(ERROR, orjson.dumps(status_of(Ended(exit_code=0))))
            await channels.finish(sender)
    finally:
        log_file.listeners.discard(channels.put_output)
        for task in (reader, ended, sender):
            task.cancel()
        await asyncio.gather(reader, ended, sender, return_exceptions=True)
        await socket.close()
    return socket


async def _drain(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


async def forward_port(request: web.Request, runtime: ProcessRuntime) -> web.StreamResponse:
    """Connections to ports of the Pod: `ports=…` of the query, two channels each."""
    socket = await _accept(request)
    texts = [
        each for value in request.query.getall("ports", request.query.getall("port", [])) for each in value.split(",")
    ]
    ports = [int(each) for each in texts if each.isdigit()]
    writers: dict[int, asyncio.StreamWriter] = {}
    tasks: list[asyncio.Task[None]] = []
    try:
        for index, port in enumerate(ports):
            for channel in (2 * index, 2 * index + 1):
                await socket.send_bytes(bytes((channel,)) + port.to_bytes(2, "little"))
            try:
                reader, writer = await asyncio.open_connection(runtime.facts.pod_ip, runtime.port(port))
            except OSError as error:
                await socket.send_bytes(bytes((2 * index + 1,)) + f"port {port}: {error.strerror or error}".encode())
                continue
            writers[2 * index] = writer
            tasks.append(asyncio.create_task(_pump(reader, socket, 2 * index)))
        async for message in socket:
            channel, content = _parts(message)
            if channel in writers and content:
                writers[channel].write(content)
                await writers[channel].drain()
    except ConnectionError as error:
        log.debug("port-forward ended", extra={"problem": str(error)})
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in writers.values():
            each.close()
        await socket.close()
    return socket


async def _pump(reader: asyncio.StreamReader, socket: web.WebSocketResponse, channel: int) -> None:
    """What the Pod says goes to the caller; when it ends, so does the whole forward."""
    with contextlib.suppress(ConnectionError):
        while content := await reader.read(1 << 16):
            await socket.send_bytes(bytes((channel,)) + content)
    await socket.close()


def _parts(message: WSMessage) -> tuple[int, bytes]:
    if message.type is not WSMsgType.BINARY or not message.data:
        return -1, b""
    return message.data[0], message.data[1:]


def _is_true(request: web.Request, *names: str) -> bool:
    return any(request.query.get(name) in ("true", "1") for name in names)
