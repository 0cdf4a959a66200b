"""What the kubelet of a node may do: what concerns itself and the Pods that are bound to it, and no more.

A Secret, ConfigMap or claim is read by a node if a Pod on it refers to it; a list or watch of Secrets and ConfigMaps
shows it those alone (Kubernetes refuses such a list; ours may ask for it, since it watches all it needs by one request).
Pods are listed by the selector that names the node. see: Kubernetes `plugin/pkg/auth/authorizer/node` and
`plugin/pkg/admission/noderestriction` (1.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from haori.objects import SelectorError, nested_list, nested_mapping, nested_text
from haori.objects.selectors import parse_field_selector
from haori.sandbox.api.options import Attributes, User
from haori.sandbox.api.store import Stored, StoreKey

NODES_GROUP = "system:nodes"
LEASE_NAMESPACE = "kube-node-lease"
_PREFIX = "system:node:"
_REFERRED = frozenset({"secrets", "configmaps", "persistentvolumeclaims"})
_SHOWN_IN_PART = frozenset({"secrets", "configmaps"})
_SHOW = frozenset({"list", "watch"})
_CHANGE = frozenset({"get", "update", "patch"})

NODE_RULES: tuple[Mapping[str, Any], ...] = (
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "update", "patch"]},
    {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
)
"""What every node may, whichever Pods it has; of tokens only those of its Pods are issued (`token_requests`)."""


class StoredObjects(Protocol):
    """Where Pods are read from."""

    def find(self, storage: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object, or None."""
        ...

    def rows_of(self, storage: str, namespace: str = "") -> Sequence[tuple[StoreKey, Stored]]:
        """All objects of a type as they are stored."""
        ...


@dataclass(frozen=True, slots=True)
class _PodUse:
    revision: int
    node: str
    objects: frozenset[tuple[str, str]]


def node_of(user: User) -> str:
    """The node whose kubelet asks; empty for everybody else."""
    return user.name.removeprefix(_PREFIX) if NODES_GROUP in user.groups and user.name.startswith(_PREFIX) else ""


class NodeAccess:
    """Decides by the Pods that are bound now; what a Pod refers to is read once for each of its revisions."""

    def __init__(self, objects: StoredObjects) -> None:
        self._objects = objects
        self._known: dict[str, dict[str, _PodUse]] = {}

    def allows(self, node: str, asked: Attributes) -> bool:
        """Whether the node may, beyond NODE_RULES."""
        match asked.group, asked.resource, asked.subresource:
            case "", resource, "" if resource in _REFERRED:
                if asked.verb in _SHOW:
                    return resource in _SHOWN_IN_PART
                return asked.verb == "get" and self.uses(node, resource, asked.namespace, asked.name)
            case "", "pods", "" if asked.verb in _SHOW:
                return _selects(asked.field_selector, "spec.nodeName", node)
            case "", "pods", "":
                return asked.verb in ("get", "delete") and self._is_own_pod(node, asked)
            case "", "pods", "status":
                return asked.verb in _CHANGE and self._is_own_pod(node, asked)
            case "", "nodes", "" | "status":
                return self._is_own(node, asked)
            case "coordination.k8s.io", "leases", "":
                return asked.namespace == LEASE_NAMESPACE and self._is_own(node, asked)
            case _:
                return False

    def may_make(self, node: str, storage: str, name: str) -> bool:
        """Whether the node may create an object of that name, of the types of which it may create its own."""
        return storage not in ("nodes", "leases.coordination.k8s.io") or name == node

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a Pod on the node refers to the object."""
        known, fresh, found = self._known.get(namespace, {}), {}, False
        for key, stored in self._objects.rows_of("pods", namespace):
            use = known.get(key.name)
            if use is None or use.revision != stored.revision:
                pod = stored.decode()
                use = _PodUse(stored.revision, nested_text(pod, "spec", "nodeName"), frozenset(references_of(pod)))
            fresh[key.name] = use
            found = found or (use.node == node and (resource, name) in use.objects)
        if fresh:
            self._known[namespace] = fresh
        else:
            self._known.pop(namespace, None)
        return found

    def shown(self, node: str, storage: str) -> Callable[[Mapping[str, Any]], bool] | None:
        """Which objects of a list or watch the node sees; None where all that were selected."""
        if storage not in _SHOWN_IN_PART:
            return None

        def is_shown(manifest: Mapping[str, Any]) -> bool:
            metadata = nested_mapping(manifest, "metadata")
            return self.uses(node, storage, nested_text(metadata, "namespace"), nested_text(metadata, "name"))

        return is_shown

    def _is_own(self, node: str, asked: Attributes) -> bool:
        if asked.verb == "create":
            return not asked.subresource
        if asked.verb in _SHOW and not asked.name:
            return _selects(asked.field_selector, "metadata.name", node)
        return asked.verb in _CHANGE and asked.name == node

    def _is_own_pod(self, node: str, asked: Attributes) -> bool:
        """A Pod that is gone is nobody's: who asks for it is told that it is not there."""
        pod = self._objects.find("pods", asked.name, asked.namespace)
        return pod is None or nested_text(pod, "spec", "nodeName") == node


def _selects(field_selector: str, path: str, value: str) -> bool:
    try:
        return parse_field_selector(field_selector).required(path) == value
    except SelectorError:
        return False


def references_of(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(plural, name) of every Secret, ConfigMap and claim that a Pod refers to; names may be empty or repeated."""
    spec = nested_mapping(pod, "spec")
    for each in nested_list(spec, "imagePullSecrets"):
        yield "secrets", nested_text(each, "name")
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for container in nested_list(spec, field):
            yield from _environment(container)
    for volume in nested_list(spec, "volumes"):
        yield from _source(volume)
        for source in nested_list(volume, "projected", "sources"):
            yield from _source(source)
        yield "persistentvolumeclaims", nested_text(volume, "persistentVolumeClaim", "claimName")
        if "ephemeral" in volume:
            yield "persistentvolumeclaims", f"{nested_text(pod, 'metadata', 'name')}-{nested_text(volume, 'name')}"


def _environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for source in nested_list(container, "envFrom"):
        yield "configmaps", nested_text(source, "configMapRef", "name")
        yield "secrets", nested_text(source, "secretRef", "name")
    for variable in nested_list(container, "env"):
        yield "configmaps", nested_text(variable, "valueFrom", "configMapKeyRef", "name")
        yield "secrets", nested_text(variable, "valueFrom", "secretKeyRef", "name")


def _source(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a volume, or of a part of a projected one (whose Secret is called `name`)."""
    yield "configmaps", nested_text(source, "configMap", "name")
    yield "secrets", nested_text(source, "secret", "secretName")
    yield "secrets", nested_text(source, "secret", "name")
    yield "secrets", nested_text(source, "csi", "nodePublishSecretRef", "name")
