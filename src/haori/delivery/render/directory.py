"""A directory of YAML, JSON and Jsonnet files.

see: argoproj/argo-cd `reposerver/repository/repository.go`, `findManifests` (3.6).
"""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.model.globs import glob_matches
from haori.delivery.render.documents import Documents
from haori.delivery.render.errors import RenderError
from haori.delivery.render.jsonnet import JSONNET_SUFFIX, evaluate_jsonnet, jsonnet_options
from haori.delivery.render.parsing import Bounds, open_lists, parse_files
from haori.delivery.render.paths import join_path, resolve_inside
from haori.git import Entry, RepositoryRefusedError, Tree
from haori.words import Sentence

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST_TOTAL_BYTES = 10_000_000
"""Of all files together but Jsonnet, which bounds itself: Argo CD's `reposerver.max.combined.directory.manifests.size`."""
MOST_WARNINGS = 20
FILES_AT_ONCE = 64


async def render_directory(
    work: Path, root: Path, folder: Path, source: Source, bounds: Bounds
) -> tuple[list[dict[str, Any]], tuple[Sentence, ...]]:
    """The objects of the files in `folder`, in the order of their paths, and what was passed over in silence.

    `source.directory`: `recurse`, `jsonnet`, and the globs `include` and `exclude`, matched with the path from `folder`;
    exclude wins. `work` holds `root` and is given to whoever evaluates Jsonnet. Raises RenderError, YamlError.
    """
    options = source.directory or {}
    chosen = await asyncio.to_thread(_choose, root, folder, options)
    scripts = [path for path in chosen if path.endswith(JSONNET_SUFFIX)]
    others = [path for path in chosen if not path.endswith(JSONNET_SUFFIX)]
    files = await asyncio.to_thread(_read, root, folder, others)
    read = dict(zip(others, await parse_files(files, bounds), strict=True))
    evaluated: Mapping[str, Any] = {}
    if scripts:
        evaluated = await evaluate_jsonnet(work, root, folder, scripts, jsonnet_options(options), bounds)
    return _joined(chosen, read, evaluated)


async def render_entries(
    tree: Tree, entries: Iterable[Entry], source: Source, bounds: Bounds
) -> tuple[list[dict[str, Any]], tuple[Sentence, ...]]:
    """As `render_directory`, of plain files out of Git without a folder on disk: no Jsonnet, no links among them."""
    files = {posixpath.relpath(entry.path, join_path("", source.path or ".") or "."): entry for entry in entries}
    chosen = sorted(files, key=lambda path: path.split("/"))
    contents: list[tuple[str, bytes]] = []
    left = LARGEST_TOTAL_BYTES
    for start in range(0, len(chosen), FILES_AT_ONCE):
        names = chosen[start : start + FILES_AT_ONCE]
        try:
            read = await tree.read_all([files[name] for name in names], limit_bytes=LARGEST_TOTAL_BYTES)
        except RepositoryRefusedError as error:
            if error.code != "git-file-too-large":
                raise
            raise _too_large(source) from error
        left -= sum(map(len, read))
        if left < 0:
            raise _too_large(source)
        contents += zip(names, read, strict=True)
    return _joined(chosen, dict(zip(chosen, await parse_files(contents, bounds), strict=True)), {})


def _joined(
    chosen: Iterable[str], read: Mapping[str, Documents], evaluated: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], tuple[Sentence, ...]]:
    manifests: list[dict[str, Any]] = []
    warnings: list[Sentence] = []
    for path in chosen:
        if path in evaluated:
            manifests += open_lists(evaluated[path], path)
            continue
        manifests += open_lists(read[path].documents, path)
        warnings += [Sentence(code=code, parameters=parameters) for code, parameters in read[path].warnings]
    return manifests, tuple(warnings[:MOST_WARNINGS])


def _too_large(source: Source) -> RenderError:
    folder = posixpath.basename((source.path or ".").rstrip("/"))
    return RenderError("render-too-large", path=folder, limit=LARGEST_TOTAL_BYTES)


def _choose(root: Path, folder: Path, options: Mapping[str, Any]) -> list[str]:
    """The paths of the files that are read, from `folder`, in Argo CD's order: files and folders together by name."""
    found = []
    total = 0
    for path in _files(folder, recurse=bool(options.get("recurse"))):
        if not is_chosen(path, options):
            continue
        inside = resolve_inside(root, folder, path)
        if not inside.is_file():
            continue  # A link to a folder or to nothing: Argo CD passes it over as well.
        total += 0 if path.endswith(JSONNET_SUFFIX) else inside.stat().st_size
        if total > LARGEST_TOTAL_BYTES:
            raise RenderError("render-too-large", path=folder.name, limit=LARGEST_TOTAL_BYTES)
        found.append(path)
    return sorted(found, key=lambda path: path.split("/"))


def _files(folder: Path, *, recurse: bool) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"] if recurse else []
        yield from (Path(parent, name).relative_to(folder).as_posix() for name in names)


def _read(root: Path, folder: Path, paths: list[str]) -> list[tuple[str, bytes]]:
    return [(path, resolve_inside(root, folder, path).read_bytes()) for path in paths]


def is_chosen(relative: str, options: Mapping[str, Any]) -> bool:
    """Whether the file at `relative` (from the folder) is read, by its suffix and `source.directory`.

    A star passes slashes, as in Argo CD, which compiles these globs without separators.
    """
    include, exclude = str(options.get("include") or ""), str(options.get("exclude") or "")
    if not relative.endswith((*SUFFIXES, JSONNET_SUFFIX)) or (exclude and glob_matches(exclude, relative)):
        return False
    return not include or glob_matches(include, relative)
