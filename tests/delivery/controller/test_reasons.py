"""The sentence for kinds of other projects: from the lowest object that says what is wrong, without reading any."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from haori.cluster import EventType, KubernetesClient, WatchEvent
from haori.delivery.controller.cache import ClusterCache
from haori.delivery.controller.commits import Commits
from haori.delivery.controller.memory import Assessment, Row
from haori.delivery.controller.reasons import Reasons
from haori.delivery.health import Health, roll_up
from haori.delivery.health.rollup import Culprit
from haori.delivery.model import parse_application, parse_settings
from haori.objects import key_of
from haori.objects.masking import SecretHasher
from haori.resources.argo import SyncStatus
from haori.words import Language
from tests.delivery.controller.fakes import FakeClient, clock

APPLICATION = parse_application(
    {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web", "namespace": "argocd"}}
)


def manifest(api: str, kind: str, status: dict[str, Any], owner: str = "") -> dict[str, Any]:
    owners = [{"uid": owner, "kind": "Any", "name": "x", "apiVersion": "v1"}] if owner else []
    metadata = {"name": "web", "namespace": "shop", "uid": kind, "resourceVersion": "1", "ownerReferences": owners}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {}, "status": status}


def said(type_: str, status: str, message: str) -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": status, "message": message}]}


CERTIFICATE = manifest("cert-manager.io/v1", "Certificate", said("Issuing", "True", "no Secret"))
REQUEST = manifest("cert-manager.io/v1", "CertificateRequest", said("Ready", "False", "waits"), "Certificate")
CHALLENGE = manifest(
    "acme.cert-manager.io/v1", "Challenge", {"state": "pending", "reason": "wrong DNS record"}, "CertificateRequest"
)
DEPLOYMENT = manifest("apps/v1", "Deployment", {})
REPLICA_SET = manifest("apps/v1", "ReplicaSet", said("ReplicaFailure", "True", "quota"), "Deployment")


class Stage:
    def __init__(self, *manifests: dict[str, Any]) -> None:
        self.client = FakeClient()
        client = cast(KubernetesClient, self.client)
        hasher = SecretHasher(b"k" * 32)
        self.cache = ClusterCache(client, settings=parse_settings(None), hasher=hasher, manager="haori")
        for each in manifests:
            self.cache.observe(WatchEvent(type=EventType.ADDED, object=each))
        commits = cast(Commits, SimpleNamespace(since=self._since))
        self.reasons = Reasons(client, self.cache, commits, clock=clock)

    async def _since(self, *_: object) -> None:
        return None

    async def find(self, culprit: dict[str, Any]) -> tuple[str, str]:
        key = key_of(culprit)
        live = self.cache.get(key)
        health: Health | None = live.health if live is not None else None
        assessment = Assessment(
            status=SyncStatus.SYNCED,
            health=roll_up([Culprit(key=key, health=health)]),
            rows=(Row(key=key, version="v1", health=health, status=SyncStatus.SYNCED),),
            comparisons={},
            live={},
            owned=frozenset(),
            conditions=(),
            namespace_exists=True,
            namespace_differs=False,
        )
        found = await self.reasons.find(
            APPLICATION, assessment, conditions=(), state=None, waiting_for=(), revisions=("abc",)
        )
        assert found is not None
        assert found.text(Language.JAPANESE) != found.text(Language.ENGLISH)
        return found.code, found.text(Language.ENGLISH)


async def test_the_lowest_object_tells_why_a_certificate_is_not_issued():
    stage = Stage(CERTIFICATE, REQUEST, CHALLENGE)
    code, told = await stage.find(CERTIFICATE)
    assert code == "why-below"
    assert told == "Challenge shop/web, which Certificate shop/web waits for: it is pending: wrong DNS record"
    assert stage.client.requests == []


async def test_one_with_nothing_below_tells_its_own_condition():
    code, told = await Stage(CERTIFICATE).find(CERTIFICATE)
    assert (code, told) == ("health-one-object", "Certificate shop/web: its condition Issuing says: no Secret")


@pytest.mark.parametrize("below", [(), (REPLICA_SET,)], ids=["alone", "with-what-it-made"])
async def test_workloads_tell_their_own_unless_a_pod_explains_them(below: tuple[dict[str, Any], ...]):
    stage = Stage(DEPLOYMENT, *below)
    code, told = await stage.find(DEPLOYMENT)
    assert code == "health-one-object"
    assert "Deployment shop/web" in told
    assert stage.client.requests == []
