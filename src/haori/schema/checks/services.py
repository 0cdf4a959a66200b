"""Services and EndpointSlices.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateService, and `pkg/apis/discovery/validation` (1.37).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import IMMUTABLE, Problems, entries, label_map, part, said
from haori.schema.problems import duplicate, forbidden, invalid, required, unsupported

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_OUTSIDE = ("LoadBalancer", "NodePort")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_LONGEST_AFFINITY = 86400


def check_service(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Service, or the change of one."""
    spec = part(manifest, "spec")
    kind = spec.get("type") or "ClusterIP"
    if kind not in _TYPES:
        yield unsupported("spec.type", kind, _TYPES)
    yield from _ports(spec, kind)
    yield from label_map(part(spec, "selector"), "spec.selector")
    yield from _affinity(spec)
    yield from _addresses(spec, kind)
    yield from _policies(spec, kind)
    for position, name in enumerate(spec.get("ipFamilies") or ()):
        if name not in _FAMILIES:
            yield unsupported(f"spec.ipFamilies[{position}]", name, _FAMILIES)
    if (policy := spec.get("ipFamilyPolicy")) and policy not in _FAMILY_POLICIES:
        yield unsupported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES)
    if old is not None:
        yield from _change(spec, part(old, "spec"))


def _ports(spec: Mapping[str, Any], kind: str) -> Problems:
    ports = list(entries(spec, "ports"))
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    names: set[str] = set()
    for position, port in ports:
        yield from _port(port, f"spec.ports[{position}]", kind, names, is_alone=len(ports) == 1)
    seen: set[tuple[Any, Any]] = set()
    for position, port in ports:
        mark = (port.get("protocol") or "TCP", port.get("port"))
        if mark in seen:
            shown = {
                "Name": "",
                "Protocol": mark[0],
                "AppProtocol": None,
                "Port": mark[1],
                "TargetPort": 0,
                "NodePort": 0,
            }
            yield duplicate(f"spec.ports[{position}]", shown)
        seen.add(mark)


def _port(port: Mapping[str, Any], path: str, kind: str, names: set[str], *, is_alone: bool) -> Problems:
    name = port.get("name") or ""
    if not name:
        if not is_alone:
            yield required(f"{path}.name")
    else:
        yield from said(f"{path}.name", name, words.label(name))
        if name in names:
            yield duplicate(f"{path}.name", name)
        names.add(name)
    yield from said(f"{path}.port", port.get("port") or 0, words.port_number(port.get("port") or 0))
    protocol = port.get("protocol") or "TCP"
    if protocol not in _PROTOCOLS:
        yield unsupported(f"{path}.protocol", protocol, _PROTOCOLS)
    target = port.get("targetPort", port.get("port") or 0)
    yield from said(f"{path}.targetPort", target, words.port(target))
    if text := port.get("appProtocol"):
        yield from said(f"{path}.appProtocol", text, words.qualified_name(text))
    if kind == "ClusterIP" and port.get("nodePort"):
        yield forbidden(f"{path}.nodePort", "may not be used when `type` is 'ClusterIP'")


def _affinity(spec: Mapping[str, Any]) -> Problems:
    affinity = spec.get("sessionAffinity") or ""
    if not affinity:
        yield required("spec.sessionAffinity")
    elif affinity not in ("ClientIP", "None"):
        yield unsupported("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    seconds = part(spec, "sessionAffinityConfig", "clientIP").get("timeoutSeconds")
    if affinity == "ClientIP" and seconds is not None and not 0 < seconds <= _LONGEST_AFFINITY:
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        yield invalid(path, seconds, f"must be greater than 0 and less than {_LONGEST_AFFINITY}")


def _addresses(spec: Mapping[str, Any], kind: str) -> Problems:
    if kind == "ExternalName":
        name = (spec.get("externalName") or "").removesuffix(".")
        if not name:
            yield required("spec.externalName")
        else:
            yield from said("spec.externalName", name, words.subdomain(name))
    else:
        given = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
        for position, address in enumerate(given):
            if address == "None" and kind in _OUTSIDE:
                detail = f"may not be set to 'None' for {kind} services"
                yield invalid(f"spec.clusterIPs[{position}]", address, detail)
            elif address != "None":
                yield from said(f"spec.clusterIPs[{position}]", address, words.address(address))
    for position, address in enumerate(spec.get("externalIPs") or ()):
        complaints = words.address(address)
        yield from said(f"spec.externalIPs[{position}]", address, complaints)
        if not complaints:
            yield from usable_address(address, f"spec.externalIPs[{position}]")
    for position, block in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        # The server's own path is written so.
        yield from said(f"spec.LoadBalancerSourceRanges[{position}]", block, words.network(block.strip()))


def usable_address(text: str, path: str) -> Problems:
    """An address that others can reach."""
    address = ipaddress.ip_address(text)
    if address.is_unspecified:
        yield invalid(path, text, f"may not be unspecified ({text})")
    if address.is_loopback:
        yield invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address.is_multicast:
        in_link = ipaddress.ip_address(text) in ipaddress.ip_network(
            "224.0.0.0/24" if address.version == 4 else "ff02::/16"
        )
        if in_link:
            yield invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def _policies(spec: Mapping[str, Any], kind: str) -> Problems:
    outside = spec.get("externalTrafficPolicy") or ""
    is_outside = kind in _OUTSIDE or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    if outside and not is_outside:
        yield invalid("spec.externalTrafficPolicy", outside, "may only be set for externally-accessible services")
    elif outside and outside not in _POLICIES:
        yield unsupported("spec.externalTrafficPolicy", outside, _POLICIES)
    if spec.get("loadBalancerClass") is not None and kind != "LoadBalancer":
        yield forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
    health = spec.get("healthCheckNodePort")
    if health and not (kind == "LoadBalancer" and outside == "Local"):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield invalid("spec.healthCheckNodePort", health, detail)
    inside = spec.get("internalTrafficPolicy")
    if inside is not None and inside not in _POLICIES:
        yield unsupported("spec.internalTrafficPolicy", inside, _POLICIES)


def _change(new: Mapping[str, Any], old: Mapping[str, Any]) -> Problems:
    before = old.get("clusterIP")
    named = "ExternalName" in (new.get("type"), old.get("type"))
    if before and not named and new.get("clusterIP") != before:
        yield invalid("spec.clusterIPs[0]", [new.get("clusterIP") or ""], "may not change once set")


def check_endpoint_slice(manifest: Manifest, old: Manifest | None) -> Problems:
    """An EndpointSlice."""
    family = manifest.get("addressType") or ""
    if not family:
        yield required("addressType")
    elif family not in (*_FAMILIES, "FQDN"):
        yield unsupported("addressType", family, (*_FAMILIES, "FQDN"))
    for position, endpoint in entries(manifest, "endpoints"):
        addresses = endpoint.get("addresses") or ()
        if not addresses:
            yield required(f"endpoints[{position}].addresses")
        for index, address in enumerate(addresses):
            yield from _endpoint_address(address, family, f"endpoints[{position}].addresses[{index}]")
        if host := endpoint.get("hostname"):
            yield from said(f"endpoints[{position}].hostname", host, words.label(host))
    yield from _slice_ports(manifest)
    if old is not None and manifest.get("addressType") != old.get("addressType"):
        # The server shows no value here.
        yield invalid("addressType", None, IMMUTABLE)


def _endpoint_address(address: str, family: str, path: str) -> Problems:
    if family == "FQDN":
        yield from said(path, address, words.subdomain(address))
    elif family in _FAMILIES:
        complaints = words.address(address)
        yield from said(path, address, complaints)
        if not complaints:
            if ipaddress.ip_address(address).version != int(family[-1]):
                # The server's own path has no index here.
                yield invalid(path.rpartition("[")[0], address, f"must be an {family} address")
            yield from usable_address(address, path)


def _slice_ports(manifest: Manifest) -> Problems:
    names: set[str] = set()
    for position, port in entries(manifest, "ports"):
        name = port.get("name") or ""
        if name:
            yield from said(f"ports[{position}].name", name, words.label(name))
        if name in names:
            yield duplicate(f"ports[{position}].name", name)
        names.add(name)
        protocol = port.get("protocol") or "TCP"
        if protocol not in _PROTOCOLS:
            yield unsupported(f"ports[{position}].protocol", protocol, _PROTOCOLS)
