"""How commands print: aligned columns for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

import click


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """`rows` under `header` in columns as wide as their widest cell; wide (East Asian) letters count as two."""
    table = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(display_width(row[column]) for row in table) for column in range(len(header))]
    return ["  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


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
