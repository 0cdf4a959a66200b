"""The cases of the sandbox's controllers on the real API server: with our controllers, and with Kubernetes' own.

The second lane proves the cases, the first one the controllers.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from haori.cluster.http_client import HttpClient, connect
from haori.cluster.well_known import SERVICE_ACCOUNTS
from haori.sandbox.controllers import ControllerSettings
from tests.controlplane.conftest import ControlPlane, find_assets
from tests.sandbox.controllers.bench import Bench, add_node, benched
from tests.sandbox.controllers.cases import CASES, Case

pytestmark = pytest.mark.controlplane

CLOSING_SECONDS = 0.25
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane whose controller manager and scheduler were stopped."""
    plane = ControlPlane(folder=tmp_path_factory.mktemp("apiserver"), assets=find_assets())
    try:
        plane.start()
        for process in plane.processes[2:]:
            process.terminate()
            process.wait(10)
        yield plane
    finally:
        plane.stop()


@asynccontextmanager
async def connected(plane: ControlPlane) -> AsyncIterator[HttpClient]:
    """A client of a control plane with one node."""
    async with connect(plane.kubeconfig, "envtest") as client:
        await add_node(client)
        yield client
    # Some sixty watches end at once; their TLS connections are closed by the loop's next turns.
    await asyncio.sleep(CLOSING_SECONDS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_our_controllers(api_server: ControlPlane, case: Case) -> None:
    settings = ControllerSettings(ca_certificate="PEM", backoff_seconds=0.05)
    async with connected(api_server) as client, benched(client, f"ours-{next(_NUMBERS)}", settings) as bench:
        await _has_account(bench)
        await case(bench)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_controllers_of_kubernetes(control_plane: ControlPlane, case: Case) -> None:
    async with connected(control_plane) as client, benched(client, f"theirs-{next(_NUMBERS)}") as bench:
        await _has_account(bench)
        await case(bench)


async def _has_account(bench: Bench) -> None:
    """Until Pods may be made in the namespace: its account comes by a controller, a moment after it."""
    await bench.until(lambda: bench.get(SERVICE_ACCOUNTS, "default"), "the namespace's account")
