"""Patches in all their forms, and server-side apply with its owners and conflicts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.support import Caller, running

WEB = "/apis/apps/v1/namespaces/default/deployments/web"
JSON = {"content-type": "application/json-patch+json"}
MERGE = {"content-type": "application/merge-patch+json"}
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
ARGOCD = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd", "labels": {"a": "b"}}}


def deployment(**spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "web:1"}, {"name": "side", "image": "side:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template} | spec,
    }


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        yield caller


@pytest.fixture
async def web(api: Caller) -> Caller:
    await api.ok("POST", WEB.rpartition("/")[0], deployment(replicas=2))
    return api


def images(manifest: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["image"] for each in manifest["spec"]["template"]["spec"]["containers"]}


async def test_a_json_patch_is_carried_out_in_order(web: Caller) -> None:
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}},
    ]

    changed = await web.ok("PATCH", WEB, operations, headers=JSON)

    assert (changed["spec"]["replicas"], changed["metadata"]["labels"]) == (5, {"a": "b"})
    assert changed["metadata"]["generation"] == 2


async def test_a_json_patch_whose_test_fails_changes_nothing(web: Caller) -> None:
    operations = [{"op": "test", "path": "/spec/replicas", "value": 9}, {"op": "remove", "path": "/spec/replicas"}]

    assert (await web.refused("PATCH", WEB, operations, headers=JSON))[:2] == (422, "Invalid")
    assert (await web.ok("GET", WEB))["spec"]["replicas"] == 2


async def test_a_merge_patch_replaces_lists(web: Caller) -> None:
    containers = [{"name": "app", "image": "web:2"}]

    changed = await web.ok("PATCH", WEB, {"spec": {"template": {"spec": {"containers": containers}}}}, headers=MERGE)

    assert images(changed) == {"app": "web:2"}


async def test_a_strategic_patch_merges_lists_by_key(web: Caller) -> None:
    containers = [{"name": "app", "image": "web:2"}]

    changed = await web.ok(
        "PATCH", WEB, {"spec": {"template": {"spec": {"containers": containers}}}}, headers=STRATEGIC
    )

    assert images(changed) == {"app": "web:2", "side": "side:1"}


async def test_a_patch_may_insist_on_a_version(web: Caller) -> None:
    patch = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}

    assert (await web.refused("PATCH", WEB, patch, headers=MERGE))[:2] == (409, "Conflict")


async def test_another_form_of_patch_is_not_understood(web: Caller) -> None:
    refused = await web.refused("PATCH", WEB, {}, headers={"content-type": "application/json"})

    assert refused[:2] == (415, "UnsupportedMediaType")


async def test_applying_creates_and_owns(api: Caller) -> None:
    answer = await api.send("PATCH", WEB, deployment(), headers=APPLY, query={"fieldManager": "haori"})

    assert answer.status == 201
    managers = answer.json["metadata"]["managedFields"]
    assert [(each["manager"], each["operation"]) for each in managers] == [("haori", "Apply")]
    assert answer.json["spec"]["replicas"] == 1
    assert "f:replicas" not in managers[0]["fieldsV1"]["f:spec"]


async def test_applying_the_same_again_writes_nothing(api: Caller) -> None:
    query = {"fieldManager": "haori"}
    made = await api.ok("PATCH", WEB, deployment(), headers=APPLY, query=query)

    again = await api.ok("PATCH", WEB, deployment(), headers=APPLY, query=query)

    assert again == made


async def test_what_is_no_longer_applied_goes(api: Caller) -> None:
    query = {"fieldManager": "haori"}
    labelled = deployment() | {"metadata": {"name": "web", "labels": {"team": "wear"}}}
    await api.ok("PATCH", WEB, labelled, headers=APPLY, query=query)

    left = await api.ok("PATCH", WEB, deployment(), headers=APPLY, query=query)

    assert "labels" not in left["metadata"]


async def test_two_who_want_different_things_conflict(api: Caller) -> None:
    await api.ok("PATCH", WEB, deployment(replicas=2), headers=APPLY, query={"fieldManager": "haori"})

    answer = await api.send("PATCH", WEB, deployment(replicas=3), headers=APPLY, query={"fieldManager": "other"})
    forced = await api.ok(
        "PATCH", WEB, deployment(replicas=3), headers=APPLY, query={"fieldManager": "other", "force": "true"}
    )

    assert (answer.status, answer.json["reason"]) == (409, "Conflict")
    assert answer.json["message"] == 'Apply failed with 1 conflict: conflict with "haori": .spec.replicas'
    assert answer.json["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "haori"', "field": ".spec.replicas"}
    ]
    assert forced["spec"]["replicas"] == 3


async def test_other_writes_own_what_they_change(web: Caller) -> None:
    patch = {"spec": {"replicas": 4}}

    changed = await web.ok("PATCH", WEB, patch, headers=MERGE, query={"fieldManager": "scaler"})

    owners = {each["manager"]: each["fieldsV1"] for each in changed["metadata"]["managedFields"]}
    assert owners["scaler"] == {"f:spec": {"f:replicas": {}}}


async def test_an_applied_manifest_needs_a_manager(api: Caller) -> None:
    refused = await api.refused("PATCH", WEB, deployment(), headers=APPLY)

    assert refused[:2] == (422, "Invalid")
    assert "fieldManager: Required value: is required for apply patch" in refused[2]


async def test_a_dry_run_of_apply_shows_what_would_be(api: Caller) -> None:
    query = {"fieldManager": "haori", "dryRun": "All"}

    shown = await api.ok("PATCH", WEB, deployment(), headers=APPLY, query=query)

    assert shown["spec"]["strategy"]["type"] == "RollingUpdate"
    assert (await api.send("GET", WEB)).status == 404


@pytest.mark.parametrize(
    ("path", "applied"),
    [
        (WEB, deployment()),
        ("/api/v1/namespaces/argocd", ARGOCD),
    ],
)
async def test_many_may_apply_the_same_new_object_at_once(api: Caller, path: str, applied: dict[str, Any]) -> None:
    """Who comes second applies to what the first one made."""
    answers = await asyncio.gather(
        *(api.send("PATCH", path, applied, headers=APPLY, query={"fieldManager": f"m{n}"}) for n in range(6))
    )

    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 200, 201]
    assert len({answer.json["metadata"]["uid"] for answer in answers}) == 1
    left = await api.ok("GET", path)
    owners = {each["manager"] for each in left["metadata"]["managedFields"]}
    assert owners == {f"m{n}" for n in range(6)}


async def test_patches_that_name_no_version_all_come_through(web: Caller) -> None:
    patches = [{"metadata": {"labels": {f"l{n}": "x"}}} for n in range(20)]

    await asyncio.gather(*(web.ok("PATCH", WEB, patch, headers=MERGE) for patch in patches))

    labels = (await web.ok("GET", WEB))["metadata"]["labels"]
    assert len([name for name in labels if name.startswith("l")]) == 20


async def test_what_is_applied_may_be_deleted_at_the_same_time(api: Caller) -> None:
    """An apply never answers that there is nothing to apply to."""
    path = "/api/v1/namespaces/default/configmaps/busy"
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "busy"}, "data": {"a": "b"}}

    async def apply(number: int) -> int:
        query = {"fieldManager": "haori", "force": "true"}
        body = applied | {"data": {"a": str(number)}}
        return (await api.send("PATCH", path, body, headers=APPLY, query=query)).status

    async def delete() -> None:
        await api.send("DELETE", path)

    for number in range(10):
        statuses = await asyncio.gather(apply(number), delete(), apply(number + 100), delete())
        assert {statuses[0], statuses[2]} <= {200, 201}


async def test_an_applied_uid_must_be_that_of_what_is_there(api: Caller) -> None:
    applied = deployment() | {"metadata": {"name": "web", "uid": "1"}}

    refused = await api.refused("PATCH", WEB, applied, headers=APPLY, query={"fieldManager": "haori"})

    assert refused[:2] == (409, "Conflict")
    assert "uid mismatch" in refused[2]
