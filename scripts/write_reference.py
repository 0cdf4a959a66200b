"""Writes docs/commands.md from the command itself; `--check` only says whether the page is true.

Every command and every subcommand gets its usage, help, options and exit codes, in the order of the command's table,
in English whatever HAORI_LANG says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
WIDTH = 100
HEAD = """# Commands

Written by `make docs` from `haori --help` of each command; a test holds it true.
"""


def reference() -> str:
    """The page."""
    os.environ["HAORI_LANG"] = "en"
    import click

    from haori.cli.main import cli

    def sections(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
        name = path.rpartition(" ")[2]
        context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=WIDTH)
        text = command.get_help(context).replace(str(Path.home()), "~")
        yield f"## {path}\n\n```text\n{text.rstrip()}\n```\n"
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                if child is not None and not child.hidden:
                    yield from sections(child, f"{path} {name}", context)

    return "\n".join([HEAD, *sections(cli, "haori", None)])


def main() -> int:
    """0, or 1 where `--check` finds the page out of date."""
    page = reference()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page)
        return 0
    if PAGE.read_text() == page:
        return 0
    print(f"{PAGE}: not what the commands say; run `make docs`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
