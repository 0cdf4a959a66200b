"""`haori cluster`: the cluster Secrets of the control namespace, in Argo CD's own form.

`add` takes the credentials that a context of a kubeconfig has; it makes no account on the other cluster, as `argocd cluster
add` does: `--bearer-token` takes the token of one that is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haori.cli.main import LazyGroup
from haori.cli.options import ask, data_dir_option, output_option, yes_option
from haori.cli.output import print_table, print_value
from haori.cli.repo import read_secret, store_secret
from haori.cli.target import CONTROL_NAMESPACE, Target, target_options
from haori.errors import UserError
from haori.words import text

if TYPE_CHECKING:
    from haori.cluster.kubeconfig import ClusterSettings
    from haori.delivery.controller.cluster_secrets import ClusterEntry

COMMANDS = {
    "add": "haori.cli.cluster:add",
    "list": "haori.cli.cluster:list_",
    "rm": "haori.cli.cluster:remove",
}
UNKNOWN = "-"


class ClusterError(UserError):
    """`cluster-not-added` (cluster), `cluster-impersonates` (context)."""


@click.group(
    cls=LazyGroup,
    commands=COMMANDS,
    prefix="cli.cluster",
    help=text("cli.cluster.help"),
    epilog=text("cli.cluster.epilog"),
)
def cluster() -> None:
    """The commands about clusters."""


def control_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where the Secret goes, since --kubeconfig says where the context is."""
    for option in (
        data_dir_option,
        click.option("-N", "--app-namespace", metavar="NAMESPACE", default=CONTROL_NAMESPACE, show_default=True,
                     help=text("cli.cluster.control-namespace")),
        click.option("--control-context", metavar="NAME", help=text("cli.cluster.control-context")),
        click.option("--control-kubeconfig", metavar="FILE", help=text("cli.cluster.control-kubeconfig")),
    ):  # fmt: skip
        function = option(function)
    return function


def complete_context(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The contexts of the kubeconfig that begin with what was typed."""
    from haori.cluster.kubeconfig import context_names
    from haori.errors import HaoriError

    try:
        return [name for name in context_names(context.params.get("kubeconfig")) if name.startswith(incomplete)]
    except HaoriError:
        return []


def complete_cluster(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The clusters that are known, by name and server; nothing where no answer comes in time."""
    from haori.cli.target import COMPLETION_SECONDS, completion_target
    from haori.errors import HaoriError

    async def names() -> list[str]:
        async with asyncio.timeout(COMPLETION_SECONDS):
            entries = await find_entries(completion_target(context))
            return sorted({name for entry in entries for name in (entry.name, entry.server)})

    try:
        return [name for name in asyncio.run(names()) if name.startswith(incomplete)]
    except (HaoriError, OSError, TimeoutError):
        return []


@click.command(help=text("cli.cluster.add.help"), epilog=text("cli.cluster.epilog"))
@click.argument("context", metavar="CONTEXT", shell_complete=complete_context)
@click.option("--kubeconfig", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help=text("cli.cluster.add.kubeconfig"))  # fmt: skip
@click.option("--name", default="", metavar="NAME", help=text("cli.cluster.add.name"))
@click.option("--namespace", "namespaces", multiple=True, metavar="NAMESPACE", help=text("cli.cluster.add.namespace"))
@click.option("--cluster-resources", is_flag=True, help=text("cli.cluster.add.cluster-resources"))
@click.option("--project", default="", metavar="NAME", help=text("cli.cluster.add.project"))
@click.option("--bearer-token", default="", metavar="TEXT", help=text("cli.cluster.add.bearer-token"))
@click.option("--upsert", is_flag=True, help=text("cli.cluster.add.upsert"))
@control_options
def add(
    context: str, kubeconfig: Path | None, name: str, namespaces: tuple[str, ...], cluster_resources: bool,
    project: str, bearer_token: str, upsert: bool, control_kubeconfig: str | None, control_context: str | None,
    app_namespace: str, instance: Any,
) -> None:  # fmt: skip
    """Add a cluster."""
    from haori.cluster.kubeconfig import load_settings
    from haori.delivery.controller.cluster_secrets import build_cluster_secret

    target = Target(instance=instance, kubeconfig=control_kubeconfig, context=control_context, namespace=app_namespace)
    settings = lasting(load_settings(kubeconfig, context), read_secret(bearer_token))
    version = asyncio.run(ask_version(settings))
    secret = build_cluster_secret(
        settings,
        name=name or context,
        namespace=target.namespace,
        namespaces=namespaces,
        cluster_resources=cluster_resources,
        project=project,
    )
    asyncio.run(store_secret(target, secret, upsert=upsert))
    parameters = {"cluster": name or context, "server": settings.server, "version": version}
    click.echo(text("cli.cluster.added", parameters), err=True)
    if settings.exec_plugin is not None:
        click.echo(text("cli.cluster.added-exec", {"command": settings.exec_plugin.command}), err=True)


def lasting(settings: ClusterSettings, token: str = "") -> ClusterSettings:
    """What a Secret can hold of a context: a token file is read now; `token` stands in for all that says who we are.

    Raises ClusterError where the context acts as somebody else, which a Secret cannot say.
    """
    from dataclasses import replace

    if token:
        return replace(
            settings, token=token, token_file=None, client_certificate=None, client_key=None, exec_plugin=None,
            username="", password="", impersonate={},
        )  # fmt: skip
    if settings.impersonate:
        raise ClusterError("cluster-impersonates", context=settings.name)
    if settings.token_file is not None and not settings.token:
        return replace(settings, token=settings.token_file.read_text().strip(), token_file=None)
    return settings


async def ask_version(settings: ClusterSettings) -> str:
    """The version of a cluster that takes these credentials. Raises what it says where it does not."""
    from haori.cluster import connect_to

    async with connect_to(settings) as client:
        await client.discover()
        return str((await client.version()).get("gitVersion") or UNKNOWN)


@click.command(name="list", help=text("cli.cluster.list.help"), epilog=text("cli.cluster.epilog"))
@output_option("json", "yaml", "wide", "server")
@target_options
def list_(target: Target, output: str | None) -> None:
    """List clusters."""
    print_entries(asyncio.run(find_entries(target)), states_of(target), output)


async def find_entries(target: Target) -> list[ClusterEntry]:
    """The clusters of the control namespace, by name."""
    from haori.cluster.well_known import SECRETS
    from haori.delivery.controller.cluster_secrets import CLUSTER, read_cluster
    from haori.resources import argo

    async with target.connect() as client:
        listed = await client.list(SECRETS, target.namespace, label_selector=f"{argo.SECRET_TYPE}={CLUSTER}")
    found = [read_cluster(item, allow_exec=True) for item in listed.items]
    return sorted((entry for entry in found if entry is not None), key=lambda entry: (entry.name, entry.secret))


def states_of(target: Target) -> dict[str, dict[str, Any]]:
    """What the engine says of each server; nothing where none answers."""
    from haori.errors import HaoriError

    try:
        return {each["server"]: each for each in target.engine().get("statistics").get("clusters") or ()}
    except HaoriError:
        return {}


def print_entries(entries: Sequence[ClusterEntry], states: dict[str, dict[str, Any]], output: str | None) -> None:
    """A table, or servers, or everything that is no secret."""
    rows = [{**entry.to_json(), "state": str(states.get(entry.server, {}).get("state", ""))} for entry in entries]
    if output in ("json", "yaml"):
        print_value(rows, output)
    elif output == "server":
        for row in rows:
            click.echo(row["server"])
    elif not rows:
        click.echo(text("cli.cluster.none"), err=True)
    else:
        wide = output == "wide"
        header = ["SERVER", "NAME", "STATUS", "NAMESPACES", "PROJECT"] + (["SECRET", "PROBLEM"] if wide else [])
        print_table(
            header,
            [
                [row["server"], row["name"], row["state"] or UNKNOWN, ",".join(row["namespaces"]), row["project"]]
                + ([row["secret"], row["problem"]] if wide else [])
                for row in rows
            ],
        )


@click.command(name="rm", help=text("cli.cluster.rm.help"), epilog=text("cli.cluster.epilog"))
@click.argument("name", metavar="SERVER|NAME", shell_complete=complete_cluster)
@yes_option
@target_options
def remove(target: Target, name: str, yes: bool) -> None:
    """Forget a cluster."""
    from haori.cli.repo import delete_secrets

    chosen = choose_entries(asyncio.run(find_entries(target)), name)
    ask(text("cli.cluster.rm.question", {"cluster": name}), yes=yes)
    asyncio.run(delete_secrets(target, [entry.secret for entry in chosen]))
    click.echo(text("cli.cluster.removed", {"cluster": name}), err=True)


def choose_entries(entries: Sequence[ClusterEntry], name: str) -> list[ClusterEntry]:
    """Those of that server or name. Raises ClusterError where there is none."""
    from haori.delivery.controller.cluster_secrets import normalize_server

    found = [entry for entry in entries if entry.server == normalize_server(name) or entry.name == name]
    if not found:
        raise ClusterError("cluster-not-added", cluster=name)
    return found
