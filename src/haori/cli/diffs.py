"""How differences are printed: per object, per field, coloured on a terminal, plain in a pipe, Secrets masked before.

A field reads as `- live` and `+ desired`; an object that lacks is shown whole with `+`, one that is to go with `-`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from haori.objects import copy_manifest
from haori.words import text

_COLOURS = {"+": "green", "-": "red", "=": "cyan"}
_SERVER_FIELDS = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink")


def print_diff(items: Sequence[Mapping[str, Any]]) -> None:
    """Writes the differences to standard output; colours go where a person reads and NO_COLOR is not set."""
    import os

    for line in format_diff(items):
        colour = _COLOURS.get(line[:1]) if "NO_COLOR" not in os.environ else None
        click.echo(click.style(line, fg=colour) if colour else line)


def format_diff(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines; `items` are as `EngineView.diff` gives them."""
    for item in items:
        yield f"===== {object_name(item)} ====={_manager_note(item)}"
        if item.get("missing"):
            yield from _marked("+", dump(clean(item.get("desired") or {})))
        elif item.get("extra"):
            yield from _marked("-", dump(clean(item.get("live") or {})))
        else:
            for difference in item.get("differences") or ():
                yield from _difference(difference)
        yield ""


def object_name(item: Mapping[str, Any]) -> str:
    """`GROUP/KIND NAMESPACE/NAME`, as Argo CD heads its differences."""
    place = "/".join(str(item[name]) for name in ("namespace", "name") if item.get(name))
    return f"{item.get('group') or ''}/{item.get('kind')} {place}"


def clean(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without what the API server alone writes."""
    cleaned: dict[str, Any] = copy_manifest(manifest)
    for field in _SERVER_FIELDS:
        (cleaned.get("metadata") or {}).pop(field, None)
    cleaned.pop("status", None)
    return cleaned


def dump(value: Any) -> str:
    """YAML."""
    from haori.objects.yaml import dump as dump_yaml

    return dump_yaml(value)


def _manager_note(item: Mapping[str, Any]) -> str:
    return f" {text('cli.app.diff.hook')}" if item.get("hook") else ""


def _difference(difference: Mapping[str, Any]) -> Iterator[str]:
    owner = _owner(difference)
    yield f"  {difference['path']}" + (f"  ({owner})" if owner else "")
    for mark, name in (("-", "live"), ("+", "desired")):
        if difference.get(name) is not None:
            yield from _marked(mark, _shown(difference[name]))


def _owner(difference: Mapping[str, Any]) -> str:
    """Who set the live value and when, empty where that is not known."""
    manager, time = difference.get("manager"), difference.get("time")
    if not manager:
        return ""
    facts = {"manager": manager}
    return text("cli.app.diff.manager-at", {**facts, "time": time}) if time else text("cli.app.diff.manager", facts)


def _shown(value: Any) -> str:
    if isinstance(value, str) and "\n" not in value:
        return value
    return value if isinstance(value, str) else dump(value).removesuffix("...\n")


def _marked(mark: str, written: str) -> Iterator[str]:
    yield from (f"{mark} {line}" for line in written.rstrip("\n").split("\n"))
