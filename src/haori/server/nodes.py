"""Nodes of a cluster, and which Pods run where: values from manifests, nothing asked of anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from haori.objects import Manifest, labels_of, nested, nested_list, nested_mapping, nested_text

_ROLE = "node-role.kubernetes.io/"


def build_nodes(nodes: Iterable[Manifest], pods: Iterable[Manifest]) -> list[dict[str, Any]]:
    """A cluster's Nodes by name, each with how many Pods of which phase it has; Pods without one stand under no name."""
    phases: dict[str, Counter[str]] = {}
    for pod in pods:
        place = phases.setdefault(nested_text(pod, "spec", "nodeName"), Counter())
        place[nested_text(pod, "status", "phase") or "Unknown"] += 1
    told = [_node(node, phases.pop(nested_text(node, "metadata", "name"), Counter())) for node in nodes]
    told.sort(key=lambda each: str(each["name"]))
    nowhere = sum(phases.values(), Counter[str]())
    return [*told, _unplaced(nowhere)] if nowhere else told


def _node(node: Manifest, phases: Mapping[str, int]) -> dict[str, Any]:
    conditions = [each for each in nested_list(node, "status", "conditions") if isinstance(each, Mapping)]
    known = {str(each.get("type")): each.get("status") for each in conditions}
    info = nested_mapping(node, "status", "nodeInfo")
    return {
        "name": nested_text(node, "metadata", "name"),
        "ready": known.get("Ready") == "True",
        "unschedulable": nested(node, "spec", "unschedulable") is True,
        "pressure": sorted(name for name, value in known.items() if name != "Ready" and value == "True"),
        "roles": sorted(each.removeprefix(_ROLE) for each in labels_of(node) if each.startswith(_ROLE)),
        "version": nested_text(info, "kubeletVersion"),
        "system": nested_text(info, "osImage"),
        "architecture": nested_text(info, "architecture"),
        "zone": labels_of(node).get("topology.kubernetes.io/zone", ""),
        "capacity": dict(nested_mapping(node, "status", "allocatable") or nested_mapping(node, "status", "capacity")),
        "createdAt": nested_text(node, "metadata", "creationTimestamp"),
        "pods": dict(phases),
    }


def _unplaced(phases: Mapping[str, int]) -> dict[str, Any]:
    return {**_node({}, phases), "ready": False}


def build_pod(pod: Manifest, health: Mapping[str, Any] | None) -> dict[str, Any]:
    """One Pod of an application: where it runs, how it does, what it asks for."""
    statuses = {
        str(each.get("name")): each
        for part in ("initContainerStatuses", "containerStatuses")
        for each in nested_list(pod, "status", part)
        if isinstance(each, Mapping)
    }
    containers = [
        _container(each, statuses.get(str(each.get("name")), {}), is_init=part == "initContainers")
        for part in ("initContainers", "containers")
        for each in nested_list(pod, "spec", part)
        if isinstance(each, Mapping)
    ]
    plain = [each for each in containers if not each["init"]]
    return {
        "uid": nested_text(pod, "metadata", "uid"),
        "namespace": nested_text(pod, "metadata", "namespace"),
        "name": nested_text(pod, "metadata", "name"),
        "node": nested_text(pod, "spec", "nodeName"),
        "phase": nested_text(pod, "status", "phase") or "Unknown",
        "health": dict(health) if health is not None else None,
        "ready": sum(each["ready"] for each in plain),
        "total": len(plain),
        "restarts": sum(each["restarts"] for each in containers),
        "ip": nested_text(pod, "status", "podIP"),
        "createdAt": nested_text(pod, "metadata", "creationTimestamp"),
        "terminating": bool(nested_text(pod, "metadata", "deletionTimestamp")),
        "containers": containers,
    }


def _container(container: Mapping[str, Any], status: Mapping[str, Any], *, is_init: bool) -> dict[str, Any]:
    state = nested_mapping(status, "state")
    restarts = status.get("restartCount")
    return {
        "name": str(container.get("name")),
        "image": nested_text(container, "image"),
        "init": is_init,
        "ready": status.get("ready") is True,
        "restarts": restarts if isinstance(restarts, int) else 0,
        "state": next(iter(state), ""),
        "reason": next((nested_text(each, "reason") for each in state.values() if isinstance(each, Mapping)), ""),
        "requests": dict(nested_mapping(container, "resources", "requests")),
        "limits": dict(nested_mapping(container, "resources", "limits")),
    }
