"""Who reaches whom in an application: from Ingresses and load balancers over Services to Pods. Pure.

Edges come from what the objects say (a rule's backend, a Service's selector), not from traffic. Only objects of the
application are told: what an Ingress names beyond them is an end without a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from haori.objects import Manifest, labels_of, nested_list, nested_mapping, nested_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an application has of each."""

    ingresses: tuple[Manifest, ...] = ()
    services: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()


def build_network(parts: Parts) -> dict[str, Any]:
    """{nodes: [{uid, kind, namespace, name, addresses, ports}], edges: [{from, to, label}]}; `from` and `to` are uids,
    `to` empty where what is named is not of the application (`label` says its name)."""
    nodes = [_node(each) for group in (parts.ingresses, parts.services, parts.pods) for each in group]
    edges = [*_ingress_edges(parts), *_service_edges(parts)]
    return {"nodes": nodes, "edges": edges}


def _uid(manifest: Manifest) -> str:
    return nested_text(manifest, "metadata", "uid")


def _place(manifest: Manifest) -> tuple[str, str]:
    return nested_text(manifest, "metadata", "namespace"), nested_text(manifest, "metadata", "name")


def _node(manifest: Manifest) -> dict[str, Any]:
    kind = str(manifest.get("kind"))
    namespace, name = _place(manifest)
    return {
        "uid": _uid(manifest), "kind": kind, "namespace": namespace, "name": name, "addresses": _addresses(manifest),
        "ports": _ports(manifest), "type": nested_text(manifest, "spec", "type") if kind == "Service" else "",
    }  # fmt: skip


def _addresses(manifest: Manifest) -> list[str]:
    given = [each for each in nested_list(manifest, "status", "loadBalancer", "ingress") if isinstance(each, Mapping)]
    found = [nested_text(each, "hostname") or nested_text(each, "ip") for each in given]
    rules = [each for each in nested_list(manifest, "spec", "rules") if isinstance(each, Mapping)]
    found += [nested_text(each, "host") for each in rules]
    found += [nested_text(manifest, "spec", "clusterIP"), nested_text(manifest, "status", "podIP")]
    return list(dict.fromkeys(each for each in found if each and each != "None"))


def _ports(manifest: Manifest) -> list[str]:
    ports = [each for each in nested_list(manifest, "spec", "ports") if isinstance(each, Mapping)]
    return [f"{each.get('port')}/{each.get('protocol') or 'TCP'}" for each in ports]


def _ingress_edges(parts: Parts) -> Iterator[dict[str, Any]]:
    services = {_place(each): _uid(each) for each in parts.services}
    for ingress in parts.ingresses:
        for host, path, backend in _backends(ingress):
            name = nested_text(backend, "service", "name")
            known = services.get((_place(ingress)[0], name), "")
            yield {"from": _uid(ingress), "to": known, "label": f"{host}{path}" or name, "name": name}


def _backends(ingress: Manifest) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if default := nested_mapping(ingress, "spec", "defaultBackend"):
        yield "", "", default
    for rule in nested_list(ingress, "spec", "rules"):
        for path in nested_list(rule, "http", "paths"):
            yield nested_text(rule, "host"), nested_text(path, "path"), nested_mapping(path, "backend")


def _service_edges(parts: Parts) -> Iterator[dict[str, Any]]:
    for service in parts.services:
        selector, namespace = nested_mapping(service, "spec", "selector"), _place(service)[0]
        if not selector:
            continue
        for pod in _selected(parts.pods, namespace, selector):
            label = ", ".join(_ports(service))
            yield {"from": _uid(service), "to": _uid(pod), "label": label, "name": _place(pod)[1]}


def _selected(pods: Iterable[Manifest], namespace: str, selector: Mapping[str, Any]) -> Iterator[Manifest]:
    for pod in pods:
        labels = labels_of(pod)
        if _place(pod)[0] == namespace and all(labels.get(name) == value for name, value in selector.items()):
            yield pod
