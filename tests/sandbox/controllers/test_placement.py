"""Where Pods may run: the rules one by one."""

from __future__ import annotations

from typing import Any

import pytest

from haori.sandbox.controllers.placement import place

CAPACITY = {"cpu": "4", "memory": "8Gi", "pods": "3"}


def node(name: str = "n1", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"zone": "a"}}, "spec": spec, "status": {"allocatable": CAPACITY}}


def pod(cpu: str = "1", **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"name": "p"}, "spec": {"containers": [container], **spec}}


def affinity(operator: str, *values: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": "zone", "operator": operator, "values": list(values)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("asked", "offered", "why"),
    [
        (pod(), node(), ""),
        (pod(nodeSelector={"zone": "b"}), node(), "1 node(s) didn't match Pod's node affinity/selector"),
        (pod(nodeSelector={"zone": "a"}), node(), ""),
        (pod(affinity=affinity("In", "a", "b")), node(), ""),
        (pod(affinity=affinity("NotIn", "a")), node(), "1 node(s) didn't match Pod's node affinity/selector"),
        (pod(), node(unschedulable=True), "1 node(s) were unschedulable"),
        (pod(), node(taints=[TAINT]), "1 node(s) had untolerated taint(s) {gpu: yes}"),
        (pod(tolerations=[{"key": "gpu", "operator": "Exists"}]), node(taints=[TAINT]), ""),
        (pod(tolerations=[{"key": "gpu", "value": "no"}]), node(taints=[TAINT]), "untolerated"),
        (pod("5"), node(), "1 Insufficient cpu"),
    ],
)
def test_one_node(asked, offered, why):
    found = place(asked, [offered], {})
    assert bool(found.node) is not bool(why)
    assert why in found.message


def test_the_node_that_is_asked_least_of_is_taken():
    busy = {"n1": [pod("2")], "n2": [pod("1")]}
    assert place(pod(), [node("n1"), node("n2")], busy).node == "n2"


def test_a_node_takes_no_more_pods_than_it_says():
    assert "Too many pods" in place(pod("0"), [node()], {"n1": [pod("0")] * 3}).message


def test_without_nodes_nothing_is_placed():
    assert place(pod(), [], {}).message == "no nodes available to schedule pods"
