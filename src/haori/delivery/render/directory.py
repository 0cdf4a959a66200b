"""A directory of YAML and JSON files, read as they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.model.globs import glob_matches
from haori.delivery.render.errors import RenderError
from haori.delivery.render.paths import resolve_inside
from haori.objects.yaml import load_documents

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST_TOTAL_BYTES = 64 << 20


def render_directory(root: Path, folder: Path, source: Source) -> list[dict[str, Any]]:
    """The objects of the files in `folder`, in the order of their paths.

    `source.directory`: `recurse`, and the globs `include` and `exclude`, matched with the path from `folder`; exclude
    wins. Raises RenderError for Jsonnet, for broken files and for what is no object.
    """
    options = source.directory or {}
    manifests: list[dict[str, Any]] = []
    total = 0
    for path in _files(folder, recurse=bool(options.get("recurse"))):
        relative = path.relative_to(folder).as_posix()
        if not is_chosen(relative, options):
            continue
        if path.suffix in (".jsonnet", ".libsonnet"):
            raise RenderError("render-jsonnet", path=relative)
        inside = resolve_inside(root, folder, relative)
        total += inside.stat().st_size
        if total > LARGEST_TOTAL_BYTES:
            raise RenderError("render-too-large", path=folder.name, limit=LARGEST_TOTAL_BYTES)
        manifests += read_objects(inside.read_bytes(), relative)
    return manifests


def _files(folder: Path, *, recurse: bool) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git") if recurse else []
        for name in sorted(names):
            yield Path(parent, name)


def is_chosen(relative: str, options: Mapping[str, Any]) -> bool:
    """Whether the file at `relative` (from the folder) is read, by its suffix and `source.directory`."""
    include, exclude = str(options.get("include") or ""), str(options.get("exclude") or "")
    if not relative.endswith((*SUFFIXES, ".jsonnet")) or (exclude and glob_matches(exclude, relative, separator="/")):
        return False
    return not include or glob_matches(include, relative, separator="/")


def read_objects(content: bytes, source: str) -> list[dict[str, Any]]:
    """The objects in YAML or JSON text, Lists opened. Raises YamlError, or RenderError for a document that is none."""
    return list(_open_lists(load_documents(content, source=source), source))


def _open_lists(documents: Iterable[Any], source: str) -> Iterator[dict[str, Any]]:
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
            raise RenderError("render-no-object", source=source)
        if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
            yield from _open_lists(document["items"], source)
        else:
            yield document
