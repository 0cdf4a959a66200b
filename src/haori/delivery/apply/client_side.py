"""Apply as `kubectl apply` does it without the server's help: for objects that say `ServerSideApply=false`.

The annotation `last-applied-configuration` remembers what was written; what was in it and is no longer wanted is
removed, what is wanted is set, everything else is left. Lists of Kubernetes' own types are merged by their keys (a
strategic merge patch), those of custom ones are taken whole, as JSON merge patch does (RFC 7386).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from haori.cluster.client import PatchType
from haori.objects import Manifest, annotations_of, copy_manifest
from haori.resources.argo import APPLICATION_RECORDS, is_application
from haori.schema import PatchError, Schemas, three_way_merge

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


def plan_patch(live: Manifest, desired: Manifest) -> tuple[dict[str, Any], PatchType]:
    """The patch that takes `live` to `desired`, and its type; empty where there is nothing to do."""
    schema = Schemas.builtin().type_for(str(desired.get("apiVersion")), str(desired.get("kind")))
    if schema is not None and live.get("apiVersion") == desired.get("apiVersion"):
        try:
            patch = three_way_merge(schema, _original(live), with_last_applied(desired), live)
        except PatchError:
            pass  # An item without its key: the lists are taken whole.
        else:
            return patch, PatchType.STRATEGIC
    return plan_merge(live, desired), PatchType.MERGE


def plan_merge(live: Manifest, desired: Manifest) -> dict[str, Any]:
    """The merge patch that takes `live` to `desired`, forgetting what was last applied and is wanted no more."""
    return _merge(_original(live), with_last_applied(desired), live)


def _original(live: Manifest) -> Mapping[str, Any]:
    try:
        original = json.loads(annotations_of(live).get(LAST_APPLIED) or "{}")
    except ValueError:
        return {}
    if not isinstance(original, Mapping):
        return {}
    records = APPLICATION_RECORDS if is_application(live) else ()
    return {name: value for name, value in original.items() if name not in records}


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
