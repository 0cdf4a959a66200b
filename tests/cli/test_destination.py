from __future__ import annotations

import pytest

from haori.cli.cluster import ClusterError
from haori.cli.destination import choose_settings
from haori.delivery.controller.cluster_secrets import ClusterEntry, read_cluster
from haori.delivery.model.application import Destination
from tests.delivery.controller.test_cluster_secrets import SERVER, secret


def entries(*manifests: dict[str, object]) -> list[ClusterEntry]:
    return [entry for entry in map(read_cluster, manifests) if entry is not None]


@pytest.mark.parametrize(
    "destination",
    [
        pytest.param(Destination(server=SERVER), id="server"),
        pytest.param(Destination(server=f"{SERVER}/"), id="slash"),
        pytest.param(Destination(name="edge"), id="name"),
    ],
)
def test_a_destination_is_reached_as_its_secret_says(destination: Destination):
    assert choose_settings(entries(secret()), destination).server == SERVER


@pytest.mark.parametrize(
    ("known", "destination"),
    [
        pytest.param([], Destination(name="edge"), id="unknown"),
        pytest.param([secret("{")], Destination(name="edge"), id="not usable"),
        pytest.param([secret(), secret(server="https://b.example")], Destination(name="edge"), id="two of one name"),
    ],
)
def test_no_cluster_is_guessed(known: list[dict[str, object]], destination: Destination):
    with pytest.raises(ClusterError):
        choose_settings(entries(*known), destination)
