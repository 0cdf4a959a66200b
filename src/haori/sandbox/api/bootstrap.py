"""What a cluster holds before anybody creates anything: namespaces, the roles people know, the API's own Service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from haori.sandbox.api import errors
from haori.sandbox.api.definition_removal import finish_removals
from haori.sandbox.api.layer import Api, utc_now
from haori.sandbox.api.store import Store
from haori.schema import Schemas, builtin_resources

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
KUBERNETES_ADDRESS = "127.64.0.1"
"""The cluster address of the API's own Service: the first of the range."""
API_PORT = 443

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_APPLIED = {
    "": [
        "configmaps",
        "endpoints",
        "events",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "pods/status",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "serviceaccounts",
        "services",
        "services/status",
    ],
    "apps": ["*"],
    "batch": ["*"],
    "autoscaling": ["*"],
    "networking.k8s.io": ["ingresses", "ingresses/status", "networkpolicies"],
    "policy": ["*"],
    "discovery.k8s.io": ["endpointslices"],
}
"""What belongs to the applications of a namespace, without its secrets and roles."""


async def open_api(store: Store, *, now: Callable[[], datetime] = utc_now) -> Api:
    """The API over a store, with what every cluster holds put where it lacks, and interrupted deletions taken up."""
    api = Api(store, Schemas.builtin(), builtin_resources(), now=now)
    for plural, group, manifest in _objects():
        await _ensure(api, plural, group, manifest)
    await finish_removals(api)
    return api


async def _ensure(api: Api, plural: str, group: str, manifest: Mapping[str, Any]) -> None:
    type_ = api.served(group, "v1", plural)
    metadata = manifest["metadata"]
    namespace = str(metadata.get("namespace", ""))
    try:
        api.get(type_, metadata["name"], namespace)
    except errors.ApiStatusError as error:
        if error.status != 404:
            raise
        await api.create(type_, manifest, namespace)


def _objects() -> list[tuple[str, str, dict[str, Any]]]:
    found: list[tuple[str, str, dict[str, Any]]] = [
        ("namespaces", "", {"metadata": {"name": name}}) for name in NAMESPACES
    ]
    found += [
        ("clusterroles", _RBAC, {"metadata": {"name": name, "labels": _LABELS}, "rules": rules})
        for name, rules in _roles().items()
    ]
    masters = {"apiGroup": _RBAC, "kind": "Group", "name": "system:masters"}
    binding = {
        "metadata": {"name": "cluster-admin", "labels": _LABELS},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [masters],
    }
    found.append(("clusterrolebindings", _RBAC, binding))
    for name, value in (("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)):
        found.append(("priorityclasses", "scheduling.k8s.io", {"metadata": {"name": name}, "value": value}))
    service = {
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": KUBERNETES_ADDRESS,
            "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP", "targetPort": 6443}],
        },
    }
    found.append(("services", "", service))
    return found


def _roles() -> dict[str, list[dict[str, Any]]]:
    reading = [{"apiGroups": [group], "resources": names, "verbs": _READ} for group, names in _APPLIED.items()]
    reading.append({"apiGroups": [""], "resources": ["namespaces"], "verbs": _READ})
    writing = [{"apiGroups": [group], "resources": names, "verbs": _WRITE} for group, names in _APPLIED.items()]
    secrets = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": [*_READ, *_WRITE]},
        {
            "apiGroups": [""],
            "resources": ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"],
            "verbs": ["get", *_WRITE],
        },
        {"apiGroups": [""], "resources": ["pods/eviction", "serviceaccounts/token"], "verbs": ["create"]},
    ]
    roles = [{"apiGroups": [_RBAC], "resources": ["roles", "rolebindings"], "verbs": [*_READ, *_WRITE]}]
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    return {
        "cluster-admin": everything,
        "admin": [*reading, *writing, *secrets, *roles],
        "edit": [*reading, *writing, *secrets],
        "view": reading,
    }
