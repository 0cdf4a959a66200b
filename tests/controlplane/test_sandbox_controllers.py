"""The cases of the sandbox's controllers on the real API server: with our controllers, and with Kubernetes' own.

The second lane proves the cases, the first one the controllers.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from haori.cluster.http_client import HttpClient, connect
from haori.sandbox.controllers import ControllerSettings
from tests.controlplane.conftest import ControlPlane, find_assets
from tests.sandbox.controllers.bench import add_node, benched
from tests.sandbox.controllers.cases import CASES, Case

pytestmark = pytest.mark.controlplane

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


@pytest.fixture
async def bare(api_server: ControlPlane) -> AsyncIterator[HttpClient]:
    async with connect(api_server.kubeconfig, "envtest") as client:
        await add_node(client)
        yield client


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_our_controllers(bare: HttpClient, case: Case) -> None:
    settings = ControllerSettings(ca_certificate="PEM", backoff_seconds=0.05)
    async with benched(bare, f"ours-{next(_NUMBERS)}", settings) as bench:
        await case(bench)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_controllers_of_kubernetes(cluster: HttpClient, case: Case) -> None:
    await add_node(cluster)
    async with benched(cluster, f"theirs-{next(_NUMBERS)}") as bench:
        await case(bench)
