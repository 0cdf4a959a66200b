"""`haori app list --observed`: both verdicts of an engine that observes, as a table for people or whole for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from haori.cli.output import print_table, print_value
from haori.words import Sentence, text

SHORT = 8
HEADER = ["NAME", "AGREES", "SYNC THEIRS", "SYNC OURS", "HEALTH THEIRS", "HEALTH OURS", "WOULD", "WHERE"]


def print_observed(answer: Mapping[str, Any], items: Sequence[Mapping[str, Any]], output: str | None) -> None:
    """A table, names of applications on which the verdicts differ, or everything."""
    if output in ("json", "yaml"):
        print_value([dict(item) for item in items], output)
        return
    if output == "name":
        for item in items:
            if item["agrees"] is False:
                click.echo(f"{item['namespace']}/{item['name']}")
        return
    wide = output == "wide"
    print_table(
        HEADER + (["REVISION THEIRS", "REVISION OURS", "WHY"] if wide else []), [_row(item, wide) for item in items]
    )
    agreeing = sum(item["agrees"] is True for item in items)
    click.echo(text("cli.app.observed.agree", {"count": agreeing, "total": len(items)}), err=True)


def _row(item: Mapping[str, Any], wide: bool) -> list[str]:
    theirs, ours = item["theirs"], item["ours"]
    if ours is None:
        first = [item["name"], "", theirs["sync"], text("cli.app.observed.not-looked"), theirs["health"], "", "", ""]
        return first + (["", "", ""] if wide else [])
    row = [
        item["name"], "yes" if item["agrees"] else "NO", theirs["sync"], ours["sync"], theirs["health"], ours["health"],
        _would(item["would"]), _where(item["differs"]),
    ]  # fmt: skip
    return [*row, theirs["revision"][:SHORT], ours["revision"][:SHORT], _why(ours["why"])] if wide else row


def _would(would: Mapping[str, Any] | None) -> str:
    if would is None:
        return ""
    if would["refused"]:
        return "refused"
    counts = [f"{word} {count}" for word, count in would["counts"].items() if count]
    return ", ".join(counts) or "nothing"


def _where(differs: Sequence[Mapping[str, Any]]) -> str:
    """The first object on which the verdicts differ, with its first field; how many more there are."""
    if not differs:
        return ""
    first = differs[0]
    fields = first["fields"]
    more = f" (+{len(differs) - 1})" if len(differs) > 1 else ""
    return f"{first['object']}{' ' + fields[0]['path'] if fields else ''}{more}"


def _why(why: Mapping[str, Any] | None) -> str:
    return Sentence(code=str(why["code"]), parameters=why.get("parameters") or {}).text() if why else ""
