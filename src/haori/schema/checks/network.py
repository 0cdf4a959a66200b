"""Ingresses and NetworkPolicies.

see: Kubernetes `pkg/apis/networking/validation/validation.go` (1.37).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, one_of, part, said, selector
from haori.schema.problems import forbidden, invalid, required, unsupported

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")
_CLASS = "kubernetes.io/ingress.class"
_BACKEND_SERVICE = "service"


def check_ingress(manifest: Manifest, old: Manifest | None) -> Problems:
    """An Ingress."""
    spec = part(manifest, "spec")
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
    if spec.get("defaultBackend") is not None:
        yield from _backend(part(spec, "defaultBackend"), "spec.defaultBackend")
    for position, rule in entries(spec, "rules"):
        yield from _rule(rule, f"spec.rules[{position}]")
    for position, tls in entries(spec, "tls"):
        yield from _tls(tls, f"spec.tls[{position}]")
    class_name = spec.get("ingressClassName")
    if class_name is not None:
        yield from said("spec.ingressClassName", class_name, words.subdomain(class_name))
    annotation = part(manifest, "metadata", "annotations").get(_CLASS)
    if old is None and annotation is not None and class_name is not None and annotation != class_name:
        # The server's own path leaves `metadata` out.
        yield invalid(f"annotations.{_CLASS}", annotation, "must match `ingressClassName` when both are specified")


def _rule(rule: Mapping[str, Any], path: str) -> Problems:
    host = rule.get("host") or ""
    if host:
        if words.is_address(host):
            yield invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
        yield from said(f"{path}.host", host, _host(host))
    if rule.get("http") is None:
        return
    if not part(rule, "http").get("paths"):
        yield required(f"{path}.http.paths")
    for position, entry in entries(part(rule, "http"), "paths"):
        yield from _path(entry, f"{path}.http.paths[{position}]")


def _host(host: str) -> list[str]:
    return words.wildcard_subdomain(host) if "*" in host else words.subdomain(host)


def _path(entry: Mapping[str, Any], place: str) -> Problems:
    kind, path = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        yield required(f"{place}.pathType", "pathType must be specified")
    elif kind in ("Exact", "Prefix"):
        if not path.startswith("/"):
            yield invalid(f"{place}.path", path, "must be an absolute path")
        for bad in _BAD_PARTS:
            if bad in path:
                yield invalid(f"{place}.path", path, f"must not contain '{bad}'")
        for bad in _BAD_ENDS:
            if path.endswith(bad):
                yield invalid(f"{place}.path", path, f"cannot end with '{bad}'")
    elif kind == "ImplementationSpecific":
        if path and not path.startswith("/"):
            yield invalid(f"{place}.path", path, "must be an absolute path")
    else:
        yield unsupported(f"{place}.pathType", kind, _PATH_TYPES)
    yield from _backend(part(entry, "backend"), f"{place}.backend")


def _backend(backend: Mapping[str, Any], path: str) -> Problems:
    has_service, has_resource = (backend.get(name) is not None for name in (_BACKEND_SERVICE, "resource"))
    if has_service and has_resource:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif has_resource:
        for field in ("kind", "name"):
            if not part(backend, "resource").get(field):
                yield required(f"{path}.resource.{field}")
    elif has_service:
        yield from _backend_service(part(backend, _BACKEND_SERVICE), path)
    else:
        yield invalid(path, "", "resource or service backend is required")


def _backend_service(service: Mapping[str, Any], path: str) -> Problems:
    name = service.get("name") or ""
    if not name:
        yield required(f"{path}.service.name")
    else:
        yield from said(f"{path}.service.name", name, words.label(name))
    port_name, number = (part(service, "port").get(field) for field in ("name", "number"))
    if port_name and number:
        yield invalid(path, "", "cannot set both port name & port number")
    elif port_name:
        yield from said(f"{path}.service.port.name", port_name, words.port_name(port_name))
    elif number:
        yield from said(f"{path}.service.port.number", number, words.port_number(number))
    else:
        yield required(path, "port name or number is required")


def _tls(tls: Mapping[str, Any], path: str) -> Problems:
    for position, host in enumerate(tls.get("hosts") or ()):
        yield from said(f"{path}.hosts[{position}]", host, _host(host))
    if secret := tls.get("secretName"):
        yield from said(f"{path}.secretName", secret, words.subdomain(secret))


def check_network_policy(manifest: Manifest, old: Manifest | None) -> Problems:
    """A NetworkPolicy."""
    spec = part(manifest, "spec")
    yield from selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for position, rule in entries(spec, direction):
            place = f"spec.{direction}[{position}]"
            for index, port in entries(rule, "ports"):
                yield from _policy_port(port, f"{place}.ports[{index}]")
            for index, peer in entries(rule, peers):
                yield from _peer(peer, f"{place}.{peers}[{index}]")
    types = spec.get("policyTypes") or ()
    if len(types) > 2:
        yield invalid("spec.policyTypes", list(types), "may not specify more than two policyTypes")
        return
    for position, name in enumerate(types):
        yield from one_of(f"spec.policyTypes[{position}]", name, ("Ingress", "Egress"))


def _policy_port(port: Mapping[str, Any], path: str) -> Problems:
    yield from one_of(f"{path}.protocol", port.get("protocol") or "TCP", ("TCP", "UDP", "SCTP"))
    number, last = port.get("port"), port.get("endPort")
    if number is None:
        if last is not None:
            yield invalid(f"{path}.endPort", last, "may not be specified when `port` is not specified")
        return
    if last is not None:
        if isinstance(number, str):
            yield invalid(f"{path}.endPort", last, "may not be specified when `port` is non-numeric")
        else:
            if last < number:
                yield invalid(f"{path}.endPort", last, "must be greater than or equal to `port`")
            yield from said(f"{path}.endPort", last, words.port_number(last))
    yield from said(f"{path}.port", number, words.port(number))


def _peer(peer: Mapping[str, Any], path: str) -> Problems:
    given = [name for name in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(name) is not None]
    for name in given[: len(given) - ("ipBlock" in given)]:
        yield from selector(peer[name], f"{path}.{name}")
    if "ipBlock" in given:
        yield from _block(part(peer, "ipBlock"), f"{path}.ipBlock")
    if not given:
        yield required(path, "must specify a peer")
    elif len(given) > 1 and "ipBlock" in given:
        yield forbidden(path, "may not specify both ipBlock and another peer")


def _block(block: Mapping[str, Any], path: str) -> Problems:
    whole = block.get("cidr") or ""
    if not whole:
        yield required(f"{path}.cidr")
        return
    if complaints := words.network(whole):
        yield from said(f"{path}.cidr", whole, complaints)
        return
    network = ipaddress.ip_network(whole, strict=False)
    for position, text in enumerate(block.get("except") or ()):
        place = f"{path}.except[{position}]"
        if complaints := words.network(text):
            yield from said(place, text, complaints)
            continue
        inner = ipaddress.ip_network(text, strict=False)
        is_inside = inner.version == network.version and inner.network_address in network
        if not is_inside or inner.prefixlen <= network.prefixlen:
            yield invalid(place, text, "must be a strict subset of `cidr`")
