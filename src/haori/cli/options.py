"""Options that several commands share, spelled and explained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from haori.cli.instance import Instance, default_data_dir
from haori.words import text

Function = TypeVar("Function", bound=Callable[..., Any])


def _to_instance(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Instance:
    return Instance((value or default_data_dir()).expanduser().absolute())


def data_dir_option(function: Function) -> Function:
    """`--data-dir D`, given to the command as `instance`."""
    return click.option(
        "--data-dir",
        "instance",
        type=click.Path(path_type=Path, file_okay=False),
        callback=_to_instance,
        envvar="HAORI_DATA_DIR",
        metavar="DIR",
        help=text("cli.option.data-dir"),
    )(function)


def output_option(*formats: str) -> Callable[[Function], Function]:
    """`-o/--output`, one of `formats`; absent means the form for people."""
    return click.option("-o", "--output", type=click.Choice(formats), default=None, help=text("cli.option.output"))


def yes_option(function: Function) -> Function:
    """`--yes`: answers the question a command would ask."""
    return click.option("-y", "--yes", is_flag=True, help=text("cli.option.yes"))(function)


def ask(question: str, *, yes: bool) -> None:
    """Goes on after a yes; `--yes` answers for scripts, and a pipe that cannot answer is a no."""
    import sys

    from haori.errors import UserError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("confirmation-needed", question=question)
    click.confirm(question, abort=True, err=True)
