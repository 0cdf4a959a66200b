"""What the API tells of itself: which groups, versions and types it serves.

Both forms: the aggregated one (`apidiscovery.k8s.io/v2`, one document for /api, one for /apis) and the lists clients
of old read group by group. see: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from haori.objects import format_api_version
from haori.sandbox.api.registry import Registry, ServedType
from haori.schema import Subresource

VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.2+haori",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": f"python{sys.version_info.major}.{sys.version_info.minor}",
    "compiler": "cpython",
    "platform": "linux/amd64",
}
"""`/version`: the Kubernetes whose behaviour this is. The time and commit of a build are nobody's business."""


def groups_of(registry: Registry) -> dict[str, dict[str, list[ServedType]]]:
    """The types by group and version, in the order they are shown."""
    groups: dict[str, dict[str, list[ServedType]]] = {}
    for type_ in registry.types:
        groups.setdefault(type_.group, {}).setdefault(type_.version, []).append(type_)
    return groups


def aggregated(registry: Registry, *, is_core: bool) -> dict[str, Any]:
    """The APIGroupDiscoveryList of /api or /apis."""
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [
                {
                    "version": version,
                    "freshness": "Current",
                    "resources": [_aggregated_type(type_) for type_ in types],
                }
                for version, types in versions.items()
            ],
        }
        for group, versions in groups_of(registry).items()
        if (not group) is is_core
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_type(type_: ServedType) -> dict[str, Any]:
    value: dict[str, Any] = {
        "resource": type_.plural,
        "responseKind": {"group": type_.group, "version": type_.version, "kind": type_.kind},
        "scope": "Namespaced" if type_.namespaced else "Cluster",
        "singularResource": type_.singular,
        "verbs": sorted(type_.verbs),
    }
    if type_.short_names:
        value["shortNames"] = list(type_.short_names)
    if type_.categories:
        value["categories"] = list(type_.categories)
    if subresources := [
        {
            "subresource": each.name,
            "responseKind": {"group": each.group, "version": each.version, "kind": each.kind},
            "verbs": list(each.verbs),
        }
        for each in _subresources(type_)
    ]:
        value["subresources"] = subresources
    return value


def _subresources(type_: ServedType) -> Iterable[Subresource]:
    if not type_.is_custom:
        return type_.described
    found = []
    for name in sorted(type_.subresources, reverse=True):
        group, version, kind = (
            ("autoscaling", "v1", "Scale") if name == "scale" else (type_.group, type_.version, type_.kind)
        )
        found.append(Subresource(name=name, group=group, version=version, kind=kind, verbs=("get", "patch", "update")))
    return found


_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


def _verbs(type_: ServedType) -> list[str]:
    """In the order that the server has for built-in and for other types."""
    return [verb for verb in _CUSTOM_VERBS if verb in type_.verbs] if type_.is_custom else sorted(type_.verbs)


def core_versions() -> dict[str, Any]:
    """The APIVersions of /api."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(registry: Registry) -> dict[str, Any]:
    """The APIGroupList of /apis."""
    groups = [_group(group, list(versions)) for group, versions in groups_of(registry).items() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group_document(registry: Registry, group: str) -> dict[str, Any] | None:
    """The APIGroup of /apis/GROUP, None where it is not served."""
    versions = groups_of(registry).get(group)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, list(versions))} if versions and group else None


def _group(group: str, versions: list[str]) -> dict[str, Any]:
    shown = [{"groupVersion": format_api_version(group, version), "version": version} for version in versions]
    return {"name": group, "versions": shown, "preferredVersion": shown[0]}


def resource_list(registry: Registry, group: str, version: str) -> dict[str, Any] | None:
    """The APIResourceList of /api/v1 and /apis/GROUP/VERSION, None where it is not served."""
    types = groups_of(registry).get(group, {}).get(version)
    if types is None:
        return None
    rows = [row for type_ in types for row in _rows(type_)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": format_api_version(group, version),
        "resources": rows,
    }


def _rows(type_: ServedType) -> Iterable[dict[str, Any]]:
    row: dict[str, Any] = {
        "name": type_.plural,
        "singularName": type_.singular,
        "namespaced": type_.namespaced,
        "kind": type_.kind,
        "verbs": _verbs(type_),
    }
    if type_.short_names:
        row["shortNames"] = list(type_.short_names)
    if type_.categories:
        row["categories"] = list(type_.categories)
    yield row
    for each in _subresources(type_):
        below: dict[str, Any] = {
            "name": f"{type_.plural}/{each.name}",
            "singularName": "",
            "namespaced": type_.namespaced,
            "kind": each.kind,
            "verbs": list(each.verbs),
        }
        if (each.group, each.version) != (type_.group, type_.version):
            below |= {"group": each.group, "version": each.version}
        yield below
