"""Whether a cluster answers is told with the list of clusters, and not asked of it again and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from haori.cluster import HttpClient, UnreachableError
from haori.delivery.controller.cluster_secrets import ClusterEntry
from haori.resources import argo
from haori.server.destinations import Destinations
from haori.words import Sentence

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OURS = ClusterEntry(secret="", server=argo.IN_CLUSTER_SERVER, name=argo.IN_CLUSTER_NAME)


class Cluster:
    """Answers with a version, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked, self.failure = 0, failure

    async def version(self) -> dict[str, Any]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return {"major": "1", "minor": "34"}


def destinations(cluster: Cluster) -> Destinations:
    return Destinations(cast(HttpClient, cluster), "argocd")


async def test_a_cluster_is_asked_once_a_minute():
    cluster = Cluster()
    found = destinations(cluster)

    first = await found.connection(OURS, NOW)
    again = await found.connection(OURS, NOW + timedelta(seconds=59))
    later = await found.connection(OURS, NOW + timedelta(seconds=60))

    assert (first.version, first.problem, first.at) == ("1.34", "", NOW)
    assert again is first
    assert later.at == NOW + timedelta(seconds=60)
    assert cluster.asked == 2


async def test_a_changed_secret_has_it_asked_anew():
    cluster = Cluster()
    found = destinations(cluster)

    await found.connection(OURS, NOW)
    await found.connection(replace(OURS, name="tokyo"), NOW)

    assert cluster.asked == 2


async def test_what_does_not_answer_says_why():
    failure = UnreachableError(cluster="in-cluster", action="GET /version", problem="connection refused")

    found = await destinations(Cluster(failure)).connection(OURS, NOW)

    assert "connection refused" in found.problem
    assert found.version == ""


async def test_what_cannot_be_used_is_not_asked():
    cluster = Cluster()
    entry = replace(OURS, problem=Sentence(code="cluster-secret-invalid", parameters={"field": "config"}))

    found = await destinations(cluster).connection(entry, NOW)

    assert "config" in found.problem
    assert cluster.asked == 0
