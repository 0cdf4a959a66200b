from __future__ import annotations

from typing import Any, cast

import pytest

from haori.cluster import EventType, KubernetesClient, WatchEvent
from haori.cluster.well_known import EVENTS, LEASES, PODS
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.model import parse_settings
from haori.objects import ResourceKey
from haori.objects.masking import SecretHasher
from tests.delivery.controller.fakes import FakeClient

MARK = "argocd.argoproj.io/tracking-id"


class Heard(list[tuple[Live | None, Live | None]]):
    def __call__(self, before: Live | None, after: Live | None) -> None:
        self.append((before, after))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def cache(heard: Heard) -> ClusterCache:
    client = cast(KubernetesClient, FakeClient())
    hasher = SecretHasher(b"k" * 16)
    return ClusterCache(client, settings=parse_settings(None), hasher=hasher, manager="haori", on_change=heard)


def manifest(
    kind: str, name: str, *, owner: str = "", mark: str = "", version: str = "1", **fields: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": version}
    if owner:
        metadata["ownerReferences"] = [{"uid": f"uid-{owner}", "kind": "X", "name": owner}]
    if mark:
        metadata["annotations"] = {MARK: f"{mark}:/{kind}:shop/{name}"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def see(cache: ClusterCache, object_: dict[str, Any], type_: EventType = EventType.ADDED) -> None:
    cache.observe(WatchEvent(type=type_, object=object_))


def names(found: list[Live]) -> list[str]:
    return [live.key.name for live in found]


def test_objects_are_found_by_mark_namespace_and_owner(cache: ClusterCache):
    see(cache, manifest("ConfigMap", "settings", mark="shop"))
    see(cache, manifest("Service", "web"))
    see(cache, manifest("Pod", "web-1", owner="web"))

    assert names(cache.of_application("shop")) == ["settings"]
    assert names(cache.in_namespace("shop")) == ["settings", "web-1", "web"]
    assert names(cache.children("uid-web")) == ["web-1"]


def test_a_child_belongs_to_the_application_of_its_owner(cache: ClusterCache):
    see(cache, manifest("Service", "web", mark="shop"))
    see(cache, manifest("ReplicaSet", "middle", owner="web"))
    see(cache, manifest("Pod", "leaf", owner="middle"))
    leaf = cache.get(ResourceKey("", "Pod", "shop", "leaf"))
    web = cache.get(ResourceKey("", "Service", "shop", "web"))

    assert leaf is not None
    assert web is not None
    assert cache.applications_above(leaf) == {"shop"}
    assert names(cache.descendants(web)) == ["middle", "leaf"]


def test_owners_in_a_circle_end(cache: ClusterCache):
    see(cache, manifest("A", "one", owner="two"))
    see(cache, manifest("A", "two", owner="one"))
    one = cache.get(ResourceKey("", "A", "shop", "one"))

    assert one is not None
    assert names(cache.descendants(one)) == ["two"]
    assert cache.applications_above(one) == set()


def test_a_secret_is_never_kept_in_clear(cache: ClusterCache):
    see(cache, manifest("Secret", "keys", mark="shop", data={"key": "Y2FuYXJ5"}, stringData={"other": "canary"}))

    assert "Y2FuYXJ5" not in repr(cache.in_namespace("shop"))
    assert "canary" not in repr(cache.in_namespace("shop"))


def test_a_new_version_without_substance_is_not_told(cache: ClusterCache, heard: Heard):
    see(cache, manifest("ConfigMap", "settings", mark="shop"))
    see(cache, manifest("ConfigMap", "settings", mark="shop", version="2"), EventType.MODIFIED)

    assert len(heard) == 1
    kept = cache.get(ResourceKey("", "ConfigMap", "shop", "settings"))
    assert kept is not None
    assert kept.manifest["metadata"]["resourceVersion"] == "2"


def test_a_changed_mark_moves_the_object_and_a_deletion_forgets_it(cache: ClusterCache, heard: Heard):
    see(cache, manifest("ConfigMap", "settings", mark="shop"))
    see(cache, manifest("ConfigMap", "settings", mark="other", version="2"), EventType.MODIFIED)
    assert cache.of_application("shop") == []
    assert names(cache.of_application("other")) == ["settings"]

    see(cache, manifest("ConfigMap", "settings"), EventType.DELETED)

    assert cache.in_namespace("shop") == []
    assert heard[-1][1] is None
    assert cache.statistics()["objects"] == 0


def test_events_and_leases_are_not_watched(cache: ClusterCache):
    assert [cache.is_watched(resource) for resource in (EVENTS, LEASES, PODS)] == [False, False, True]


def test_an_event_that_was_overtaken_by_our_own_write_is_passed_over(cache: ClusterCache, heard: Heard):
    see(cache, manifest("ConfigMap", "settings", mark="shop", version="10", data={"a": "new"}))
    see(cache, manifest("ConfigMap", "settings", mark="shop", version="9", data={"a": "old"}))

    live = cache.get(ResourceKey("", "ConfigMap", "shop", "settings"))
    assert live is not None
    assert live.manifest["data"] == {"a": "new"}
    assert len(heard) == 1


def test_the_end_of_an_object_that_was_made_anew_is_passed_over(cache: ClusterCache):
    see(cache, manifest("ConfigMap", "settings", version="10"))
    old = manifest("ConfigMap", "settings", version="9")
    old["metadata"]["uid"] = "uid-before"
    see(cache, old, EventType.DELETED)
    assert cache.get(ResourceKey("", "ConfigMap", "shop", "settings")) is not None


def test_a_pod_that_waits_for_another_reason_is_told_though_its_health_is_the_same(cache: ClusterCache, heard: Heard):
    waiting = [{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]
    see(cache, manifest("Pod", "web", spec={"restartPolicy": "Never"}, status={"phase": "Pending"}))
    see(
        cache,
        manifest(
            "Pod",
            "web",
            version="2",
            spec={"restartPolicy": "Never"},
            status={"phase": "Pending", "containerStatuses": waiting},
        ),
        EventType.MODIFIED,
    )
    unscheduled = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    see(
        cache,
        manifest(
            "Pod",
            "web",
            version="3",
            spec={"restartPolicy": "Never"},
            status={"phase": "Pending", "conditions": unscheduled},
        ),
        EventType.MODIFIED,
    )

    assert [after.signs for _, after in heard if after is not None] == [(), ("ImagePullBackOff",), ("Unschedulable",)]
    first, second = (after for _, after in heard[:2])
    assert first is not None
    assert second is not None
    assert first.health == second.health


def test_a_fault_over_one_object_keeps_the_watch_of_the_others(heard: Heard, caplog: pytest.LogCaptureFixture):
    taken = []

    def whole(event: WatchEvent) -> None:
        if event.object["metadata"]["name"] == "bad":
            raise TypeError("a shape that nobody foresaw")
        taken.append(event.object["metadata"]["name"])

    client = cast(KubernetesClient, FakeClient())
    kind = ResourceKey("", "Secret", "shop", "x").group_kind
    hasher = SecretHasher(b"k" * 16)
    cache = ClusterCache(
        client, settings=parse_settings(None), hasher=hasher, manager="haori", on_change=heard, whole={kind: whole}
    )
    see(cache, manifest("Secret", "bad"))
    see(cache, manifest("Secret", "good"))

    assert taken == ["good"]
    assert names(cache.in_namespace("shop")) == ["bad", "good"]
    assert [record.getMessage() for record in caplog.records] == ["object not taken in"]
