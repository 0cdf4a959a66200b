"""Everything is validated before the first write: on every cluster there is."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from haori.cluster import ApiResource, NotFoundError
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, NAMESPACES
from tests.e2e.delivery import Delivery, at, config_map, deployment, is_green, is_idle

pytestmark = pytest.mark.e2e

ONCE: dict[str, Any] = {
    "automated": {"prune": True, "selfHeal": True},
    "syncOptions": ["CreateNamespace=true"],
    "retry": {"limit": 0},
}


def message_of(application: dict[str, Any]) -> str:
    return str((application.get("status", {}).get("operationState") or {}).get("message"))


def has_failed(application: dict[str, Any]) -> bool:
    state = application.get("status", {}).get("operationState") or {}
    return is_idle(application) and state.get("phase") == "Failed"


def definition(kind: str, group: str) -> str:
    size = {"type": "integer", "maximum": 5}
    spec = {"type": "object", "required": ["size"], "properties": {"size": size}}
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return yaml.safe_dump(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )


def custom(kind: str, group: str, **spec: Any) -> str:
    manifest = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "one"}, "spec": spec}
    return yaml.safe_dump(manifest)


async def is_there(delivery: Delivery, resource: ApiResource, name: str, namespace: str = "") -> bool:
    try:
        await delivery.client.get(resource, name, namespace)
    except NotFoundError:
        return False
    return True


async def test_one_refusal_fails_the_operation_before_anything_is_touched(delivery: Delivery):
    bad = deployment("web", "web:1").replace("replicas: 1", "replicas: -1")
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1"), "app/web.yaml": bad})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=ONCE))
    application = await delivery.expect("shop", has_failed)

    assert message_of(application) == (
        f"one or more objects failed to apply, reason: Deployment {delivery.namespace}/web is not valid: "
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    )
    rows = application["status"]["operationState"]["syncResult"]["resources"]
    assert [(row["kind"], row["status"], row["hookPhase"], row["syncPhase"]) for row in rows] == [
        ("Deployment", "SyncFailed", "Failed", "Sync")
    ]
    assert not await is_there(delivery, NAMESPACES, delivery.namespace)

    commit = await delivery.push("shop", "Mend", {"app/web.yaml": deployment("web", "web:1")})
    await delivery.expect("shop", at(commit))


async def test_an_unknown_field_is_refused_unless_validation_is_off(delivery: Delivery):
    typo = deployment("web", "web:1").replace("replicas: 1", "replicas: 1\n  replica: 2")
    delivery.repository.commit("Begin", {"app/web.yaml": typo})
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=ONCE))
    application = await delivery.expect("shop", has_failed)
    assert ".spec.replica: field not declared in schema" in message_of(application)

    free = {**ONCE, "syncOptions": ["CreateNamespace=true", "Validate=false"]}
    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"spec": {"syncPolicy": free}})
    operation = {"sync": {"syncOptions": free["syncOptions"]}}
    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"operation": operation})
    await delivery.expect("shop", is_green)
    assert (await delivery.client.get(DEPLOYMENTS, "web", delivery.namespace))["spec"]["replicas"] == 1


async def test_objects_are_held_to_a_definition_that_comes_with_them(delivery: Delivery):
    kind, group = "Thing", f"{delivery.control}.example.org"
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1"),
        "app/thing.yaml": custom(kind, group, size=9),
        "app/definition.yaml": definition(kind, group),
    }
    delivery.repository.commit("Begin", files)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=ONCE))
    application = await delivery.expect("shop", has_failed)
    assert "spec.size in body should be less than or equal to 5" in message_of(application)
    assert not await is_there(delivery, CUSTOM_RESOURCE_DEFINITIONS, f"things.{group}")
    assert not await is_there(delivery, CONFIG_MAPS, "a", delivery.namespace)

    commit = await delivery.push("shop", "Mend", {"app/thing.yaml": custom(kind, group, size=3)})
    application = await delivery.expect("shop", at(commit))
    rows = application["status"]["operationState"]["syncResult"]["resources"]
    assert [row["kind"] for row in rows if row["kind"] in ("Thing", "CustomResourceDefinition")] == [
        "CustomResourceDefinition",
        "Thing",
    ]

    # The definition is the cluster's by now.
    await delivery.push(
        "shop", "Break", {"app/thing.yaml": custom(kind, group, size=7), "app/a.yaml": config_map("a", x="2")}
    )
    await delivery.expect("shop", lambda app: has_failed(app) and "less than or equal to 5" in message_of(app))
    assert (await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace))["data"] == {"x": "1"}
    await delivery.client.delete(CUSTOM_RESOURCE_DEFINITIONS, f"things.{group}")


async def test_a_dry_run_tells_all_though_neither_namespace_nor_type_is_there_yet(delivery: Delivery):
    kind, group = "Later", f"{delivery.control}.example.org"
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1"),
        "app/later.yaml": custom(kind, group, size=3),
        "app/definition.yaml": definition(kind, group),
    }
    delivery.repository.commit("Begin", files)
    manual = {"automated": None, "syncOptions": ["CreateNamespace=true"]}
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=manual))
    await delivery.expect("shop", lambda app: "sync" in (app.get("status") or {}))

    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"operation": {"sync": {"dryRun": True}}})
    application = await delivery.expect("shop", lambda app: "operationState" in app["status"] and is_idle(app))

    state = application["status"]["operationState"]
    assert state["phase"] == "Succeeded", state
    messages = {row["kind"]: row["message"] for row in state["syncResult"]["resources"]}
    assert messages["ConfigMap"] == "configmap/a created (dry run)"
    assert messages["Later"] == f"later.{group}/one created (dry run)"
    assert messages["CustomResourceDefinition"].endswith("serverside-applied (server dry run)")
    assert not await is_there(delivery, NAMESPACES, delivery.namespace)
