"""`haori up` on a cluster that it did not make: it asks, runs engine, server and store, and only looks beside Argo CD."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from haori.cluster import connect
from haori.cluster.well_known import APPLICATIONS, LEASES, SECRETS
from haori.delivery.controller.install import install_missing
from tests.e2e.sandbox import Sandbox
from tests.e2e.up.instance import Running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ARGO = "argocd-application-controller"
KNOWN = {"server.secretkey": "c2VjcmV0", "admin.password": "JDJhJDEw"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster of somebody's own."""
    (tmp_path / "sandbox").mkdir()
    sandbox = Sandbox(tmp_path / "sandbox")
    try:
        sandbox.start()
        yield sandbox.kubeconfig
    finally:
        sandbox.stop()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Running]:
    """Not started yet."""
    running = Running(tmp_path / "data")
    yield running
    running.haori("down")


async def put_argo_cd_into(kubeconfig: Path) -> None:
    """What an installation of Argo CD leaves: its types, its Secret, an Application that it has just written."""
    spec = {"project": "default", "source": {"repoURL": "https://git.example/shop.git", "path": "."}, "destination": {}}
    application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec}
    metadata = {"name": "argocd-secret", "namespace": "argocd"}
    async with connect(kubeconfig) as client:
        await install_missing(client, "argocd")
        await client.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": KNOWN})
        metadata = {"name": "shop", "namespace": "argocd"}
        await client.create(APPLICATIONS, {**application, "metadata": metadata}, field_manager=ARGO)


async def written(kubeconfig: Path) -> dict[str, str]:
    """Names to versions, in the control namespace."""
    async with connect(kubeconfig) as client:
        found = [item for kind in (SECRETS, LEASES, APPLICATIONS) for item in (await client.list(kind, "argocd")).items]
    return {f"{item['kind']} {item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}


def run_states(instance: Running) -> dict[str, str]:
    return {process["name"]: process["state"] for process in instance.json("status")["processes"]}


def expect_running(instance: Running) -> None:
    wanted = {"engine": "running", "server": "running", "store": "running"}
    instance.expect("engine, server and store run", lambda: ((states := run_states(instance)) == wanted, states))
    link = instance.haori("open", "--no-browser")
    assert link.returncode == 0, link.stderr
    assert link.stdout.startswith("http://haori.localhost:")


def test_it_asks_and_then_runs_what_delivers(cluster: Path, instance: Running):
    asked = instance.haori("up", "--detach", "--no-open", "--kubeconfig", str(cluster))
    assert asked.returncode == 2
    assert "argocd-secret" in asked.stderr
    status = instance.up("--kubeconfig", str(cluster), "--yes")
    assert status["api"] is None
    assert status["engine"]["leading"]
    expect_running(instance)
    assert "Lease haori-engine" in asyncio.run(written(cluster))


def test_beside_argo_cd_nothing_is_written_and_the_server_answers(cluster: Path, instance: Running):
    asyncio.run(put_argo_cd_into(cluster))
    before = asyncio.run(written(cluster))
    status = instance.up("--kubeconfig", str(cluster), "--yes")
    assert status["engine"]["observing"]["code"] == "other-controller-wrote"
    expect_running(instance)
    assert asyncio.run(written(cluster)) == before
