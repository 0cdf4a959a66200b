"""Reading inside manifests without tripping over what is absent or of another shape.

Manifests come from Git and from clusters; a field may be missing, null or nonsense. These accessors answer with the
neutral value of the asked shape instead of raising, because a manifest that is wrong is for validation to report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NOTHING: Mapping[str, Any] = {}
_SCALARS = (str, int, float, type(None))


def nested(manifest: Any, *path: str) -> Any:
    """The value at `path`, None where any step is missing or not a mapping."""
    for step in path:
        # Nearly all are plain dicts; asking the abstract class of each step shows in the time of a large sync.
        if not isinstance(manifest, dict) and not isinstance(manifest, Mapping):
            return None
        manifest = manifest.get(step)
    return manifest


def nested_mapping(manifest: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at `path`, an empty one where there is none."""
    value = nested(manifest, *path)
    return value if isinstance(value, (dict, Mapping)) else _NOTHING


def nested_list(manifest: Any, *path: str) -> Sequence[Any]:
    """The list at `path`, an empty one where there is none."""
    value = nested(manifest, *path)
    return value if isinstance(value, (list, tuple)) else ()


def nested_texts(manifest: Any, *path: str) -> tuple[str, ...]:
    """The list at `path` with an empty text in the place of what is none."""
    return tuple(item if isinstance(item, str) else "" for item in nested_list(manifest, *path))


def nested_mappings(manifest: Any, *path: str) -> tuple[Mapping[str, Any], ...]:
    """The list at `path` with an empty mapping in the place of what is none."""
    return tuple(item if isinstance(item, (dict, Mapping)) else _NOTHING for item in nested_list(manifest, *path))


def nested_text(manifest: Any, *path: str) -> str:
    """The text at `path`, empty where there is none."""
    value = nested(manifest, *path)
    return value if isinstance(value, str) else ""


def annotations_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The annotations of an object."""
    return nested_mapping(manifest, "metadata", "annotations")


def labels_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of an object."""
    return nested_mapping(manifest, "metadata", "labels")


def copy_manifest(value: Any) -> Any:
    """A deep copy of JSON-like data: fresh dicts and lists, the very same scalars."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, (dict, Mapping)):
        return {key: copy_manifest(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [copy_manifest(item) for item in value]
    return value
