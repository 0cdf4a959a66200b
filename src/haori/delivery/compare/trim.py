"""The form in which the cluster cache keeps an object: enough to compare, to find owners and to judge health.

Objects we applied keep exactly the fields that our entry in managedFields names, so that what other controllers write
costs no memory. Others keep their body only when asked. Secret values become keyed hashes, always.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from haori.delivery.compare.ownership import Tree, child, owned_tree
from haori.objects import Manifest, copy_manifest, nested_list
from haori.objects.masking import LAST_APPLIED, SecretHasher, is_secret
from haori.resources import argo, haori

_METADATA = (
    "name", "namespace", "uid", "resourceVersion", "generation", "labels", "annotations", "ownerReferences",
    "finalizers", "creationTimestamp", "deletionTimestamp",
)  # fmt: skip

_ADOPTED = (argo.FIELD_MANAGER, "Apply")
"""Whose fields count as ours where we own none yet: those that Argo CD applied on the server."""


def trim(
    manifest: Manifest,
    *,
    hasher: SecretHasher | None,
    manager: str = haori.FIELD_MANAGER,
    keep_body: bool = False,
    keep_status: bool = False,
    managers: Collection[str] = (),
) -> dict[str, Any]:
    """A smaller copy; comparing it with what was applied gives what comparing the whole object gives.

    `keep_body` keeps the fields of an object that `manager` never applied; `keep_status` keeps status; of `managers` it is
    kept what they own. `hasher` None leaves Secret values as they are: for a copy that is used at once and not kept.
    """
    source = hasher.hash_manifest(manifest) if hasher is not None and is_secret(manifest) else manifest
    metadata = source.get("metadata") or {}
    kept = {name: copy_manifest(metadata[name]) for name in _METADATA if metadata.get(name)}
    annotations = kept.get("annotations")
    if isinstance(annotations, dict) and (not keep_body or is_secret(manifest)):
        annotations.pop(LAST_APPLIED, None)
    entries = nested_list(manifest, "metadata", "managedFields")
    ours = [entry for entry in entries if entry.get("manager") == manager and entry.get("operation") == "Apply"]
    if not ours and keep_body:
        ours = [entry for entry in entries if (entry.get("manager"), entry.get("operation")) == _ADOPTED]
    if named := ours + [entry for entry in entries if entry not in ours and entry.get("manager") in managers]:
        kept["managedFields"] = copy_manifest(named)
    trimmed: dict[str, Any] = {"apiVersion": source.get("apiVersion"), "kind": source.get("kind"), "metadata": kept}
    owned = owned_tree(manifest, manager)
    for name, value in source.items():
        if name in trimmed or (name == "status" and not keep_status):
            continue
        if owned is not None and name != "status":
            below = child(owned, name)
            if name == "data" and is_secret(manifest) and (given := child(owned, "stringData")) is not None:
                # The API server keeps in `data` what was applied as `stringData`, and leaves the ownership there.
                below = {**(below or {}), **given}
            if below is not None:
                trimmed[name] = _project(value, below)
        elif keep_body or name == "status":
            trimmed[name] = copy_manifest(value)
    return trimmed


def _project(value: Any, tree: Tree) -> Any:
    if isinstance(value, dict) and any(key.startswith("f:") for key in tree):
        parts = ((name, child(tree, name)) for name in value)
        return {name: _project(value[name], below) for name, below in parts if below is not None}
    return copy_manifest(value)
