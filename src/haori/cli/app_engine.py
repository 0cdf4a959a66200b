"""`haori app diff`, `app manifests`, `app tree` and `app resources`: what only a running engine can answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from haori.cli.options import output_option
from haori.cli.output import print_table, print_value
from haori.cli.target import Target, application_argument, target_options
from haori.words import text

Node = Mapping[str, Any]


def ask_engine(target: Target, name: str, *path: str, **query: str | bool) -> Any:
    """What the engine says of an application. Raises EngineUnreachableError, EngineAnswerError."""
    namespace, plain = target.split(name)
    given = {key: "true" if value is True else value for key, value in query.items() if value}
    return target.engine().get("applications", plain, *path, appNamespace=namespace, **given)


@click.command(help=text("cli.app.diff.help"), epilog=text("cli.app.diff.epilog"))
@application_argument()
@click.option("--revision", metavar="REVISION", default="", help=text("cli.app.diff.revision"))
@click.option("--hard-refresh", is_flag=True, help=text("cli.app.get.hard-refresh"))
@click.option("--exit-code/--no-exit-code", default=True, help=text("cli.app.diff.exit-code"))
@output_option("json", "yaml", "name")
@target_options
def diff(target: Target, name: str, revision: str, hard_refresh: bool, exit_code: bool, output: str | None) -> int:
    """Compare an application with the cluster."""
    items = ask_engine(target, name, "diff", revision=revision, hard=hard_refresh)["items"]
    print_items(items, output)
    return int(bool(items) and exit_code)


def print_items(items: Sequence[Mapping[str, Any]], output: str | None) -> None:
    """Differences, for people or programs."""
    from haori.cli.diffs import object_name, print_diff

    if output in ("json", "yaml"):
        print_value([dict(item) for item in items], output)
    elif output == "name":
        for item in items:
            click.echo(object_name(item))
    else:
        print_diff(items)
        if not items:
            click.echo(text("cli.app.diff.same"), err=True)


@click.command(help=text("cli.app.manifests.help"), epilog=text("cli.app.manifests.epilog"))
@application_argument()
@click.option("--source", type=click.Choice(["git", "live"]), default="git", help=text("cli.app.manifests.source"))
@click.option("--revision", metavar="REVISION", default="", help=text("cli.app.manifests.revision"))
@output_option("json", "yaml", "name")
@target_options
def manifests(target: Target, name: str, source: str, revision: str, output: str | None) -> None:
    """Print the manifests of an application."""
    items = ask_engine(target, name, "manifests", live=source == "live", revision=revision)["items"]
    if output == "json":
        print_value(items, "json")
    elif output == "name":
        for item in items:
            click.echo(f"{item.get('kind')}/{(item.get('metadata') or {}).get('name') or ''}")
    else:
        from haori.objects.yaml import dump_documents

        click.echo(dump_documents(items), nl=False)


@click.command(help=text("cli.app.resources.help"), epilog=text("cli.app.resources.epilog"))
@application_argument()
@output_option("json", "yaml", "wide", "name")
@target_options
def resources(target: Target, name: str, output: str | None) -> None:
    """List the objects of an application."""
    items = ask_engine(target, name)["resources"]
    if output in ("json", "yaml"):
        print_value(items, output)
    elif output == "name":
        for item in items:
            click.echo(f"{item.get('kind')}/{item.get('name')}")
    else:
        wide = output == "wide"
        header = ["GROUP", "KIND", "NAMESPACE", "NAME", "SYNC", "HEALTH"]
        print_table(header + (["WAVE", "HOOK", "WHY"] if wide else []), [_resource(item, wide=wide) for item in items])


def _resource(item: Mapping[str, Any], *, wide: bool) -> list[str]:
    health = item.get("health") or {}
    row = [str(item.get(name) or "") for name in ("group", "kind", "namespace", "name", "sync")]
    row.append(str(health.get("status") or ""))
    if wide:
        row += [str(item.get("wave") or 0), "true" if item.get("hook") else "", str(health.get("message") or "")]
    return row


@click.command(help=text("cli.app.tree.help"), epilog=text("cli.app.tree.epilog"))
@application_argument()
@output_option("json", "yaml", "wide")
@target_options
def tree(target: Target, name: str, output: str | None) -> None:
    """Show the objects of an application and all they own."""
    nodes = ask_engine(target, name, "tree")["nodes"]
    if output in ("json", "yaml"):
        print_value({"nodes": nodes}, output)
        return
    header = ["OBJECT", "SYNC", "HEALTH"] + (["CREATED", "WHY"] if output == "wide" else [])
    print_table(header, [_tree_row(prefix, node, wide=output == "wide") for prefix, node in walk_tree(nodes)])


def walk_tree(nodes: Sequence[Node]) -> Iterator[tuple[str, Node]]:
    """(what is drawn before it, node) of all nodes, each below its first parent, by kind and name."""
    known = {str(node["uid"]) for node in nodes if node.get("uid")}
    below: dict[str, list[Node]] = {}
    for node in sorted(nodes, key=_order):
        parent = next((str(uid) for uid in node.get("parents") or () if uid in known and uid != node.get("uid")), "")
        below.setdefault(parent, []).append(node)

    def visit(parent: str, prefix: str) -> Iterator[tuple[str, Node]]:
        children = below.pop(parent, [])
        for number, node in enumerate(children):
            is_last = number == len(children) - 1
            mark = "" if not parent else "└─ " if is_last else "├─ "
            yield prefix + mark, node
            if node.get("uid"):
                further = "" if not parent else "   " if is_last else "│  "
                yield from visit(str(node["uid"]), prefix + further)

    yield from visit("", "")


def _order(node: Node) -> tuple[str, ...]:
    return tuple(str(node.get(name) or "") for name in ("group", "kind", "namespace", "name"))


def _tree_row(prefix: str, node: Node, *, wide: bool) -> list[str]:
    health = node.get("health") or {}
    place = "/".join(str(node[name]) for name in ("namespace", "name") if node.get(name))
    row = [f"{prefix}{node.get('kind')} {place}", str(node.get("sync") or ""), str(health.get("status") or "")]
    return [*row, str(node.get("createdAt") or ""), str(health.get("message") or "")] if wide else row
