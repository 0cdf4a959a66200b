"""Roles and their bindings.

see: Kubernetes `pkg/apis/rbac/validation/validation.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, one_of, part, said, selector, unchanged
from haori.schema.problems import invalid, required

_GROUP = "rbac.authorization.k8s.io"


def check_role(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Role or ClusterRole."""
    is_namespaced = manifest.get("kind") == "Role"
    for position, rule in entries(manifest, "rules"):
        yield from _rule(rule, f"rules[{position}]", is_namespaced=is_namespaced)
    if is_namespaced or manifest.get("aggregationRule") is None:
        return
    path = "aggregationRule.clusterRoleSelectors"
    chosen = part(manifest, "aggregationRule").get("clusterRoleSelectors") or ()
    if not chosen:
        yield required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for position, each in enumerate(chosen):
        found = list(selector(each, f"{path}[{position}]"))
        yield from found
        if found:
            # The server shows no value here.
            yield invalid(f"{path}[{position}]", None, "invalid label selector.")


def _rule(rule: Mapping[str, Any], path: str, *, is_namespaced: bool) -> Problems:
    if not rule.get("verbs"):
        yield required(f"{path}.verbs")
    if urls := rule.get("nonResourceURLs"):
        if is_namespaced:
            yield invalid(f"{path}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid(f"{path}.nonResourceURLs", urls, detail)
        return
    if not rule.get("apiGroups"):
        yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def _reference(reference: Mapping[str, Any]) -> dict[str, Any]:
    """A reference as the server prints its structure."""
    return {"APIGroup": reference.get("apiGroup"), "Kind": reference.get("kind"), "Name": reference.get("name")}


def check_binding(manifest: Manifest, old: Manifest | None) -> Problems:
    """A RoleBinding or ClusterRoleBinding."""
    reference = part(manifest, "roleRef")
    is_namespaced = manifest.get("kind") == "RoleBinding"
    yield from one_of("roleRef.apiGroup", reference.get("apiGroup") or "", (_GROUP,))
    kinds = ("Role", "ClusterRole") if is_namespaced else ("ClusterRole",)
    yield from one_of("roleRef.kind", reference.get("kind") or "", kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    else:
        yield from said("roleRef.name", reference["name"], words.path_segment(reference["name"]))
    for position, subject in entries(manifest, "subjects"):
        yield from _subject(subject, f"subjects[{position}]", is_namespaced=is_namespaced)
    if old is not None:
        yield from unchanged("roleRef", _reference(reference), _reference(part(old, "roleRef")))


def _subject(subject: Mapping[str, Any], path: str, *, is_namespaced: bool) -> Problems:
    kind, group, name = (subject.get(field) or "" for field in ("kind", "apiGroup", "name"))
    if not name:
        yield required(f"{path}.name")
    if kind == "ServiceAccount":
        if name:
            yield from said(f"{path}.name", name, words.subdomain(name))
        yield from one_of(f"{path}.apiGroup", group, ("",))
        if not is_namespaced and not subject.get("namespace"):
            yield required(f"{path}.namespace")
    elif kind in ("User", "Group"):
        yield from one_of(f"{path}.apiGroup", group, (_GROUP,))
    else:
        yield from one_of(f"{path}.kind", kind, ("ServiceAccount", "User", "Group"))
