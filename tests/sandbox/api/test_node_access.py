"""A node's kubelet: itself and its own Pods, what these refer to, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haori.sandbox.api.node_access import references_of
from haori.sandbox.api.tokens import node_user
from tests.sandbox.api.support import Caller, next_event, running

ONE, TWO = node_user("one"), node_user("two")
CORE = "/api/v1/namespaces/default"
LEASES = "/apis/coordination.k8s.io/v1/namespaces"
MERGE = {"content-type": "application/merge-patch+json"}


def pod(name: str, node: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": node, "containers": [{"name": "app", "image": "web:1"}], **spec},
    }


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    """Two nodes, each with a Pod that mounts a Secret; a Secret and a ConfigMap that nobody uses."""
    async with running(tmp_path) as caller:
        for name in ("one", "two"):
            await caller.ok("POST", "/api/v1/nodes", {"metadata": {"name": name}})
            volumes = [
                {"name": "key", "secret": {"secretName": f"key-{name}"}},
                {"name": "disk", "persistentVolumeClaim": {"claimName": f"disk-{name}"}},
            ]
            await caller.ok("POST", f"{CORE}/secrets", {"metadata": {"name": f"key-{name}"}, "data": {}})
            await caller.ok("POST", f"{CORE}/pods", pod(f"web-{name}", name, volumes=volumes))
        await caller.ok("POST", f"{CORE}/secrets", {"metadata": {"name": "unused"}})
        await caller.ok("POST", f"{CORE}/configmaps", {"metadata": {"name": "unused"}})
        yield caller


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{CORE}/secrets/key-one", 200),
        ("GET", f"{CORE}/secrets/key-two", 403),
        ("GET", f"{CORE}/secrets/unused", 403),
        ("GET", f"{CORE}/secrets/absent", 403),
        ("GET", "/api/v1/namespaces/kube-system/secrets/key-one", 403),
        ("GET", f"{CORE}/configmaps/unused", 403),
        ("GET", f"{CORE}/persistentvolumeclaims/disk-one", 404),
        ("GET", f"{CORE}/persistentvolumeclaims/disk-two", 403),
        ("GET", f"{CORE}/persistentvolumeclaims", 200),
        ("DELETE", f"{CORE}/secrets/key-one", 403),
        ("PATCH", f"{CORE}/secrets/key-one", 403),
        ("GET", f"{CORE}/pods/web-one", 200),
        ("GET", f"{CORE}/pods/web-two", 403),
        ("GET", f"{CORE}/pods/absent", 404),
        ("GET", "/api/v1/pods", 403),
        ("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dtwo", 403),
        ("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Done", 200),
        ("POST", f"{CORE}/pods", 403),
        ("PATCH", f"{CORE}/pods/web-one", 403),
        ("PATCH", f"{CORE}/pods/web-one/status", 200),
        ("PATCH", f"{CORE}/pods/web-two/status", 403),
        ("POST", f"{CORE}/pods/web-one/binding", 403),
        ("GET", f"{CORE}/pods/web-one/log", 403),
        ("DELETE", f"{CORE}/pods/web-two", 403),
        ("DELETE", f"{CORE}/pods/web-one", 200),
        ("GET", "/api/v1/nodes/one", 200),
        ("GET", "/api/v1/nodes/two", 403),
        ("GET", "/api/v1/nodes", 403),
        ("PATCH", "/api/v1/nodes/one", 200),
        ("PATCH", "/api/v1/nodes/one/status", 200),
        ("PATCH", "/api/v1/nodes/two/status", 403),
        ("DELETE", "/api/v1/nodes/one", 403),
        ("GET", "/api/v1/services", 200),
        ("PATCH", "/api/v1/namespaces/default/services/kubernetes", 403),
        ("GET", "/apis/discovery.k8s.io/v1/endpointslices", 200),
        ("GET", "/apis/apps/v1/deployments", 403),
        ("GET", f"{LEASES}/kube-node-lease/leases/one", 404),
        ("GET", f"{LEASES}/kube-node-lease/leases/two", 403),
        ("GET", f"{LEASES}/kube-system/leases/one", 403),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", 403),
        ("GET", f"{CORE}/events", 403),
    ],
)
async def test_a_node_may_what_concerns_it(api: Caller, method: str, path: str, status: int) -> None:
    path, _, query = path.partition("?fieldSelector=")
    selector = {"fieldSelector": query.replace("%3D", "=")} if query else {}

    answer = await api.send(method, path, {} if method != "GET" else None, user=ONE, headers=MERGE, query=selector)

    assert answer.status == status


async def test_a_refusal_says_that_there_is_no_relationship(api: Caller) -> None:
    refused = await api.refused("GET", f"{CORE}/secrets/key-two", user=ONE)

    assert refused[2].endswith(": no relationship found between node 'one' and this object")


@pytest.mark.parametrize("plural", ["secrets", "configmaps"])
async def test_a_list_shows_what_the_nodes_pods_use(api: Caller, plural: str) -> None:
    listed = await api.ok("GET", f"/api/v1/{plural}", user=ONE, query={"limit": "1"})

    names = [each["metadata"]["name"] for each in listed["items"]]
    assert names == (["key-one"] if plural == "secrets" else [])
    assert not {"continue", "remainingItemCount"} & set(listed["metadata"])


async def test_a_watch_shows_what_the_nodes_pods_use(api: Caller) -> None:
    async with api.watching("/api/v1/secrets", user=ONE) as events:
        assert (await next_event(events))[1]["metadata"]["name"] == "key-one"
        await api.ok("PATCH", f"{CORE}/secrets/key-two", {"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
        source = {"envFrom": [{"secretRef": {"name": "later"}}]}
        spec = {"containers": [{"name": "app", "image": "web:1", **source}]}
        await api.ok("POST", f"{CORE}/pods", pod("late", "one", **spec))
        await api.ok("POST", f"{CORE}/secrets", {"metadata": {"name": "later"}})
        assert (await next_event(events))[1]["metadata"]["name"] == "later"


async def test_what_was_read_for_a_pod_goes_with_it(api: Caller) -> None:
    await api.ok("DELETE", f"{CORE}/pods/web-one", {"gracePeriodSeconds": 0})

    assert (await api.send("GET", f"{CORE}/secrets/key-one", user=ONE)).status == 403


@pytest.mark.parametrize(
    ("path", "name", "status"),
    [
        ("/api/v1/nodes", "one", 409),
        ("/api/v1/nodes", "three", 403),
        (f"{LEASES}/kube-node-lease/leases", "one", 201),
        (f"{LEASES}/kube-node-lease/leases", "two", 403),
        (f"{LEASES}/default/leases", "one", 403),
    ],
)
async def test_a_node_makes_itself_alone(api: Caller, path: str, name: str, status: int) -> None:
    assert (await api.send("POST", path, {"metadata": {"name": name}}, user=ONE)).status == status


def test_everything_a_pod_refers_to_is_found() -> None:
    env = [
        {"name": "a", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
        {"name": "b", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k"}}},
    ]
    container = {"env": env, "envFrom": [{"secretRef": {"name": "s2"}}, {"configMapRef": {"name": "c2"}}]}
    volumes = [
        {"name": "a", "secret": {"secretName": "s3"}},
        {"name": "b", "configMap": {"name": "c3"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "s4"}}, {"configMap": {"name": "c4"}}]}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "p1"}},
        {"name": "e", "ephemeral": {}},
    ]
    spec = {"initContainers": [container], "volumes": volumes, "imagePullSecrets": [{"name": "s5"}]}

    found = {(plural, name) for plural, name in references_of({"metadata": {"name": "web"}, "spec": spec}) if name}

    assert {name for plural, name in found if plural == "secrets"} == {"s1", "s2", "s3", "s4", "s5"}
    assert {name for plural, name in found if plural == "configmaps"} == {"c1", "c2", "c3", "c4"}
    assert {name for plural, name in found if plural == "persistentvolumeclaims"} == {"p1", "web-e"}
