"""What cannot be read as its type is answered in the decoder's words, as a real server was heard to say them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from haori.sandbox.api.decoding import base64_problem, decoding_problem, quantity_problem
from haori.schema import Schemas
from tests.sandbox.api.support import running

SCHEMAS = Schemas.builtin()
INTO = "into Go struct field"


@pytest.mark.parametrize(
    ("api_version", "kind", "manifest", "problem"),
    [
        ("apps/v1", "Deployment", {"spec": {"replicas": 1}}, ""),
        ("apps/v1", "Deployment", {"spec": {"replicas": None}}, ""),
        (
            "apps/v1",
            "Deployment",
            {"spec": {"replicas": "many"}},
            f"json: cannot unmarshal string {INTO} DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "apps/v1",
            "Deployment",
            {"spec": {"template": {"spec": {"containers": {"name": "a"}}}}},
            f"json: cannot unmarshal object {INTO} PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
        (
            "apps/v1",
            "Deployment",
            {"spec": {"template": {"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}}}},
            f"json: cannot unmarshal string {INTO} "
            "ContainerPort.spec.template.spec.containers.ports.containerPort of type int32",
        ),
        (
            "v1",
            "ConfigMap",
            {"data": {"a": 1}},
            f"json: cannot unmarshal number {INTO} ConfigMap.data of type string",
        ),
        ("v1", "ConfigMap", {"binaryData": {"b": "?"}}, "illegal base64 data at input byte 0"),
        ("v1", "Secret", {"data": {"a": "YQ=="}}, ""),
        (
            "v1",
            "ServiceAccount",
            {"automountServiceAccountToken": "yes"},
            f"json: cannot unmarshal string {INTO} ServiceAccount.automountServiceAccountToken of type bool",
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            {"spec": {"resources": {"requests": {"storage": "1 apple"}}}},
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "v1",
            "Service",
            {"spec": {"ports": [{"targetPort": {}}]}},
            "json: cannot unmarshal object into Go value of type int32",
        ),
        ("v1", "Service", {"spec": {"ports": [{"targetPort": "http"}, {"targetPort": 8080}]}}, ""),
        (
            "v1",
            "Pod",
            {"spec": {"activeDeadlineSeconds": 1.5}},
            f"json: cannot unmarshal number 1.5 {INTO} PodSpec.spec.activeDeadlineSeconds of type int64",
        ),
    ],
)
def test_a_value_of_another_shape_is_named(api_version: str, kind: str, manifest: dict[str, Any], problem: str) -> None:
    schema = SCHEMAS.type_for(api_version, kind)
    assert schema is not None
    assert decoding_problem(schema, manifest) == problem


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", None),
        ("YWJj", None),
        ("YW\nI=", None),
        ("?", 0),
        ("YWJ", 0),
        ("YWJjZ", 4),
        ("YW=a", 2),
        ("YQ=", 3),
        ("YQ==x", 4),
        ("Y===", 1),
    ],
)
def test_base64_is_wrong_where_go_says_so(text: str, offset: int | None) -> None:
    assert base64_problem(text) == ("" if offset is None else f"illegal base64 data at input byte {offset}")


@pytest.mark.parametrize(("value", "is_one"), [("1Gi", True), (2, True), (0.5, True), ("1Mm", False), (True, False)])
def test_quantities(value: object, is_one: bool) -> None:
    assert (quantity_problem(value) == "") is is_one


async def test_the_api_answers_so(tmp_path: Path) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    async with running(tmp_path) as api:
        made = await api.refused("POST", path, {"metadata": {"name": "a"}, "data": {"b": 1}})
        await api.ok("POST", path, {"metadata": {"name": "a"}, "data": {"b": "c"}})
        patched = await api.refused(
            "PATCH", f"{path}/a", {"data": {"b": 1}}, headers={"content-type": "application/merge-patch+json"}
        )
        put = await api.refused("PUT", f"{path}/a", {"metadata": {"name": "a"}, "data": []})

    said = f"json: cannot unmarshal number {INTO} ConfigMap.data of type string"
    assert made == (400, "BadRequest", f'ConfigMap in version "v1" cannot be handled as a ConfigMap: {said}')
    assert patched[:2] == (422, "Invalid")
    assert patched[2].startswith(' "" is invalid: patch: Invalid value: "{')
    assert patched[2].endswith(said)
    assert put[2].endswith(f"json: cannot unmarshal array {INTO} ConfigMap.data of type map[string]string")
