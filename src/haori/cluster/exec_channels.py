"""A command in a container, over a WebSocket in Kubernetes' channels.

A message is binary, its first byte the channel: 0 input, 1 output, 2 errors, 3 how it ended (a Status as JSON), 4 the terminal's
size. see: kubernetes `staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import IntEnum

import aiohttp
import orjson

from haori.objects import nested_list, nested_text

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
LARGEST_MESSAGE_BYTES = 4 << 20
HEARTBEAT_SECONDS = 20.0


class Channel(IntEnum):
    """What a message is about."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


class RemoteCommand:
    """One command under way. What breaks the connection ends the output; how it ended is then not known."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.problem = ""
        """Why the command failed, once the output ended; empty where it succeeded."""
        self.exit_code: int | None = None
        """None: not known."""

    async def output(self) -> AsyncIterator[bytes]:
        """What it prints, output and errors together as they come, until it ends."""
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, content = message.data[0], message.data[1:]
            if channel in (Channel.STDOUT, Channel.STDERR) and content:
                yield content
            elif channel == Channel.ERROR:
                self._end(content)

    def _end(self, content: bytes) -> None:
        try:
            status = orjson.loads(content)
        except orjson.JSONDecodeError:
            status = {"status": "Failure", "message": content.decode(errors="replace")[:500]}
        if nested_text(status, "status") == "Success":
            self.exit_code = 0
            return
        self.problem = nested_text(status, "message")[:500] or "failed"
        causes = nested_list(status, "details", "causes")
        codes = [nested_text(each, "message") for each in causes if nested_text(each, "reason") == "ExitCode"]
        self.exit_code = int(codes[0]) if codes and codes[0].isdigit() and len(codes[0]) < 4 else None

    async def write(self, content: bytes) -> None:
        """Types; nothing where the connection is gone."""
        await self._send(Channel.STDIN, content)

    async def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        await self._send(Channel.RESIZE, orjson.dumps({"Width": columns, "Height": rows}))

    async def _send(self, channel: Channel, content: bytes) -> None:
        if not self._socket.closed:
            try:
                await self._socket.send_bytes(bytes((channel,)) + content)
            except (aiohttp.ClientError, ConnectionError):
                return  # The output ends as well, and with it whoever reads it.
