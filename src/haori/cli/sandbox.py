"""`haori sandbox`: the Kubernetes API of this machine alone, without the delivery engine.

It is an instance like that of `up`, in a data folder of its own choice, whose settings say that neither engine nor Git
server runs; so the same supervisor keeps it and the same records tell of it. `sandbox node` needs no instance: it gives
any cluster a node.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from haori.cli.instance import Instance, read_json
from haori.cli.main import LazyGroup
from haori.cli.options import data_dir_option, output_option, yes_option
from haori.cli.process import read_record
from haori.cli.settings import InstanceSettings, load_settings
from haori.errors import UserError, format_error
from haori.words import text

PROCESSES = ("sandbox-api", "sandbox-node")
READY_SECONDS = 60.0
PAUSE_SECONDS = 0.05

COMMANDS = {
    "start": "haori.cli.sandbox:start",
    "stop": "haori.cli.sandbox:stop",
    "status": "haori.cli.sandbox:show_status",
    "reset": "haori.cli.sandbox:forget",
    "kubeconfig": "haori.cli.sandbox:print_kubeconfig",
    "node": "haori.cli.sandbox:run_node",
}


class SandboxError(UserError):
    """`sandbox-not-running`, `sandbox-not-ready`, `sandbox-drives-other`, `sandbox-processes-untainted`."""


@click.group(
    cls=LazyGroup,
    commands=COMMANDS,
    prefix="cli.sandbox",
    help=text("cli.sandbox.help"),
    epilog=text("cli.sandbox.epilog"),
)
def sandbox() -> None:
    """The commands of the sandbox."""


@click.command(help=text("cli.sandbox.start.help"), epilog=text("cli.sandbox.epilog"))
@data_dir_option
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help=text("cli.sandbox.start.port"))
@click.option("--run-processes/--no-run-processes", default=None, help=text("cli.sandbox.start.run-processes"))
@click.option("--detach", "-d", is_flag=True, help=text("cli.sandbox.start.detach"))
@output_option("json")
def start(instance: Instance, port: int | None, run_processes: bool | None, detach: bool, output: str | None) -> int:
    """Start the sandbox."""
    from haori.cli.supervisor import supervise
    from haori.cli.up import process_specs, say_on_stderr, start_in_background

    settings = decide_settings(load_settings(instance), instance, port=port, run_processes=run_processes)
    if is_supervised(instance):
        click.echo(text("already-running", {"path": str(instance.data_dir)}), err=True)
        return _say_started(instance, output)
    instance.create()
    settings.save(instance)
    if detach:
        start_in_background(instance)
        return _say_started(instance, output)
    click.echo(text("cli.sandbox.starting", {"path": str(instance.data_dir)}), err=True)
    threading.Thread(target=_announce, args=(instance, output), daemon=True).start()
    supervise(instance, process_specs(settings), say=say_on_stderr)
    click.echo(text("cli.sandbox.stopped", {"path": str(instance.data_dir)}), err=True)
    return 0


@click.command(help=text("cli.sandbox.stop.help"), epilog=text("cli.sandbox.epilog"))
@data_dir_option
def stop(instance: Instance) -> None:
    """Stop the sandbox."""
    from haori.cli.down import stop_instance

    code = "cli.sandbox.stopped" if stop_instance(instance) else "cli.down.nothing-runs"
    click.echo(text(code, {"path": str(instance.data_dir)}), err=True)


@click.command(help=text("cli.sandbox.status.help"), epilog=text("cli.sandbox.epilog"))
@data_dir_option
@output_option("json")
def show_status(instance: Instance, output: str | None) -> int:
    """Show the sandbox."""
    if load_settings(instance) is None:
        raise SandboxError("sandbox-not-running", path=str(instance.data_dir))
    value = collect_status(instance)
    print_status(value, output)
    return 0 if all(process["state"] == "running" for process in value["processes"]) else 1


@click.command(help=text("cli.sandbox.reset.help"), epilog=text("cli.sandbox.epilog"))
@data_dir_option
@yes_option
@click.pass_context
def forget(context: click.Context, instance: Instance, yes: bool) -> None:
    """Stop the sandbox and delete its data."""
    from haori.cli.down import reset

    context.invoke(reset, instance=instance, yes=yes)


@click.command(help=text("cli.sandbox.kubeconfig.help"), epilog=text("cli.sandbox.epilog"))
@data_dir_option
@click.option("--path", "as_path", is_flag=True, help=text("cli.sandbox.kubeconfig.path"))
def print_kubeconfig(instance: Instance, as_path: bool) -> None:
    """Print the kubeconfig."""
    try:
        content = instance.kubeconfig.read_text()
    except FileNotFoundError as error:
        raise SandboxError("sandbox-not-running", path=str(instance.data_dir)) from error
    click.echo(str(instance.kubeconfig) if as_path else content, nl=as_path)


@click.command(help=text("cli.sandbox.node.help"), epilog=text("cli.sandbox.epilog"))
@data_dir_option
@click.option("--kubeconfig", metavar="FILE", required=True, help=text("cli.option.kubeconfig"))
@click.option("--context", metavar="NAME", default="", help=text("cli.option.context"))
@click.option("--name", metavar="NAME", default="sandbox-node", show_default=True, help=text("cli.sandbox.node.name"))
@click.option("--untainted", is_flag=True, help=text("cli.sandbox.node.untainted"))
@click.option("--run-processes", is_flag=True, help=text("cli.sandbox.node.run-processes"))
@click.option(
    "--image-rules",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help=text("cli.sandbox.node.image-rules"),
)
def run_node(
    instance: Instance,
    kubeconfig: str,
    context: str,
    name: str,
    untainted: bool,
    run_processes: bool,
    image_rules: Path | None,
) -> int:
    """Be a node of any cluster."""
    from haori.cli.logs import configure_logging
    from haori.cli.service import run_service
    from haori.cli.settings import resolve_kubeconfig
    from haori.sandbox.node import NodeSettings, serve

    if run_processes and not untainted:
        raise SandboxError("sandbox-processes-untainted")
    configure_logging()
    instance.create()
    settings = NodeSettings(
        kubeconfig=Path(resolve_kubeconfig(kubeconfig) or kubeconfig),
        context=context,
        data_dir=instance.data_dir,
        node_name=name,
        run_processes=run_processes,
        image_rules=image_rules,
        taint=not untainted,
    )
    return run_service("sandbox-node", lambda ready: serve(settings, ready=ready), records=None, parent=None)


def decide_settings(
    kept: InstanceSettings | None, instance: Instance, *, port: int | None, run_processes: bool | None
) -> InstanceSettings:
    """What this start runs with: what was kept, changed by what was asked; a new one has neither engine nor Git."""
    settings = kept or InstanceSettings(engine=False)
    if not settings.uses_sandbox:
        raise SandboxError("sandbox-drives-other", path=str(instance.data_dir))
    if port is not None:
        settings = replace(settings, api_port=port)
    return settings if run_processes is None else replace(settings, run_processes=run_processes)


def is_supervised(instance: Instance) -> bool:
    """Whether the instance's supervisor runs."""
    record = read_record(instance.run, "supervisor")
    return record is not None and record.is_alive


def wait_until_ready(instance: Instance, *, deadline: float) -> list[str]:
    """Waits for the sandbox's processes until `deadline` (of `time.monotonic`); the names of those not ready by then."""
    while True:
        missing = [name for name in PROCESSES if _state(instance, name) != "running"]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(PAUSE_SECONDS)


def _say_started(instance: Instance, output: str | None) -> int:
    missing = wait_until_ready(instance, deadline=time.monotonic() + READY_SECONDS)
    if missing:
        raise SandboxError("sandbox-not-ready", processes=missing, log=str(instance.logs))
    value = collect_status(instance)
    if output == "json":
        print_status(value, output)
    else:
        click.echo(text("cli.sandbox.started", {"url": value["api"], "path": value["kubeconfig"]}), err=True)
    return 0


def _announce(instance: Instance, output: str | None) -> None:
    """As `_say_started`, beside a supervisor in the foreground, which goes on when something is slow to come."""
    try:
        _say_started(instance, output)
    except SandboxError as error:
        click.echo(format_error(error), err=True)


def collect_status(instance: Instance) -> dict[str, Any]:
    """What `sandbox status -o json` gives."""
    records = [(name, read_record(instance.run, name)) for name in PROCESSES]
    return {
        "dataDir": str(instance.data_dir),
        "kubeconfig": str(instance.kubeconfig),
        "api": read_json(instance.sandbox_server).get("url"),
        "processes": [
            {"name": name, "pid": record.pid if record else None, "state": _state(instance, name)}
            for name, record in records
        ],
        "node": read_json(instance.data_dir / "node" / "node.json") or None,
    }


def _state(instance: Instance, name: str) -> str:
    record = read_record(instance.run, name)
    if record is None or not record.is_alive:
        return "stopped"
    return "running" if record.ready else "starting"


def print_status(value: dict[str, Any], output: str | None) -> None:
    """Writes the status to standard output: JSON, or lines for people."""
    if output == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    states = ", ".join(f"{each['name']} {each['state']} ({each['pid'] or '-'})" for each in value["processes"])
    facts = {"data": value["dataDir"], "kubeconfig": value["kubeconfig"], "api": value["api"], "processes": states}
    for name, fact in facts.items():
        click.echo(f"{text(f'status.{name}')}: {fact or '-'}")
