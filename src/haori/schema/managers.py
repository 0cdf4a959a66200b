"""The list `metadata.managedFields` as values: who, by which operation, owns which fields, since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from haori.objects import nested_list
from haori.objects.times import format_time, parse_time
from haori.schema.fieldset import FieldSet

APPLY, UPDATE = "Apply", "Update"
Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One entry."""

    name: str
    operation: str
    api_version: str
    subresource: str
    fields: FieldSet
    time: str = ""
    """RFC 3339; empty: none."""

    @property
    def identity(self) -> Identity:
        """What tells entries apart: an applier is the same whatever version it applies."""
        version = "" if self.operation == APPLY else self.api_version
        return self.name, self.operation, version, self.subresource

    def owning(self, fields: FieldSet) -> Manager:
        """This entry with other fields."""
        return replace(self, fields=fields)

    def to_json(self) -> dict[str, Any]:
        """As it is written."""
        entry: dict[str, Any] = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version}
        if self.time:
            entry["time"] = self.time
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields.to_v1()}
        if self.subresource:
            entry["subresource"] = self.subresource
        return entry


Managers = dict[Identity, Manager]


def read_managers(manifest: Mapping[str, Any] | None) -> Managers:
    """The entries of an object; what is no entry is passed over."""
    found: Managers = {}
    for entry in nested_list(manifest or {}, "metadata", "managedFields"):
        if not isinstance(entry, Mapping) or entry.get("operation") not in (APPLY, UPDATE):
            continue
        tree = entry.get("fieldsV1")
        manager = Manager(
            name=str(entry.get("manager") or ""),
            operation=entry["operation"],
            api_version=str(entry.get("apiVersion") or ""),
            subresource=str(entry.get("subresource") or ""),
            fields=FieldSet.from_v1(tree if isinstance(tree, Mapping) else {}),
            time=str(entry.get("time") or ""),
        )
        found[manager.identity] = manager
    return found


def write_managers(managers: Iterable[Manager]) -> list[dict[str, Any]]:
    """As the API server orders them: appliers first, then by time, name, version, subresource."""

    def order(manager: Manager) -> tuple[str, datetime | str, str, str, str]:
        moment = parse_time(manager.time)
        seconds = format_time(moment) if moment is not None else ""
        return manager.operation, seconds, manager.name, manager.api_version, manager.subresource

    return [manager.to_json() for manager in sorted(managers, key=order)]


def owned_fields(
    manifest: Mapping[str, Any], manager: str, *, operation: str | None = None, subresource: str | None = ""
) -> FieldSet:
    """The union of what `manager` owns; None stands for any operation or subresource."""
    owned = FieldSet()
    for entry in read_managers(manifest).values():
        if entry.name != manager or operation not in (None, entry.operation):
            continue
        if subresource is None or subresource == entry.subresource:
            owned = owned.union(entry.fields)
    return owned
