"""Which rules hold for which kind, and what is only worth a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haori.objects import Manifest, nested_text
from haori.schema.checks.access import check_binding, check_role
from haori.schema.checks.common import Problems, Rule, entries, part
from haori.schema.checks.config import check_config_map, check_secret
from haori.schema.checks.definitions import check_definition
from haori.schema.checks.environment import environment_warnings
from haori.schema.checks.jobs import check_cron_job, check_job
from haori.schema.checks.metadata import check_metadata, check_namespace
from haori.schema.checks.network import check_ingress, check_network_policy
from haori.schema.checks.pods import check_pod
from haori.schema.checks.scaling import check_autoscaler, check_disruption_budget
from haori.schema.checks.services import check_endpoint_slice, check_service
from haori.schema.checks.storage import check_claim
from haori.schema.checks.workloads import (
    check_daemon_set,
    check_deployment,
    check_replica_set,
    check_replication_controller,
    check_stateful_set,
)
from haori.schema.problems import invalid

_ONLY_METADATA = frozenset({"ServiceAccount"})
_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"),
        ("spec", "template", "spec"),
    ),
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}


def problems_of(manifest: Manifest, old: Manifest | None, kind: str) -> Problems:
    """Everything that the rules find wrong with an object of a built-in kind, or with the change of one."""
    yield from check_metadata(manifest, kind)
    rule = _RULES.get(kind)
    if rule is not None:
        yield from rule(manifest, old)


def is_judged(kind: str) -> bool:
    """Whether the rules here say all there is to say about a kind, so that nothing is asked of its published schema."""
    return kind in _RULES or kind in _ONLY_METADATA


def warnings_of(manifest: Manifest, old: Manifest | None, kind: str) -> tuple[str, ...]:
    """What the server takes, yet warns of. Nothing where the Pod part did not change."""
    if kind == "EndpointSlice" and manifest.get("addressType") == "FQDN":
        return ("spec.addressType: FQDN endpoints are deprecated",)
    path = _TEMPLATES.get(kind)
    if path is None:
        return ()
    spec = part(manifest, *path)
    if old is not None and spec == part(old, *path):
        return ()
    return tuple(_pod_warnings(spec, ".".join(path)))


def _pod_warnings(spec: Mapping[str, Any], path: str) -> Iterator[str]:
    for _, volume in entries(spec, "volumes"):
        if volume.get("projected") is not None and not any(_projected(volume)):
            yield f'volume "{volume.get("name")}" (Projected) has no sources provided'
    for position, secret in entries(spec, "imagePullSecrets"):
        if not secret.get("name"):
            yield f'{path}.imagePullSecrets[{position}].name: invalid empty name ""'
    for field in ("initContainers", "containers"):
        for position, container in entries(spec, field):
            place = f"{path}.{field}[{position}]"
            yield from environment_warnings(container, place)
            yield from _port_warnings(container, place)


def _projected(volume: Mapping[str, Any]) -> Iterator[bool]:
    for _, source in entries(part(volume, "projected"), "sources"):
        yield bool(source)


def _port_warnings(container: Mapping[str, Any], path: str) -> Iterator[str]:
    seen: dict[tuple[Any, ...], int] = {}
    for position, port in entries(container, "ports"):
        mark = tuple(port.get(name) for name in ("containerPort", "protocol", "hostPort", "hostIP"))
        first = seen.setdefault(mark, position)
        if first != position:
            yield f"{path}.ports[{position}]: duplicate port definition with {path}.ports[{first}]"


def _check_event(manifest: Manifest, old: Manifest | None) -> Problems:
    """An Event stands in the namespace of what it is about."""
    about, namespace = part(manifest, "involvedObject").get("namespace"), nested_text(manifest, "metadata", "namespace")
    if manifest.get("apiVersion") == "v1" and about and namespace and about != namespace:
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")


_RULES: Mapping[str, Rule] = {
    "Pod": check_pod,
    "Deployment": check_deployment,
    "ReplicaSet": check_replica_set,
    "StatefulSet": check_stateful_set,
    "ReplicationController": check_replication_controller,
    "DaemonSet": check_daemon_set,
    "Job": check_job,
    "CronJob": check_cron_job,
    "Service": check_service,
    "EndpointSlice": check_endpoint_slice,
    "ConfigMap": check_config_map,
    "Secret": check_secret,
    "Namespace": check_namespace,
    "PersistentVolumeClaim": check_claim,
    "PodDisruptionBudget": check_disruption_budget,
    "HorizontalPodAutoscaler": check_autoscaler,
    "Ingress": check_ingress,
    "NetworkPolicy": check_network_policy,
    "Role": check_role,
    "ClusterRole": check_role,
    "RoleBinding": check_binding,
    "ClusterRoleBinding": check_binding,
    "Event": _check_event,
    "CustomResourceDefinition": check_definition,
}
