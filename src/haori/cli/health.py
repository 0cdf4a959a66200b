"""`haori health FILE`: how healthy an object is, by our rules or by a script, without a cluster or an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haori.cli.output import print_table, print_value
from haori.errors import UserError
from haori.words import Sentence, text

if TYPE_CHECKING:
    from haori.delivery.health import Health
    from haori.delivery.model import HealthScript, Settings
    from haori.objects import Manifest

FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


class HealthInputError(UserError):
    """`cli.health.no-object`, `cli.health.no-settings` (path): the file holds something else."""


@click.command(help=text("cli.health.help"), epilog=text("cli.health.epilog"))
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--script", type=FILE, metavar="FILE", help=text("cli.health.script"))
@click.option("--open-libs", is_flag=True, help=text("cli.health.open-libs"))
@click.option("--settings", type=FILE, metavar="FILE", help=text("cli.health.settings"))
@click.option("-o", "--output", type=click.Choice(["wide", "json"]), default="wide", help=text("cli.health.output"))
@click.pass_context
def health(
    ctx: click.Context,
    files: tuple[Path, ...],
    script: Path | None,
    open_libs: bool,
    settings: Path | None,
    output: str,
) -> None:
    """Print the health of objects."""
    from haori.delivery.model import HealthScript

    if script is not None and settings is not None:
        raise click.UsageError(text("cli.health.one-of"))
    manifests = [manifest for file in files for manifest in read_objects(file)]
    given = HealthScript(text=_read(script).decode(), has_libraries=open_libs) if script is not None else None
    known = read_settings(settings)
    for problem in known.problems:
        click.echo(f"{problem.path}: {problem.sentence.text()}", err=True)
    found = asyncio.run(judge(manifests, known, given))
    rows = [_row(manifest, by, verdict) for manifest, (by, verdict) in zip(manifests, found, strict=True)]
    if output == "json":
        print_value(rows, "json")
    else:
        _print(rows)
    ctx.exit(0 if all(row["status"] in (None, "Healthy") for row in rows) else 1)


async def judge(
    manifests: Iterable[Manifest], settings: Settings, given: HealthScript | None
) -> list[tuple[str, Health | None]]:
    """(what judged: script, rule or nothing; the health) of each object; `given` stands for every kind's script."""
    import orjson

    from haori.delivery.health import HealthOptions, assess, is_going
    from haori.delivery.scripts import ScriptRunner, Trial
    from haori.objects import gvk_of

    options = HealthOptions(by_conditions=settings.judges_by_conditions, applications=settings.judges_applications)
    runner = ScriptRunner()
    found: list[tuple[str, Health | None]] = []
    try:
        for manifest in manifests:
            script = given or settings.health_script(gvk_of(manifest).group_kind)
            if script is None or is_going(manifest):
                verdict = assess(manifest, options)
                found.append(("rule" if verdict is not None else "nothing", verdict))
                continue
            told = await runner.judge_one(Trial(script=script, body=orjson.dumps(manifest)))
            found.append(("script", told))
    finally:
        await runner.aclose()
    return found


def read_objects(file: Path) -> Iterator[Manifest]:
    """The objects of a file, those of a List one by one. Raises HealthInputError where something else stands in it."""
    from haori.objects.yaml import load_documents

    for document in load_documents(_read(file), source=str(file)):
        items = document.get("items") if isinstance(document, dict) and "items" in document else [document]
        for item in items if isinstance(items, list) else [items]:
            if not isinstance(item, dict) or not _is_object(item):
                raise HealthInputError("cli.health.no-object", path=str(file))
            yield item


def _is_object(item: dict[str, Any]) -> bool:
    return bool(item.get("apiVersion") and item.get("kind")) and isinstance(item.get("metadata"), dict)


def read_settings(file: Path | None) -> Settings:
    """The settings of an argocd-cm in a file; None gives the defaults."""
    from haori.delivery.model import parse_settings

    if file is None:
        return parse_settings(None)
    config_map = next((each for each in read_objects(file) if each.get("kind") == "ConfigMap"), None)
    if config_map is None:
        raise HealthInputError("cli.health.no-settings", path=str(file))
    return parse_settings(config_map)


def _read(file: Path) -> bytes:
    with click.open_file(str(file), "rb") as opened:
        content: bytes = opened.read()
    return content


def _row(manifest: Manifest, by: str, verdict: Health | None) -> dict[str, Any]:
    from haori.objects import key_of

    sentence: Sentence | None = verdict.sentence if verdict is not None else None
    return {
        "object": str(key_of(manifest)),
        "status": verdict.status.value if verdict is not None else None,
        "by": by,
        "message": sentence.to_json() if sentence is not None else None,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    header = [text(f"cli.health.column.{name}") for name in ("object", "status", "by", "message")]
    lines = []
    for row in rows:
        message = " ".join(row["message"]["text"].split()) if row["message"] else ""
        lines.append([row["object"], row["status"] or "-", text(f"cli.health.by.{row['by']}"), message])
    print_table(header, lines)
