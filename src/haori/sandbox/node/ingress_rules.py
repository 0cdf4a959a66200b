"""Which Service an Ingress sends a request to, and the address that it is reached at. Pure.

The host decides first: the exact one, then `*.` for one label, then rules without a host. Within the rules of that host
the longest path wins, Exact before Prefix. What no rule takes goes to the default backend, or nowhere. Paths are
compared as they were sent, without the query. ImplementationSpecific is Prefix, as in most controllers.
see: https://kubernetes.io/docs/concepts/services-networking/ingress/ (path types, hostname wildcards).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from haori.objects import nested_list, nested_mapping, nested_text

INGRESS_RANGE = ipaddress.ip_network("127.96.0.0/12")
HTTP_PORT = 80


def ingress_address(uid: str) -> str:
    """The loopback address of the Ingress with this uid; uids differ between instances, so addresses do."""
    number = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8], "big")
    blocks, host = divmod(number, 254)
    # Neither a .0 nor a .255: some programs take them for networks and broadcasts.
    return str(INGRESS_RANGE[(blocks % (INGRESS_RANGE.num_addresses // 256)) * 256 + host + 1])


def is_ingress_address(address: str) -> bool:
    """Whether `ingress_address` may have given it."""
    try:
        return ipaddress.ip_address(address) in INGRESS_RANGE
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A port of a Service, by number or by name."""

    namespace: str
    service: str
    port: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path of one rule."""

    host: str
    path: str
    is_exact: bool
    backend: Backend

    def takes(self, path: str) -> bool:
        """Whether a request's path is the route's."""
        if self.is_exact:
            return path == self.path
        stem = self.path.rstrip("/")
        return path == stem or path.startswith(f"{stem}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """All that is served at one address."""

    routes: tuple[Route, ...] = ()
    default: Backend | None = None

    def find(self, host: str, path: str) -> Backend | None:
        """Where a request for that host (with or without port) and path goes."""
        name = host_name(host)
        hosts = (name, f"*.{name.partition('.')[2]}", "")
        for wanted in hosts:
            candidates = [each for each in self.routes if each.host == wanted]
            if candidates:
                found = [each for each in candidates if each.takes(path)]
                best = max(found, key=lambda each: (len(each.path.rstrip("/")), each.is_exact), default=None)
                return best.backend if best else self.default
        return self.default


def host_name(host: str) -> str:
    """The name in a Host header, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.partition(":")[0].rstrip(".").lower()


def routes_of(ingresses: Iterable[Mapping[str, Any]]) -> Routes:
    """What the Ingresses of one address ask for; where two ask for the same, the first has it."""
    items = list(ingresses)
    defaults = (_backend(each, nested_mapping(each, "spec", "defaultBackend")) for each in items)
    return Routes(
        routes=tuple(route for each in items for route in _routes(each)),
        default=next((each for each in defaults if each is not None), None),
    )


def _routes(ingress: Mapping[str, Any]) -> Iterator[Route]:
    for rule in nested_list(ingress, "spec", "rules"):
        for item in nested_list(rule, "http", "paths"):
            if backend := _backend(ingress, nested_mapping(item, "backend")):
                yield Route(
                    host=nested_text(rule, "host").lower(),
                    path=nested_text(item, "path") or "/",
                    is_exact=item.get("pathType") == "Exact",
                    backend=backend,
                )


def _backend(ingress: Mapping[str, Any], written: Mapping[str, Any]) -> Backend | None:
    service = nested_mapping(written, "service")
    if not service.get("name"):
        return None
    port = nested_mapping(service, "port")
    return Backend(
        namespace=nested_text(ingress, "metadata", "namespace"),
        service=str(service["name"]),
        port=int(port["number"]) if port.get("number") else str(port.get("name") or ""),
    )
