"""Defaults of Kubernetes' own types that its OpenAPI does not carry, one function a definition.

Each takes the object, mutable and already without empty values, and completes it in place; a walk from the outside in
calls them (haori.schema.defaults). They follow `SetDefaults_*` in pkg/apis/*/v*/defaults.go of Kubernetes 1.37 and the
conversions that write a field twice.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]
Rule = Callable[[Object], None]

RBAC_GROUP = "rbac.authorization.k8s.io"
_CORE = "io.k8s.api.core.v1."
_APPS = "io.k8s.api.apps.v1."
_BATCH = "io.k8s.api.batch.v1."
_NET = "io.k8s.api.networking.v1."
_RBAC = "io.k8s.api.rbac.v1."
_STORAGE = "io.k8s.api.storage.v1."
_HPA = "io.k8s.api.autoscaling."
_ADMISSION = "io.k8s.api.admissionregistration.v1."
_CRD = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_AGGREGATOR = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1."
_MAX_INT32 = 2**31 - 1


def _set(target: Object, /, **values: Any) -> None:
    for key, value in values.items():
        given = target.get(key)
        if given is None or (given == "" and isinstance(value, str)):
            target[key] = value


def _child(target: Object, field: str) -> Object:
    """The object in that field, put in where there is none or null; of what is no object an empty one in its stead."""
    if target.get(field) is None:
        target[field] = {}
    child = target[field]
    return child if isinstance(child, dict) else {}


def _spec(target: Object) -> Object:
    return _child(target, "spec")


def _part(target: Any, *path: str) -> Object:
    """The object at that path, an empty one (not put in) where there is none."""
    for step in path:
        target = target.get(step) if isinstance(target, dict) else None
    return target if isinstance(target, dict) else {}


def _entries(target: Mapping[str, Any], field: str) -> list[Object]:
    value = target.get(field)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


# ---- Pods ----


def _pod(pod: Object) -> None:
    spec = _spec(pod)
    _set(spec, enableServiceLinks=True)
    containers = _entries(spec, "containers") + _entries(spec, "initContainers")
    for container in containers:
        _requests_from_limits(container)
    if spec.get("hostNetwork"):
        for container in containers:
            for port in _entries(container, "ports"):
                if not port.get("hostPort"):
                    port["hostPort"] = port.get("containerPort", 0)


def _requests_from_limits(container: Object) -> None:
    resources = _part(container, "resources")
    limits = _part(resources, "limits")
    if limits:
        requests = _child(resources, "requests")
        for name, quantity in limits.items():
            _set(requests, **{name: quantity})


def _pod_spec(spec: Object) -> None:
    _set(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        securityContext={},
        terminationGracePeriodSeconds=30,
        schedulerName="default-scheduler",
    )
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _container(container: Object) -> None:
    _set(
        container,
        imagePullPolicy=pull_policy(str(container.get("image", ""))),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )


def pull_policy(image: str) -> str:
    """`Always` for an image without tag and digest or with the tag `latest`, else `IfNotPresent`."""
    name, _, digest = image.partition("@")
    tag = re.search(r":([^:/]+)$", name)
    latest = tag[1] == "latest" if tag else not digest
    return "Always" if latest and image else "IfNotPresent"


def _probe(probe: Object) -> None:
    _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)


def _http_get(action: Object) -> None:
    _set(action, path="/", scheme="HTTP")


_VOLUME_FIELDS = frozenset({"name"})


def _volume(volume: Object) -> None:
    if not any(value is not None for key, value in volume.items() if key not in _VOLUME_FIELDS):
        volume["emptyDir"] = {}


def _mode(source: Object) -> None:
    _set(source, defaultMode=420)


# ---- core ----


def _service(service: Object) -> None:
    spec = _spec(service)
    _set(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["sessionAffinity"] == "ClientIP":
        config = _child(spec, "sessionAffinityConfig")
        _set(_child(config, "clientIP"), timeoutSeconds=10800)
    for port in _entries(spec, "ports"):
        _set(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    kind = spec["type"]
    if kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and spec.get("externalIPs")):
        _set(spec, externalTrafficPolicy="Cluster")
    if kind in ("NodePort", "LoadBalancer", "ClusterIP"):
        _set(spec, internalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        _set(spec, allocateLoadBalancerNodePorts=True)


def _secret(secret: Object) -> None:
    _set(secret, type="Opaque")
    texts = secret.pop("stringData", None)
    if isinstance(texts, dict) and texts:
        data = _child(secret, "data")
        for key, text in texts.items():
            data[key] = base64.b64encode(str(text).encode()).decode()


def _claim_spec(spec: Object) -> None:
    _set(spec, volumeMode="Filesystem")


def _claim(claim: Object) -> None:
    _set(_child(claim, "status"), phase="Pending")


def _volume_object(volume: Object) -> None:
    _set(_spec(volume), persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    _set(_child(volume, "status"), phase="Pending")


def _namespace(namespace: Object) -> None:
    _set(_child(namespace, "status"), phase="Active")


def _limit_range_item(item: Object) -> None:
    if item.get("type") != "Container":
        return
    for target, source in (("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")):
        for name, quantity in _part(item, source).items():
            _set(_child(item, target), **{name: quantity})
    for target in ("default", "defaultRequest"):
        _child(item, target)


def _replication_controller(controller: Object) -> None:
    labels = _part(controller, "spec", "template", "metadata", "labels")
    spec = _spec(controller)
    if labels:
        _set(spec, selector=dict(labels))
        _set(_child(controller, "metadata"), labels=dict(labels))
    _set(spec, replicas=1)


def _node_status(status: Object) -> None:
    if "allocatable" not in status and status.get("capacity"):
        status["allocatable"] = dict(_part(status, "capacity"))


# ---- apps ----


def _deployment(deployment: Object) -> None:
    spec = _spec(deployment)
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = _child(spec, "strategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(_child(strategy, "rollingUpdate"), maxUnavailable="25%", maxSurge="25%")


def _daemon_set(daemon_set: Object) -> None:
    spec = _spec(daemon_set)
    strategy = _child(spec, "updateStrategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = _child(strategy, "rollingUpdate")
        _set(rolling, maxUnavailable=1, maxSurge=0)
    _set(spec, revisionHistoryLimit=10)


def _stateful_set(stateful_set: Object) -> None:
    spec = _spec(stateful_set)
    _set(spec, podManagementPolicy="OrderedReady", replicas=1, revisionHistoryLimit=10)
    strategy = _child(spec, "updateStrategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(_child(strategy, "rollingUpdate"), partition=0, maxUnavailable=1)
    _set(_child(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    for claim in _entries(spec, "volumeClaimTemplates"):
        claim.update(apiVersion="v1", kind="PersistentVolumeClaim")


def _replica_set(replica_set: Object) -> None:
    _set(_spec(replica_set), replicas=1)


# ---- batch ----


def _job(job: Object) -> None:
    spec = _spec(job)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        _set(spec, completions=1)
    _set(
        spec,
        parallelism=1,
        backoffLimit=_MAX_INT32 if spec.get("backoffLimitPerIndex") is not None else 6,
        completionMode="NonIndexed",
        suspend=False,
        manualSelector=False,
        podReplacementPolicy="Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed",
    )
    labels = _part(spec, "template", "metadata", "labels")
    if labels and not _part(job, "metadata", "labels"):
        _child(job, "metadata")["labels"] = dict(labels)


def _failure_pattern(pattern: Object) -> None:
    _set(pattern, status="True")


def _cron_job(cron_job: Object) -> None:
    _set(
        _spec(cron_job),
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )


# ---- autoscaling, networking, policy ----


def _hpa_v2(autoscaler: Object) -> None:
    spec = _spec(autoscaler)
    _set(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if isinstance(behavior, dict):
        up, down = _child(behavior, "scaleUp"), _child(behavior, "scaleDown")
        for rules in (up, down):
            if not rules.get("policies"):
                rules.pop("policies", None)
        pods = {"type": "Pods", "value": 4, "periodSeconds": 15}
        percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
        _set(up, stabilizationWindowSeconds=0, selectPolicy="Max", policies=[pods, percent])
        _set(down, selectPolicy="Max", policies=[dict(percent)])


def _hpa_v1(autoscaler: Object) -> None:
    _set(_spec(autoscaler), minReplicas=1, targetCPUUtilizationPercentage=80)


def _network_policy(policy: Object) -> None:
    spec = _spec(policy)
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _protocol(port: Object) -> None:
    _set(port, protocol="TCP")


def _slice_port(port: Object) -> None:
    _set(port, name="", protocol="TCP")


def _ingress_class(parameters: Object) -> None:
    _set(parameters, scope="Cluster")


# ---- the rest ----


def _role_ref(reference: Object) -> None:
    _set(reference, apiGroup=RBAC_GROUP)


def _subject(subject: Object) -> None:
    if subject.get("kind") in ("User", "Group"):
        _set(subject, apiGroup=RBAC_GROUP)


def _storage_class(storage_class: Object) -> None:
    _set(storage_class, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _csi_driver(driver: Object) -> None:
    _set(
        _spec(driver),
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        requiresRepublish=False,
        seLinuxMount=False,
        preventPodSchedulingIfMissing=False,
        volumeLifecycleModes=["Persistent"],
    )


def _priority_class(priority_class: Object) -> None:
    _set(priority_class, preemptionPolicy="PreemptLowerPriority")


def _webhook(webhook: Object) -> None:
    _set(
        webhook,
        failurePolicy="Fail",
        matchPolicy="Equivalent",
        namespaceSelector={},
        objectSelector={},
        timeoutSeconds=10,
    )


def _mutating_webhook(webhook: Object) -> None:
    _webhook(webhook)
    _set(webhook, reinvocationPolicy="Never")


def _webhook_rule(rule: Object) -> None:
    _set(rule, scope="*")


def _port_443(reference: Object) -> None:
    _set(reference, port=443)


def _policy_spec(spec: Object) -> None:
    _set(spec, failurePolicy="Fail")


def _match_resources(match: Object) -> None:
    _set(match, matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})


def _custom_definition(spec: Object) -> None:
    names = spec.get("names")
    if isinstance(names, dict):
        kind = str(names.get("kind", ""))
        if kind:
            _set(names, singular=kind.lower(), listKind=f"{kind}List")
    _set(_child(spec, "conversion"), strategy="None")


RULES: Mapping[str, Rule] = {
    _CORE + "Pod": _pod,
    _CORE + "PodSpec": _pod_spec,
    _CORE + "Container": _container,
    _CORE + "EphemeralContainer": _container,
    _CORE + "Probe": _probe,
    _CORE + "HTTPGetAction": _http_get,
    _CORE + "ObjectFieldSelector": lambda field: _set(field, apiVersion="v1"),
    _CORE + "ResourceFieldSelector": lambda field: _set(field, divisor="0"),
    _CORE + "Volume": _volume,
    _CORE + "SecretVolumeSource": _mode,
    _CORE + "ConfigMapVolumeSource": _mode,
    _CORE + "DownwardAPIVolumeSource": _mode,
    _CORE + "ProjectedVolumeSource": _mode,
    _CORE + "HostPathVolumeSource": lambda source: _set(source, type=""),
    _CORE + "ServiceAccountTokenProjection": lambda token: _set(token, expirationSeconds=3600),
    _CORE + "Service": _service,
    _CORE + "Secret": _secret,
    _CORE + "PersistentVolumeClaimSpec": _claim_spec,
    _CORE + "PersistentVolumeClaim": _claim,
    _CORE + "PersistentVolume": _volume_object,
    _CORE + "Namespace": _namespace,
    _CORE + "LimitRangeItem": _limit_range_item,
    _CORE + "EndpointPort": _protocol,
    _CORE + "ReplicationController": _replication_controller,
    _CORE + "NodeStatus": _node_status,
    _APPS + "Deployment": _deployment,
    _APPS + "DaemonSet": _daemon_set,
    _APPS + "StatefulSet": _stateful_set,
    _APPS + "ReplicaSet": _replica_set,
    _BATCH + "Job": _job,
    _BATCH + "PodFailurePolicyOnPodConditionsPattern": _failure_pattern,
    _BATCH + "CronJob": _cron_job,
    _HPA + "v2.HorizontalPodAutoscaler": _hpa_v2,
    _HPA + "v1.HorizontalPodAutoscaler": _hpa_v1,
    _NET + "NetworkPolicy": _network_policy,
    _NET + "NetworkPolicyPort": _protocol,
    _NET + "IngressClassParametersReference": _ingress_class,
    "io.k8s.api.discovery.v1.EndpointPort": _slice_port,
    _RBAC + "RoleRef": _role_ref,
    _RBAC + "Subject": _subject,
    _STORAGE + "StorageClass": _storage_class,
    _STORAGE + "CSIDriver": _csi_driver,
    "io.k8s.api.scheduling.v1.PriorityClass": _priority_class,
    _ADMISSION + "ValidatingWebhook": _webhook,
    _ADMISSION + "MutatingWebhook": _mutating_webhook,
    _ADMISSION + "RuleWithOperations": _webhook_rule,
    _ADMISSION + "NamedRuleWithOperations": _webhook_rule,
    _ADMISSION + "ServiceReference": _port_443,
    _ADMISSION + "ValidatingAdmissionPolicySpec": _policy_spec,
    _ADMISSION + "MutatingAdmissionPolicySpec": _policy_spec,
    _ADMISSION + "MatchResources": _match_resources,
    _CRD + "CustomResourceDefinitionSpec": _custom_definition,
    _CRD + "ServiceReference": _port_443,
    _AGGREGATOR + "ServiceReference": _port_443,
}
