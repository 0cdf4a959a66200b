"""What the columns of kinds are made of: headers, layouts, and the cells that many kinds share.

A cell takes a manifest and the moment, and gives what stands in the table.
see: Kubernetes `pkg/printers/internalversion/printers.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.objects import SelectorError, nested, nested_list, nested_mapping, nested_text
from haori.objects.selectors import label_selector_of
from haori.objects.times import parse_time
from haori.sandbox.api.durations import human_duration

NONE = "<none>"
UNSET = "<unset>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One column; wide ones are shown with `-o wide` alone."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    is_wide: bool = False


Cell = Callable[[Mapping[str, Any], datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of one kind."""

    headers: tuple[Header, ...]
    makers: tuple[Cell, ...]

    def cells(self, manifest: Mapping[str, Any], now: datetime) -> list[Any]:
        """One row."""
        return [make(manifest, now) for make in self.makers]


NAME = Header(name="Name", format="name", description="Name must be unique within a namespace.")


def layout(*columns: tuple[str, Cell], wide: Sequence[tuple[str, Cell]] = (), age: bool = True) -> Layout:
    """Name, the columns, age, and the wide ones; a column whose name ends in `#` holds integers."""
    shown = [("Name", name_cell), *columns, *([("Age", age_cell)] if age else [])]
    headers = [_header(name, is_wide=False) for name, _ in shown] + [_header(name, is_wide=True) for name, _ in wide]
    return Layout(headers=tuple(headers), makers=tuple(make for _, make in (*shown, *wide)))


def _header(name: str, *, is_wide: bool) -> Header:
    if name == "Name":
        return NAME
    type_ = "integer" if name.endswith("#") else "string"
    return Header(name=name.rstrip("#"), type=type_, is_wide=is_wide)


def name_cell(manifest: Mapping[str, Any], now: datetime) -> Any:
    """The name."""
    return nested_text(manifest, "metadata", "name")


def age_cell(manifest: Mapping[str, Any], now: datetime) -> str:
    """How long ago it was created."""
    return since(nested(manifest, "metadata", "creationTimestamp"), now)


def since(moment: object, now: datetime) -> str:
    """How long ago a moment was."""
    found = parse_time(moment)
    return human_duration(now - found) if found else "<unknown>"


def text_at(*path: str, empty: str = "") -> Cell:
    """The text or number at a path; `empty` where there is none."""

    def cell(manifest: Mapping[str, Any], now: datetime) -> Any:
        value = nested(manifest, *path)
        return empty if value in (None, "") else str(value)

    return cell


def number_at(*path: str) -> Cell:
    """The number at a path, 0 where there is none."""
    return lambda manifest, now: int(nested(manifest, *path) or 0)


def count_at(*path: str) -> Cell:
    """How many entries the list or mapping at a path has."""

    def cell(manifest: Mapping[str, Any], now: datetime) -> Any:
        value = nested(manifest, *path)
        return len(value) if isinstance(value, (list, dict)) else 0

    return cell


def ready_of(ready: tuple[str, ...], wanted: tuple[str, ...]) -> Cell:
    """`2/3`: the numbers at two paths."""
    return lambda manifest, now: f"{int(nested(manifest, *ready) or 0)}/{int(nested(manifest, *wanted) or 0)}"


def containers_in_template(field: str) -> Cell:
    """A field of each container in the Pods' template."""
    return lambda manifest, now: ",".join(
        str(each.get(field, "")) for each in nested_list(manifest, "spec", "template", "spec", "containers")
    )


def containers_of_job(field: str) -> Cell:
    """The same of a CronJob's template."""
    return lambda manifest, now: ",".join(
        str(each.get(field, ""))
        for each in nested_list(manifest, "spec", "jobTemplate", "spec", "template", "spec", "containers")
    )


def selector_at(*path: str) -> Cell:
    """The label selector at a path; a plain mapping stands for its labels."""

    def cell(manifest: Mapping[str, Any], now: datetime) -> str:
        found = nested_mapping(manifest, *path)
        whole = found if not found or "matchLabels" in found or "matchExpressions" in found else {"matchLabels": found}
        try:
            return label_selector_of(whole).to_text() or NONE
        except SelectorError:
            return NONE

    return cell


def bool_at(*path: str) -> Cell:
    """`True` or `False`: whether the value at a path is there and holds."""
    return lambda manifest, now: str(bool(nested(manifest, *path)))
