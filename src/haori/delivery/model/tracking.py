"""Which application an object belongs to.

The annotation method writes `<app>:<group>/<kind>:<namespace>/<name>`; because it names the object it stands on, a copy
of it on another object (made by a controller that copies annotations) is seen and does not count.
see: argoproj/argo-cd `util/argo/resource_tracking.go` (3.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from haori.objects import Manifest, ResourceKey, annotations_of, copy_manifest, key_of, labels_of
from haori.resources import argo


class TrackingMethod(StrEnum):
    """`application.resourceTrackingMethod`."""

    ANNOTATION = "annotation"
    LABEL = "label"
    ANNOTATION_AND_LABEL = "annotation+label"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingId:
    """A parsed id."""

    application: str
    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """How marks are written and read."""

    method: TrackingMethod = TrackingMethod.ANNOTATION
    label: str = argo.INSTANCE_LABEL
    installation_id: str = ""

    def mark(self, manifest: Manifest, application: str, namespace: str = "") -> dict[str, Any]:
        """A copy that belongs to `application`; `namespace` is the destination's, for cluster-scoped objects."""
        marked: dict[str, Any] = copy_manifest(manifest)
        metadata = marked.setdefault("metadata", {})
        if self.method is not TrackingMethod.LABEL:
            annotations = metadata.get("annotations") or {}
            annotations[argo.TRACKING_ID] = build_tracking_id(application, key_of(manifest), namespace)
            if self.installation_id:
                annotations[argo.INSTALLATION_ID] = self.installation_id
            metadata["annotations"] = annotations
        if self.method is not TrackingMethod.ANNOTATION:
            labels = metadata.get("labels") or {}
            labels[self.label] = application[:63].rstrip("-_.")
            metadata["labels"] = labels
        return marked

    def owner_of(self, manifest: Manifest) -> str | None:
        """The application a live object belongs to, None for nobody's, a copied mark or another installation's."""
        if self.method is TrackingMethod.LABEL:
            return labels_of(manifest).get(self.label) or None
        annotations = annotations_of(manifest)
        if (annotations.get(argo.INSTALLATION_ID) or "") != self.installation_id:
            return None
        found = parse_tracking_id(str(annotations.get(argo.TRACKING_ID) or ""))
        if found is None:
            return None
        key = key_of(manifest)
        same = (found.group, found.kind, found.name) == (key.group, key.kind, key.name)
        return found.application if same and key.namespace in ("", found.namespace) else None


def build_tracking_id(application: str, key: ResourceKey, namespace: str = "") -> str:
    """The id of an object; `namespace` (the destination's) fills the slot of one that has none."""
    return f"{application}:{key.group}/{key.kind}:{key.namespace or namespace}/{key.name}"


def parse_tracking_id(text: str) -> TrackingId | None:
    """The parts of an id, None for a text that is none. The name may contain colons (RBAC names do)."""
    parts = text.split(":", 2)
    if len(parts) != 3 or "/" not in parts[1] or "/" not in parts[2] or not parts[0]:
        return None
    group, _, kind = parts[1].rpartition("/")
    namespace, _, name = parts[2].partition("/")
    return TrackingId(application=parts[0], group=group, kind=kind, namespace=namespace, name=name)
