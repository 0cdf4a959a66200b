"""The cluster that an application is delivered to, for commands that read there what the engine does not hold.

Credentials are those of its Secret, so whoever may read Secrets of the control namespace may do this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from haori.cli.cluster import ClusterError, find_entries
from haori.cli.target import Target
from haori.resources import argo

if TYPE_CHECKING:
    from haori.cluster import HttpClient
    from haori.cluster.kubeconfig import ClusterSettings
    from haori.delivery.controller.cluster_secrets import ClusterEntry
    from haori.delivery.model.application import Destination


@asynccontextmanager
async def connect_destination(target: Target, name: str) -> AsyncIterator[HttpClient]:
    """A client of the cluster of an application. Raises ClusterError where no Secret says how to reach it."""
    from haori.cluster import connect_to
    from haori.cluster.well_known import APPLICATIONS
    from haori.delivery.model import parse_application

    namespace, plain = target.split(name)
    async with target.connect() as control:
        application = parse_application(await control.get(APPLICATIONS, plain, namespace))
        destination = application.spec.destination
        if destination.server == argo.IN_CLUSTER_SERVER or destination.name == argo.IN_CLUSTER_NAME:
            yield control
            return
    settings = choose_settings(await find_entries(target), destination)
    async with connect_to(settings) as there:
        yield there


def choose_settings(entries: Sequence[ClusterEntry], destination: Destination) -> ClusterSettings:
    """How the cluster of a destination is reached. Raises ClusterError where that is not known for certain."""
    from haori.delivery.controller.cluster_secrets import normalize_server

    server = normalize_server(destination.server)
    found = [entry for entry in entries if entry.server == server or (not server and entry.name == destination.name)]
    if not found or found[0].settings is None or len({entry.server for entry in found}) > 1:
        raise ClusterError("cluster-not-added", cluster=destination.name or destination.server)
    return found[0].settings
