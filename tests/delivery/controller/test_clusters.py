"""Which cluster a destination leads to, by what the Secrets say; nothing is dialled."""

from __future__ import annotations

from typing import Any, cast

import pytest

from haori.cluster import EventType, WatchEvent
from haori.delivery.controller.cluster import Cluster
from haori.delivery.controller.clusters import ClusterConnections
from haori.delivery.model.application import Destination
from haori.resources import argo
from tests.delivery.controller.test_cluster_secrets import secret


class Client:
    """Of the control cluster."""

    is_read_only = False
    fence = None


def connections(heard: list[tuple[str, str]] | None = None) -> ClusterConnections:
    control = Cluster(cast(Any, Client()), server=argo.IN_CLUSTER_SERVER, name=argo.IN_CLUSTER_NAME)
    told = [] if heard is None else heard
    return ClusterConnections(control, on_state=lambda server, name: told.append((server, name)))


def tell(clusters: ClusterConnections, name: str, manifest: dict[str, Any], type_: EventType = EventType.ADDED) -> None:
    manifest["metadata"]["name"] = name
    clusters.observe(WatchEvent(type=type_, object=manifest))


@pytest.mark.parametrize(
    ("destination", "server", "is_known"),
    [
        pytest.param(Destination(server="https://kubernetes.default.svc"), argo.IN_CLUSTER_SERVER, True, id="our own"),
        pytest.param(Destination(name="in-cluster"), argo.IN_CLUSTER_SERVER, True, id="our own by name"),
        pytest.param(Destination(server="https://edge.example:6443"), "https://edge.example:6443", True, id="server"),
        pytest.param(Destination(server="https://edge.example:6443/"), "https://edge.example:6443", True, id="slash"),
        pytest.param(Destination(name="edge"), "https://edge.example:6443", True, id="name"),
        pytest.param(Destination(name="elsewhere"), "", False, id="unknown"),
        pytest.param(Destination(), "", False, id="none"),
    ],
)
async def test_where_a_destination_leads(destination: Destination, server: str, is_known: bool):
    clusters = connections()
    tell(clusters, "a", secret())

    place = clusters.place_of(destination)

    assert (place.server, place.is_known) == (server, is_known)
    assert (place.problem is None) == is_known
    assert place.is_ready == (server in ("", argo.IN_CLUSTER_SERVER))


async def test_a_name_that_two_clusters_have_is_refused_and_not_guessed():
    clusters = connections()
    tell(clusters, "a", secret())
    tell(clusters, "b", secret(server="https://other.example"))

    place = clusters.place_of(Destination(name="edge"))

    assert place.problem is not None
    assert (place.problem.sentence.code, place.is_known) == ("cluster-ambiguous", True)
    assert clusters.server_of(Destination(name="edge")) == ""
    assert clusters.place_of(Destination(server="https://other.example")).problem is None


async def test_of_two_secrets_for_one_server_the_first_by_name_counts_whatever_came_first():
    clusters = connections()
    tell(clusters, "b", secret(name="late"))
    tell(clusters, "a", secret(name="early"))

    assert clusters.place_of(Destination(server="https://edge.example:6443")).name == "early"


async def test_new_credentials_keep_the_connection_and_a_new_scope_does_not():
    clusters = connections()
    tell(clusters, "a", secret())
    before = clusters.get("https://edge.example:6443")
    tell(clusters, "a", secret({"bearerToken": "another"}), EventType.MODIFIED)
    after = clusters.get("https://edge.example:6443")
    assert after is before
    assert after is not None
    assert after.client.settings.token == "another"

    tell(clusters, "a", secret({"bearerToken": "another"}, namespaces="shop"), EventType.MODIFIED)
    assert clusters.get("https://edge.example:6443") is not before


async def test_a_secret_that_goes_takes_its_cluster_with_it_and_says_so():
    heard: list[tuple[str, str]] = []
    clusters = connections(heard)
    tell(clusters, "a", secret())
    tell(clusters, "a", secret(), EventType.MODIFIED)  # Nothing that counts.
    tell(clusters, "a", secret(), EventType.DELETED)

    assert clusters.get("https://edge.example:6443") is None
    assert not clusters.place_of(Destination(name="edge")).is_known
    assert heard == [("https://edge.example:6443", "edge")] * 2


async def test_a_secret_that_cannot_be_used_is_a_problem_and_not_an_unknown_cluster():
    """Else a deletion would let go of what is there."""
    clusters = connections()
    tell(clusters, "a", secret("{"))

    place = clusters.place_of(Destination(name="edge"))

    assert place.problem is not None
    assert (place.problem.sentence.code, place.is_known) == ("cluster-secret-invalid", True)


async def test_writes_are_fenced_on_clusters_that_come_later_too():
    clusters = connections()

    def fence() -> None:
        raise AssertionError

    clusters.guard(fence)
    tell(clusters, "a", secret())

    found = clusters.get("https://edge.example:6443")
    assert found is not None
    assert found.client.fence is fence
