"""`haori down` stops an instance; `haori reset` stops it and forgets what it holds."""

from __future__ import annotations

import shutil

import click

from haori.cli.instance import OWN_NAMES, Instance, InstanceError
from haori.cli.options import ask, data_dir_option, yes_option
from haori.cli.process import ProcessRecord, read_record, stop_process
from haori.words import text

SUPERVISOR_GRACE_SECONDS = 60.0
"""The supervisor gives each of its processes eight seconds, one after the other."""
PROCESS_GRACE_SECONDS = 8.0
JOBS = frozenset({"bootstrap"})
"""Processes that end once their work is done."""


@click.command(help=text("cli.down.help"), epilog=text("cli.down.epilog"))
@data_dir_option
def down(instance: Instance) -> None:
    """Stop an instance."""
    stopped = stop_instance(instance)
    code = "cli.down.stopped" if stopped else "cli.down.nothing-runs"
    click.echo(text(code, {"path": str(instance.data_dir), "processes": stopped}), err=True)


@click.command(help=text("cli.reset.help"), epilog=text("cli.reset.epilog"))
@data_dir_option
@yes_option
def reset(instance: Instance, yes: bool) -> None:
    """Stop an instance and delete its data folder."""
    if not instance.data_dir.exists():
        click.echo(text("cli.reset.nothing", {"path": str(instance.data_dir)}), err=True)
        return
    if not is_data_folder(instance):
        raise InstanceError("not-a-data-folder", path=str(instance.data_dir))
    ask(text("cli.reset.question", {"path": str(instance.data_dir)}), yes=yes)
    stop_instance(instance)
    try:
        kept = delete_data(instance)
    except OSError as error:
        raise InstanceError("instance-folder-unusable", path=str(instance.data_dir), reason=str(error)) from error
    code = "cli.reset.kept" if kept else "cli.reset.done"
    click.echo(text(code, {"path": str(instance.data_dir), "names": kept}), err=True)


def delete_data(instance: Instance) -> list[str]:
    """Deletes what Haori made in the folder, then the folder where it is empty; the names that were left in it."""
    for name in OWN_NAMES:
        path = instance.data_dir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in instance.data_dir.glob(f".{instance.settings.name}.*"):
        path.unlink(missing_ok=True)
    kept = sorted(path.name for path in instance.data_dir.iterdir())
    if not kept:
        instance.data_dir.rmdir()
    return kept


def is_data_folder(instance: Instance) -> bool:
    """Whether Haori made the folder: nothing else is ever deleted."""
    return (instance.settings.exists() and instance.run.is_dir()) or not any(instance.data_dir.iterdir())


def stop_instance(instance: Instance) -> list[str]:
    """Stops the supervisor, then whatever it left; the names of what was stopped."""
    stopped = []
    supervisor = read_record(instance.run, "supervisor")
    if supervisor is not None and supervisor.is_alive:
        stop_process(supervisor, grace_seconds=SUPERVISOR_GRACE_SECONDS)
        stopped.append(supervisor.name)
    for record in process_records(instance):
        if record.is_alive:
            stop_process(record, grace_seconds=PROCESS_GRACE_SECONDS)
            stopped.append(record.name)
    return stopped


def process_records(instance: Instance) -> list[ProcessRecord]:
    """What is known of each process but the supervisor, by name."""
    if not instance.run.is_dir():
        return []
    names = sorted(path.stem for path in instance.run.glob("*.json") if path.stem != "supervisor")
    return [record for name in names if (record := read_record(instance.run, name)) is not None]
