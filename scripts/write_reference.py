"""Writes docs/commands.md and deploy/crds.yaml from the program itself; `--check` only says whether both are true.

Every command and every subcommand gets its usage, help, options and exit codes, in the order of the command's table,
in English whatever HAORI_LANG says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
DEFINITIONS = Path(__file__).parents[1] / "deploy" / "crds.yaml"
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


def definitions() -> str:
    """The custom resource definitions as `deploy/` has them."""
    from haori.objects.yaml import dump_documents
    from haori.resources import crds

    return "# Written by `make docs` from haori.resources; a test holds it true.\n" + dump_documents(crds())


def main() -> int:
    """0, or 1 where `--check` finds something out of date."""
    stale = 0
    for path, wanted in ((PAGE, reference()), (DEFINITIONS, definitions())):
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            print(f"{path}: not what the program says; run `make docs`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
