"""Tables: what `kubectl get` prints, made by the server.

Built-in kinds have the columns their users know (`columns`), custom resources those of their definition, everything else
name and age. see: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from haori.objects.times import parse_time
from haori.sandbox.api import columns
from haori.sandbox.api.columns import Header
from haori.sandbox.api.durations import human_duration
from haori.sandbox.api.registry import Column, ServedType


def build_table(
    type_: ServedType, manifests: Sequence[dict[str, Any]], include: str, now: datetime, resource_version: str
) -> dict[str, Any]:
    """The Table of some objects; `include` is `Object`, `None` or (the default) `Metadata`."""
    headers, rows = _headers_and_rows(type_, manifests, now)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": resource_version},
        "columnDefinitions": [_definition(header) for header in headers],
        "rows": [_row(cells, manifest, include) for cells, manifest in zip(rows, manifests, strict=True)],
    }


def _definition(header: Header) -> dict[str, Any]:
    return {
        "name": header.name,
        "type": header.type,
        "format": header.format or ("name" if header.name == "Name" else ""),
        "description": header.description,
        "priority": 1 if header.is_wide else 0,
    }


def _row(cells: list[Any], manifest: dict[str, Any], include: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": cells}
    if include == "Object":
        row["object"] = manifest
    elif include != "None":
        metadata = manifest["metadata"]
        row["object"] = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return row


def _headers_and_rows(
    type_: ServedType, manifests: Iterable[dict[str, Any]], now: datetime
) -> tuple[Sequence[Header], list[list[Any]]]:
    if type_.is_custom:
        if not type_.columns:
            return columns.DEFAULT.headers, [columns.DEFAULT.cells(manifest, now) for manifest in manifests]
        custom = [columns.NAME, *(_custom_header(column) for column in type_.columns)]
        return custom, [
            [manifest["metadata"]["name"], *(custom_cell(column, manifest, now) for column in type_.columns)]
            for manifest in manifests
        ]
    layout = columns.LAYOUTS.get(type_.storage, columns.DEFAULT)
    return layout.headers, [layout.cells(manifest, now) for manifest in manifests]


def _custom_header(column: Column) -> Header:
    return Header(
        name=column.name,
        type=column.type,
        format=column.format,
        description=column.description or f"Custom resource definition column (in JSONPath format): {column.path}",
        is_wide=column.priority > 0,
    )


def custom_cell(column: Column, manifest: Mapping[str, Any], now: datetime) -> Any:
    """What a printer column shows of a custom resource; None where the path leads nowhere."""
    found = find_path(manifest, column.path)
    if not found:
        return None
    value = found[0]
    match column.type:
        case "date":
            moment = parse_time(value)
            return human_duration(now - moment) if moment else "<invalid>"
        case "integer":
            return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
        case "number":
            return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case _ if isinstance(value, str):
            return ",".join(str(each) for each in found) if len(found) > 1 else value
        case _:
            return _plain(value)


def _plain(value: Any) -> str:
    return orjson.dumps(value).decode()


_STEP = re.compile(
    r"""\.(?P<field>[^.\[\]\\]*(?:\\.[^.\[\]\\]*)*)"""
    r"""|\[(?P<index>-?\d+|\*)\]"""
    r"""|\[['"](?P<quoted>[^'"]+)['"]\]"""
    r"""|\[\?\(@\.(?P<key>[\w.\-/]+)\s*==\s*['"](?P<wanted>[^'"]*)['"]\)\]"""
)


def find_path(manifest: Any, path: str) -> list[Any]:
    """The values a simple JSON path leads to: fields, indices, `[*]`, and filters `[?(@.type=="Ready")]`."""
    values, position = [manifest], 0
    path = path if path.startswith((".", "[")) else f".{path}"
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return []
        position = match.end()
        values = [each for value in values for each in _step(value, match)]
    return [value for value in values if value is not None]


def _step(value: Any, match: re.Match[str]) -> list[Any]:
    if (field := match["field"]) is not None or (field := match["quoted"]) is not None:
        name = field.replace("\\.", ".")
        if not name:
            return [value]
        return [value[name]] if isinstance(value, Mapping) and name in value else []
    if not isinstance(value, list):
        return []
    if (index := match["index"]) is not None:
        if index == "*":
            return list(value)
        return [value[int(index)]] if -len(value) <= int(index) < len(value) else []
    return [each for each in value if str((find_path(each, match["key"]) or [""])[0]) == match["wanted"]]
