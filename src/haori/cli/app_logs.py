"""`haori app logs`: the logs of the Pods that an application owns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from haori.cli.app_engine import ask_engine
from haori.cli.target import Target, application_argument, target_options
from haori.errors import PeerError, UserError
from haori.objects import nested_list, nested_mapping
from haori.objects.trees import pods_below
from haori.words import text

if TYPE_CHECKING:
    from haori.cluster import HttpClient

STREAMS = 50
"""The most logs read at once; more would be unreadable and cost the API server a connection each."""


class LogsError(UserError):
    """`logs-no-pods`, `logs-too-many`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Which lines of which containers."""

    container: str
    follow: bool
    previous: bool
    tail: int | None
    since_seconds: int | None
    timestamps: bool
    filter: str
    """Only lines that hold this text; one that begins with `!` leaves those out."""


@click.command(help=text("cli.app.logs.help"), epilog=text("cli.app.logs.epilog"))
@application_argument()
@click.option("--group", default="", metavar="GROUP", help=text("cli.app.logs.group"))
@click.option("--kind", default="", metavar="KIND", help=text("cli.app.logs.kind"))
@click.option("--namespace", default="", metavar="NAMESPACE", help=text("cli.app.logs.namespace"))
@click.option("--name", "object_name", default="", metavar="NAME", help=text("cli.app.logs.name"))
@click.option("-c", "--container", default="", metavar="NAME", help=text("cli.app.logs.container"))
@click.option("-f", "--follow", is_flag=True, help=text("cli.app.logs.follow"))
@click.option("-p", "--previous", is_flag=True, help=text("cli.app.logs.previous"))
@click.option("--tail", type=int, metavar="LINES", help=text("cli.app.logs.tail"))
@click.option("--since-seconds", type=int, metavar="SECONDS", help=text("cli.app.logs.since-seconds"))
@click.option("--timestamps", is_flag=True, help=text("cli.app.logs.timestamps"))
@click.option("--filter", "filter", default="", metavar="TEXT", help=text("cli.app.logs.filter"))
@target_options
def logs(target: Target, name: str, group: str, kind: str, namespace: str, object_name: str, **flags: Any) -> int:
    """Print logs."""
    chosen = {"group": group, "kind": kind, "namespace": namespace, "name": object_name}
    pods = pods_below(ask_engine(target, name, "tree")["nodes"], chosen)
    if not pods:
        raise LogsError("logs-no-pods", application=name)
    return asyncio.run(print_logs(target, name, pods, LogOptions(**flags)))


async def print_logs(target: Target, name: str, pods: Sequence[tuple[str, str]], options: LogOptions) -> int:
    """Prints all logs, those of several containers with their names before each line; 1 where one could not be read."""
    from haori.cli.destination import connect_destination
    from haori.cluster.well_known import PODS

    async with connect_destination(target, name) as client:
        streams = []
        for namespace, pod in pods:
            spec = nested_mapping(await client.get(PODS, pod, namespace), "spec")
            names = [str(item["name"]) for item in nested_list(spec, "containers")]
            streams += [(namespace, pod, each) for each in names if options.container in ("", each)]
        if len(streams) > STREAMS:
            raise LogsError("logs-too-many", count=len(streams), limit=STREAMS)
        many = len(streams) > 1
        if options.follow:
            done = await asyncio.gather(*(_print_log(client, each, options, many=many) for each in streams))
        else:
            done = [await _print_log(client, each, options, many=many) for each in streams]
    return int(not all(done))


async def _print_log(client: HttpClient, stream: tuple[str, str, str], options: LogOptions, *, many: bool) -> bool:
    namespace, pod, container = stream
    prefix = f"[{pod}/{container}] " if many else ""
    rest = b""
    try:
        async for chunk in client.logs(
            pod, namespace, container=container, follow=options.follow, tail_lines=options.tail,
            since_seconds=options.since_seconds, previous=options.previous, timestamps=options.timestamps,
        ):  # fmt: skip
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                print_line(prefix, line, options.filter)
    except PeerError as error:
        click.echo(f"{prefix}{error.sentence.text()}", err=True)
        return False
    if rest:
        print_line(prefix, rest, options.filter)
    return True


def print_line(prefix: str, line: bytes, wanted: str) -> None:
    """One line, where it passes the filter."""
    shown = line.decode(errors="replace")
    passes = wanted[1:] not in shown if wanted.startswith("!") else wanted in shown
    if passes:
        click.echo(prefix + shown)
