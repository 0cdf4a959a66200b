"""A container's environment: variables, their sources, whole maps of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, part, said
from haori.schema.problems import invalid, required, unsupported

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_ONLY_ONE = "may not have more than one field specified at a time"
_FIELDS = frozenset({
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
    "status.hostIPs", "status.podIP", "status.podIPs",
})  # fmt: skip
_CONVERTED = frozenset({"spec.restartPolicy", "spec.schedulerName", "spec.hostNetwork", "status.phase",
                        "status.nominatedNodeName"})  # fmt: skip
"""Known to the server as fields to select by, yet not for the environment."""
_MAPS = ("metadata.annotations", "metadata.labels")
_RESOURCES = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)


def check_environment(container: Mapping[str, Any], path: str) -> Problems:
    """`env` and `envFrom` of a container."""
    for position, variable in entries(container, "env"):
        place, name = f"{path}.env[{position}]", variable.get("name") or ""
        if not name:
            yield required(f"{place}.name")
        else:
            yield from said(f"{place}.name", name, words.variable_name(name))
        if variable.get("valueFrom") is not None:
            yield from _source(variable, f"{place}.valueFrom")
    for position, source in entries(container, "envFrom"):
        yield from _map(source, f"{path}.envFrom", position)


def environment_warnings(container: Mapping[str, Any], path: str) -> list[str]:
    """About variables that hide earlier ones."""
    found: list[str] = []
    seen: set[str] = set()
    for position, variable in entries(container, "env"):
        name = str(variable.get("name"))
        if name in seen:
            what = f'hides previous definition of "{name}", which may be dropped when using apply'
            found.append(f"{path}.env[{position}]: {what}")
        seen.add(name)
    return found


def _source(variable: Mapping[str, Any], path: str) -> Problems:
    source = part(variable, "valueFrom")
    given = [name for name in _SOURCES if source.get(name) is not None]
    for name in given:
        place, reference = f"{path}.{name}", part(source, name)
        if name == "fieldRef":
            yield from field_reference(reference, place)
        elif name == "resourceFieldRef":
            yield from resource_reference(reference, place, needs_container=False)
        elif name != "fileKeyRef":
            yield from _key(reference, place)
    if not given:
        listed = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        yield invalid(path, "", f"must specify one of: {listed}")
    elif variable.get("value"):
        yield invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield invalid(path, "", _ONLY_ONE)


def field_reference(reference: Mapping[str, Any], path: str, *, allowed: frozenset[str] = _FIELDS) -> Problems:
    """A field of the Pod itself."""
    field = reference.get("fieldPath") or ""
    if not field:
        yield required(f"{path}.fieldPath")
        return
    base, bracket, rest = field.partition("['")
    if bracket and rest.endswith("']"):
        if base not in _MAPS:
            yield invalid(
                f"{path}.fieldPath",
                field,
                f"error converting fieldPath: field label does not support subscript: {field}",
            )
        else:
            key = rest[:-2]
            yield from said(path, key, words.qualified_name(key.lower() if base.endswith("annotations") else key))
    elif field not in {*_FIELDS, *_CONVERTED, *_MAPS}:
        yield invalid(f"{path}.fieldPath", field, f"error converting fieldPath: field label not supported: {field}")
    elif field not in allowed:
        yield unsupported(f"{path}.fieldPath", field, sorted(allowed))


def resource_reference(reference: Mapping[str, Any], path: str, *, needs_container: bool) -> Problems:
    """A container's own request or limit."""
    resource = reference.get("resource") or ""
    if needs_container and not reference.get("containerName"):
        yield required(f"{path}.containerName")
    elif not resource:
        yield required(f"{path}.resource")
    elif resource not in _RESOURCES and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        yield unsupported(f"{path}.resource", resource, _RESOURCES)


def _key(reference: Mapping[str, Any], path: str) -> Problems:
    if not reference.get("name"):
        yield required(f"{path}.name")
    key = reference.get("key") or ""
    if not key:
        yield required(f"{path}.key")
    else:
        yield from said(f"{path}.key", key, words.config_key(key))


def _map(source: Mapping[str, Any], path: str, position: int) -> Problems:
    place = f"{path}[{position}]"
    if prefix := source.get("prefix"):
        yield from said(f"{place}.prefix", prefix, words.variable_name(prefix))
    given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
    for name in given:
        named = part(source, name).get("name") or ""
        if not named:
            yield required(f"{place}.{name}.name")
        else:
            yield from said(f"{place}.{name}.name", named, words.subdomain(named))
    # The server's own path has no index here.
    if len(given) > 1:
        yield invalid(path, "", _ONLY_ONE)
    elif not given:
        yield invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
