"""Paths that a repository gives are hostile until they are shown to stay inside it."""

from __future__ import annotations

import posixpath
from pathlib import Path

from haori.delivery.render.errors import RenderPathError


def resolve_inside(root: Path, folder: Path, relative: str) -> Path:
    """`relative`, seen from `folder`, with links followed. Raises RenderPathError where it is not inside `root`.

    A path that begins with a slash is seen from `root`, as Argo CD sees value files.
    """
    start = root if relative.startswith("/") else folder
    found = (start / relative.lstrip("/")).resolve()
    if not found.is_relative_to(root.resolve()):
        raise RenderPathError("render-path-outside", path=relative)
    return found


def existing_inside(root: Path, folder: Path, relative: str) -> Path:
    """As `resolve_inside`, and the path exists; raises RenderPathError where it does not."""
    found = resolve_inside(root, folder, relative)
    if not found.exists():
        raise RenderPathError("render-path-missing", path=relative)
    return found


def join_path(folder: str, relative: str) -> str:
    """The path of `relative` seen from `folder` (from the root where it begins with a slash), "" for the root.

    Raises RenderPathError where it leads out of the repository.
    """
    joined = relative.lstrip("/") if relative.startswith("/") else posixpath.join(folder, relative)
    path = posixpath.normpath(joined or ".")
    if path == ".." or path.startswith("../"):
        raise RenderPathError("render-path-outside", path=relative)
    return "" if path == "." else path
