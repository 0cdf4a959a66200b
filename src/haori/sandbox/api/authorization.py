"""Who may do what: the roles and bindings stored in the cluster, evaluated on each request.

Members of `system:masters` may do everything. Nodes get what concerns them (`node_access`). Everybody else gets what Roles and
ClusterRoles bound to them say. see: Kubernetes `plugin/pkg/auth/authorizer/rbac/rbac.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from haori.objects import nested_list, nested_mapping, nested_text
from haori.sandbox.api.errors import ApiStatusError, forbidden, qualified
from haori.sandbox.api.node_access import NODE_RULES, NODES_GROUP, NodeAccess, StoredObjects, node_of
from haori.sandbox.api.options import Attributes, User
from haori.sandbox.api.registry import ServedType

RBAC = "rbac.authorization.k8s.io"
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


class Lookup(StoredObjects, Protocol):
    """Where roles and bindings, and the Pods of nodes, are read from."""

    def all_of(self, storage: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a type."""
        ...


class Authorizer:
    """Decides by what is stored now."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._nodes = NodeAccess(lookup)

    def require(self, user: User, attributes: Attributes) -> None:
        """Raises a 403 where the user may not."""
        if self.allows(user, attributes):
            return
        where = f' in the namespace "{attributes.namespace}"' if attributes.namespace else " at the cluster scope"
        resource = attributes.full_resource
        shown = qualified(attributes.resource, attributes.group) + (f' "{attributes.name}"' if attributes.name else "")
        message = (
            f'{shown} is forbidden: User "{user.name}" cannot {attributes.verb} resource "{resource}" '
            f'in API group "{attributes.group}"{where}'
        )
        if node := node_of(user):
            message += f": no relationship found between node '{node}' and this object"
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
        return self.why(user, attributes) is not None

    def why(self, user: User, attributes: Attributes) -> str | None:
        """By what the user may, None where they may not; empty where no binding says so."""
        if user.is_master or ((node := node_of(user)) and self._nodes.allows(node, attributes)):
            return ""
        return next(
            (why for rule, _, why in self._grants(user, attributes.namespace) if rule_allows(rule, attributes)), None
        )

    def require_made(self, user: User, type_: ServedType, name: str, namespace: str) -> None:
        """Raises a 403 where a node would make itself another node (what is made is not named by the request's path)."""
        node = node_of(user)
        if node and not self._nodes.may_make(node, type_.storage, name):
            problem = f"node '{node}' may create its own alone"
            raise forbidden(type_.plural, type_.group, name, problem)

    def shown(self, user: User, type_: ServedType) -> Callable[[Mapping[str, Any]], bool] | None:
        """Which objects of a list or watch the user sees; None where all that were selected."""
        node = node_of(user)
        return self._nodes.shown(node, type_.storage) if node else None

    def rules_of(self, user: User, namespace: str) -> Iterator[tuple[Rule, str]]:
        """(rule, the namespace it holds in; empty is everywhere): all that is granted to a user in a namespace."""
        return ((rule, where) for rule, where, _ in self._grants(user, namespace))

    def _grants(self, user: User, namespace: str) -> Iterator[tuple[Rule, str, str]]:
        """The same with the words that say by which binding."""
        if user.is_master:
            yield {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, "", ""
            yield {"nonResourceURLs": ["*"], "verbs": ["*"]}, "", ""
        if "system:authenticated" in user.groups:
            yield from ((rule, "", _basic(user)) for rule in _EVERYBODY)
        if NODES_GROUP in user.groups:
            yield from ((rule, "", "") for rule in NODE_RULES)
        for where in dict.fromkeys(("", namespace)):
            for binding in self._lookup.all_of(f"{'' if where else 'cluster'}rolebindings.{RBAC}", where):
                if subject := _binds(binding, user, where):
                    why = _words(binding, subject, where)
                    role = self.role_of(binding, where)
                    yield from ((rule, where, why) for rule in nested_list(role, "rules"))

    def role_of(self, binding: Mapping[str, Any], namespace: str) -> Mapping[str, Any] | None:
        """The role that a binding of that namespace refers to."""
        reference = nested_mapping(binding, "roleRef")
        name = nested_text(reference, "name")
        if reference.get("kind") == "ClusterRole":
            return self._lookup.find(f"clusterroles.{RBAC}", name)
        return self._lookup.find(f"roles.{RBAC}", name, namespace)


def _basic(user: User) -> str:
    return (
        'RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" '
        'to Group "system:authenticated"'
    )


def _words(binding: Mapping[str, Any], subject: str, namespace: str) -> str:
    name = nested_text(binding, "metadata", "name")
    shown = f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'
    reference = nested_mapping(binding, "roleRef")
    return f'RBAC: allowed by {shown} of {reference.get("kind")} "{reference.get("name")}" to {subject}'


def _binds(binding: Mapping[str, Any], user: User, namespace: str) -> str:
    """The subject by which the user is bound, empty where they are not."""
    for subject in nested_list(binding, "subjects"):
        kind, name = nested_text(subject, "kind"), nested_text(subject, "name")
        if (kind == "User" and name == user.name) or (kind == "Group" and name in user.groups):
            return f'{kind} "{name}"'
        home = nested_text(subject, "namespace") or namespace
        if kind == "ServiceAccount" and f"{_ACCOUNT}{home}:{name}" == user.name:
            return f'ServiceAccount "{name}/{home}"'
    return ""


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
