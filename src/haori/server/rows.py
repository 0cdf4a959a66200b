"""An application as one row of a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from haori.delivery.model.tracking import parse_tracking_id
from haori.objects import Manifest, annotations_of, labels_of, nested_list, nested_mapping, nested_text
from haori.resources import argo, haori
from haori.words import Language, Sentence, read_sentence

Key = tuple[str, str]
"""(namespace, name)."""
IMAGES = 10
"""Images told in a row; the application's own page has all."""
FACETS: Mapping[str, Callable[[Row], str]] = {
    "project": attrgetter("project"),
    "cluster": attrgetter("cluster"),
    "destinationNamespace": attrgetter("destination_namespace"),
    "repo": attrgetter("repo"),
    "health": attrgetter("health"),
    "sync": attrgetter("sync"),
}
"""What rows are found by without looking at each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a list shows of one application."""

    name: str
    namespace: str
    project: str
    cluster: str
    """The destination's name, else its server."""
    destination_namespace: str
    repo: str
    path: str
    """The path in the repository, or the chart."""
    revision: str
    """Compared with last; several sources' revisions are joined by commas."""
    target_revision: str
    sync: str
    health: str
    phase: str
    """Of the operation under way or last run, empty where there was none."""
    why: Sentence | None
    pinned: bool
    reconciled_at: str
    images: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""
    """The application that declares it (an application of applications), empty where none does."""

    @property
    def key(self) -> Key:
        """Its namespace and name."""
        return self.namespace, self.name

    def facet(self, name: str) -> str:
        """The value that it is found by. Raises KeyError for what is no facet."""
        return FACETS[name](self)

    def to_json(self, language: Language) -> dict[str, Any]:
        """As the wire has it."""
        return {
            "name": self.name,
            "namespace": self.namespace,
            "project": self.project,
            "cluster": self.cluster,
            "destinationNamespace": self.destination_namespace,
            "repo": self.repo,
            "path": self.path,
            "revision": self.revision,
            "targetRevision": self.target_revision,
            "sync": self.sync,
            "health": self.health,
            "phase": self.phase,
            "why": self.why.to_json(language) if self.why is not None else None,
            "pinned": self.pinned,
            "reconciledAt": self.reconciled_at,
            "images": list(self.images),
            "labels": dict(self.labels),
            "parent": self.parent,
        }


def key_of_manifest(manifest: Manifest) -> Key:
    """The key of an Application."""
    return nested_text(manifest, "metadata", "namespace"), nested_text(manifest, "metadata", "name")


def parse_row(manifest: Manifest) -> Row:
    """The row of an Application; what is absent or nonsense is empty."""
    namespace, name = key_of_manifest(manifest)
    spec, status = nested_mapping(manifest, "spec"), nested_mapping(manifest, "status")
    sources = [each for each in nested_list(spec, "sources") if isinstance(each, Mapping)]
    source = sources[0] if sources else nested_mapping(spec, "source")
    destination = nested_mapping(spec, "destination")
    owner = parse_tracking_id(str(annotations_of(manifest).get(argo.TRACKING_ID) or ""))
    return Row(
        name=name,
        namespace=namespace,
        project=nested_text(spec, "project") or argo.DEFAULT_PROJECT,
        cluster=_cluster(destination),
        destination_namespace=nested_text(destination, "namespace"),
        repo=nested_text(source, "repoURL"),
        path=nested_text(source, "chart") or nested_text(source, "path"),
        revision=_revision(nested_mapping(status, "sync")),
        target_revision=nested_text(source, "targetRevision") or "HEAD",
        sync=nested_text(status, "sync", "status") or "Unknown",
        health=nested_text(status, "health", "status") or "Unknown",
        phase=_phase(manifest),
        why=parse_why(manifest),
        pinned=haori.PIN in annotations_of(manifest),
        reconciled_at=nested_text(status, "reconciledAt"),
        images=tuple(str(each) for each in nested_list(status, "summary", "images")[:IMAGES]),
        labels=dict(labels_of(manifest)),
        parent=owner.application if owner is not None else "",
    )


def parse_why(manifest: Manifest) -> Sentence | None:
    """Why it is not as wanted, as the engine wrote it; None where it is, or nobody knows."""
    return read_sentence(nested_mapping(manifest, "status", "haori", "why"))


def _cluster(destination: Mapping[str, Any]) -> str:
    server = nested_text(destination, "server").rstrip("/")
    if server == argo.IN_CLUSTER_SERVER:
        return argo.IN_CLUSTER_NAME
    return nested_text(destination, "name") or server


def _revision(sync: Mapping[str, Any]) -> str:
    many = [str(each) for each in nested_list(sync, "revisions")]
    return ",".join(many) or nested_text(sync, "revision")


def _phase(manifest: Manifest) -> str:
    if manifest.get("operation") is not None:
        return argo.OperationPhase.RUNNING.value
    return nested_text(manifest, "status", "operationState", "phase")
