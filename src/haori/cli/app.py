"""`haori app`: the table of its commands; each lives in a module of its kind."""

from __future__ import annotations

import click

from haori.cli.main import LazyGroup
from haori.words import text

COMMANDS = {
    "create": "haori.cli.app_create:create",
    "set": "haori.cli.app_create:set_",
    "get": "haori.cli.app_show:get",
    "list": "haori.cli.app_show:list_",
    "delete": "haori.cli.app_delete:delete",
    "diff": "haori.cli.app_engine:diff",
    "sync": "haori.cli.app_sync:sync",
    "wait": "haori.cli.app_wait:wait",
    "history": "haori.cli.app_show:history",
    "rollback": "haori.cli.app_rollback:rollback",
    "manifests": "haori.cli.app_engine:manifests",
    "tree": "haori.cli.app_engine:tree",
    "resources": "haori.cli.app_engine:resources",
    "logs": "haori.cli.app_logs:logs",
    "refresh": "haori.cli.app_sync:refresh",
    "terminate-op": "haori.cli.app_sync:terminate_op",
}


@click.group(
    cls=LazyGroup, commands=COMMANDS, prefix="cli.app", help=text("cli.app.help"), epilog=text("cli.app.epilog")
)
def app() -> None:
    """The commands about applications."""
