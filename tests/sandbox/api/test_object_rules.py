"""Names, things that must fit together, things that may not change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.support import Caller, running

POD = {"containers": [{"name": "app", "image": "web:1"}]}
MERGE = {"content-type": "application/merge-patch+json"}
CORE, APPS, BATCH = (
    "/api/v1/namespaces/default",
    "/apis/apps/v1/namespaces/default",
    "/apis/batch/v1/namespaces/default",
)
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD}
WORKLOAD = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        yield caller


@pytest.mark.parametrize(
    ("path", "manifest", "field", "text"),
    [
        (f"{CORE}/configmaps", {"metadata": {"name": "A_b"}}, "metadata.name", "RFC 1123 subdomain"),
        ("/api/v1/namespaces", {"metadata": {"name": "a.b"}}, "metadata.name", "RFC 1123 label"),
        (
            f"{CORE}/services",
            {"metadata": {"name": "a.b"}, "spec": {"ports": [{"port": 1}]}},
            "metadata.name",
            "RFC 1123 label",
        ),
        (f"{CORE}/configmaps", {"metadata": {"name": "a" * 254 + "-"}}, "metadata.name", "RFC 1123 subdomain"),
        (f"{CORE}/configmaps", {"metadata": {"name": "a", "labels": {"a": "b c"}}}, "metadata.labels", "a valid label"),
        (
            f"{APPS}/deployments",
            {"metadata": {"name": "a"}, "spec": WORKLOAD | {"selector": {"matchLabels": {"app": "other"}}}},
            "spec.template.metadata.labels",
            "`selector` does not match template `labels`",
        ),
        (
            f"{BATCH}/jobs",
            {"metadata": {"name": "a"}, "spec": {"template": {"spec": POD}}},
            "spec.template.spec.restartPolicy",
            'valid values: "OnFailure", "Never"',
        ),
    ],
)
async def test_what_may_not_be(api: Caller, path: str, manifest: dict[str, Any], field: str, text: str) -> None:
    answer = await api.send("POST", path, manifest)

    assert answer.status == 422
    cause = answer.json["details"]["causes"][0]
    assert cause["field"] == field
    assert text in cause["message"]


@pytest.mark.parametrize(
    ("path", "manifest", "patch", "text"),
    [
        pytest.param(
            f"{APPS}/deployments",
            {"spec": WORKLOAD},
            {
                "spec": {
                    "selector": {"matchLabels": {"app": "b"}},
                    "template": {"metadata": {"labels": {"app": "b"}}},
                }
            },
            "spec.selector: Invalid value",
            id="selector",
        ),
        pytest.param(
            f"{APPS}/statefulsets",
            {"spec": WORKLOAD | {"serviceName": "a"}},
            {"spec": {"serviceName": "b"}},
            "updates to statefulset spec for fields other than",
            id="stateful",
        ),
        pytest.param(
            f"{BATCH}/jobs",
            {"spec": {"template": {"spec": POD | {"restartPolicy": "Never"}}}},
            {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "web:2"}]}}}},
            "spec.template: Invalid value",
            id="job-template",
        ),
        pytest.param(
            f"{CORE}/pods", {"spec": POD}, {"spec": {"hostname": "x"}}, "pod updates may not change fields", id="pod"
        ),
        pytest.param(
            f"{CORE}/secrets", {"type": "Opaque"}, {"type": "example.com/a"}, "type: Invalid value", id="secret-type"
        ),
        pytest.param(
            f"{CORE}/configmaps",
            {"immutable": True, "data": {"a": "b"}},
            {"data": {"a": "c"}},
            "data: Forbidden: field is immutable when `immutable` is set",
            id="immutable",
        ),
    ],
)
async def test_what_may_not_change(
    api: Caller, path: str, manifest: dict[str, Any], patch: dict[str, Any], text: str
) -> None:
    await api.ok("POST", path, {"metadata": {"name": "a"}} | manifest)

    status, reason, message = await api.refused("PATCH", f"{path}/a", patch, headers=MERGE)

    assert (status, reason) == (422, "Invalid")
    assert text in message


async def test_a_pods_image_may_change(api: Caller) -> None:
    await api.ok("POST", f"{CORE}/pods", {"metadata": {"name": "a"}, "spec": POD})
    pod = await api.ok("GET", f"{CORE}/pods/a")
    pod["spec"]["containers"][0]["image"] = "web:2"

    changed = await api.ok("PUT", f"{CORE}/pods/a", pod)

    assert changed["spec"]["containers"][0]["image"] == "web:2"
