"""Containers: names, images, ports, environment, mounts, resources.

see: Kubernetes `pkg/apis/core/validation/validation.go`, validateContainers and validateInitContainers (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, in_code, one_of, part, said
from haori.schema.checks.environment import check_environment
from haori.schema.checks.paths import relative_path
from haori.schema.checks.probes import check_lifecycle, check_probes
from haori.schema.checks.resources import check_resources
from haori.schema.problems import duplicate, forbidden, invalid, not_found, required, unsupported

_INT32 = 2**31 - 1
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_FOR_RESTARTED = "may not be set for init containers without restartPolicy=Always"


def check_containers(spec: Mapping[str, Any], path: str, volumes: frozenset[str]) -> Problems:
    """The containers and init containers of a Pod's spec."""
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    names: set[Any] = set()
    grace = spec.get("terminationGracePeriodSeconds")
    for field in ("containers", "initContainers"):
        host_ports: set[str] = set()
        for position, container in entries(spec, field):
            place = f"{path}.{field}[{position}]"
            yield from _name(container, place, names)
            yield from _container(container, place, volumes)
            yield from _host_ports(container, place, host_ports)
            if spec.get("hostNetwork"):
                yield from _same_ports(container, place)
            if field == "initContainers":
                yield from _init_container(container, place, grace)
            else:
                yield from check_lifecycle(container, place, grace)
                yield from check_probes(container, place)


def _name(container: Mapping[str, Any], path: str, names: set[Any]) -> Problems:
    name = container.get("name") or ""
    if not name:
        yield required(f"{path}.name")
    else:
        yield from said(f"{path}.name", name, words.label(name))
    if name and name in names:
        yield duplicate(f"{path}.name", name)
    names.add(name)


def _container(container: Mapping[str, Any], path: str, volumes: frozenset[str]) -> Problems:
    image = container.get("image") or ""
    if not image:
        yield required(f"{path}.image")
    if message := container.get("terminationMessagePolicy"):
        yield from one_of(f"{path}.terminationMessagePolicy", message, _MESSAGE_POLICIES)
    if (pull := container.get("imagePullPolicy")) and pull not in _PULL_POLICIES:
        yield unsupported(f"{path}.imagePullPolicy", pull, _PULL_POLICIES)
    yield from _ports(container, f"{path}.ports")
    yield from check_environment(container, path)
    yield from _mounts(container, f"{path}.volumeMounts", volumes)
    yield from check_resources(part(container, "resources"), f"{path}.resources")
    context = part(container, "securityContext")
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        yield invalid(f"{path}.securityContext", in_code(context), detail)
    for field in ("runAsUser", "runAsGroup"):
        yield from user_number(context.get(field), f"{path}.securityContext.{field}")


def user_number(number: int | None, path: str) -> Problems:
    """A user's or group's number."""
    if number is not None and not 0 <= number <= _INT32:
        yield invalid(path, number, f"must be between 0 and {_INT32}, inclusive")


def _init_container(container: Mapping[str, Any], path: str, grace: int | None) -> Problems:
    policy = container.get("restartPolicy")
    if policy is not None and policy not in _RESTART_POLICIES:
        yield unsupported(f"{path}.restartPolicy", policy, _RESTART_POLICIES)
    if policy == "Always":
        yield from check_lifecycle(container, path, grace)
        yield from check_probes(container, path)
        return
    for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(field) is not None:
            yield forbidden(f"{path}.{field}", _FOR_RESTARTED)


def _ports(container: Mapping[str, Any], path: str) -> Problems:
    names: set[str] = set()
    for position, port in entries(container, "ports"):
        place, name = f"{path}[{position}]", port.get("name") or ""
        if name:
            complaints = words.port_name(name)
            yield from said(f"{place}.name", name, complaints)
            if not complaints and name in names:
                yield duplicate(f"{place}.name", name)
            names.add(name)
        if not port.get("containerPort"):
            yield required(f"{place}.containerPort")
        else:
            yield from said(f"{place}.containerPort", port["containerPort"], words.port_number(port["containerPort"]))
        if port.get("hostPort"):
            yield from said(f"{place}.hostPort", port["hostPort"], words.port_number(port["hostPort"]))
        protocol = port.get("protocol") or "TCP"
        if protocol not in _PROTOCOLS:
            yield unsupported(f"{place}.protocol", protocol, _PROTOCOLS)


def _host_ports(container: Mapping[str, Any], path: str, seen: set[str]) -> Problems:
    for position, port in entries(container, "ports"):
        if not port.get("hostPort"):
            continue
        mark = f"{port.get('protocol') or 'TCP'}/{port.get('hostIP') or ''}/{port['hostPort']}"
        if mark in seen:
            yield duplicate(f"{path}.ports[{position}].hostPort", mark)
        seen.add(mark)


def _same_ports(container: Mapping[str, Any], path: str) -> Problems:
    for position, port in entries(container, "ports"):
        if port.get("hostPort") and port["hostPort"] != port.get("containerPort"):
            detail = "must match `containerPort` when `hostNetwork` is true"
            yield invalid(f"{path}.ports[{position}].hostPort", port["hostPort"], detail)


def _mounts(container: Mapping[str, Any], path: str, volumes: frozenset[str]) -> Problems:
    paths: set[str] = set()
    for position, mount in entries(container, "volumeMounts"):
        place, name, target = f"{path}[{position}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(f"{place}.name")
        if name not in volumes:
            yield not_found(f"{place}.name", name)
        if not target:
            yield required(f"{place}.mountPath")
        if target in paths:
            yield invalid(f"{place}.mountPath", target, "must be unique")
        paths.add(target)
        # The server's own path has no index here.
        for field in ("subPath", "subPathExpr"):
            if text := mount.get(field):
                yield from relative_path(text, f"{path}.{field}")
