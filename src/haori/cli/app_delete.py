"""`haori app delete`."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from haori.cli.app_store import Applications
from haori.cli.options import ask, yes_option
from haori.cli.target import Target, application_argument, target_options
from haori.objects import Manifest, nested_list, nested_text
from haori.resources import argo
from haori.words import text

FINALIZERS = {
    "foreground": argo.RESOURCES_FINALIZER_FOREGROUND,
    "background": argo.RESOURCES_FINALIZER_BACKGROUND,
}


@click.command(help=text("cli.app.delete.help"), epilog=text("cli.app.delete.epilog"))
@application_argument(many=True, required=False)
@click.option("-l", "--selector", metavar="SELECTOR", default="", help=text("cli.app.selector"))
@click.option("--cascade/--no-cascade", default=True, help=text("cli.app.delete.cascade"))
@click.option("-p", "--propagation-policy", type=click.Choice(list(FINALIZERS)), default="foreground",
              help=text("cli.app.delete.propagation-policy"))  # fmt: skip
@click.option("--wait", "waits", is_flag=True, help=text("cli.app.delete.wait"))
@click.option("--timeout", type=float, default=0.0, metavar="SECONDS", help=text("cli.app.timeout"))
@yes_option
@target_options
def delete(
    target: Target, names: tuple[str, ...], selector: str, cascade: bool, propagation_policy: str, waits: bool,
    timeout: float, yes: bool,
) -> int:  # fmt: skip
    """Delete applications."""
    if not names and not selector:
        raise click.UsageError(text("cli.app.name-or-selector"))
    found = asyncio.run(find_applications(target, names, selector))
    listed = [nested_text(item, "metadata", "name") for item in found]
    if not found:
        click.echo(text("cli.app.none"), err=True)
        return 0
    code = "cli.app.delete.question" if cascade else "cli.app.delete.question-orphan"
    ask(text(code, {"applications": listed}), yes=yes)
    finalizer = FINALIZERS[propagation_policy] if cascade else None
    left = asyncio.run(delete_applications(target, found, finalizer, seconds=timeout if waits else None))
    for name in listed:
        code = "cli.app.delete.left" if name in left else "cli.app.delete.gone" if waits else "cli.app.delete.asked"
        click.echo(text(code, {"application": name}), err=True)
    return 1 if left else 0


async def find_applications(target: Target, names: tuple[str, ...], selector: str) -> list[dict[str, Any]]:
    """Those named, and those that match. Raises ApplicationError for a name there is none of."""
    async with target.connect() as client:
        applications = Applications(client)
        found = [await applications.get(*target.split(name)) for name in names]
        return found + (await applications.find(target.namespace, selector) if selector else [])


async def delete_applications(
    target: Target, found: list[dict[str, Any]], finalizer: str | None, *, seconds: float | None
) -> list[str]:
    """Deletes them, their objects by `finalizer` (None: these stay); gives the names still there after the wait."""
    async with target.connect() as client:
        applications = Applications(client)
        for item in found:
            finalizers = [*_foreign(item), *([finalizer] if finalizer else [])]
            if finalizers != nested_list(item, "metadata", "finalizers"):
                item = await applications.patch(item, {"metadata": {"finalizers": finalizers}})
            await applications.delete(item)
        left = []
        for item in found if seconds is not None else ():
            namespace, name = nested_text(item, "metadata", "namespace"), nested_text(item, "metadata", "name")
            gone, _ = await applications.wait(namespace, name, lambda seen: seen is None, seconds=seconds or 0.0)
            left += [] if gone else [name]
        return left


def _foreign(application: Manifest) -> list[str]:
    """Its finalizers but those that delete its objects."""
    given = nested_list(application, "metadata", "finalizers")
    return [name for name in given if name.partition("/")[0] != argo.RESOURCES_FINALIZER]
