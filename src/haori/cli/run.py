"""`haori run NAME`: one part of an instance in the foreground, as the supervisor or a Deployment starts it.

Each part has a builder, which reads what the instance was asked for from its data folder and gives the part's `serve`.
A part's room is imported by its builder alone, so that no process pays for the others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haori.cli.in_cluster import PodSettings, engine_settings, read_pod, server_settings
from haori.cli.instance import Instance, InstanceError
from haori.cli.observing import traced
from haori.cli.options import data_dir_option
from haori.cli.service import Serve, run_service
from haori.cli.settings import STORE_URL, STORE_WAIT_SECONDS, InstanceSettings, load_settings
from haori.words import text

if TYPE_CHECKING:
    from haori.store.settings import StoreSettings

Builder = Callable[[Instance, InstanceSettings], Serve]

FILE_PAUSE_SECONDS = 0.1


def _sandbox_api(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.sandbox.api.server import serve
    from haori.sandbox.api.settings import ApiSettings

    api = ApiSettings(data_dir=instance.data_dir, port=settings.api_port)
    return lambda ready: serve(api, ready=ready)


def _git_server(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.git.server import ServerSettings, serve

    seed = instance.data_dir / "git" / "seed"
    server = ServerSettings(data_dir=instance.data_dir, port=settings.git_port, seed=seed if seed.is_dir() else None)

    async def serve_and_forget_seed(ready: Callable[[], None]) -> None:
        def imported() -> None:
            # What it holds is in the repository now; a second copy in the clear has no use.
            shutil.rmtree(seed, ignore_errors=True)
            ready()

        await serve(server, ready=imported)

    return serve_and_forget_seed


def _sandbox_node(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.sandbox.node import NodeSettings, serve

    async def wait_and_serve(ready: Callable[[], None]) -> None:
        await wait_for_file(instance.node_kubeconfig)
        node = NodeSettings(
            kubeconfig=instance.node_kubeconfig, data_dir=instance.data_dir, run_processes=settings.run_processes
        )
        await serve(node, ready=ready)

    return wait_and_serve


def _engine(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.delivery.controller.engine import serve
    from haori.delivery.controller.settings import EngineSettings

    async def wait_and_serve(ready: Callable[[], None]) -> None:
        engine = EngineSettings(
            data_dir=instance.data_dir / "engine",
            kubeconfig=await wait_for_cluster(instance, settings),
            context=settings.context,
        )
        await serve(engine, ready=ready)

    return traced("haori-engine", wait_and_serve)


def _store(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.store import serve_embedded

    return lambda ready: serve_embedded(instance.store, ready=ready)


def _server(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.server import ServerSettings, serve
    from haori.server.built import built_console

    async def wait_and_serve(ready: Callable[[], None]) -> None:
        server = ServerSettings(
            data_dir=instance.data_dir / "server",
            kubeconfig=await wait_for_cluster(instance, settings),
            context=settings.context,
            engine=instance.listener,
            store=_store_settings(instance),
            console=built_console(),
        )
        await serve(server, ready=ready)

    return traced("haori-server", wait_and_serve)


def _engine_of_pod(instance: Instance, pod: PodSettings) -> Serve:
    from haori.delivery.controller.engine import serve

    settings = engine_settings(instance, pod)
    return traced("haori-engine", lambda ready: serve(settings, ready=ready))


def _server_of_pod(instance: Instance, pod: PodSettings) -> Serve:
    from haori.server import serve

    settings = server_settings(instance, pod)
    return traced("haori-server", lambda ready: serve(settings, ready=ready))


def _store_settings(instance: Instance) -> StoreSettings:
    """The store that was given, or the one that another process of the instance runs."""
    from haori.store.settings import StoreSettings

    return StoreSettings(
        url=os.environ.get(STORE_URL, ""), folder=instance.store, joins=True, wait_seconds=STORE_WAIT_SECONDS
    )


def _bootstrap(instance: Instance, settings: InstanceSettings) -> Serve:
    from haori.cli.bootstrap import bootstrap

    async def serve(ready: Callable[[], None]) -> None:
        await bootstrap(instance, settings)
        ready()

    return serve


BUILDERS: dict[str, Builder] = {
    "sandbox-api": _sandbox_api,
    "git-server": _git_server,
    "store": _store,
    "engine": _engine,
    "server": _server,
    "sandbox-node": _sandbox_node,
    "bootstrap": _bootstrap,
}
POD_BUILDERS: dict[str, Callable[[Instance, PodSettings], Serve]] = {
    "engine": _engine_of_pod,
    "server": _server_of_pod,
}
"""The same parts in Pods of a cluster, where no `up` has written what they are to do."""
SUPERVISOR = "supervisor"


@click.command(hidden=True, help=text("cli.run.help"), epilog=text("cli.run.epilog"))
@click.argument("name", metavar="NAME")
@data_dir_option
@click.option("--parent", type=int, hidden=True)
def run(instance: Instance, name: str, parent: int | None) -> int:
    """Run one part of an instance."""
    from haori.cli.logs import configure_logging

    if name != SUPERVISOR and name not in BUILDERS:
        raise click.UsageError(text("cli.run.unknown-part", {"part": name, "parts": [SUPERVISOR, *BUILDERS]}))
    settings = load_settings(instance)
    pod = read_pod(os.environ) if settings is None and name in POD_BUILDERS else None
    if settings is None and pod is None:
        raise InstanceError("no-instance", path=str(instance.data_dir))
    instance.create()
    if pod is not None:
        configure_logging()
        return run_service(name, POD_BUILDERS[name](instance, pod), records=instance.run, parent=parent)
    assert settings is not None
    if name == SUPERVISOR:
        return _supervise(instance, settings)
    configure_logging()
    return run_service(name, BUILDERS[name](instance, settings), records=instance.run, parent=parent)


def _supervise(instance: Instance, settings: InstanceSettings) -> int:
    from haori.cli.supervisor import supervise
    from haori.cli.up import process_specs, say_on_stderr

    supervise(instance, process_specs(settings), say=say_on_stderr)
    return 0


async def wait_for_cluster(instance: Instance, settings: InstanceSettings) -> Path | None:
    """The kubeconfig of the cluster the instance drives (None: as kubectl finds it), once it is there.

    The sandbox's is written by its API when that first starts; a part that was started beside it waits here.
    """
    if not settings.uses_sandbox:
        return Path(settings.kubeconfig) if settings.kubeconfig else None
    await wait_for_file(instance.kubeconfig)
    return instance.kubeconfig


async def wait_for_file(path: Path) -> None:
    """Until the sandbox's API has written its credentials."""
    while not path.exists():  # noqa: ASYNC110, ASYNC240 - another process writes it, within the first second
        await asyncio.sleep(FILE_PAUSE_SECONDS)
