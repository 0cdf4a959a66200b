"""Objects through the API: created, read, listed, changed, deleted, refused in Kubernetes' own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.support import Caller, running

MAPS = "/api/v1/namespaces/shop/configmaps"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        await caller.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
        yield caller


def config(name: str, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels} if labels else {"name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def test_a_new_object_gets_its_identity(api: Caller) -> None:
    answer = await api.send("POST", MAPS, config("a", color="red"))

    assert answer.status == 201
    metadata = answer.json["metadata"]
    assert metadata["namespace"] == "shop"
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert metadata["resourceVersion"].isdecimal()
    assert await api.ok("GET", f"{MAPS}/a") == answer.json


async def test_a_generated_name_begins_as_asked(api: Caller) -> None:
    made = await api.ok("POST", MAPS, {"metadata": {"generateName": "run-"}})

    assert made["metadata"]["name"].startswith("run-")
    assert len(made["metadata"]["name"]) == len("run-") + 5


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason", "message"),
    [
        pytest.param("GET", f"{MAPS}/no", None, 404, "NotFound", 'configmaps "no" not found', id="absent"),
        pytest.param(
            "GET",
            "/apis/apps/v1/namespaces/shop/deployments/no",
            None,
            404,
            "NotFound",
            'deployments.apps "no" not found',
            id="absent-in-group",
        ),
        pytest.param(
            "GET",
            "/apis/apps/v1/things",
            None,
            404,
            "NotFound",
            "the server could not find the requested resource",
            id="no-type",
        ),
        pytest.param(
            "POST", MAPS, config("there"), 409, "AlreadyExists", 'configmaps "there" already exists', id="exists"
        ),
        pytest.param(
            "POST",
            MAPS,
            {"metadata": {}},
            422,
            "Invalid",
            'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
            id="nameless",
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/nowhere/configmaps",
            config("a"),
            404,
            "NotFound",
            'namespaces "nowhere" not found',
            id="no-namespace",
        ),
        pytest.param(
            "POST",
            MAPS,
            {"metadata": {"name": "a", "namespace": "other"}},
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
            id="other-namespace",
        ),
        pytest.param(
            "PUT",
            f"{MAPS}/there",
            {"metadata": {"name": "there", "resourceVersion": "1"}},
            409,
            "Conflict",
            'Operation cannot be fulfilled on configmaps "there": the object has been modified; please apply your '
            "changes to the latest version and try again",
            id="stale",
        ),
    ],
)
async def test_refusals_speak_as_kubernetes_does(
    api: Caller, method: str, path: str, body: Any, status: int, reason: str, message: str
) -> None:
    await api.ok("POST", MAPS, config("there"))

    assert await api.refused(method, path, body) == (status, reason, message)


async def test_an_update_that_changes_nothing_writes_nothing(api: Caller) -> None:
    made = await api.ok("POST", MAPS, config("a", color="red"))

    again = await api.ok("PUT", f"{MAPS}/a", config("a", color="red"))

    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_a_dry_run_leaves_no_trace(api: Caller) -> None:
    made = await api.ok("POST", MAPS, config("a"), query={"dryRun": "All"})

    assert made["metadata"]["uid"]
    assert "resourceVersion" not in made["metadata"]
    assert (await api.send("GET", f"{MAPS}/a")).status == 404


@pytest.mark.parametrize(
    ("validation", "status", "warning"),
    [("Ignore", 201, None), ("Warn", 201, '299 - "unknown field \\"dat\\""'), ("Strict", 400, None)],
)
async def test_unknown_fields_are_ignored_told_or_refused(
    api: Caller, validation: str, status: int, warning: str | None
) -> None:
    answer = await api.send("POST", MAPS, config("a") | {"dat": {}}, query={"fieldValidation": validation})

    assert answer.status == status
    assert answer.headers.get("warning") == warning
    assert "dat" not in answer.json


async def test_pages_hang_together_while_objects_change(api: Caller) -> None:
    for name in "abcde":
        await api.ok("POST", MAPS, config(name))
    first = await api.ok("GET", MAPS, query={"limit": "2"})
    await api.ok("DELETE", f"{MAPS}/d")
    await api.ok("POST", MAPS, config("cc"))
    await api.ok("PUT", f"{MAPS}/e", config("e", new="1"))

    second = await api.ok("GET", MAPS, query={"limit": "9", "continue": first["metadata"]["continue"]})

    assert [each["metadata"]["name"] for each in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 3
    assert [each["metadata"]["name"] for each in second["items"]] == ["c", "d", "e"]
    assert "data" not in second["items"][2] or not second["items"][2]["data"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in second["metadata"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({"labelSelector": "app=web"}, ["a"], id="label"),
        pytest.param({"labelSelector": "app in (web,api)"}, ["a", "b"], id="set"),
        pytest.param({"labelSelector": "!app"}, ["c"], id="absent"),
        pytest.param({"fieldSelector": "metadata.name=b"}, ["b"], id="field"),
        pytest.param({"fieldSelector": "metadata.name!=b", "labelSelector": "app"}, ["a"], id="both"),
    ],
)
async def test_selectors_choose(api: Caller, query: dict[str, str], names: list[str]) -> None:
    await api.ok("POST", MAPS, config("a", {"app": "web"}))
    await api.ok("POST", MAPS, config("b", {"app": "api"}))
    await api.ok("POST", MAPS, config("c"))

    found = await api.ok("GET", MAPS, query=query)

    assert [each["metadata"]["name"] for each in found["items"]] == names


async def test_an_unknown_field_in_a_selector_is_refused(api: Caller) -> None:
    status, reason, message = await api.refused("GET", MAPS, query={"fieldSelector": "spec.color=red"})

    assert (status, reason) == (400, "BadRequest")
    assert '"spec.color" is not a known field selector' in message


async def test_a_finalizer_keeps_an_object_until_it_is_taken_off(api: Caller) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a", "finalizers": ["example.com/wait"]}})

    pending = await api.ok("DELETE", f"{MAPS}/a")
    kept = await api.ok("GET", f"{MAPS}/a")
    await api.ok("PUT", f"{MAPS}/a", kept | {"metadata": kept["metadata"] | {"finalizers": []}})

    assert pending["metadata"]["deletionTimestamp"]
    assert kept["metadata"]["deletionGracePeriodSeconds"] == 0
    assert (await api.send("GET", f"{MAPS}/a")).status == 404


async def test_a_terminating_object_takes_no_new_finalizers(api: Caller) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a", "finalizers": ["example.com/wait"]}})
    await api.ok("DELETE", f"{MAPS}/a")
    kept = await api.ok("GET", f"{MAPS}/a")
    kept["metadata"]["finalizers"].append("example.com/more")

    status, reason, message = await api.refused("PUT", f"{MAPS}/a", kept)

    assert (status, reason) == (422, "Invalid")
    assert "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted" in message


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
async def test_propagation_is_left_to_the_collector_by_a_finalizer(
    api: Caller, policy: str, finalizers: list[str]
) -> None:
    await api.ok("POST", MAPS, config("a"))

    pending = await api.ok("DELETE", f"{MAPS}/a", {"propagationPolicy": policy})

    assert pending["metadata"]["finalizers"] == finalizers


async def test_a_precondition_protects_the_successor(api: Caller) -> None:
    await api.ok("POST", MAPS, config("a"))

    status, reason, message = await api.refused("DELETE", f"{MAPS}/a", {"preconditions": {"uid": "other"}})

    assert (status, reason) == (409, "Conflict")
    assert "the UID in the precondition (other) does not match" in message


async def test_a_collection_is_deleted_by_selector(api: Caller) -> None:
    await api.ok("POST", MAPS, config("a", {"app": "web"}))
    await api.ok("POST", MAPS, config("b"))

    await api.ok("DELETE", MAPS, query={"labelSelector": "app=web"})

    left = await api.ok("GET", MAPS)
    assert [each["metadata"]["name"] for each in left["items"]] == ["b"]


async def test_a_namespace_goes_when_it_is_finalized(api: Caller) -> None:
    pending = await api.ok("DELETE", "/api/v1/namespaces/shop")
    refused = await api.refused("POST", MAPS, config("late"))
    await api.ok("PUT", "/api/v1/namespaces/shop/finalize", pending | {"spec": {"finalizers": []}})

    assert pending["status"]["phase"] == "Terminating"
    assert refused[:2] == (403, "Forbidden")
    assert "because it is being terminated" in refused[2]
    assert (await api.send("GET", "/api/v1/namespaces/shop")).status == 404


async def test_a_body_beyond_the_bound_is_refused(api: Caller) -> None:
    status, reason, _ = await api.refused("POST", MAPS, config("a", big="x" * (3 << 20)))

    assert (status, reason) == (413, "RequestEntityTooLarge")


async def test_yaml_is_read_and_written(api: Caller) -> None:
    answer = await api.send(
        "POST",
        MAPS,
        b"metadata:\n  name: a\ndata:\n  color: red\n",
        headers={"content-type": "application/yaml", "accept": "application/yaml"},
    )

    assert answer.status == 201
    assert answer.headers["content-type"] == "application/yaml"
    assert b"color: red" in answer.body


@pytest.mark.parametrize("depth", [150, 900])
async def test_a_body_nested_without_end_is_refused_and_the_server_goes_on(api: Caller, depth: int) -> None:
    data = b'{"a":' * depth + b"{}" + b"}" * depth
    head = b'{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"deep"},"revision":1,"data":'
    path = "/apis/apps/v1/namespaces/default/controllerrevisions"
    status, reason, _ = await api.refused("POST", path, head + data + b"}")
    assert (status, reason) == (400, "BadRequest")
    await api.ok("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "after"}})
