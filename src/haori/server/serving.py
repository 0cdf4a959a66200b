"""The server as a process: its listener, its reflector, its clients; started and ended in order.

Ending: streams are closed in good order, whatever else is under way gets two seconds. The port is chosen free once and
then kept, so that bookmarks survive a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from haori import __version__
from haori.access.book import AccountBook
from haori.access.entrance import Entrance
from haori.access.passwords import Passwords
from haori.access.trail import AuditTrail
from haori.cluster import HttpClient, NotFoundError, Reflector, connect
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS
from haori.delivery.model.globs import glob_matches
from haori.delivery.model.settings import parse_application_namespaces
from haori.errors import PeerError, TransientError, UserError
from haori.resources import argo
from haori.server.app import build_app
from haori.server.context import ServerContext
from haori.server.destinations import Destinations
from haori.server.engine import Engine, FilePlaces, LeasePlaces
from haori.server.files import Files
from haori.server.knocking import Knocking
from haori.server.permissions import Permissions
from haori.server.rows import key_of_manifest
from haori.server.settings import ServerSettings
from haori.server.sockets import LONGEST_MESSAGE
from haori.server.standing import Part, Standing
from haori.server.streams import Streams
from haori.server.table import Table
from haori.store import StoreKeeper

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from haori.cluster import WatchEvent

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75
CONNECTIONS = 1000
"""At once; more are answered 503."""
START_SECONDS = 60.0
PAUSE_SECONDS = 0.5


class ServerStartError(UserError):
    """`server-address-taken` (address, reason)."""


async def serve(settings: ServerSettings, *, ready: Callable[[], None]) -> None:
    """Serves until cancelled; `ready` is called once requests are answered, with the applications listed.

    Raises ServerStartError, KubeconfigError, and what the cluster refuses for good.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = await asyncio.to_thread(Files.read, settings.console)
    token = secrets.token_urlsafe(32)
    with listen(settings) as listening:
        async with connect(settings.kubeconfig, settings.context or "", user_agent="haori-server") as client:
            settings = await read_namespaces(client, settings)
            permissions = Permissions(client, settings.namespace)
            async with _open_context(settings, client, token, permissions) as context:
                port: int = listening.getsockname()[1]
                app = build_app(context, port=port, files=files)
                async with _audited(context), _serving(app, listening, context), asyncio.TaskGroup() as tasks:
                    reflector = follow_applications(client, context.table, context.standing, settings)
                    tasks.create_task(reflector.run(), name="applications")
                    tasks.create_task(permissions.run(), name="permissions")
                    tasks.create_task(context.knocking.run(), name="webhooks")
                    tasks.create_task(context.entrance.book.run(), name="accounts")
                    tasks.create_task(context.trail.run(), name="audit")
                    tasks.create_task(context.engine.presence.run(), name="engine")
                    await reflector.wait_synced()
                    await permissions.wait_synced()
                    await context.entrance.book.wait_synced()
                    await context.entrance.book.prepare()
                    context.table.problem, context.table.is_listed = "", True
                    url = f"http://{_shown(settings.host)}:{port}"
                    await asyncio.to_thread(write_address, settings.address_file, url, port, token)
                    log.info("server ready", extra={"facts": {"url": url}})
                    ready()


@contextlib.asynccontextmanager
async def _audited(context: ServerContext) -> AsyncIterator[None]:
    """The store, which ends after everything whose changes it keeps."""
    store = asyncio.create_task(context.entrance.store.run(), name="store")
    try:
        yield
    finally:
        await context.trail.finish()
        store.cancel()
        await asyncio.gather(store, return_exceptions=True)


@contextlib.asynccontextmanager
async def _open_context(
    settings: ServerSettings, client: HttpClient, owner_token: str, permissions: Permissions
) -> AsyncIterator[ServerContext]:
    shared, standing, streams = settings.engine_token, Standing(now), Streams()

    def is_watched() -> bool:
        return streams.open > 0

    engine = Engine(
        FilePlaces(settings.engine) if shared is None else LeasePlaces(client, settings.namespace, shared),
        hear=lambda problem: standing.tell(Part.ENGINE, problem),
        is_watched=is_watched,
    )
    if settings.store is None:
        standing.tell_none(Part.STORE)
        store = StoreKeeper(None)
    else:
        store = StoreKeeper(
            settings.store, hear=lambda problem: standing.tell(Part.STORE, problem), is_watched=is_watched
        )
    destinations = Destinations(client, settings.namespace, allow_exec=settings.allow_exec_credentials)
    passwords = Passwords()
    entrance = Entrance(
        owner_token=owner_token,
        book=AccountBook(client, settings.namespace, passwords, now),
        store=store,
        clock=now,
        seconds=time.monotonic,
        passwords=passwords,
        is_listed=lambda identity: permissions.policy().is_listed(identity),
        group_claims=permissions.group_claims,
    )
    trail = AuditTrail(entrance.store.events, now)
    try:
        yield ServerContext(
            settings=settings,
            client=client,
            table=Table(secrets.token_hex(4)),
            engine=engine,
            standing=standing,
            streams=streams,
            destinations=destinations,
            entrance=entrance,
            trail=trail,
            authenticator=entrance,
            policy=permissions.policy,
            hear_project=permissions.hear_project,
            clock=now,
            version=__version__,
            knocking=Knocking(engine, time.monotonic),
        )
    finally:
        await destinations.aclose()
        await engine.aclose()


def now() -> datetime:
    """The clock of the process."""
    return datetime.now(UTC)


def follow_applications(client: HttpClient, table: Table, standing: Standing, settings: ServerSettings) -> Reflector:
    """What keeps the table; Applications of namespaces that do not count are passed over."""
    further = settings.application_namespaces

    def counts(event: WatchEvent) -> bool:
        namespace, _ = key_of_manifest(event.object)
        return namespace == settings.namespace or any(glob_matches(each, namespace) for each in further)

    def on_event(event: WatchEvent) -> None:
        if counts(event):
            table.observe(event)

    def on_problem(problem: PeerError | None) -> None:
        table.problem = "" if problem is None else problem.code
        standing.tell(Part.WATCH, problem)

    return Reflector(
        client, APPLICATIONS, on_event, namespace="" if further else settings.namespace, on_problem=on_problem
    )  # fmt: skip


async def read_namespaces(client: HttpClient, settings: ServerSettings) -> ServerSettings:
    """The settings with the namespaces that the cluster's own settings name; a cluster that starts is waited for."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_SECONDS
    while True:
        try:
            found = await client.get(CONFIG_MAPS, argo.PARAMETERS_CONFIG_MAP, settings.namespace)
        except NotFoundError:
            return settings
        except TransientError:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        namespaces = (*settings.application_namespaces, *parse_application_namespaces(found))
        return replace(settings, application_namespaces=namespaces)


@contextlib.contextmanager
def listen(settings: ServerSettings) -> Iterator[socket.socket]:
    """The listening socket. Raises ServerStartError where somebody else has the port that was asked for."""
    kept = kept_port(settings.address_file)
    ports = (settings.port,) if settings.port or not kept else (kept, 0)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for port in ports:
        try:
            listening = socket.create_server((settings.host, port), family=family, backlog=512)
            break
        except OSError as error:
            if port == ports[-1]:
                address = f"{_shown(settings.host)}:{port}"
                raise ServerStartError("server-address-taken", address=address, reason=error.strerror or "") from error
    with listening:
        yield listening


def _serving(
    app: ASGIApp, listening: socket.socket, context: ServerContext
) -> AbstractAsyncContextManager[uvicorn.Server]:
    from haori.inbound.serving import serve_bounded

    stop = context.streams.stopping.set
    return serve_bounded(
        app,
        listening,
        stop=stop,
        connections=CONNECTIONS,
        keep_alive_seconds=KEEP_ALIVE_SECONDS,
        ws="websockets-sansio",
        ws_max_size=LONGEST_MESSAGE,
    )


def kept_port(path: Path) -> int:
    """The port of the last run, or 0."""
    try:
        return int(orjson.loads(path.read_bytes())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def write_address(path: Path, url: str, port: int, token: str) -> None:
    """Says where the server is, to the owner of its folder."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps({"url": url, "port": port, "token": token}))
    os.replace(temporary, path)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
