"""Asks the engine's internal listener; standard library only, since `up` and `status` must start quickly.

The listener is on loopback, its address and token lie in the data folder, readable by its owner only. Paths and shapes
are described in `haori.delivery.controller.listener`.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from haori.cli.instance import Instance, read_json
from haori.errors import PeerError, TransientError

TIMEOUT_SECONDS = 60.0
LOOK_SECONDS = 5.0
"""For the answer to what costs the engine nothing: one that hangs is told from one that has much to do by this."""


LOOK = "/internal/v1/statistics"


class EngineUnreachableError(TransientError):
    """No engine answers: none runs, or it is starting."""


class EngineAnswerError(PeerError):
    """The engine answered with an error of its own."""


@dataclass(frozen=True, slots=True)
class EngineClient:
    """One engine's listener."""

    url: str
    token: str
    path: Path

    def get(self, *segments: str, **query: str) -> Any:
        """The JSON at /internal/v1/SEGMENTS?QUERY; raises EngineUnreachableError, EngineAnswerError on 4xx and 5xx."""
        return self._request("GET", segments, query, None)

    def post(self, *segments: str, body: Mapping[str, Any] | None = None, **query: str) -> Any:
        """The JSON answer to a POST; raises as `get` does."""
        return self._request("POST", segments, query, json.dumps(body or {}).encode())

    def _request(self, method: str, segments: tuple[str, ...], query: Mapping[str, str], body: bytes | None) -> Any:
        target = "/internal/v1/" + "/".join(quote(segment, safe="") for segment in segments)
        if query:
            target += "?" + urlencode(query)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=LOOK_SECONDS)
        try:
            connection.request("GET", LOOK, None, headers)
            connection.getresponse().read()
            connection.timeout = TIMEOUT_SECONDS
            if connection.sock is not None:  # Closed after each answer, it is opened anew with the limit set above.
                connection.sock.settimeout(TIMEOUT_SECONDS)
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineUnreachableError("engine-unreachable", path=str(self.path)) from error
        finally:
            connection.close()
        return _decode(answer.status, content, self.path)


def _decode(status: int, content: bytes, path: Path) -> Any:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise EngineUnreachableError("engine-unreachable", path=str(path)) from error
    if status < 400:
        return value
    problem = value.get("error") or {}
    raise EngineAnswerError(problem.get("code", "engine-refused"), **problem.get("parameters", {}))


def engine_client(instance: Instance) -> EngineClient:
    """The listener of the instance's engine; raises EngineUnreachableError where none has started."""
    found = read_json(instance.listener)
    if not found:
        raise EngineUnreachableError("engine-unreachable", path=str(instance.data_dir))
    return EngineClient(url=found["url"], token=found["token"], path=instance.data_dir)
