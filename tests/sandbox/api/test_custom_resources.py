"""CustomResourceDefinitions: served at once, validated, pruned, with subresources, gone with their objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.api.support import Caller, next_event, running

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COATS = "/apis/example.com/v1/namespaces/default/coats"
COAT = {"apiVersion": "example.com/v1", "kind": "Coat", "metadata": {"name": "a"}, "spec": {"size": 3}}


def definition(**version: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "minimum": 1},
                    "color": {"type": "string", "default": "navy"},
                    "replicas": {"type": "integer"},
                },
            },
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    return {
        "metadata": {"name": "coats.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "coats", "kind": "Coat", "shortNames": ["ct"], "categories": ["all"]},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}} | version
            ],
        },
    }


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(tmp_path) as caller:
        yield caller


async def test_a_definition_is_established_and_served_at_once(api: Caller) -> None:
    made = await api.ok("POST", CRDS, definition())

    conditions = {each["type"]: each["status"] for each in made["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert made["status"]["storedVersions"] == ["v1"]
    assert made["status"]["acceptedNames"]["listKind"] == "CoatList"
    rows = await api.ok("GET", "/apis/example.com/v1")
    assert rows["resources"][0]["name"] == "coats"
    assert rows["resources"][0]["shortNames"] == ["ct"]
    assert (await api.ok("GET", COATS))["kind"] == "CoatList"


async def test_objects_are_completed_pruned_and_checked(api: Caller) -> None:
    await api.ok("POST", CRDS, definition())

    made = await api.ok("POST", COATS, COAT | {"more": 1})
    refused = await api.refused("POST", COATS, COAT | {"metadata": {"name": "b"}, "spec": {"size": 0}})

    assert made["spec"] == {"size": 3, "color": "navy"}
    assert "more" not in made
    assert made["metadata"]["generation"] == 1
    assert refused[:2] == (422, "Invalid")
    assert "spec.size: Invalid value: 0" in refused[2]


async def test_an_update_must_name_the_version_it_read(api: Caller) -> None:
    await api.ok("POST", CRDS, definition())
    await api.ok("POST", COATS, COAT)

    refused = await api.refused("PUT", f"{COATS}/a", COAT)

    assert refused[0] == 422
    assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in refused[2]


async def test_status_has_its_own_door(api: Caller) -> None:
    await api.ok("POST", CRDS, definition(subresources={"status": {}}))
    made = await api.ok("POST", COATS, COAT | {"status": {"worn": True}})
    written = await api.ok("PUT", f"{COATS}/a/status", made | {"status": {"worn": True}, "spec": {"size": 9}})
    plain = await api.ok("PUT", f"{COATS}/a", written | {"status": {"worn": False}, "spec": {"size": 5}})

    assert "status" not in made
    assert (written["status"], written["spec"]["size"], written["metadata"]["generation"]) == ({"worn": True}, 3, 1)
    assert (plain["status"], plain["spec"]["size"], plain["metadata"]["generation"]) == ({"worn": True}, 5, 2)


async def test_scale_follows_the_definition(api: Caller) -> None:
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    await api.ok("POST", CRDS, definition(subresources={"status": {}, "scale": scale}))
    await api.ok("POST", COATS, COAT | {"spec": {"replicas": 2}})

    found = await api.ok("GET", f"{COATS}/a/scale")
    await api.ok(
        "PATCH",
        f"{COATS}/a/scale",
        {"spec": {"replicas": 5}},
        headers={"content-type": "application/merge-patch+json"},
    )

    assert found["spec"] == {"replicas": 2}
    assert (await api.ok("GET", f"{COATS}/a"))["spec"]["replicas"] == 5


async def test_printer_columns_make_the_table(api: Caller) -> None:
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    await api.ok("POST", CRDS, definition(additionalPrinterColumns=columns))
    status = {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]}
    await api.ok("POST", COATS, COAT | {"status": status})

    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    table = await api.ok("GET", COATS, headers={"accept": accept})

    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Size", "Ready", "Age"]
    assert table["rows"][0]["cells"][:3] == ["a", 3, "True"]


async def test_versions_differ_by_name_alone(api: Caller) -> None:
    made = definition()
    old = made["spec"]["versions"][0] | {"name": "v1beta1", "storage": False}
    made["spec"]["versions"].append(old)
    await api.ok("POST", CRDS, made)
    await api.ok("POST", COATS.replace("/v1/", "/v1beta1/"), COAT | {"apiVersion": "example.com/v1beta1"})

    assert (await api.ok("GET", f"{COATS}/a"))["apiVersion"] == "example.com/v1"
    listed = await api.ok("GET", COATS.replace("/v1/", "/v1beta1/"))
    assert listed["items"][0]["apiVersion"] == "example.com/v1beta1"
    group = await api.ok("GET", "/apis/example.com")
    assert group["preferredVersion"]["version"] == "v1"


async def test_a_definition_takes_its_objects_along(api: Caller) -> None:
    await api.ok("POST", CRDS, definition())
    await api.ok("POST", COATS, COAT)

    await api.ok("DELETE", f"{CRDS}/coats.example.com")

    assert (await api.send("GET", f"{CRDS}/coats.example.com")).status == 404
    assert (await api.send("GET", COATS)).status == 404


async def test_a_definition_waits_for_objects_that_wait(api: Caller) -> None:
    await api.ok("POST", CRDS, definition())
    await api.ok("POST", COATS, COAT | {"metadata": {"name": "a", "finalizers": ["example.com/wait"]}})

    await api.ok("DELETE", f"{CRDS}/coats.example.com")
    kept = await api.ok("GET", f"{COATS}/a")
    kept["metadata"]["finalizers"] = []
    waiting = await api.ok("GET", f"{CRDS}/coats.example.com")
    await api.ok("PUT", f"{COATS}/a", kept)

    assert waiting["metadata"]["deletionTimestamp"]
    assert (await api.send("GET", f"{CRDS}/coats.example.com")).status == 404


async def test_watches_of_a_type_end_with_it_and_no_others(api: Caller) -> None:
    other = definition()
    other["metadata"]["name"] = "hats.example.com"
    other["spec"]["names"] = {"plural": "hats", "kind": "Hat"}
    await api.ok("POST", CRDS, definition())
    await api.ok("POST", CRDS, other)
    await api.ok("POST", COATS, COAT)

    hats = "/apis/example.com/v1/namespaces/default/hats"
    async with api.watching(COATS) as coats_seen, api.watching(hats) as hats_seen:
        assert (await next_event(coats_seen))[0] == "ADDED"
        await api.ok("DELETE", f"{CRDS}/coats.example.com")
        assert (await next_event(coats_seen))[0] == "DELETED"
        assert await coats_seen.get() is None
        await api.ok("POST", hats, {**COAT, "kind": "Hat"})
        assert (await next_event(hats_seen))[0] == "ADDED"


async def test_a_scale_that_is_applied_is_owned_in_the_object(api: Caller) -> None:
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    await api.ok("POST", CRDS, definition(subresources={"status": {}, "scale": paths}))
    await api.ok("POST", COATS, COAT | {"spec": {"replicas": 2}}, query={"fieldManager": "maker"})
    apply = {"content-type": "application/apply-patch+yaml"}
    applied = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "a"}, "spec": {"replicas": 5}}

    refused = await api.refused("PATCH", f"{COATS}/a/scale", applied, headers=apply, query={"fieldManager": "scaler"})
    query = {"fieldManager": "scaler", "force": "true"}
    scale = await api.ok("PATCH", f"{COATS}/a/scale", applied, headers=apply, query=query)

    assert refused[2] == 'Apply failed with 1 conflict: conflict with "maker" using example.com/v1: .spec.replicas'
    assert scale["spec"]["replicas"] == 5
    owners = (await api.ok("GET", f"{COATS}/a"))["metadata"]["managedFields"]
    (found,) = (each for each in owners if each["manager"] == "scaler")
    assert (found["operation"], found["apiVersion"], found["subresource"]) == ("Apply", "example.com/v1", "scale")
    assert found["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
