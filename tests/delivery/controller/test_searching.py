"""Search over the caches of all clusters: what is found, whose it is, and what stays unseen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from haori.cluster import EventType, KubernetesClient, WatchEvent
from haori.delivery.controller.cache import ClusterCache
from haori.delivery.controller.leading import Leader
from haori.delivery.controller.memory import ApplicationKey, Assessment, Findings, Memory, Row
from haori.delivery.controller.searching import search_objects
from haori.delivery.controller.view import SearchQuery
from haori.delivery.health import Health
from haori.delivery.model import parse_settings
from haori.objects import ResourceKey
from haori.objects.errors import SelectorError
from haori.objects.masking import SecretHasher
from haori.resources.argo import HealthStatus, SyncStatus
from tests.delivery.controller.fakes import FakeClient

MARK = "argocd.argoproj.io/tracking-id"
SHOP, CRM = ApplicationKey("argocd", "shop"), ApplicationKey("argocd", "crm")
POD: dict[str, Any] = {"spec": {"containers": [{"name": "web", "image": "registry.example/web:7"}]}}


def manifest(
    kind: str, name: str, *, owner: str = "", mark: str = "", labels: Any = None, **more: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "team", "uid": f"uid-{name}", "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [{"uid": f"uid-{owner}", "kind": "X", "name": owner}]
    if mark:
        metadata["annotations"] = {MARK: f"{mark}:/{kind}:team/{name}"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def build(
    *objects: dict[str, Any], missing: tuple[ResourceKey, ...] = (), elsewhere: frozenset[str] = frozenset()
) -> Leader:
    """A leader of one cluster with these objects, of shop and crm; Secrets are what no project permits."""
    client = cast(KubernetesClient, FakeClient())
    cache = ClusterCache(client, settings=parse_settings(None), hasher=SecretHasher(b"k" * 16), manager="haori")
    for each in objects:
        cache.observe(WatchEvent(type=EventType.ADDED, object=each))
    cluster = SimpleNamespace(cache=cache, server="https://here", name="in-cluster")
    application = {
        key: SimpleNamespace(spec=SimpleNamespace(project=key.name, destination=key.name)) for key in (SHOP, CRM)
    }
    assessor = SimpleNamespace(permits=lambda application: lambda key: key.kind != "Secret")
    rows = tuple(Row(key=key, version="v1", status=SyncStatus.OUT_OF_SYNC) for key in missing)
    health = Health(status=HealthStatus.MISSING)
    assessment = Assessment(status=SyncStatus.OUT_OF_SYNC, health=health, rows=rows)
    findings = Findings(sync=SyncStatus.OUT_OF_SYNC, health=HealthStatus.MISSING, assessment=assessment)
    return cast(
        Leader,
        SimpleNamespace(
            declared=SimpleNamespace(by_name={key.name: key for key in (SHOP, CRM)}, applications=application),
            clusters=SimpleNamespace(
                all=lambda: [(cluster, True)],
                server_of=lambda name: "https://other" if name in elsewhere else "https://here",
            ),
            sites=SimpleNamespace(of=lambda application: SimpleNamespace(assessor=assessor, cluster=cluster)),
            sight=SimpleNamespace(memories={SHOP: Memory(findings=findings)}),
        ),
    )


WORLD = (
    manifest("Deployment", "web", mark="shop", labels={"tier": "front"}),
    manifest("ReplicaSet", "web-1", owner="web"),
    manifest("Pod", "web-1-a", owner="web-1", status={"phase": "Running"}, **POD),
    manifest("Pod", "old-web", mark="crm", status={"phase": "Failed"}),
    manifest("Pod", "nobodys"),
    manifest("Secret", "web-key", mark="shop"),
)


async def found(leader: Leader, **query: Any) -> list[str]:
    told = await search_objects(leader, SearchQuery(**query))
    return [f"{each['kind']}/{each['name']} {each['application']}" for each in told["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"words": ("web",)}, ["Deployment/web shop", "Pod/web-1-a shop", "ReplicaSet/web-1 shop", "Pod/old-web crm"]),
        ({"words": ("web", "pod")}, ["Pod/web-1-a shop", "Pod/old-web crm"]),
        ({"words": ("web:7",)}, ["Pod/web-1-a shop"]),
        ({"words": ("tier=front",)}, ["Deployment/web shop"]),
        ({"kinds": frozenset({"pod"})}, ["Pod/old-web crm", "Pod/web-1-a shop"]),
        ({"image": "registry.example/web"}, ["Pod/web-1-a shop"]),
        ({"labels": "tier in (front)"}, ["Deployment/web shop"]),
        ({"namespaces": frozenset({"other"})}, []),
        ({"health": frozenset({"Degraded"})}, ["Pod/old-web crm"]),
        ({"words": ("nobodys",)}, []),
        ({"words": ("web-key",)}, []),
        ({"words": ("web",), "limit": 1}, ["Deployment/web shop"]),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else "",
)
async def test_objects_are_found_by_what_stands_in_them_the_nearest_first(query: dict[str, Any], expected: list[str]):
    assert await found(build(*WORLD), **query) == expected


async def test_objects_of_applications_one_may_not_see_are_neither_told_nor_counted():
    query = SearchQuery(words=("web",), applications={"argocd": frozenset({"crm"})})
    told = await search_objects(build(*WORLD), query)
    assert ([each["name"] for each in told["items"]], told["total"], told["counts"]) == (["old-web"], 1, {"Pod": 1})


async def test_a_mark_of_an_application_that_is_delivered_elsewhere_counts_for_nothing():
    assert await found(build(*WORLD, elsewhere=frozenset({"shop"})), words=("web",)) == ["Pod/old-web crm"]


async def test_what_is_wanted_and_not_there_is_found_as_missing():
    leader = build(*WORLD, missing=(ResourceKey("", "Service", "team", "web-front"),))
    told = await search_objects(leader, SearchQuery(health=frozenset({"Missing"})))
    (service,) = told["items"]
    assert (service["name"], service["health"], service["application"]) == ("web-front", "Missing", "shop")


async def test_a_selector_that_cannot_be_read_is_refused():
    with pytest.raises(SelectorError):
        await search_objects(build(), SearchQuery(labels="a in ("))
