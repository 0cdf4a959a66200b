"""Where the server looks for the engine: a file on the same machine, the leader's Lease in a cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from haori.cluster import KubernetesClient, NotFoundError
from haori.resources import haori
from haori.server.engine import PLACE_SECONDS, Engine, FilePlaces, LeasePlaces
from haori.server.errors import RefusedError
from tests.delivery.controller.fakes import refusal

pytestmark = pytest.mark.looptime
TOKEN = "t" * 40
URL = "http://10.0.0.1:8083"


class Cluster:
    """Holds one Lease, or none; counts who asks."""

    def __init__(self, lease: dict[str, Any] | None) -> None:
        self.lease, self.asked = lease, 0

    async def get(self, resource: Any, name: str, namespace: str) -> dict[str, Any]:
        assert (resource.kind, name, namespace) == ("Lease", haori.LEASE, "argocd")
        self.asked += 1
        if self.lease is None:
            raise refusal(NotFoundError, 404, "NotFound")
        return self.lease


def lease(url: str = URL, holder: str = "one") -> dict[str, Any]:
    return {"metadata": {"annotations": {haori.LISTENER: url}}, "spec": {"holderIdentity": holder}}


def places(cluster: Cluster, folder: Path) -> LeasePlaces:
    (folder / "token").write_text(TOKEN + "\n")
    return LeasePlaces(cast(KubernetesClient, cluster), "argocd", folder / "token")


async def test_the_leader_is_where_its_lease_says(tmp_path: Path):
    assert await places(Cluster(lease()), tmp_path).find() == {"url": URL, "token": TOKEN}


@pytest.mark.parametrize(
    "held",
    [
        None,
        lease(holder=""),
        {"spec": {"holderIdentity": "one"}},
        lease(url="https://10.0.0.1"),
        lease(url="file:///x"),
    ],
    ids=["no lease", "given back", "says nothing", "another scheme", "no network"],
)
async def test_without_a_leader_that_says_where_it_is_the_engine_is_away(held: dict[str, Any] | None, tmp_path: Path):
    with pytest.raises(RefusedError) as refused:
        await places(Cluster(held), tmp_path).find()
    assert refused.value.code == "engine-away"


async def test_the_cluster_is_asked_every_few_seconds_and_at_once_when_nobody_answers(tmp_path: Path):
    cluster = Cluster(lease())
    found = places(cluster, tmp_path)
    for _ in range(3):
        await found.find()
    assert cluster.asked == 1
    await asyncio.sleep(PLACE_SECONDS + 0.1)
    await found.find()
    assert cluster.asked == 2
    cluster.lease = lease("http://10.0.0.2:8083")
    found.forget()
    assert (await found.find())["url"] == "http://10.0.0.2:8083"


async def test_an_engine_on_the_same_machine_that_never_began_is_away(tmp_path: Path):
    with pytest.raises(RefusedError) as refused:
        await Engine(FilePlaces(tmp_path / "listener.json")).get("statistics")
    assert refused.value.code == "engine-away"
