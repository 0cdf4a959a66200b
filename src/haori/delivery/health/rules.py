"""Health of Kubernetes' own kinds that are not workloads, and the table of all of them.

Kinds that Argo CD judges by Lua (CronJob, PodDisruptionBudget, CustomResourceDefinition) are judged here by the same
facts. Other projects' kinds are in `kinds`, those nobody knows in `conditions`.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from haori.delivery.health.conditions import condition_of, from_condition
from haori.delivery.health.types import HEALTHY, Health, health
from haori.delivery.health.workloads import (
    assess_cron_job,
    assess_daemon_set,
    assess_deployment,
    assess_job,
    assess_pod,
    assess_replica_set,
    assess_stateful_set,
    is_behind,
)
from haori.objects import GroupKind, Manifest, annotations_of, nested, nested_list, nested_mapping, nested_text
from haori.resources.argo import HealthStatus
from haori.words import read_sentence

Rule = Callable[[Manifest], Health | None]
PROGRESSING, DEGRADED = HealthStatus.PROGRESSING, HealthStatus.DEGRADED

_SCALER_FAILURES = {
    "AbleToScale": {"FailedGetScale", "FailedUpdateScale"},
    "ScalingActive": {
        "FailedGetResourceMetric", "FailedGetContainerResourceMetric", "FailedGetObjectMetric", "FailedGetPodsMetric",
        "FailedGetExternalMetric", "FailedComputeMetricsReplicas", "InvalidSelector", "InvalidMetricSourceType",
    },
}  # fmt: skip
_SCALER_WORKS = ("AbleToScale", "ScalingLimited")


def assess_service(manifest: Manifest) -> Health:
    """Service."""
    if nested_text(manifest, "spec", "type") == "LoadBalancer" and not _addresses(manifest):
        return health(PROGRESSING, "health-no-address")
    return HEALTHY


def assess_ingress(manifest: Manifest) -> Health:
    """Ingress."""
    return HEALTHY if _addresses(manifest) else health(PROGRESSING, "health-no-address")


def _addresses(manifest: Manifest) -> bool:
    return bool(nested_list(manifest, "status", "loadBalancer", "ingress"))


def assess_volume_claim(manifest: Manifest) -> Health:
    """PersistentVolumeClaim."""
    match nested_text(manifest, "status", "phase"):
        case "Bound":
            return HEALTHY
        case "Pending":
            return health(PROGRESSING, "health-volume-pending")
        case "Lost":
            return health(DEGRADED, "health-volume-lost")
    return health(HealthStatus.UNKNOWN, "health-no-status")


def assess_autoscaler(manifest: Manifest) -> Health:
    """HorizontalPodAutoscaler; v1 keeps its conditions as JSON in an annotation."""
    conditions = list(nested_list(manifest, "status", "conditions"))
    if str(manifest.get("apiVersion", "")).endswith("/v1"):
        try:
            conditions = orjson.loads(
                annotations_of(manifest).get("autoscaling.alpha.kubernetes.io/conditions") or "[]"
            )
        except orjson.JSONDecodeError:
            return health(HealthStatus.UNKNOWN, "health-conditions-unreadable")
    # In the order of the list, as in Argo CD: one that can be scaled is healthy before its metrics are looked at.
    for condition in conditions if isinstance(conditions, list) else ():
        type_, reason = str(nested(condition, "type")), nested(condition, "reason")
        if reason in _SCALER_FAILURES.get(type_, ()):
            return from_condition(DEGRADED, condition)
        if type_ in _SCALER_WORKS and nested(condition, "status") == "True":
            return HEALTHY
    return health(PROGRESSING, "health-not-observed")


def assess_api_service(manifest: Manifest) -> Health:
    """APIService."""
    condition = condition_of(manifest, "Available")
    if condition.get("status") == "True":
        return HEALTHY
    message = str(condition.get("message") or "")
    return health(PROGRESSING, "health-condition", type="Available", message=message)


def assess_disruption_budget(manifest: Manifest) -> Health:
    """PodDisruptionBudget: too few Pods may be on purpose (argo-cd issue 20171); any other condition that is false is not."""
    if is_behind(manifest):
        return health(PROGRESSING, "health-not-observed")
    for condition in nested_list(manifest, "status", "conditions"):
        if nested(condition, "status") == "False" and nested(condition, "reason") != "InsufficientPods":
            return from_condition(DEGRADED, condition)
    return HEALTHY


def assess_definition(manifest: Manifest) -> Health:
    """CustomResourceDefinition."""
    for type_ in ("NamesAccepted", "Established"):
        condition = condition_of(manifest, type_)
        if condition.get("status") == "False":
            status = DEGRADED if type_ == "NamesAccepted" else PROGRESSING
            return health(status, "health-condition", type=type_, message=str(condition.get("message") or ""))
    if condition_of(manifest, "Terminating").get("status") == "True":
        return health(PROGRESSING, "health-terminating")
    if condition_of(manifest, "NonStructuralSchema").get("status") == "True":
        message = str(condition_of(manifest, "NonStructuralSchema").get("message") or "")
        return health(DEGRADED, "health-condition", type="NonStructuralSchema", message=message)
    if condition_of(manifest, "Established").get("status") == "True":
        return HEALTHY
    return health(PROGRESSING, "health-not-observed")


def assess_workflow(manifest: Manifest) -> Health:
    """Workflow (argoproj.io)."""
    match nested_text(manifest, "status", "phase"):
        case "" | "Pending" | "Running":
            return health(PROGRESSING, "health-job-running")
        case "Succeeded":
            return HEALTHY
        case "Failed" | "Error":
            return health(DEGRADED, "health-pod-failed", message=nested_text(manifest, "status", "message"))
    return health(HealthStatus.UNKNOWN, "health-no-status")


def assess_child_application(manifest: Manifest) -> Health | None:
    """Application, where settings ask for it: its own health as it wrote it, so that a parent shows and awaits it.

    Argo CD has no check here since 1.8; its users restore this one by a script.
    """
    word = nested_text(manifest, "status", "health", "status")
    status = next((status for status in HealthStatus if status.value == word), None)
    if status is None:
        return health(PROGRESSING, "health-not-observed")
    message = nested_text(manifest, "status", "health", "message")
    if status is HealthStatus.HEALTHY:
        return HEALTHY
    why = nested_mapping(manifest, "status", "haori", "why")
    told = read_sentence(why) if why.get("text") == message else None
    return health(status, "health-child", status=status.value, message=told or message)


RULES: dict[GroupKind, Rule] = {
    GroupKind("apps", "Deployment"): assess_deployment,
    GroupKind("apps", "StatefulSet"): assess_stateful_set,
    GroupKind("apps", "DaemonSet"): assess_daemon_set,
    GroupKind("apps", "ReplicaSet"): assess_replica_set,
    GroupKind("", "Pod"): assess_pod,
    GroupKind("", "Service"): assess_service,
    GroupKind("networking.k8s.io", "Ingress"): assess_ingress,
    GroupKind("extensions", "Ingress"): assess_ingress,
    GroupKind("", "PersistentVolumeClaim"): assess_volume_claim,
    GroupKind("batch", "Job"): assess_job,
    GroupKind("batch", "CronJob"): assess_cron_job,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): assess_autoscaler,
    GroupKind("apiregistration.k8s.io", "APIService"): assess_api_service,
    GroupKind("policy", "PodDisruptionBudget"): assess_disruption_budget,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): assess_definition,
    GroupKind("argoproj.io", "Workflow"): assess_workflow,
}
"""Built-in rules; a kind of a built-in group that is not here (ConfigMap, Role, …) has no check."""

_BUILT_IN_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
_BUILT_IN_ENDS = frozenset(
    {
        "admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization", "certificates",
        "coordination", "discovery", "events", "flowcontrol.apiserver", "internal.apiserver", "metrics", "networking",
        "node", "rbac.authorization", "resource", "scheduling", "storage", "storagemigration",
    }
)  # fmt: skip


def is_built_in(type_: GroupKind) -> bool:
    """Whether a kind is Kubernetes' own: without a rule above it has no check, whatever conditions it carries."""
    return type_.group in _BUILT_IN_GROUPS or type_.group.removesuffix(".k8s.io") in _BUILT_IN_ENDS
