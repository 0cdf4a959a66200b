"""Nobody gives away more than they have: what a role or a binding grants must be held by who writes it.

Who may `escalate` the role, or `bind` it, is not asked. see: Kubernetes `pkg/registry/rbac/validation/rule.go` (1.37).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from haori.objects import nested_list, nested_mapping, nested_text
from haori.sandbox.api.authorization import RBAC, Authorizer, rule_allows
from haori.sandbox.api.errors import ApiStatusError, forbidden, not_found
from haori.sandbox.api.options import Attributes, User
from haori.sandbox.api.registry import ServedType

_ROLES = frozenset({f"roles.{RBAC}", f"clusterroles.{RBAC}"})
_BINDINGS = frozenset({f"rolebindings.{RBAC}", f"clusterrolebindings.{RBAC}"})

Rule = Mapping[str, Any]


def check_grant(
    authorizer: Authorizer, user: User, type_: ServedType, old: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> None:
    """Raises a 403 that names what the user does not have, a 404 where a bound role is not there."""
    if user.is_master or type_.storage not in _ROLES | _BINDINGS or (old is not None and _is_same(old, new)):
        return
    namespace, name = nested_text(new, "metadata", "namespace"), nested_text(new, "metadata", "name")
    if type_.storage in _ROLES:
        rules: Sequence[Rule] = nested_list(new, "rules")
        plural, verb, role = type_.plural, "escalate", name
    else:
        reference = nested_mapping(new, "roleRef")
        plural = "clusterroles" if reference.get("kind") == "ClusterRole" else "roles"
        verb, role = "bind", nested_text(reference, "name")
    asked = Attributes(verb=verb, group=RBAC, resource=plural, namespace=namespace, name=role)
    if authorizer.allows(user, asked):
        return
    if type_.storage in _BINDINGS:
        found = authorizer.role_of(new, namespace)
        if found is None:
            raise not_found(type_.plural, type_.group, role)
        rules = nested_list(found, "rules")
    if missing := _missing(rules, [rule for rule, _ in authorizer.rules_of(user, namespace)]):
        raise _refusal(user, type_, name, missing)


def _is_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether nothing but metadata changed."""
    return {**old, "metadata": None} == {**new, "metadata": None}


def _refusal(user: User, type_: ServedType, name: str, missing: list[str]) -> ApiStatusError:
    groups = json.dumps(list(user.groups), ensure_ascii=False, separators=(",", " "))
    start = f'user "{user.name}" (groups={groups}) is attempting to grant RBAC permissions not currently held:'
    return forbidden(type_.plural, type_.group, name, "\n".join([start, *missing]))


def _missing(wanted: Sequence[Rule], held: Sequence[Rule]) -> list[str]:
    """What of the rules is not held, as the server prints it, one line for each resource."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for parts, verb, is_held in _atoms(wanted, held):
        if not is_held:
            verbs = lines.setdefault(parts, [])
            verbs += [] if verb in verbs else [verb]
    return sorted(f"{{{', '.join(parts)}, Verbs:{_texts(verbs)}}}" for parts, verbs in lines.items())


def _atoms(wanted: Sequence[Rule], held: Sequence[Rule]) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """(what it is about, verb, whether it is held) for each single thing that the rules grant."""
    for rule in wanted:
        for verb in nested_list(rule, "verbs"):
            for url in nested_list(rule, "nonResourceURLs"):
                yield (f"NonResourceURLs:{_texts([url])}",), verb, _holds_url(held, verb, url)
            for group in nested_list(rule, "apiGroups"):
                for resource in nested_list(rule, "resources"):
                    for name in nested_list(rule, "resourceNames") or [""]:
                        parts = [f"APIGroups:{_texts([group])}", f"Resources:{_texts([resource])}"]
                        parts += [f"ResourceNames:{_texts([name])}"] if name else []
                        plural, _, below = str(resource).partition("/")
                        asked = Attributes(verb=verb, group=group, resource=plural, subresource=below, name=name)
                        yield tuple(parts), verb, any(rule_allows(each, asked) for each in held)


def _holds_url(held: Sequence[Rule], verb: str, url: str) -> bool:
    return any(
        set(nested_list(rule, "verbs")) & {"*", verb}
        and any(
            pattern in ("*", url) or (pattern.endswith("*") and url.startswith(pattern[:-1]))
            for pattern in nested_list(rule, "nonResourceURLs")
        )
        for rule in held
    )


def _texts(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False, separators=(",", " "))
