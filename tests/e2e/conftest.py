"""Clusters for the delivery cases: the same cases run on our sandbox and on a real control plane, where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from haori.cluster import HttpClient, connect
from tests.controlplane.conftest import ControlPlane, find_assets
from tests.e2e.delivery import Delivery
from tests.e2e.kubelet import Kubelet
from tests.e2e.sandbox import Sandbox

CLUSTERS = 2
"""Sandboxes, so that workers have one each: tests of one wait more than they compute. A real control plane computes enough."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the modules that use a sandbox out by turns; each group of them runs in one worker, on a cluster of its own."""
    modules = sorted({item.path.name for item in items if item.path.parent == Path(__file__).parent})
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and group.args[:1] == ("e2e-sandbox",) and item.path.name in modules:
            turn = modules.index(item.path.name) % CLUSTERS
            item.add_marker(pytest.mark.xdist_group(f"{group.args[0]}-{turn}"), append=False)


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a real control plane with one node object."""
    plane = ControlPlane(folder=tmp_path_factory.mktemp("controlplane"), assets=find_assets())
    try:
        plane.start()
        plane.add_nodes(1)
        yield plane.kubeconfig
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def sandbox_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of our own sandbox."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    try:
        sandbox.start()
        asyncio.run(sandbox.add_node())
        yield sandbox.kubeconfig
    finally:
        sandbox.stop()


@pytest.fixture(
    params=[
        pytest.param("sandbox_cluster", id="sandbox", marks=pytest.mark.xdist_group("e2e-sandbox")),
        pytest.param(
            "real_cluster",
            id="real",
            marks=[pytest.mark.controlplane, pytest.mark.xdist_group("e2e-real")],
        ),
    ]
)
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """Each cluster in turn."""
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def client(kubeconfig: Path) -> AsyncIterator[HttpClient]:
    """A client of the cluster."""
    async with connect(kubeconfig) as client:
        yield client


@pytest.fixture
async def kubelet(client: HttpClient, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Somebody who runs Pods."""
    task = asyncio.create_task(Kubelet(client).run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def delivery(client: HttpClient, kubeconfig: Path, kubelet: None, tmp_path: Path) -> AsyncIterator[Delivery]:
    """A repository and an engine in a control namespace of its own."""
    delivery = await Delivery.begin(client, kubeconfig, tmp_path)
    try:
        yield delivery
    finally:
        await delivery.end()
