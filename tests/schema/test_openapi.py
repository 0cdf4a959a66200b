"""The documents that are served hold together, and kubectl explains from them."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from haori.schema import Schemas, builtin_resources, openapi_v3_document, openapi_v3_index

DEFINITION = yaml.safe_load((Path(__file__).parent / "cases" / "custom.yaml").read_text(encoding="utf-8"))["definition"]


def document(schemas: Schemas, place: str) -> dict[str, Any]:
    data = openapi_v3_document(schemas, place)
    assert data is not None
    parsed: dict[str, Any] = orjson.loads(data)
    return parsed


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_of_every_document_is_in_it():
    schemas = Schemas.builtin().with_crds([DEFINITION])
    for place in openapi_v3_index(schemas)["paths"]:
        served = document(schemas, place)
        known = {f"#/components/schemas/{name}" for name in served["components"]["schemas"]}
        assert set(references(served)) <= known, place
        assert "omit" not in orjson.dumps(served["components"]["schemas"]).decode().split('"'), place


def test_a_document_says_what_patches_need():
    container = document(Schemas.builtin(), "apis/apps/v1")["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]
    containers = container["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    assert containers["description"].startswith("List of containers belonging to the pod.")


def test_a_patch_is_described_with_its_kind_and_parameters():
    patch = document(Schemas.builtin(), "apis/apps/v1")["paths"][
        "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    ]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {entry["name"] for entry in patch["parameters"]} >= {"dryRun", "fieldValidation"}


def test_a_definition_changes_its_address_and_no_other():
    before, after = (openapi_v3_index(schemas)["paths"] for schemas in (
        Schemas.builtin(), Schemas.builtin().with_crds([DEFINITION])))  # fmt: skip
    assert {key for key in after if before.get(key) != after[key]} == {"apis/example.com/v1"}


@pytest.mark.parametrize("place", ["apis/none/v1", "api/apps/v1", "apis/v1", "", "openapi/v2"])
def test_there_is_no_document_of_what_is_not_served(place: str):
    assert openapi_v3_document(Schemas.builtin(), place) is None


def discovery(path: str) -> dict[str, Any] | None:
    """The least that kubectl asks for on its way to the documents."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        version = {"groupVersion": "example.com/v1", "version": "v1"}
        apps = {"groupVersion": "apps/v1", "version": "v1"}
        groups = [{"name": "apps", "versions": [apps], "preferredVersion": apps}]
        groups += [{"name": "example.com", "versions": [version], "preferredVersion": version}]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    resources: list[dict[str, Any]] = []
    if path == "/apis/example.com/v1":
        resources = [{"name": "rules", "kind": "Rule", "namespaced": True, "verbs": ["get"], "singularName": "rule"}]
    elif path in ("/api/v1", "/apis/apps/v1"):
        group = path.removeprefix("/api/").removeprefix("/apis/").rpartition("/")[0]
        resources = [
            {"name": r.plural, "kind": r.kind, "namespaced": r.namespaced, "verbs": list(r.verbs), "singularName": r.singular}
            for r in builtin_resources() if r.group == group
        ]  # fmt: skip
    else:
        return None
    place = path.removeprefix("/apis/").removeprefix("/api/")
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place, "resources": resources}


@pytest.fixture
def url() -> Iterator[str]:
    schemas = Schemas.builtin().with_crds([DEFINITION])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/openapi/v3":
                body: bytes | None = orjson.dumps(openapi_v3_index(schemas))
            elif path.startswith("/openapi/v3/"):
                body = openapi_v3_document(schemas, path.removeprefix("/openapi/v3/"))
            else:
                answer = discovery(path)
                body = orjson.dumps(answer) if answer is not None else None
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.tools
@pytest.mark.parametrize(
    ("field", "text"),
    [("pod.spec.containers.image", "Container image name"), ("deployment.spec.strategy", "DeploymentStrategy"),
     ("rules.spec.count", "FIELD: count <integer>")],
)  # fmt: skip
def test_kubectl_explains(url: str, tmp_path: Path, field: str, text: str):
    kubectl = shutil.which("kubectl") or shutil.which(Path(__file__).parents[2] / ".venv/bin/kubectl")
    if kubectl is None:
        pytest.skip("kubectl is missing")
    done = subprocess.run(
        [kubectl, "--server", url, "--kubeconfig", os.devnull, "--cache-dir", str(tmp_path), "explain", field],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert text in done.stdout, done.stderr
