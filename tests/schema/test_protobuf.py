"""Bodies recorded from kubectl 1.37 and from a Kubernetes 1.37 API server, and bodies made here from the same tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from haori.schema import Schemas, apply_defaults, decode_protobuf
from haori.schema.protobuf import MAGIC, ProtobufError
from tests.schema.record_defaults import without_given_by_others

CASES = Path(__file__).parent / "cases"
SERVED = sorted(path for path in (CASES / "protobuf").glob("*.bin") if not path.stem.startswith("kubectl"))


@pytest.mark.parametrize("path", SERVED, ids=lambda path: path.stem)
def test_what_the_server_writes_as_protobuf_is_what_it_writes_as_json(path: Path):
    case = yaml.safe_load((CASES / "defaults" / f"{path.stem}.yaml").read_text(encoding="utf-8"))

    decoded = decode_protobuf(path.read_bytes())

    schema = Schemas.builtin().type_for(decoded["apiVersion"], decoded["kind"])
    assert schema is not None
    filled = without_given_by_others(apply_defaults(schema, decoded), case["given"])
    filled["metadata"]["name"] = case["given"]["metadata"]["name"]
    assert filled == case["expected"]


def test_a_deployment_that_kubectl_creates():
    body = (CASES / "protobuf" / "kubectl-create-deployment.bin").read_bytes()
    assert decode_protobuf(body) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]},
            },
        },
    }


def test_a_token_request_that_kubectl_creates():
    body = (CASES / "protobuf" / "kubectl-create-token.bin").read_bytes()
    assert decode_protobuf(body) == {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}


def varint(number: int) -> bytes:
    number &= 0xFFFF_FFFF_FFFF_FFFF
    result = b""
    while number > 0x7F:
        result += bytes([number & 0x7F | 0x80])
        number >>= 7
    return result + bytes([number])


def part(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def envelope(api_version: str, kind: str, raw: bytes, *more: bytes) -> bytes:
    meta = part(1, api_version.encode()) + part(2, kind.encode())
    return MAGIC + part(1, meta) + part(2, raw) + b"".join(more)


@pytest.mark.parametrize(
    ("body", "decoded"),
    [
        pytest.param(
            envelope("v1", "DeleteOptions", part(1, 0) + part(2, part(1, b"u-1")) + part(4, b"Foreground")),
            {"gracePeriodSeconds": 0, "preconditions": {"uid": "u-1"}, "propagationPolicy": "Foreground"},
            id="delete-options",
        ),
        pytest.param(
            envelope("policy/v1", "Eviction", part(1, part(1, b"p") + part(3, b"n")) + part(2, part(1, 5))),
            {"metadata": {"name": "p", "namespace": "n"}, "deleteOptions": {"gracePeriodSeconds": 5}},
            id="eviction",
        ),
        pytest.param(
            envelope("autoscaling/v1", "Scale", part(2, part(1, 3))), {"spec": {"replicas": 3}}, id="scale",
        ),
        pytest.param(
            envelope("v1", "Status", part(2, b"Failure") + part(6, 404)), {"status": "Failure", "code": 404}, id="status",
        ),
        pytest.param(
            envelope("v1", "ConfigMap", part(3, part(1, b"k") + part(2, b"\x00\x01"))), {"binaryData": {"k": "AAE="}},
            id="binary-data",
        ),
        pytest.param(
            envelope("apps/v1", "ControllerRevision", part(2, part(1, b'{"a":1}')) + part(3, -1)),
            {"data": {"a": 1}, "revision": -1}, id="raw-extension-and-negative",
        ),
        pytest.param(
            envelope("v1", "Service", part(2, part(1, part(4, part(1, 1) + part(3, b"http"))))),
            {"spec": {"ports": [{"targetPort": "http"}]}}, id="int-or-string",
        ),
    ],
)  # fmt: skip
def test_kinds_and_values_of_every_sort(body: bytes, decoded: dict[str, Any]):
    result = decode_protobuf(body)
    assert {key: value for key, value in result.items() if key not in ("apiVersion", "kind")} == decoded


def test_json_inside_the_envelope_is_read_too():
    raw = json.dumps({"apiVersion": "example.com/v1", "kind": "Rule"}).encode()
    assert decode_protobuf(envelope("example.com/v1", "Rule", raw, part(4, b"application/json"))) == json.loads(raw)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "protobuf-invalid"),
        (MAGIC + b"\x0a\xff", "protobuf-invalid"),
        (MAGIC + b"\x0f", "protobuf-invalid"),
        (envelope("v1", "Pod", b"\x0a\x05ab"), "protobuf-invalid"),
        (envelope("v1", "Pod", part(1, part(1, b"\xff"))), "protobuf-invalid"),
        (envelope("v1", "Pod", part(1, 7)), "protobuf-invalid"),
        (envelope("example.com/v1", "Rule", b""), "protobuf-kind-unknown"),
    ],
)
def test_other_bodies_are_refused(body: bytes, code: str):
    with pytest.raises(ProtobufError) as caught:
        decode_protobuf(body)
    assert caught.value.code == code


@pytest.mark.parametrize("size", range(0, 207, 9))
def test_a_body_cut_short_is_refused_or_read_never_worse(size: int):
    body = (CASES / "protobuf" / "kubectl-create-deployment.bin").read_bytes()[:size]
    try:
        decode_protobuf(body)
    except ProtobufError as error:
        refused = error.code
    else:
        refused = ""
    assert refused in ("", "protobuf-invalid", "protobuf-kind-unknown")
