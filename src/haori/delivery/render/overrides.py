"""Parameters that the repository itself holds: `.argocd-source.yaml` and `.argocd-source-APPLICATION.yaml`.

They stand in the source's folder and are merged over the source as JSON merge patches, the second over the first. What
chooses the files (repository, revision, path, chart) stays the Application's.
see: argoproj/argo-cd `reposerver/repository/repository.go`, `mergeSourceParameters`, docs/user-guide/parameters.md (3.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from haori.delivery.model.application import parse_source
from haori.delivery.render.errors import RenderError
from haori.delivery.render.request import RenderRequest
from haori.git import EntryType, Tree
from haori.objects.yaml import load

OVERRIDE_BYTES = 1 << 20
KEPT = ("repoURL", "targetRevision", "path", "chart")
PARTS = ("helm", "kustomize", "directory", "plugin")


async def put_overrides(request: RenderRequest) -> tuple[RenderRequest, tuple[str, ...]]:
    """The request with the merged source, and the paths of the files that took part. Raises RenderError, YamlError."""
    found = [path for path in _places(request) if await _is_file(request.tree, path)]
    if not found:
        return request, ()
    merged: Any = dict(request.source.raw)
    for path in found:
        patch = load(await request.tree.read(path, limit_bytes=OVERRIDE_BYTES), source=path)
        if patch is None:
            continue
        if not isinstance(patch, dict):
            raise RenderError("render-override-unreadable", path=path)
        merged = merge_patch(merged, patch)
        if not all(isinstance(merged.get(part), Mapping | None) for part in PARTS):
            raise RenderError("render-override-unreadable", path=path)
    for name in KEPT:
        merged.pop(name, None)
        if name in request.source.raw:
            merged[name] = request.source.raw[name]
    return replace(request, source=parse_source(merged)), tuple(found)


def _places(request: RenderRequest) -> list[str]:
    folder = request.source.path.strip("/")
    folder = "" if folder in ("", ".") else f"{folder.removeprefix('./')}/"
    name = request.instance or request.context.name
    return [f"{folder}.argocd-source.yaml", *([f"{folder}.argocd-source-{name}.yaml"] if name else [])]


async def _is_file(tree: Tree, path: str) -> bool:
    entry = await tree.entry(path)
    if entry is not None and entry.type is EntryType.LINK:
        raise RenderError("render-override-unreadable", path=path)
    return entry is not None and entry.type is EntryType.FILE


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` with a JSON merge patch (RFC 7396) applied; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
