"""The command's entry point and its table of commands.

Each command names the module that holds it; a module is imported only when its command runs or prints its own help, so
`haori --help` and tab completion stay quick however much a command needs.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from haori import __version__
from haori.errors import HaoriError, format_error
from haori.words import text

COMMANDS: dict[str, str] = {
    "up": "haori.cli.up:up",
    "status": "haori.cli.status:status",
    "open": "haori.cli.open:open_console",
    "down": "haori.cli.down:down",
    "reset": "haori.cli.down:reset",
    "app": "haori.cli.app:app",
    "diff": "haori.cli.diff:diff",
    "repo": "haori.cli.repo:repo",
    "cluster": "haori.cli.cluster:cluster",
    "engine": "haori.cli.engine:engine",
    "install": "haori.cli.install:install",
    "sandbox": "haori.cli.sandbox:sandbox",
    "run": "haori.cli.run:run",
    "render": "haori.cli.render:render",
    "health": "haori.cli.health:health",
    "tools": "haori.cli.tools:tools",
    "completion": "haori.cli.completion:completion",
}
HIDDEN = frozenset({"run"})
"""Commands that people have no use for: `run` is the supervisor's."""

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are `name: "module:attribute"`; short help comes from `words`, not from the module."""

    def __init__(self, *args: Any, commands: dict[str, str] | None = None, prefix: str = "cli", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = commands or {}
        self._prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the table, which is the order people meet them in."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, without importing any."""
        with formatter.section(text("cli.section.commands")):
            shown = (name for name in self._lazy if name not in HIDDEN)
            formatter.write_dl([(name, text(f"{self._prefix}.{name}.short")) for name in shown])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command named when there is none of that name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self._lazy:
            import difflib

            near = difflib.get_close_matches(name, self._lazy, n=1)
            code = "cli.no-such-command.near" if near else "cli.no-such-command"
            ctx.fail(text(code, {"command": name, "near": near[0] if near else ""}))
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    commands=COMMANDS,
    help=text("cli.help"),
    epilog=text("cli.epilog"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="haori")
def cli() -> None:
    """The root of all commands."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and ends the process with its exit code (2 on an error, 130 on Ctrl-C)."""
    sys.exit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, prints a failure the one way failures are printed, gives the exit code."""
    try:
        result = cli.main(args=arguments, prog_name="haori", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo(text("cli.interrupted"), err=True)
        return EXIT_INTERRUPTED
    except HaoriError as error:
        click.echo(format_error(error), err=True)
        return EXIT_ERROR
    except BrokenPipeError:
        # The reader of our output left (`haori app list | head`); say nothing, as other tools do.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return result if isinstance(result, int) else 0
