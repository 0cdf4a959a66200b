"""Asks the instance's own HTTP API, as its owner; standard library only, as `engine_client`.

Address and token lie in the data folder, readable by its owner only. A server that is starting, or whose store is, is asked
again for a while: what a person asks for right after `up` should simply come.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from haori.cli.instance import Instance, read_json
from haori.errors import PeerError, TransientError

TIMEOUT_SECONDS = 15.0
LEAST_SECONDS = 2.0
PAUSE_SECONDS = 0.25
UNAVAILABLE = 503


class ServerUnreachableError(TransientError):
    """`server-unreachable` (path): no server answers: none runs, or it is starting."""


class ServerAnswerError(PeerError):
    """The server answered with an error of its own, under its code, or `server-refused` (status)."""

    def __init__(self, status: int, code: str, /, **parameters: Any) -> None:
        super().__init__(code, **parameters)
        self.status = status


@dataclass(frozen=True, slots=True)
class ServerClient:
    """One server."""

    url: str
    token: str = field(repr=False)
    path: Path

    def post(self, target: str, body: Mapping[str, Any] | None = None, *, seconds: float = TIMEOUT_SECONDS) -> Any:
        """The JSON answer, within `seconds`. Raises ServerUnreachableError, ServerAnswerError on 4xx and 5xx."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=seconds)
        try:
            connection.request("POST", target, json.dumps(body or {}).encode(), headers)
            answer = connection.getresponse()
            return _decode(answer.status, answer.read(), self.path)
        except (OSError, http.client.HTTPException) as error:
            raise ServerUnreachableError("server-unreachable", path=str(self.path)) from error
        finally:
            connection.close()


def _decode(status: int, content: bytes, path: Path) -> Any:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ServerUnreachableError("server-unreachable", path=str(path)) from error
    if status < 400:
        return value
    told = value.get("haori") or {}
    raise ServerAnswerError(
        status, told.get("code", "server-refused"), **(told.get("parameters") or {"status": status})
    )


def server_client(instance: Instance) -> ServerClient:
    """The instance's server; raises ServerUnreachableError where none has started."""
    found = read_json(instance.server)
    if not found:
        raise ServerUnreachableError("server-unreachable", path=str(instance.data_dir))
    return ServerClient(url=found["url"], token=found["token"], path=instance.data_dir)


def post_patiently(instance: Instance, target: str, *, seconds: float) -> Any:
    """As `ServerClient.post`, asked again for `seconds` while the server or its store is not there yet.

    The address is read anew each time: a server that was started again has another token.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            # A last try that begins late still has time to be answered.
            left = max(LEAST_SECONDS, min(TIMEOUT_SECONDS, deadline - time.monotonic()))
            return server_client(instance).post(target, seconds=left)
        except (ServerUnreachableError, ServerAnswerError) as error:
            is_passing = isinstance(error, ServerUnreachableError) or error.status == UNAVAILABLE
            if not is_passing or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)
