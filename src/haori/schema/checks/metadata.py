"""Metadata that every kind has: names, labels, annotations, finalizers, owners.

see: apimachinery `pkg/api/validation/objectmeta.go` (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import Problems, annotation_map, label_map, part, said
from haori.schema.problems import invalid, required

_LABEL_NAMES = frozenset({"Namespace", "Service", "StatefulSet"})
_PATH_NAMES = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "IPAddress", "ClusterTrustBundle"})
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_FREE_FINALIZERS = frozenset({"", "CustomResourceDefinition", "APIService"})
"""Kinds (custom ones have no name here) whose finalizers may be any qualified name: another server's code checks them."""
_CRON_NAME_LIMIT = 52


def check_metadata(manifest: Manifest, kind: str) -> Problems:
    """What is wrong with the metadata of an object of that kind."""
    metadata = part(manifest, "metadata")
    name = metadata.get("name") or ""
    if name:
        yield from said("metadata.name", name, _name_rule(kind)(str(name)))
        if kind == "CronJob" and len(name) > _CRON_NAME_LIMIT:
            yield invalid("metadata.name", name, f"must be no more than {_CRON_NAME_LIMIT} characters")
    elif not metadata.get("generateName"):
        yield required("metadata.name", "name or generateName is required")
    yield from label_map(part(metadata, "labels"), "metadata.labels")
    yield from annotation_map(part(metadata, "annotations"), "metadata.annotations")
    for position, text in enumerate(metadata.get("finalizers") or ()):
        yield from said("metadata.finalizers", text, words.qualified_name(text))
        if kind not in _FREE_FINALIZERS:
            yield from said(f"metadata.finalizers[{position}]", text, _not_standard(text))
    yield from _owners(metadata)


def check_namespace(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Namespace's finalizers."""
    for text in part(manifest, "spec").get("finalizers") or ():
        yield from said("spec.finalizers", text, [*words.qualified_name(text), *_not_standard(text)])


def _name_rule(kind: str) -> Callable[[str], list[str]]:
    if kind in _PATH_NAMES:
        return words.path_segment
    return words.label if kind in _LABEL_NAMES else words.subdomain


def _not_standard(text: str) -> list[str]:
    is_known = "/" in text or text in _STANDARD_FINALIZERS
    return [] if is_known else ["name is neither a standard finalizer name nor is it fully qualified"]


def _owners(metadata: Mapping[str, Any]) -> Problems:
    owners = [owner for owner in metadata.get("ownerReferences") or () if isinstance(owner, Mapping)]
    controller = ""
    for position, owner in enumerate(owners):
        place = f"metadata.ownerReferences[{position}]"
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield required(f"{place}.{field}", "must not be empty")
        if owner.get("controller"):
            shown = f"{owner.get('kind')}/{owner.get('name')}"
            if controller:
                detail = f'Found "true" in references for {controller} and {shown}'
                yield invalid(
                    "metadata.ownerReferences", owners, f"Only one reference can have Controller set to true. {detail}"
                )
            controller = controller or shown
