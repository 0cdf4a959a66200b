"""The parts that work on one cluster under one term: judge, plan, apply, delete, explain.

Everything about an application that is not its own custom resource happens at its site; what is declared and said of it
stays on the control cluster. Sites are made when first asked for and let go of with their cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from haori.delivery.controller.assessing import Assessor
from haori.delivery.controller.cluster import Cluster
from haori.delivery.controller.clusters import ClusterConnections, Place
from haori.delivery.controller.deletion import Deletion
from haori.delivery.controller.desired import DesiredStates
from haori.delivery.controller.operating import Operating
from haori.delivery.controller.reasons import Reasons
from haori.delivery.model import Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One cluster, and what works on it."""

    cluster: Cluster
    desired: DesiredStates
    assessor: Assessor
    operating: Operating
    deletion: Deletion
    reasons: Reasons


class Sites:
    """The sites of one term."""

    def __init__(self, clusters: ClusterConnections, build: Callable[[Cluster], Site]) -> None:
        self._clusters, self._build = clusters, build
        self.control = build(clusters.control)
        self._known: dict[str, Site] = {clusters.control.server: self.control}

    def place_of(self, application: Application) -> Place:
        """Where an application is delivered to."""
        return self._clusters.place_of(application.spec.destination)

    def at(self, place: Place) -> Site | None:
        """The site there; None where the cluster is not known."""
        found = self._known.get(place.server)
        cluster = self._clusters.get(place.server)
        if found is not None and found.cluster is cluster:
            return found
        self._known.pop(place.server, None)
        if cluster is None:
            return None
        made = self._known[place.server] = self._build(cluster)
        return made

    @property
    def has_read_secrets(self) -> bool:
        """Whether a cluster that is not known is really not there."""
        return self._clusters.has_read_secrets

    def suspect(self, application: Application) -> None:
        """Something failed on the application's cluster that may mean that it is down."""
        self._clusters.suspect(self._clusters.server_of(application.spec.destination))

    def of(self, application: Application) -> Site:
        """The site of an application; that of the control cluster where its own is not known."""
        return self.at(self.place_of(application)) or self.control
