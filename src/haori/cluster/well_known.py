"""The built-in types the program itself speaks of, so that nothing has to be discovered before them."""

from __future__ import annotations

from haori.cluster.discovery import ApiResource


def _core(kind: str, plural: str, *, namespaced: bool = True, status: bool = False) -> ApiResource:
    return _type("", "v1", kind, plural, namespaced=namespaced, status=status)


def _type(
    group: str, version: str, kind: str, plural: str, *, namespaced: bool = True, status: bool = False
) -> ApiResource:
    return ApiResource(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        namespaced=namespaced,
        singular=kind.lower(),
        subresources=frozenset({"status"}) if status else frozenset(),
    )


NAMESPACES = _core("Namespace", "namespaces", namespaced=False, status=True)
NODES = _core("Node", "nodes", namespaced=False, status=True)
PODS = _core("Pod", "pods", status=True)
SERVICES = _core("Service", "services", status=True)
ENDPOINTS = _core("Endpoints", "endpoints")
CONFIG_MAPS = _core("ConfigMap", "configmaps")
SECRETS = _core("Secret", "secrets")
SERVICE_ACCOUNTS = _core("ServiceAccount", "serviceaccounts")
EVENTS = _core("Event", "events")
PERSISTENT_VOLUMES = _core("PersistentVolume", "persistentvolumes", namespaced=False, status=True)
PERSISTENT_VOLUME_CLAIMS = _core("PersistentVolumeClaim", "persistentvolumeclaims", status=True)
REPLICATION_CONTROLLERS = _core("ReplicationController", "replicationcontrollers", status=True)

DEPLOYMENTS = _type("apps", "v1", "Deployment", "deployments", status=True)
REPLICA_SETS = _type("apps", "v1", "ReplicaSet", "replicasets", status=True)
STATEFUL_SETS = _type("apps", "v1", "StatefulSet", "statefulsets", status=True)
DAEMON_SETS = _type("apps", "v1", "DaemonSet", "daemonsets", status=True)
CONTROLLER_REVISIONS = _type("apps", "v1", "ControllerRevision", "controllerrevisions")
JOBS = _type("batch", "v1", "Job", "jobs", status=True)
CRON_JOBS = _type("batch", "v1", "CronJob", "cronjobs", status=True)
HORIZONTAL_POD_AUTOSCALERS = _type(
    "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", status=True
)
POD_DISRUPTION_BUDGETS = _type("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", status=True)
INGRESSES = _type("networking.k8s.io", "v1", "Ingress", "ingresses", status=True)
ENDPOINT_SLICES = _type("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
LEASES = _type("coordination.k8s.io", "v1", "Lease", "leases")
CUSTOM_RESOURCE_DEFINITIONS = _type(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False, status=True
)
APPLICATIONS = _type("argoproj.io", "v1alpha1", "Application", "applications")
APP_PROJECTS = _type("argoproj.io", "v1alpha1", "AppProject", "appprojects")
APPLICATION_SETS = _type("argoproj.io", "v1alpha1", "ApplicationSet", "applicationsets", status=True)
