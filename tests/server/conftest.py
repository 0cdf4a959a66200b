"""A server without a network: its table filled by hand, its cluster and engine recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from haori.access.book import AccountBook
from haori.access.entrance import Entrance
from haori.access.passwords import Passwords
from haori.access.trail import AuditTrail
from haori.cluster import EventType, HttpClient, InvalidError, NotFoundError, ObjectList, WatchEvent
from haori.cluster.well_known import APPLICATIONS
from haori.server.app import ROUTES, build_app
from haori.server.context import ServerContext
from haori.server.destinations import Destinations
from haori.server.engine import Engine, FilePlaces
from haori.server.files import Files
from haori.server.guard import Guard
from haori.server.knocking import Knocking
from haori.server.routing import Route
from haori.server.settings import ServerSettings
from haori.server.standing import Part, Standing
from haori.server.table import Table
from haori.store import StoreKeeper
from tests.server.people import POLICY, Badges
from tests.server.talking import Talk

Manifest = dict[str, Any]


class NoCluster:
    """A cluster that holds nothing but the Applications it was given."""

    cluster = "none"

    def __init__(self) -> None:
        self.applications: dict[str, Manifest] = {}

    async def get(self, resource: Any, name: str, namespace: str = "") -> Manifest:
        if resource == APPLICATIONS and name in self.applications:
            return self.applications[name]
        raise NotFoundError(status=404, message="not there")

    async def list(self, resource: Any, namespace: str = "", **chosen: Any) -> ObjectList:
        return ObjectList(items=[], resource_version="1")

    async def version(self) -> dict[str, Any]:
        return {"major": "1", "minor": "34"}

    async def create(self, resource: Any, manifest: Manifest, **chosen: Any) -> Manifest:
        raise InvalidError(status=422, message="not here")


def application(name: str, project: str = "default", **parts: Any) -> Manifest:
    """An Application as the cluster has it."""
    status = {
        "sync": {"status": parts.pop("sync", "Synced"), "revision": "a" * 40},
        "health": {"status": parts.pop("health", "Healthy")},
        **parts.pop("status", {}),
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "resourceVersion": parts.pop("version", "1"),
            **parts.pop("metadata", {}),
        },
        "spec": {
            "project": project,
            "source": {"repoURL": "https://git.example/platform.git", "path": f"apps/{name}", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": parts.pop("namespace", "web")},
            **parts.pop("spec", {}),
        },
        "status": status,
    }


def now() -> datetime:
    return datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def table() -> Table:
    return Table("epoch")


@pytest.fixture
def tell(table: Table) -> Callable[..., None]:
    """Tells the table of an application, or that it is gone."""

    def tell(manifest: Manifest, *, gone: bool = False) -> None:
        table.observe(WatchEvent(type=EventType.DELETED if gone else EventType.MODIFIED, object=manifest))

    return tell


@pytest.fixture
def cluster() -> NoCluster:
    return NoCluster()


@pytest.fixture
def context(table: Table, tmp_path: Path, cluster: NoCluster) -> ServerContext:
    settings = ServerSettings(data_dir=tmp_path)
    client = cast(HttpClient, cluster)
    entrance = Entrance(
        owner_token="owner-token",
        book=AccountBook(client, "argocd", Passwords(), now),
        store=StoreKeeper(None),
        clock=now,
        seconds=lambda: 0.0,
    )
    standing = Standing(now)
    standing.tell_none(Part.STORE)
    engine = Engine(FilePlaces(None), hear=lambda problem: standing.tell(Part.ENGINE, problem))
    return ServerContext(
        settings=settings,
        client=client,
        table=table,
        engine=engine,
        standing=standing,
        destinations=Destinations(client, "argocd"),
        entrance=entrance,
        trail=AuditTrail(entrance.store.events, now),
        authenticator=Badges(),
        policy=lambda: POLICY,
        clock=now,
        version="0.0.0",
        knocking=Knocking(engine, lambda: 0.0),
    )


@pytest.fixture
def build(context: ServerContext) -> Callable[..., Guard]:
    """The application with these routes."""

    def build(*routes: Route, files: Files | None = None) -> Guard:
        return build_app(context, port=8080, routes=routes or ROUTES, files=files)

    return build


@pytest.fixture
def talk(build: Callable[..., Guard]) -> Talk:
    """Asks the whole application."""
    return Talk(build())
