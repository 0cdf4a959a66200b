"""JSON merge patch (RFC 7386): null deletes, objects merge, everything else replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import copy_manifest
from haori.schema.jsonpatch import json_equal


def merge_patch(doc: Any, patch: Any) -> Any:
    """`doc` with `patch` merged in; neither is changed, untouched parts are shared with `doc`."""
    if not isinstance(patch, Mapping):
        return copy_manifest(patch)
    result = dict(doc) if isinstance(doc, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def create_merge_patch(before: Any, after: Any) -> Any:
    """The merge patch that takes `before` to `after` (objects both; null values in `after` cannot be expressed)."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        if name not in before:
            patch[name] = copy_manifest(value)
        elif isinstance(value, Mapping) and isinstance(before[name], Mapping):
            below = create_merge_patch(before[name], value)
            if below:
                patch[name] = below
        elif not json_equal(before[name], value):
            patch[name] = copy_manifest(value)
    return patch
