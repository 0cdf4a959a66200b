"""Paths inside a volume: relative, and never upwards."""

from __future__ import annotations

from haori.schema.checks.common import Problems
from haori.schema.problems import invalid


def relative_path(text: str, path: str) -> Problems:
    """A path that stays below where it begins."""
    if text.startswith("/"):
        yield invalid(path, text, "must be a relative path")
    yield from no_way_up(text, path)


def no_way_up(text: str, path: str) -> Problems:
    """A path without `..`."""
    if ".." in text.split("/"):
        yield invalid(path, text, "must not contain '..'")
