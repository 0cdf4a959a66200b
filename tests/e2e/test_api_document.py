"""The server, asked what its own document allows by a machine that has no manners."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from haori.cluster import connect
from haori.cluster.well_known import NAMESPACES
from haori.delivery.controller.install import install_missing
from haori.server.app import ROUTES
from haori.server.openapi import build_document

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-sandbox"), pytest.mark.filterwarnings("default")]

_TICK = threading.Event()  # Never set: waiting on it for a moment paces a poll that has a deadline.
CONTROL = "control-document"
# Streams go on for half an hour; the rest ends.
SCHEMA = schemathesis.openapi.from_dict(build_document([route for route in ROUTES if not route.streams]))
CHECKS: list[CheckFunction] = [content_type_conformance, response_schema_conformance]


_CODE = """
import asyncio, pathlib, sys
from haori.server import ServerSettings, serve
folder = pathlib.Path(sys.argv[1])
settings = ServerSettings(data_dir=folder, kubeconfig=pathlib.Path(sys.argv[2]), namespace=sys.argv[3])
asyncio.run(serve(settings, ready=(folder / "ready").touch))
"""


@dataclass(frozen=True, slots=True)
class Place:
    url: str
    token: str


async def prepare(kubeconfig: Path) -> None:
    """A control namespace, and the types an engine would have made."""
    async with connect(kubeconfig) as client:
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONTROL}})
        await install_missing(client, CONTROL, on_installed=lambda name: None)


@pytest.fixture(scope="module")
def place(sandbox_cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server as a process of its own, on the sandbox, without an engine."""
    folder = tmp_path_factory.mktemp("server")
    asyncio.run(prepare(sandbox_cluster))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(folder), str(sandbox_cluster), CONTROL], stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while not (folder / "ready").exists():
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, "the server did not become ready"
            _TICK.wait(0.05)
        found = json.loads((folder / "server.json").read_bytes())
        yield Place(found["url"], found["token"])
    finally:
        process.kill()
        process.wait()


@SCHEMA.parametrize()
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_breaks_and_answers_are_as_described(place: Place, case: schemathesis.Case[Any]):
    answer = case.call(base_url=place.url, headers={"Authorization": f"Bearer {place.token}"})

    # 503: no engine runs here, and the server says so. Any other fault would be ours.
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    case.validate_response(answer, checks=CHECKS)
