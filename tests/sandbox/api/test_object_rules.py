"""Names, things that must fit together, things that may not change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.support import Caller, running

POD = {"containers": [{"name": "app", "image": "web:1"}]}
MERGE = {"content-type": "application/merge-patch+json"}
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
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
        ("/api/v1/namespaces", {"metadata": {"name": "a.b"}}, "metadata.name", "must not contain dots"),
        (
            f"{CORE}/services",
            {"metadata": {"name": "a.b"}, "spec": {"ports": [{"port": 1}]}},
            "metadata.name",
            "must not contain dots",
        ),
        (f"{CORE}/configmaps", {"metadata": {"name": "a" * 254 + "-"}}, "metadata.name", "no more than 253"),
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
            "spec.serviceName: Invalid value",
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


LOOK = {"name": "look", "image": "busybox:1", "targetContainerName": "app"}


@pytest.mark.parametrize(
    ("subresource", "patch", "text"),
    [
        pytest.param(
            "ephemeralcontainers",
            {"ephemeralContainers": [LOOK | {"name": "app"}]},
            'spec.ephemeralContainers[0].name: Duplicate value: "app"',
            id="name-taken",
        ),
        pytest.param(
            "ephemeralcontainers",
            {"ephemeralContainers": [{"name": "look"}]},
            "spec.ephemeralContainers[0].image: Required value",
            id="no-image",
        ),
        pytest.param(
            "ephemeralcontainers",
            {"ephemeralContainers": [LOOK | {"targetContainerName": "other"}]},
            'spec.ephemeralContainers[0].targetContainerName: Not found: "other"',
            id="no-target",
        ),
        pytest.param(
            "ephemeralcontainers",
            {"ephemeralContainers": [LOOK | {"ports": [{"containerPort": 80}]}]},
            "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
            id="ports",
        ),
        pytest.param(
            "resize",
            {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]},
            "Pod QOS Class may not change as a result of resizing",
            id="quality",
        ),
    ],
)
async def test_what_a_pods_subresources_refuse(api: Caller, subresource: str, patch: dict[str, Any], text: str) -> None:
    await api.ok("POST", f"{CORE}/pods", {"metadata": {"name": "a"}, "spec": POD})

    refused = await api.refused("PATCH", f"{CORE}/pods/a/{subresource}", {"spec": patch}, headers=STRATEGIC)

    assert refused[:2] == (422, "Invalid")
    assert text in refused[2]


async def test_a_container_to_look_inside_is_added_and_stays(api: Caller) -> None:
    await api.ok("POST", f"{CORE}/pods", {"metadata": {"name": "a"}, "spec": POD})
    path = f"{CORE}/pods/a/ephemeralcontainers"

    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"ephemeralContainers": [LOOK], "hostname": "x"}}
    added = await api.ok("PATCH", path, patch, headers=STRATEGIC)
    removed = await api.refused("PUT", path, added | {"spec": POD})

    assert [each["name"] for each in added["spec"]["ephemeralContainers"]] == ["look"]
    assert "hostname" not in added["spec"]
    assert "labels" not in added["metadata"]
    assert 'existing ephemeral containers "look" may not be removed' in removed[2]


async def test_a_pod_is_given_more(api: Caller) -> None:
    container = POD["containers"][0] | {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}
    await api.ok("POST", f"{CORE}/pods", {"metadata": {"name": "a"}, "spec": POD | {"containers": [container]}})
    resized = container | {"image": "other:1", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}}

    changed = await api.ok("PATCH", f"{CORE}/pods/a/resize", {"spec": {"containers": [resized]}}, headers=STRATEGIC)

    assert changed["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "2"}
    assert changed["spec"]["containers"][0]["image"] == "web:1"
