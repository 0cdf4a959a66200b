"""What handlers work with: the parts of one server, put together once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from haori.access.entrance import Entrance
from haori.access.trail import AuditTrail
from haori.cluster import HttpClient
from haori.objects import Manifest
from haori.server.destinations import Destinations
from haori.server.engine import Engine
from haori.server.knocking import Knocking
from haori.server.openings import Openings
from haori.server.settings import ServerSettings
from haori.server.standing import Standing
from haori.server.streams import Streams
from haori.server.table import Table
from haori.server.who import Authenticator, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """One server."""

    settings: ServerSettings
    client: HttpClient
    """Of the control cluster."""
    table: Table
    """Rows of all applications."""
    engine: Engine
    standing: Standing
    """Whether engine, store and watch are there."""
    destinations: Destinations
    """Clients of the clusters that applications are delivered to."""
    entrance: Entrance
    """Accounts, sessions, tokens, links."""
    trail: AuditTrail
    """What keeps changes."""
    authenticator: Authenticator
    """Who sends a request: the entrance."""
    policy: Callable[[], Policy]
    """The policy of now: settings change while the server runs."""
    hear_project: Callable[[Manifest], None] = lambda project: None
    """Told of a project that was changed here, so that the policy knows before the watch does."""
    clock: Callable[[], datetime]
    version: str
    knocking: Knocking
    """Pushes that webhooks told of, on their way to the engine."""
    streams: Streams = field(default_factory=Streams)
    """The long answers under way."""
    openings: Openings = field(default_factory=Openings)
    """Which repositories could be opened."""

    @property
    def namespace(self) -> str:
        """The control namespace."""
        return self.settings.namespace
