"""What never counts: brought away on both sides before comparing. Copies; inputs stay as found.

see: argoproj/argo-cd `gitops-engine/pkg/diff/diff.go` and `util/argo/normalizers` (3.6).
"""

from __future__ import annotations

from typing import Any

from haori.delivery.compare.ignore import remove_ignored
from haori.delivery.compare.types import CompareOptions
from haori.objects import Manifest, copy_manifest
from haori.objects.masking import HASH_PREFIX, LAST_APPLIED, fold_string_data, is_secret

_SERVER_FIELDS = (
    "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields",
    "resourceVersion", "selfLink", "uid",
)  # fmt: skip


def normalise(desired: Manifest, live: Manifest, options: CompareOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """(desired, live) ready to be compared."""
    first, second = _clean(desired, options), _clean(live, options)
    if is_secret(first):
        first, second = _secrets(first, second, options)
    if first.get("kind") in ("ClusterRole", "Role"):
        for manifest in (first, second):
            if manifest.get("rules") is None or manifest.get("aggregationRule"):
                manifest.pop("rules", None)
    remove_ignored(first, second, live, options.ignore_rules)
    return first, second


def _clean(manifest: Manifest, options: CompareOptions) -> dict[str, Any]:
    copied: dict[str, Any] = copy_manifest(manifest)
    if options.ignore_status:
        copied.pop("status", None)
    metadata = copied.get("metadata")
    if isinstance(metadata, dict):
        for field in _SERVER_FIELDS:
            metadata.pop(field, None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop(LAST_APPLIED, None)
    # Versions of one type are converted by the API; the live one comes in whatever version was asked for.
    copied.pop("apiVersion", None)
    return copied


def _secrets(
    desired: dict[str, Any], live: dict[str, Any], options: CompareOptions
) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = fold_string_data(desired), fold_string_data(live)
    values = (second.get("data") or {}).values()
    if options.hasher and any(isinstance(value, str) and value.startswith(HASH_PREFIX) for value in values):
        first, second = options.hasher.hash_manifest(first), options.hasher.hash_manifest(second)
    if not second.get("type"):
        second.pop("type", None)
    return first, second
