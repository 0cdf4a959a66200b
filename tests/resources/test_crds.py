"""Our definitions are structural, small and carry Argo's fields."""

from __future__ import annotations

from typing import Any

import orjson

from haori.resources import crds, default_project


def _schema(kind: str) -> dict[str, Any]:
    definition = next(crd for crd in crds() if crd["spec"]["names"]["kind"] == kind)
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def test_definitions_are_small() -> None:
    assert sum(len(orjson.dumps(crd)) for crd in crds()) < 100_000


def test_application_carries_operation_and_status_without_subresource() -> None:
    properties = _schema("Application")["properties"]
    assert {"spec", "operation", "status"} <= set(properties)
    status = properties["status"]["properties"]
    assert {"sync", "health", "history", "conditions", "resources", "operationState", "summary"} <= set(status)
    assert properties["status"]["x-kubernetes-map-type"] == "atomic", "one writer: its fields have one owner"
    assert all(not crd["spec"]["versions"][0]["subresources"] for crd in crds())


def test_every_node_is_structural() -> None:
    def check(node: dict[str, Any], path: str) -> None:
        is_open = node.get("x-kubernetes-preserve-unknown-fields") or node.get("x-kubernetes-int-or-string")
        assert "type" in node or is_open, path
        assert not ("properties" in node and "additionalProperties" in node), path
        for name, inner in node.get("properties", {}).items():
            check(inner, f"{path}.{name}")
        if "items" in node:
            check(node["items"], f"{path}[]")

    for crd in crds():
        check(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], crd["metadata"]["name"])


def test_default_project_permits_everything() -> None:
    assert default_project("control")["metadata"] == {"name": "default", "namespace": "control"}
    assert default_project()["spec"]["sourceRepos"] == ["*"]
