"""Desired beside live: what counts, what is said, what is not compared twice."""

from __future__ import annotations

from typing import Any, cast

import pytest

from haori.cluster import EventType, KubernetesClient, WatchEvent
from haori.delivery.compare import CompareOptions, Targets, clean_targets
from haori.delivery.controller.assessment import assess_application, gather
from haori.delivery.controller.cache import ClusterCache
from haori.delivery.controller.memory import Assessment, Compared
from haori.delivery.model import Application, parse_application, parse_settings
from haori.objects.masking import SecretHasher
from haori.resources.argo import HealthStatus, SyncPhase, SyncStatus
from tests.delivery.controller.fakes import FakeClient

SETTINGS = parse_settings(None)


def app(**policy: Any) -> Application:
    source = {"repoURL": "https://git.example/r", "path": "app"}
    spec = {"source": source, "destination": {"name": "in-cluster", "namespace": "shop"}, "syncPolicy": policy}
    return parse_application({"metadata": {"name": "shop", "namespace": "argocd", "uid": "u"}, "spec": spec})


def make(name: str, kind: str = "ConfigMap", **annotations: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if annotations:
        metadata["annotations"] = {
            key.replace("__", "/").replace("_", "."): value for key, value in annotations.items()
        }
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": "1"}}


def hook(name: str, type_: str) -> dict[str, Any]:
    manifest = make(name)
    manifest["metadata"]["annotations"] = {"argocd.argoproj.io/hook": type_}
    return manifest


def clean(*manifests: dict[str, Any]) -> Targets:
    return clean_targets(
        manifests, application="shop", namespace="shop", namespaced=lambda kind: True, settings=SETTINGS
    )


class World:
    """A cache that a test fills."""

    def __init__(self) -> None:
        client = cast(KubernetesClient, FakeClient())
        self.cache = ClusterCache(client, settings=SETTINGS, hasher=SecretHasher(b"k" * 16), manager="haori")
        self.known: Compared = {}

    def live(self, manifest: dict[str, Any], application: str = "shop") -> None:
        marked = SETTINGS.tracking.mark(manifest, application, "shop")
        marked["metadata"] |= {"uid": f"uid-{marked['metadata']['name']}", "resourceVersion": "1"}
        self.cache.observe(WatchEvent(type=EventType.ADDED, object=marked))

    def assess(self, targets: Targets, application: Application | None = None) -> Assessment:
        return assess_application(
            application or app(), targets, gather(self.cache, "shop", targets), {}, CompareOptions(),
            name="shop", namespace=None, known=self.known,
        )  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


def test_what_stands_as_wanted_is_synced_and_not_compared_twice(world: World):
    world.live(make("a"))
    targets = clean(make("a"))
    first = world.assess(targets)
    second = world.assess(targets)
    assert (first.status, first.health.status) == (SyncStatus.SYNCED, HealthStatus.HEALTHY)
    assert [second.comparisons[key] is item for key, item in first.comparisons.items()] == [True]


def test_missing_and_extra_objects_are_out_of_sync(world: World):
    world.live(make("extra"))
    found = world.assess(clean(make("wanted")))
    rows = {row.key.name: row for row in found.rows}
    assert found.status is SyncStatus.OUT_OF_SYNC
    assert (rows["extra"].requires_pruning, rows["wanted"].requires_pruning) == (True, False)
    assert [key.name for key in found.owned] == ["extra"]


def test_hooks_have_a_row_and_count_for_nothing(world: World):
    found = world.assess(clean(hook("migrate", "PreSync")))
    assert found.status is SyncStatus.SYNCED
    assert [(row.key.name, row.is_hook, row.status) for row in found.rows] == [("migrate", True, None)]
    assert found.comparisons == {}


def test_an_object_of_two_applications_is_named(world: World):
    world.live(make("a"), application="other")
    (condition,) = world.assess(clean(make("a"))).conditions
    assert condition.type.value == "SharedResourceWarning"
    assert condition.sentence.parameters["other"] == "other"


@pytest.mark.parametrize("phase", [SyncPhase.PRE_DELETE, SyncPhase.POST_DELETE])
def test_hooks_of_a_deletion_are_noted(world: World, phase: SyncPhase):
    found = world.assess(clean(hook("a", phase.value), make("b")))
    assert found.deletion_phases == frozenset({phase})
    assert found.conditions == ()
