"""`haori app wait`: until applications are as wanted, or a sentence on what is still missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from haori.cli.app_store import (
    ApplicationError,
    Applications,
    health_word,
    is_operating,
    operation_phase,
    sync_word,
    why_text,
)
from haori.cli.options import output_option
from haori.cli.output import print_value
from haori.cli.target import Target, application_argument, target_options
from haori.objects import Manifest, annotations_of, nested_text
from haori.resources import argo
from haori.words import Sentence, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is waited for."""

    sync: bool = False
    healths: tuple[str, ...] = ()
    """Any of them will do; none: health is not looked at."""
    operation: bool = False
    """That no operation is asked for or under way."""
    delete: bool = False
    """That the application is gone; nothing else counts then."""


@click.command(help=text("cli.app.wait.help"), epilog=text("cli.app.wait.epilog"))
@application_argument(many=True, required=False)
@click.option("-l", "--selector", metavar="SELECTOR", default="", help=text("cli.app.selector"))
@click.option("--sync", is_flag=True, help=text("cli.app.wait.sync"))
@click.option("--health", is_flag=True, help=text("cli.app.wait.health"))
@click.option("--suspended", is_flag=True, help=text("cli.app.wait.suspended"))
@click.option("--degraded", is_flag=True, help=text("cli.app.wait.degraded"))
@click.option("--operation", is_flag=True, help=text("cli.app.wait.operation"))
@click.option("--delete", is_flag=True, help=text("cli.app.wait.delete"))
@click.option("--timeout", type=float, default=0.0, metavar="SECONDS", help=text("cli.app.timeout"))
@output_option("json", "yaml", "name")
@target_options
def wait(
    target: Target, names: tuple[str, ...], selector: str, timeout: float, output: str | None, **flags: bool
) -> int:
    """Wait for applications."""
    if not names and not selector:
        raise click.UsageError(text("cli.app.name-or-selector"))
    wanted = parse_wanted(**flags)
    return print_waited(
        asyncio.run(wait_all(target, names, selector, wanted, seconds=timeout)), wanted, timeout, output
    )


def parse_wanted(*, sync: bool, health: bool, suspended: bool, degraded: bool, operation: bool, delete: bool) -> Wanted:
    """What the flags ask for; without any: synced, healthy and no operation, as in Argo CD."""
    if not (sync or health or suspended or degraded or operation or delete):
        sync = health = operation = True
    words = (("Healthy", health), ("Suspended", suspended), ("Degraded", degraded))
    healths = tuple(word for word, asked in words if asked)
    return Wanted(sync=sync, healths=healths, operation=operation, delete=delete)


def find_missing(name: str, application: Manifest | None, wanted: Wanted) -> list[Sentence]:
    """What is not yet as wanted, a sentence each; empty where all is."""
    if application is None:
        return [] if wanted.delete else [_missing("gone", name)]
    if wanted.delete:
        return [_missing("still-there", name)]
    found = []
    if wanted.sync and argo.REFRESH in annotations_of(application):
        found.append(_missing("look", name))
    if wanted.operation and is_operating(application):
        message = nested_text(application, "status", "operationState", "message")
        found.append(_missing("operation", name, phase=operation_phase(application), message=message))
    why = why_text(application)
    if wanted.sync and sync_word(application) != "Synced":
        found.append(_missing("sync", name, status=sync_word(application), why=why))
    if wanted.healths and health_word(application) not in wanted.healths:
        found.append(_missing("health", name, status=health_word(application), wanted=list(wanted.healths), why=why))
    return found


def _missing(code: str, name: str, **facts: Any) -> Sentence:
    return Sentence(code=f"cli.app.wait.missing.{code}", parameters={"application": name, **facts})


async def wait_all(
    target: Target, names: Sequence[str], selector: str, wanted: Wanted, *, seconds: float
) -> dict[str, dict[str, Any] | None]:
    """The applications as last seen, by name, once all are as wanted or the time is over."""
    async with target.connect() as client:
        applications = Applications(client)
        places = [target.split(name) for name in names]
        if selector:
            found = await applications.find(target.namespace, selector)
            places += [(target.namespace, nested_text(item, "metadata", "name")) for item in found]

        async def one(namespace: str, name: str) -> dict[str, Any] | None:
            if wanted.sync:
                await ask_to_look(applications, namespace, name)
            _, seen = await applications.wait(
                namespace, name, lambda each: not find_missing(name, each, wanted), seconds=seconds
            )
            return seen

        seen = await asyncio.gather(*(one(*place) for place in places))
    return {place[1]: each for place, each in zip(places, seen, strict=True)}


async def ask_to_look(applications: Applications, namespace: str, name: str) -> None:
    """Asks the engine to look at the repository now: what was written before a push is no answer to who waits after it."""
    try:
        known = await applications.get(namespace, name)
    except ApplicationError:
        return  # Who waits for an application that is yet to be created is not refused.
    if not (known.get("metadata") or {}).get("deletionTimestamp"):
        await applications.patch(known, {"metadata": {"annotations": {argo.REFRESH: argo.RefreshKind.NORMAL.value}}})


def print_waited(found: dict[str, dict[str, Any] | None], wanted: Wanted, seconds: float, output: str | None) -> int:
    """0, or 1 where something is missing, which is said."""
    missing = [sentence for name, each in found.items() for sentence in find_missing(name, each, wanted)]
    if output in ("json", "yaml"):
        value = {"done": not missing, "missing": [sentence.to_json() for sentence in missing],
                 "applications": [each for each in found.values() if each is not None]}  # fmt: skip
        print_value(value, output)
    elif output == "name":
        for name in found:
            click.echo(name)
    code = "cli.app.wait.late" if missing else "cli.app.wait.done"
    click.echo(text(code, {"seconds": seconds, "applications": list(found)}), err=True)
    for sentence in missing:
        click.echo(f"  {sentence.text()}", err=True)
    return int(bool(missing))
