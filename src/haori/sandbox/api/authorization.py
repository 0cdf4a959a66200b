"""Who may do what: the roles and bindings stored in the cluster, evaluated on each request.

Members of `system:masters` may do everything. Nodes get what a kubelet needs. Everybody else gets what Roles and
ClusterRoles bound to them say. see: Kubernetes `plugin/pkg/auth/authorizer/rbac/rbac.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from haori.objects import nested_list, nested_mapping, nested_text
from haori.sandbox.api.errors import ApiStatusError, qualified
from haori.sandbox.api.options import User

RBAC = "rbac.authorization.k8s.io"
NODES_GROUP = "system:nodes"
_ACCOUNT = "system:serviceaccount:"

Rule = Mapping[str, Any]

_OPEN_PATHS = frozenset({"/api", "/apis", "/openapi", "/version", "/livez", "/readyz", "/healthz"})
_EVERYBODY: tuple[Rule, ...] = (
    {
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        "verbs": ["create"],
    },
    {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
)
"""What `system:basic-user` grants to all who are authenticated."""
_NODES: tuple[Rule, ...] = (
    {
        "apiGroups": [""],
        "resources": ["configmaps", "secrets", "services", "endpoints", "namespaces", "serviceaccounts"],
        "verbs": ["get", "list", "watch"],
    },
    {
        "apiGroups": [""],
        "resources": ["persistentvolumeclaims", "persistentvolumes"],
        "verbs": ["get", "list", "watch", "patch", "update"],
    },
    {"apiGroups": [""], "resources": ["serviceaccounts/token", "pods/eviction"], "verbs": ["create"]},
    {
        "apiGroups": [""],
        "resources": ["pods", "pods/status", "nodes", "nodes/status", "services/status"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    },
    {
        "apiGroups": ["", "events.k8s.io"],
        "resources": ["events"],
        "verbs": ["create", "update", "patch", "get", "list"],
    },
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    {
        "apiGroups": ["discovery.k8s.io", "networking.k8s.io", "storage.k8s.io", "node.k8s.io", "apps", "batch"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch", "update", "patch"],
    },
    {
        "apiGroups": ["authentication.k8s.io", "authorization.k8s.io"],
        "resources": ["tokenreviews", "subjectaccessreviews"],
        "verbs": ["create"],
    },
)
"""What a kubelet and a service proxy need. Unlike Kubernetes' node authorizer it does not ask which Pods are on the node."""


class Lookup(Protocol):
    """Where roles and bindings are read from."""

    def find(self, storage: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object, or None."""
        ...

    def all_of(self, storage: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a type."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What is asked to be done; empty parts are not part of it."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def full_resource(self) -> str:
        """`pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Authorizer:
    """Decides by what is stored now."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def require(self, user: User, attributes: Attributes) -> None:
        """Raises a 403 where the user may not."""
        if self.allows(user, attributes):
            return
        where = f' in the namespace "{attributes.namespace}"' if attributes.namespace else " at the cluster scope"
        resource = attributes.full_resource
        shown = qualified(resource, attributes.group) + (f' "{attributes.name}"' if attributes.name else "")
        message = (
            f'{shown} is forbidden: User "{user.name}" cannot {attributes.verb} resource "{resource}" '
            f'in API group "{attributes.group}"{where}'
        )
        details = {"name": attributes.name, "group": attributes.group, "kind": attributes.resource}
        raise ApiStatusError(403, "Forbidden", message, {key: value for key, value in details.items() if value})

    def require_path(self, user: User, path: str) -> None:
        """Raises a 403 where the user may not read a path that is no resource."""
        if not self.allows_path(user, "get", path):
            raise ApiStatusError(403, "Forbidden", f'forbidden: User "{user.name}" cannot get path "{path}"', {})

    def allows_path(self, user: User, verb: str, path: str) -> bool:
        """Whether a path that is no resource may be used: discovery by all, the rest by rules."""
        if user.is_master or (path == "/" or "/" + path.split("/")[1] in _OPEN_PATHS):
            return True
        return any(
            _covers(nested_list(rule, "verbs"), verb)
            and any(
                pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))
                for pattern in nested_list(rule, "nonResourceURLs")
            )
            for rule, _ in self.rules_of(user, "")
        )

    def allows(self, user: User, attributes: Attributes) -> bool:
        """Whether the user may."""
        if user.is_master:
            return True
        return any(rule_allows(rule, attributes) for rule, _ in self.rules_of(user, attributes.namespace))

    def rules_of(self, user: User, namespace: str) -> Iterator[tuple[Rule, str]]:
        """(rule, the namespace it holds in; empty is everywhere): all that is granted to a user in a namespace."""
        if user.is_master:
            yield {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, ""
            yield {"nonResourceURLs": ["*"], "verbs": ["*"]}, ""
        if "system:authenticated" in user.groups:
            yield from ((rule, "") for rule in _EVERYBODY)
        if NODES_GROUP in user.groups:
            yield from ((rule, "") for rule in _NODES)
        for binding in self._lookup.all_of(f"clusterrolebindings.{RBAC}"):
            if _binds(binding, user, ""):
                yield from ((rule, "") for rule in self._role_rules(binding, ""))
        if namespace:
            for binding in self._lookup.all_of(f"rolebindings.{RBAC}", namespace):
                if _binds(binding, user, namespace):
                    yield from ((rule, namespace) for rule in self._role_rules(binding, namespace))

    def _role_rules(self, binding: Mapping[str, Any], namespace: str) -> Sequence[Rule]:
        reference = nested_mapping(binding, "roleRef")
        name = nested_text(reference, "name")
        if reference.get("kind") == "ClusterRole":
            role = self._lookup.find(f"clusterroles.{RBAC}", name)
        else:
            role = self._lookup.find(f"roles.{RBAC}", name, namespace)
        return nested_list(role, "rules") if role else ()


def _binds(binding: Mapping[str, Any], user: User, namespace: str) -> bool:
    for subject in nested_list(binding, "subjects"):
        kind, name = nested_text(subject, "kind"), nested_text(subject, "name")
        if kind == "User" and name == user.name:
            return True
        if kind == "Group" and name in user.groups:
            return True
        account = f"{_ACCOUNT}{nested_text(subject, 'namespace') or namespace}:{name}"
        if kind == "ServiceAccount" and account == user.name:
            return True
    return False


def rule_allows(rule: Rule, attributes: Attributes) -> bool:
    """Whether one rule grants what is asked."""
    names = nested_list(rule, "resourceNames")
    return (
        _covers(nested_list(rule, "verbs"), attributes.verb)
        and _covers(nested_list(rule, "apiGroups"), attributes.group)
        and _covers_resource(nested_list(rule, "resources"), attributes)
        and (not names or attributes.name in names)
    )


def _covers(granted: Sequence[Any], wanted: str) -> bool:
    return "*" in granted or wanted in granted


def _covers_resource(granted: Sequence[Any], attributes: Attributes) -> bool:
    if _covers(granted, attributes.full_resource):
        return True
    return bool(attributes.subresource) and f"*/{attributes.subresource}" in granted
