"""The environment board: which revision and which images of an app run where.

Applications that are one app in several environments stand in one line. The app is told by the label `haori.dev/app`, else
`app.kubernetes.io/name`, else by the Application's name without the word of its environment. The environment is told by the label
`haori.dev/environment`, else by a usual word (dev, staging, production, …) at an end of the name or of the destination's
namespace, as the last folder of its path, or at an end of the cluster's name. Columns are environments and nothing else: where
none is told, the environment is empty, which is the last column, and neither drifts nor is compared.
`app.kubernetes.io/part-of` is told beside: an app has one cell an environment, and what is part of one system is usually several
apps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haori.resources import haori
from haori.server.rows import Row
from haori.words import Language

NAME_LABEL, PART_OF_LABEL = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
WORDS = (
    "local", "sandbox", "dev", "develop", "development", "preview", "test", "testing", "ci", "qa", "uat", "stg", "stage",
    "staging", "preprod", "prd", "prod", "production", "live", "dr",
)  # fmt: skip
"""Words for environments, in the order a release goes through them."""
_RANK = {word: number for number, word in enumerate(WORDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an application belongs on the board."""

    app: str
    environment: str


def place_of(row: Row) -> Place:
    """The line and the column of a row."""
    environment = row.labels.get(haori.ENVIRONMENT_LABEL) or _told_environment(row)
    app = row.labels.get(haori.APP_LABEL) or row.labels.get(NAME_LABEL) or _without(row.name, environment)
    return Place(app=app, environment=environment)


def _told_environment(row: Row) -> str:
    # Overlays of a kustomization are commonly called as their environment.
    places = (row.name, row.destination_namespace, row.path.rpartition("/")[2], row.cluster)
    return next((word for place in places if (word := _word_in(place))), "")


def _word_in(name: str) -> str:
    """The usual word at the end of a name, else at its beginning."""
    parts = name.lower().split("-")
    return next((part for part in (parts[-1], parts[0]) if part in _RANK), "")


def _without(name: str, environment: str) -> str:
    """A name without the environment at one of its ends; the whole name where nothing else is in it."""
    for word in filter(None, (environment, _word_in(name))):
        if name.endswith(f"-{word}"):
            return name.removesuffix(f"-{word}")
        if name.startswith(f"{word}-"):
            return name.removeprefix(f"{word}-")
    return name


def order_environments(names: Iterable[str]) -> list[str]:
    """Usual words as a release goes, then all others by name, and what tells none (empty) at the end."""
    return sorted(set(names), key=lambda name: (not name, _RANK.get(name.lower(), len(_RANK)), name))


def build_board(rows: Iterable[Row], language: Language, *, limit: int) -> dict[str, Any]:
    """{environments, apps: [{name, partOf, cells: {environment: cell}, drift}], total}, apps by name, `limit` of them.

    A cell has `more`, further applications of the same app in the same environment.
    """
    apps: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        place = place_of(row)
        apps.setdefault(place.app, {}).setdefault(place.environment, []).append(row)
    shown = [apps[name] for name in sorted(apps)[:limit]]
    environments = order_environments(name for cells in shown for name in cells)
    told = [_app(name, apps[name], language) for name in sorted(apps)[:limit]]
    return {"environments": environments, "apps": told, "total": len(apps)}


def _app(name: str, cells: Mapping[str, list[Row]], language: Language) -> dict[str, Any]:
    parts = {part for rows in cells.values() for row in rows if (part := row.labels.get(PART_OF_LABEL))}
    return {
        "name": name,
        "partOf": min(parts, default=""),
        "cells": {each: _cell(cells[each], language) for each in order_environments(cells)},
        "drift": has_drift([row for environment, rows in cells.items() if environment for row in rows]),
    }


def _cell(rows: list[Row], language: Language) -> dict[str, Any]:
    first, *more = ({**_told(row, language), "more": []} for row in rows)
    first["more"] = more
    return first


def _told(row: Row, language: Language) -> dict[str, Any]:
    whole = row.to_json(language)
    names = (
        "namespace", "project", "cluster", "destinationNamespace", "repo", "path", "revision", "targetRevision", "sync",
        "health", "phase", "why", "pinned", "images",
    )  # fmt: skip
    return {"application": row.name, **{name: whole[name] for name in names}}


def has_drift(rows: Iterable[Row]) -> bool:
    """Whether the environments do not all run the same: other images, or, where none are known, other revisions.

    Images count first, since environments are often folders of one repository, whose revision says nothing of what runs.
    """
    rows = list(rows)
    if any(row.images for row in rows):
        return len({tuple(sorted(row.images)) for row in rows if row.images}) > 1
    return len({row.revision for row in rows if row.revision}) > 1
