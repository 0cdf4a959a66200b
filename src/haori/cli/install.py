"""`haori install`: puts engine and server into a cluster, or prints the manifests that do."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from haori.cli.options import ask, yes_option
from haori.cli.settings import STORE_URL, resolve_kubeconfig
from haori.words import text

if TYPE_CHECKING:
    from haori.cli.deploying import Step

NAMESPACE = "argocd"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOptions:
    """What `install` was asked for."""

    kubeconfig: str | None
    context: str | None
    namespace: str
    image: str
    export: bool
    dry_run: bool
    yes: bool


@click.command(help=text("cli.install.help"), epilog=text("cli.install.epilog"))
@click.option("--kubeconfig", metavar="FILE", help=text("cli.option.kubeconfig"))
@click.option("--context", metavar="NAME", help=text("cli.option.context"))
@click.option("-n", "--namespace", metavar="NAMESPACE", default=NAMESPACE, show_default=True,
              help=text("cli.install.namespace"))  # fmt: skip
@click.option("--image", metavar="IMAGE", default="", help=text("cli.install.image"))
@click.option("--export", is_flag=True, help=text("cli.install.export"))
@click.option("--dry-run", is_flag=True, help=text("cli.install.dry-run"))
@yes_option
def install(**arguments: object) -> None:
    """Install into a cluster."""
    options = InstallOptions(**arguments)  # type: ignore[arg-type]
    if options.export:
        _export(options)
    else:
        asyncio.run(_install(options))


def _export(options: InstallOptions) -> None:
    from haori.cli.deploying import deploy_folder, load_deployment
    from haori.objects.yaml import dump_documents

    manifests = load_deployment(deploy_folder(), namespace=options.namespace, image=options.image)
    click.echo(dump_documents(manifests), nl=False)
    click.echo(text("cli.install.secrets-needed", {"namespace": options.namespace}), err=True)


async def _install(options: InstallOptions) -> None:
    from haori.cli.deploying import (
        carry_out,
        deploy_folder,
        load_deployment,
        needed_secrets,
        plan_installation,
        with_secrets,
    )
    from haori.cluster import connect

    manifests = load_deployment(deploy_folder(), namespace=options.namespace, image=options.image)
    wanted = with_secrets(manifests, needed_secrets(options.namespace, os.environ.get(STORE_URL, "")))
    async with connect(resolve_kubeconfig(options.kubeconfig), options.context or "", user_agent="haori") as client:
        steps = await plan_installation(client, wanted, options.namespace)
        where = {"cluster": client.cluster, "namespace": options.namespace}
        click.echo(text("cli.install.plan", where), err=True)
        print_plan(steps)
        if options.dry_run:
            return
        ask(text("cli.install.question", where), yes=options.yes)
        await carry_out(client, steps)
    click.echo("\n" + text("cli.install.done", {"namespace": options.namespace}), err=True)


def print_plan(steps: Sequence[Step]) -> None:
    """A line an object that is created or changed, and how many stay as they are."""
    from haori.cli.deploying import Action
    from haori.cli.output import print_table
    from haori.objects import key_of

    words = {action: text(f"cli.install.action.{action}") for action in Action}
    rows = [
        [words[step.action], str(key_of(step.manifest))]
        for step in steps
        if step.action in (Action.CREATE, Action.CHANGE)
    ]
    if rows:
        print_table(["ACTION", "OBJECT"], rows)
    counts = Counter(step.action for step in steps)
    stay = counts[Action.UNCHANGED] + counts[Action.LEAVE]
    if stay:
        click.echo(text("cli.install.stay", {"count": stay}), err=True)
