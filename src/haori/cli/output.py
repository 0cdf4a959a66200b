"""How commands print: aligned columns for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import click

_BLANKS = re.compile(r"[\t-\r \x85\u2028\u2029]+")
_UNSEEN = ("Cc", "Cf", "Cs")
"""Control characters, marks that turn the direction of writing or hide, halves of a character."""


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """`rows` under `header` in columns as wide as their widest cell; wide (East Asian) letters count as two.

    Each row is one line, whatever its cells hold.
    """
    table = [list(header), *[[one_line(str(cell)) for cell in row] for row in rows]]
    widths = [max(display_width(row[column]) for row in table) for column in range(len(header))]
    return ["  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def one_line(value: str) -> str:
    """The text, printable, with a blank for each run of blanks and line ends."""
    return printable(_BLANKS.sub(" ", value))


def printable(value: str) -> str:
    """The text with a mark in place of whatever a terminal would obey rather than show; foreign text may hold that."""
    return "".join("\ufffd" if unicodedata.category(each) in _UNSEEN and each not in "\n\t" else each for each in value)


def display_width(value: str) -> int:
    """How many columns a terminal gives the text."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in value)


def _pad(value: str, width: int) -> str:
    return value + " " * (width - display_width(value))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes a table to standard output."""
    for line in format_table(header, rows):
        click.echo(line)


def print_value(value: Any, output: str) -> None:
    """Writes `value` as `json` or `yaml` to standard output."""
    if output == "yaml":
        from haori.objects.yaml import dump

        click.echo(dump(value), nl=False)
    else:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
