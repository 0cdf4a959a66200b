"""Nodes, Pods by node, and who reaches whom: what is read off the objects."""

from __future__ import annotations

from typing import Any

import pytest

from haori.server.dependencies import build_dependencies, needs_of, places_of, users_among
from haori.server.network import Parts, build_network
from haori.server.nodes import build_nodes, build_pod


def thing(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", **parts.pop("metadata", {})}
    return {"kind": kind, "metadata": metadata, **parts}


def pod(name: str, node: str, phase: str, **labels: str) -> dict[str, Any]:
    return thing("Pod", name, metadata={"labels": labels}, spec={"nodeName": node}, status={"phase": phase})


def test_pods_are_counted_by_node_and_phase_and_never_named():
    ready = {"conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]}
    node = thing("Node", "n1", status=ready, metadata={"labels": {"node-role.kubernetes.io/worker": ""}})
    pods = [pod("a", "n1", "Running"), pod("b", "n1", "Pending"), pod("c", "", "Pending")]
    first, unplaced = build_nodes([node], pods)

    assert (first["name"], first["ready"], first["roles"], first["pressure"]) == (
        "n1",
        True,
        ["worker"],
        ["DiskPressure"],
    )
    assert first["pods"] == {"Running": 1, "Pending": 1}
    assert (unplaced["name"], unplaced["pods"]) == ("", {"Pending": 1})


def test_a_pod_tells_its_containers():
    given = thing(
        "Pod",
        "web",
        spec={
            "nodeName": "n1",
            "initContainers": [{"name": "migrate", "image": "m:1"}],
            "containers": [{"name": "web", "image": "w:1", "resources": {"requests": {"cpu": "100m"}}}],
        },
        status={
            "phase": "Running",
            "containerStatuses": [
                {"name": "web", "ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
            ],
        },
    )
    told = build_pod(given, None)

    assert (told["node"], told["ready"], told["total"], told["restarts"]) == ("n1", 0, 1, 3)
    migrate, web = told["containers"]
    assert (migrate["init"], web["state"], web["reason"], web["requests"]) == (
        True, "waiting", "CrashLoopBackOff", {"cpu": "100m"},
    )  # fmt: skip


def test_the_network_goes_from_ingress_over_service_to_pods():
    rules = [{"host": "shop.example", "http": {"paths": [
        {"path": "/", "backend": {"service": {"name": "web"}}}, {"path": "/x", "backend": {"service": {"name": "other"}}},
    ]}}]  # fmt: skip
    parts = Parts(
        ingresses=(thing("Ingress", "in", spec={"rules": rules}),),
        services=(
            thing(
                "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}], "clusterIP": "10.0.0.1"}
            ),
            thing("Service", "outside", spec={"type": "ExternalName"}),
        ),
        pods=(pod("web-1", "n1", "Running", app="web"), pod("db-1", "n1", "Running", app="db")),
    )
    told = build_network(parts)
    edges = [(each["from"], each["to"], each["label"]) for each in told["edges"]]

    assert edges == [
        ("uid-in", "uid-web", "shop.example/"),
        ("uid-in", "", "shop.example/x"),
        ("uid-web", "uid-web-1", "80/TCP"),
    ]
    addresses = {each["name"]: each["addresses"] for each in told["nodes"]}
    assert (addresses["in"], addresses["web"]) == (["shop.example"], ["10.0.0.1"])


TEMPLATE = {
    "serviceAccountName": "web",
    "imagePullSecrets": [{"name": "registry"}],
    "initContainers": [{"name": "migrate", "envFrom": [{"secretRef": {"name": "db", "optional": True}}]}],
    "containers": [
        {"name": "web", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "a"}}}]},
        {"name": "side", "env": [{"name": "B", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "b"}}}]},
    ],
    "volumes": [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "all", "projected": {"sources": [{"secret": {"name": "cert"}}, {"serviceAccountToken": {}}]}},
        {"name": "old", "secret": {"secretName": "key"}},
        {"name": "flags", "configMap": {"name": "flags", "optional": True}},
        {"name": "tmp", "emptyDir": {}},
    ],
}
OF_TEMPLATE = [
    ("ServiceAccount", "web", "account", False),
    ("Secret", "registry", "registry", False),
    ("PersistentVolumeClaim", "data", "volume", False),
    ("Secret", "cert", "volume", False),
    ("Secret", "key", "volume", False),
    ("ConfigMap", "flags", "volume", "environment", False),
    ("Secret", "db", "environment", True),
]


@pytest.mark.parametrize(
    ("manifest", "needs"),
    [
        (thing("Deployment", "web", spec={"template": {"spec": TEMPLATE}}), OF_TEMPLATE),
        (thing("CronJob", "web", spec={"jobTemplate": {"spec": {"template": {"spec": TEMPLATE}}}}), OF_TEMPLATE),
        (thing("Pod", "web", spec=TEMPLATE), OF_TEMPLATE),
        (
            thing("HorizontalPodAutoscaler", "web", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}}),
            [("Deployment", "web", "target", False)],
        ),
        (
            thing(
                "Ingress",
                "in",
                spec={
                    "rules": [{"http": {"paths": [{"backend": {"service": {"name": "web"}}}]}}],
                    "tls": [{"secretName": "cert"}],
                },
            ),
            [("Service", "web", "backend", False), ("Secret", "cert", "certificate", False)],
        ),
        (thing("Deployment", "odd", spec={"template": {"spec": {"volumes": [None, "x"], "containers": {}}}}), []),
    ],
    ids=["deployment", "cron-job", "pod", "autoscaler", "ingress", "odd"],
)
def test_what_an_object_needs_is_read_off_it(manifest: Any, needs: Any):
    assert [(each.resource.kind, each.name, *each.ways, each.optional) for each in needs_of(manifest)] == needs


def test_what_another_made_needs_what_its_maker_needs():
    web = thing("Deployment", "web", spec={"template": {"spec": TEMPLATE}})
    pods = [thing("Pod", name, spec=TEMPLATE) for name in ("of-web", "of-an-operator", "alone")]
    parents = {
        "uid-of-web": ["uid-replica-set"], "uid-replica-set": ["uid-web"], "uid-of-an-operator": ["uid-x"],
        "uid-x": ["uid-y"], "uid-y": ["uid-x"],
    }  # fmt: skip
    found = users_among([*pods, web, thing("Pod", "free")], parents)
    assert [user["metadata"]["name"] for user, _ in found] == ["of-an-operator", "alone", "web"]


def test_what_is_needed_is_here_elsewhere_missing_or_not_known():
    pod = thing("Pod", "web", spec={"volumes": [{"configMap": {"name": name}} for name in ("a", "b", "c", "gone")]})
    nodes = [
        {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": name, "uid": uid}
        for name, uid in (("a", "uid-a"), ("gone", ""))
    ]
    beyond = {("", "ConfigMap", "shop", "b"): "elsewhere", ("", "ConfigMap", "shop", "gone"): "missing"}
    (told,) = build_dependencies([(pod, needs_of(pod))], places_of(nodes), beyond)

    assert (told["uid"], told["kind"], told["namespace"], told["name"]) == ("uid-web", "Pod", "shop", "web")
    assert [(each["name"], each["uid"], each["state"]) for each in told["needs"]] == [
        ("a", "uid-a", "here"), ("b", "", "elsewhere"), ("c", "", "unknown"), ("gone", "", "missing"),
    ]  # fmt: skip
