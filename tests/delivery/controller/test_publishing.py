"""One status out of everything a look found, stable where nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from haori.delivery.controller.memory import Findings
from haori.delivery.controller.publishing import build_status
from haori.delivery.controller.status import merge_difference
from haori.delivery.model import Condition, parse_application
from haori.objects.images import images_of
from haori.resources.argo import ConditionType, HealthStatus, SyncStatus
from haori.words import Language, Sentence

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)


def application(status: dict[str, Any] | None = None) -> Any:
    source = {"repoURL": "https://git.example/r", "path": "app"}
    spec = {"source": source, "destination": {"name": "in-cluster", "namespace": "shop"}}
    manifest: dict[str, Any] = {"metadata": {"name": "shop", "namespace": "argocd"}, "spec": spec}
    return parse_application(manifest | ({"status": status} if status is not None else {}))


def why(ago: str) -> Sentence:
    parameters = {
        "reason": "it fell", "revision": "abc", "subject": "s", "author": "Ann", "ago": ago, "application": "shop",
    }  # fmt: skip
    return Sentence(code="why-with-commit", parameters=parameters)


def found(**fields: Any) -> Findings:
    return Findings(**{"sync": SyncStatus.SYNCED, "health": HealthStatus.HEALTHY, "revisions": ("abc",), **fields})


def test_the_same_findings_change_nothing():
    first = build_status(application(), found(), NOW)
    again = build_status(application(first), found(), NOW + timedelta(minutes=5))
    assert merge_difference(first, again) == {}


def test_time_that_passes_since_a_commit_is_no_change():
    first = build_status(application(), found(health=HealthStatus.PROGRESSING, why=why("5s")), NOW)
    later = found(health=HealthStatus.PROGRESSING, why=why("1h"))
    again = build_status(application(first), later, NOW + timedelta(hours=1))
    assert merge_difference(first, again) == {}
    assert first["health"]["message"] == why("5s").text()


def test_a_condition_carries_its_code_beside_the_message():
    reason = Sentence(code="why-claim-pending", parameters={"object": "PersistentVolumeClaim shop/db"})
    condition = Condition(
        type=ConditionType.COMPARISON_ERROR,
        sentence=Sentence(code="target-state-failed", parameters={"reason": reason}),
    )
    status = build_status(application(), found(conditions=(condition, condition)), NOW)

    (coded,), (row,) = status["haori"]["conditions"], status["conditions"]
    read = Sentence(code=coded["code"], parameters=coded["parameters"])
    assert read.text(Language.ENGLISH) == row["message"]
    assert "ボリュームを待っています" in read.text(Language.JAPANESE)


def test_a_change_of_health_has_its_time():
    first = build_status(application(), found(), NOW)
    worse = build_status(application(first), found(health=HealthStatus.DEGRADED), NOW + timedelta(minutes=1))
    assert worse["health"] == {"status": "Degraded", "lastTransitionTime": "2026-11-24T05:01:00Z"}


def test_what_others_keep_in_the_status_stays():
    status = build_status(application({"controllerNamespace": "argocd"}), found(), NOW)
    assert status["controllerNamespace"] == "argocd"
    assert status["sync"]["comparedTo"]["source"]["path"] == "app"


def test_images_are_found_wherever_pods_are_described():
    pod = {"containers": [{"image": "b:1"}], "initContainers": [{"image": "a:1"}]}
    manifests: list[dict[str, Any]] = [
        {"kind": "Pod", "spec": pod},
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"image": "c:1"}]}}}},
        {
            "kind": "CronJob",
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "d:1"}]}}}}},
        },
        {"kind": "ConfigMap"},
    ]
    assert images_of(manifests) == ["a:1", "b:1", "c:1", "d:1"]
