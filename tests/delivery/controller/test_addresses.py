"""Where Services and Ingresses can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from haori.delivery.controller.addresses import addresses_of


def service(*ports: dict[str, Any], type_: str = "LoadBalancer", ip: str = "10.0.0.9") -> dict[str, Any]:
    ingress = [{"ip": ip}] if ip else []
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "spec": {"type": type_, "ports": list(ports)},
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def ingress(address: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": spec,
        "status": {"loadBalancer": {"ingress": [address]}},
    }


PATHS = {"http": {"paths": [{"path": "/api"}]}}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(service({"port": 80}), ("http://10.0.0.9",), id="service"),
        pytest.param(service({"port": 443}), ("https://10.0.0.9",), id="service-tls"),
        pytest.param(service({"port": 8080}), ("http://10.0.0.9:8080",), id="service-port"),
        pytest.param(service({"port": 53, "protocol": "UDP"}), (), id="service-udp"),
        pytest.param(service({"port": 80}, type_="ClusterIP"), (), id="cluster-ip"),
        pytest.param(service({"port": 80}, ip=""), (), id="no-address"),
        pytest.param(
            ingress({"ip": "10.0.0.9"}, rules=[{"host": "shop.example", **PATHS}]),
            ("http://shop.example/api",),
            id="ingress",
        ),
        pytest.param(
            ingress({"ip": "10.0.0.9"}, rules=[{"host": "shop.example"}], tls=[{"hosts": ["shop.example"]}]),
            ("https://shop.example/",),
            id="ingress-tls",
        ),
        pytest.param(
            ingress({"ip": "127.0.0.1", "ports": [{"port": 9000}]}, rules=[{"host": "shop.example", **PATHS}]),
            ("http://127.0.0.1:9000/api",),
            id="ingress-on-this-machine",
        ),
        pytest.param(ingress({"hostname": "lb.example"}), ("http://lb.example/",), id="default-backend"),
        pytest.param({"apiVersion": "v1", "kind": "ConfigMap"}, (), id="anything-else"),
    ],
)
def test_addresses(manifest: dict[str, Any], expected: tuple[str, ...]):
    assert addresses_of(manifest) == expected
