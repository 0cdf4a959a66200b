"""The client's side of MCP over the stdio of a child process: JSON-RPC, one message a line.

see: modelcontextprotocol/modelcontextprotocol, specification 2025-06-18, `basic/transports`, `server/tools`.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

VERSION = "2025-06-18"


class Mcp:
    """A server of tools that was greeted."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to: IO[str] = process.stdin
        self._from: IO[str] = process.stdout
        self._numbers = itertools.count(1)

    def greet(self) -> None:
        """Begins as every client has to."""
        about = {"name": "haori-tests", "version": "1"}
        self.ask("initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": about})
        self._send({"method": "notifications/initialized"})

    def tools(self) -> set[str]:
        """The names of all tools."""
        return {tool["name"] for tool in self.ask("tools/list", {})["tools"]}

    def call(self, tool: str, /, **arguments: Any) -> Any:
        """What a tool answers, read as JSON. Fails where the tool says that it failed."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        (content,) = result["content"]
        assert not result.get("isError"), content
        return json.loads(content["text"])

    def ask(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """The result of a request."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": parameters})
        while line := self._from.readline():
            message = json.loads(line)
            if message.get("id") == number:
                assert "result" in message, message
                return message["result"]
        raise AssertionError(f"the MCP server ended before it answered {method}")

    def _send(self, message: Mapping[str, Any]) -> None:
        self._to.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._to.flush()


@contextmanager
def talking(command: list[str], environment: Mapping[str, str]) -> Iterator[Mcp]:
    """An MCP server as a child process while the context lasts."""
    with subprocess.Popen(
        command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ) as process:  # fmt: skip
        try:
            found = Mcp(process)
            found.greet()
            yield found
        finally:
            process.kill()
