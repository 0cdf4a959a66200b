"""What one kustomization file refers to.

Every field of a kustomization is either known to name nothing, known to name files or other kustomizations in a known
place, or not known; the last kind makes the whole repository an input. see: kubernetes-sigs/kustomize
`api/types/kustomization.go` (v5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from haori.delivery.render.base_urls import is_remote
from haori.delivery.render.errors import RenderError
from haori.objects.yaml import load

_ENTRIES = ("resources", "components", "bases")
_FILES = ("crds", "configurations")
_PATHS = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_PLUGINS = ("generators", "transformers", "validators")
"""Configurations of plugins, which may name any file in or below the kustomization's folder, and no other."""
_WITHOUT = frozenset(
    {
        "apiVersion", "kind", "metadata", "namespace", "namePrefix", "nameSuffix", "commonLabels", "commonAnnotations",
        "labels", "images", "imageTags", "replicas", "vars", "generatorOptions", "buildMetadata", "sortOptions",
        # Read only where charts are inflated (`charts`); else Kustomize refuses, and what it would read is never read.
        "helmCharts", "helmChartInflationGenerator", "helmGlobals",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What a kustomization names, as paths seen from its folder."""

    entries: tuple[str, ...] = ()
    """Files, or folders that are kustomizations themselves."""
    files: tuple[str, ...] = ()
    reads_folder: bool = False
    """Whether any file of its folder may be read."""
    is_unforeseen: bool = False
    """Whether it has a field that we do not know."""
    charts: tuple[str, ...] = ()
    """Folders and files that are read where charts are inflated."""


@lru_cache(maxsize=512)
def parse_references(content: bytes, path: str) -> References:
    """What the kustomization in `content` refers to. Raises YamlError, RenderError where it is no mapping."""
    raw = load(content, source=path) or {}
    if not isinstance(raw, dict):
        raise RenderError("render-no-object", source=path)
    known = {*_ENTRIES, *_FILES, *_PATHS, *_GENERATORS, *_PLUGINS, *_WITHOUT, "patchesStrategicMerge", "openapi"}
    entries = [*_texts(raw, _ENTRIES), *(text for text in _texts(raw, _PLUGINS) if "\n" not in text)]
    files = [*_texts(raw, _FILES), *_paths(raw), *_generated(raw)]
    files += [text for text in _texts(raw, ("patchesStrategicMerge",)) if "\n" not in text]
    files += [str(path) for path in [_mapping(raw.get("openapi")).get("path")] if path]
    return References(
        entries=tuple(entries),
        files=tuple(text for text in files if not is_remote(text)),
        reads_folder=any(raw.get(name) for name in _PLUGINS),
        is_unforeseen=not known.issuperset(raw),
        charts=tuple(_charts(raw)),
    )


def _charts(raw: Mapping[str, Any]) -> Iterator[str]:
    """see: kustomize `api/types/helmchartargs.go`; charts lie below `chartHome`, each in a folder of its name."""
    charts = [_mapping(item) for item in _items(raw.get("helmCharts"))]
    old = [_mapping(item) for item in _items(raw.get("helmChartInflationGenerator"))]
    if charts or old:
        yield str(_mapping(raw.get("helmGlobals")).get("chartHome") or "charts")
    for item in charts:
        yield from (str(path) for path in [item.get("valuesFile"), *_items(item.get("additionalValuesFiles"))] if path)
    for item in old:
        yield from (str(item[name]) for name in ("chartHome", "values") if item.get(name))


def _texts(raw: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield from (str(item) for item in _items(raw.get(name)) if not isinstance(item, dict))


def _paths(raw: Mapping[str, Any]) -> Iterator[str]:
    for name in _PATHS:
        yield from (str(item["path"]) for item in map(_mapping, _items(raw.get(name))) if item.get("path"))


def _generated(raw: Mapping[str, Any]) -> Iterator[str]:
    for name in _GENERATORS:
        for item in map(_mapping, _items(raw.get(name))):
            # `KEY=path` or `path`; a path without a key may not hold an equals sign.
            yield from (str(text).rpartition("=")[2] for text in _items(item.get("files")))
            yield from (str(text) for text in [*_items(item.get("envs")), item.get("env")] if text)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
