"""The addresses that Services and Ingresses offer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from haori.objects import Manifest, key_of, nested_list, nested_text


def addresses_of(manifest: Manifest) -> tuple[str, ...]:
    """URLs of a live object, sorted; empty for what offers none."""
    key = key_of(manifest)
    if (key.group, key.kind) == ("", "Service") and nested_text(manifest, "spec", "type") == "LoadBalancer":
        return tuple(sorted(set(_of_service(manifest))))
    if (key.group, key.kind) == ("networking.k8s.io", "Ingress"):
        return tuple(sorted(set(_of_ingress(manifest))))
    return ()


def _of_service(manifest: Manifest) -> Iterator[str]:
    for entry in nested_list(manifest, "status", "loadBalancer", "ingress"):
        for port in entry.get("ports") or nested_list(manifest, "spec", "ports"):
            if port.get("protocol", "TCP") == "TCP":
                secure = port.get("port") == 443 or port.get("name") == "https"
                yield _url(_host(entry), port.get("port"), secure=secure)


def _of_ingress(manifest: Manifest) -> Iterator[str]:
    entries = nested_list(manifest, "status", "loadBalancer", "ingress")
    secured = {host for item in nested_list(manifest, "spec", "tls") for host in item.get("hosts") or ()}
    for entry in entries:
        host = _host(entry)
        port = next((item.get("port") for item in entry.get("ports") or ()), None)
        for rule in nested_list(manifest, "spec", "rules") or ({},):
            name = str(rule.get("host") or "")
            # On this machine the name resolves nowhere; the address does.
            is_here = host.startswith("127.") or host == "localhost"
            paths = [str(item.get("path") or "/") for item in nested_list(rule, "http", "paths")] or ["/"]
            for path in paths:
                base = _url(host if is_here or not name or "*" in name else name, port, secure=name in secured)
                yield base.rstrip("/") + (path if path.startswith("/") else "/")


def _host(entry: Any) -> str:
    return str(entry.get("hostname") or entry.get("ip") or "")


def _url(host: str, port: Any, *, secure: bool) -> str:
    scheme, usual = ("https", 443) if secure else ("http", 80)
    place = f"[{host}]" if ":" in host else host
    return f"{scheme}://{place}" if port in (None, usual) else f"{scheme}://{place}:{port}"
