"""Services: which address and which node ports they get.

Cluster addresses are taken from loopback, 127.64.0.0/12, so that a node on the same machine can listen on them. An
update that leaves an allocated value out keeps it. see: Kubernetes `pkg/registry/core/service/{storage,strategy}` (1.37).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Any

from haori.objects import nested_list, nested_mapping, nested_text
from haori.sandbox.api import errors

ADDRESSES = IPv4Network("127.64.0.0/12")
"""What cluster addresses are taken from."""
_RANDOM_FROM = 256
"""The first addresses are left to those who ask for one by name."""
NODE_PORTS = range(30000, 32768)
HEADLESS = "None"
_NODE_PORT_TYPES = ("NodePort", "LoadBalancer")


def allocate(others: Iterable[Mapping[str, Any]], old: Mapping[str, Any] | None, new: dict[str, Any]) -> None:
    """Gives a Service its addresses and ports, in place. Raises a 422 for those it may not have."""
    name = nested_text(new, "metadata", "name")
    namespace = nested_text(new, "metadata", "namespace")
    siblings = [
        nested_mapping(each, "spec")
        for each in others
        if (nested_text(each, "metadata", "namespace"), nested_text(each, "metadata", "name")) != (namespace, name)
    ]
    spec: dict[str, Any] = dict(nested_mapping(new, "spec"))
    spec["ports"] = [dict(port) for port in nested_list(spec, "ports") if isinstance(port, Mapping)]
    if not spec["ports"]:
        del spec["ports"]
    if old is not None:
        _keep_allocated(nested_mapping(old, "spec"), spec)
    problems = [*_allocate_address(siblings, old, spec), *_allocate_ports(siblings, spec)]
    if problems:
        raise errors.invalid("Service", "", name, problems)
    new["spec"] = spec


def _has_health_port(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


_OUTSIDE = ("externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerClass")


def _drop_outside(old: Mapping[str, Any], spec: dict[str, Any]) -> None:
    """Takes away what only meant something to the type that the Service had."""
    needed = {"NodePort": _OUTSIDE[:1], "LoadBalancer": _OUTSIDE}.get(str(spec.get("type")), ())
    for field in _OUTSIDE:
        is_outside = field == "externalTrafficPolicy" and spec.get("externalIPs")
        if field not in needed and not is_outside and field in spec and spec[field] == old.get(field):
            del spec[field]


def _keep_allocated(old: Mapping[str, Any], spec: dict[str, Any]) -> None:
    _drop_outside(old, spec)
    if spec.get("type") == "ExternalName":
        if spec.get("clusterIP") == old.get("clusterIP"):
            for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
                spec.pop(field, None)
        return
    if not spec.get("clusterIP") and old.get("type") != "ExternalName" and old.get("clusterIP"):
        spec["clusterIP"] = old["clusterIP"]
        spec["clusterIPs"] = list(nested_list(old, "clusterIPs")) or [old["clusterIP"]]
    if _has_health_port(spec) and not spec.get("healthCheckNodePort") and old.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = old["healthCheckNodePort"]
    elif not _has_health_port(spec) and spec.get("healthCheckNodePort") == old.get("healthCheckNodePort"):
        spec.pop("healthCheckNodePort", None)
    before = {(port.get("protocol"), port.get("port")): port.get("nodePort") for port in nested_list(old, "ports")}
    for port in nested_list(spec, "ports"):
        kept = before.get((port.get("protocol"), port.get("port")))
        if spec.get("type") in _NODE_PORT_TYPES:
            if not port.get("nodePort") and kept:
                port["nodePort"] = kept
        elif old.get("type") in _NODE_PORT_TYPES and port.get("nodePort") == kept:
            port.pop("nodePort", None)


def _allocate_address(
    siblings: list[Mapping[str, Any]], old: Mapping[str, Any] | None, spec: dict[str, Any]
) -> list[errors.Cause]:
    if spec.get("type") == "ExternalName":
        return []
    wanted = str(spec.get("clusterIP") or next(iter(nested_list(spec, "clusterIPs")), ""))
    before = nested_text(old, "spec", "clusterIP") if old else ""
    problems: list[errors.Cause] = []
    if before and wanted != before and nested_text(old, "spec", "type") != "ExternalName":
        shown = f'Invalid value: ["{wanted}"]: may not change once set'
        problems.append(errors.invalid_field("spec.clusterIPs[0]", shown))
    elif not wanted:
        wanted = _free_address(siblings)
    elif wanted not in (HEADLESS, before):
        problems += _check_address(siblings, wanted)
    spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if wanted != HEADLESS:
        spec.setdefault("internalTrafficPolicy", "Cluster")
    return problems


def _check_address(siblings: list[Mapping[str, Any]], wanted: str) -> list[errors.Cause]:
    try:
        is_inside = ip_address(wanted) in ADDRESSES
    except ValueError:
        message = f'Invalid value: "{wanted}": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        return [errors.invalid_field("spec.clusterIPs[0]", message)]
    start = f'Invalid value: ["{wanted}"]: failed to allocate IP {wanted}: '
    if not is_inside:
        problem = "the provided network does not match the current range"
        return [errors.invalid_field("spec.clusterIPs", start + problem)]
    if any(wanted == sibling.get("clusterIP") for sibling in siblings):
        return [errors.invalid_field("spec.clusterIPs", start + "provided IP is already allocated")]
    return []


def _free_address(siblings: list[Mapping[str, Any]]) -> str:
    taken = {str(sibling.get("clusterIP")) for sibling in siblings}
    first = int(ADDRESSES.network_address)
    while True:
        found = IPv4Address(first + _RANDOM_FROM + secrets.randbelow(ADDRESSES.num_addresses - 2 * _RANDOM_FROM))
        # Neither a .0 nor a .255: some programs take them for networks and broadcasts.
        if str(found) not in taken and int(found) & 0xFF not in (0, 0xFF):
            return str(found)


def _allocate_ports(siblings: list[Mapping[str, Any]], spec: dict[str, Any]) -> list[errors.Cause]:
    if spec.get("type") not in _NODE_PORT_TYPES:
        return []
    is_wanted = spec["type"] == "NodePort" or spec.get("allocateLoadBalancerNodePorts") is not False
    taken = {port.get("nodePort") for sibling in siblings for port in nested_list(sibling, "ports")}
    problems = []
    for position, port in enumerate(nested_list(spec, "ports")):
        found = port.get("nodePort")
        place = f"spec.ports[{position}].nodePort"
        if found in taken and found:
            problems.append(errors.invalid_field(place, f"Invalid value: {found}: provided port is already allocated"))
        elif found and found not in NODE_PORTS:
            message = f"Invalid value: {found}: provided port is not in the valid range. The range of valid ports is 30000-32767"
            problems.append(errors.invalid_field(place, message))
    own = {(port.get("nodePort")) for port in nested_list(spec, "ports")}
    if _has_health_port(spec) and not spec.get("healthCheckNodePort"):
        taken |= {sibling.get("healthCheckNodePort") for sibling in siblings}
        spec["healthCheckNodePort"] = secrets.choice([each for each in NODE_PORTS if each not in taken | own])
        own.add(spec["healthCheckNodePort"])
    for port in nested_list(spec, "ports"):
        if not port.get("nodePort") and is_wanted:
            free = [number for number in NODE_PORTS if number not in taken and number not in own]
            port["nodePort"] = secrets.choice(free)
            own.add(port["nodePort"])
    return problems
