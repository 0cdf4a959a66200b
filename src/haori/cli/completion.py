"""`haori completion SHELL`: prints the script that makes a shell complete Haori's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from haori.words import text


@click.command(help=text("cli.completion.help"), epilog=text("cli.completion.epilog"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script."""
    from haori.cli.main import cli

    completer = get_completion_class(shell)
    if completer is None:  # pragma: no cover - the choice above names only shells that click knows
        raise click.UsageError(shell)
    click.echo(completer(cli, {}, "haori", "_HAORI_COMPLETE").source())
