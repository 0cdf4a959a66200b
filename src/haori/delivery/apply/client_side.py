"""Apply as `kubectl apply` does it without the server's help: for objects that say `ServerSideApply=false`.

The annotation `last-applied-configuration` remembers what was written; what was in it and is no longer wanted is
removed, what is wanted is set, everything else is left. Lists are taken whole, as JSON merge patch does (RFC 7386).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest, annotations_of, copy_manifest

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def with_last_applied(desired: Manifest) -> dict[str, Any]:
    """A copy of `desired` that remembers itself."""
    copy: dict[str, Any] = copy_manifest(desired)
    metadata = copy.setdefault("metadata", {})
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop(LAST_APPLIED, None)
    metadata["annotations"] = annotations
    annotations[LAST_APPLIED] = json.dumps(copy, separators=(",", ":"), sort_keys=True) + "\n"
    return copy


def plan_merge(live: Manifest, desired: Manifest) -> dict[str, Any]:
    """The merge patch that takes `live` to `desired`, forgetting what was last applied and is wanted no more."""
    try:
        original = json.loads(annotations_of(live).get(LAST_APPLIED) or "{}")
    except ValueError:
        original = {}
    return _merge(original if isinstance(original, Mapping) else {}, with_last_applied(desired), live)


def _merge(original: Mapping[str, Any], desired: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {name: None for name in original if name not in desired and name in live}
    for name, wanted in desired.items():
        there = live.get(name)
        if isinstance(wanted, Mapping) and isinstance(there, Mapping):
            before = original.get(name)
            below = _merge(before if isinstance(before, Mapping) else {}, wanted, there)
            if below:
                patch[name] = below
        elif name not in live or wanted != there:
            patch[name] = wanted
    return patch
