"""Every sync option acts, on every cluster there is; docs/configuration.md lists them."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from haori.cluster import NotFoundError, PatchType
from haori.cluster.well_known import (
    APPLICATIONS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    SECRETS,
)
from tests.e2e.delivery import Delivery, at, config_map, deployment, health_of, is_green, is_idle, sync_of
from tests.e2e.test_delivery_validation import custom, definition, has_failed, is_there, message_of

pytestmark = pytest.mark.e2e

OPTIONS = "argocd.argoproj.io/sync-options"
WAVE = "argocd.argoproj.io/sync-wave"


def policy(*options: str, **more: Any) -> dict[str, Any]:
    automated = {"prune": True, "selfHeal": True}
    return {
        "automated": automated,
        "syncOptions": ["CreateNamespace=true", *options],
        "retry": {"limit": 0},
        **more,
    }


def annotated(manifest: str, **annotations: str) -> str:
    """The manifest with annotations: `options`, `wave`."""
    names = {"options": OPTIONS, "wave": WAVE}
    found = yaml.safe_load(manifest)
    found["metadata"]["annotations"] = {names[name]: value for name, value in annotations.items()}
    return yaml.safe_dump(found)


def rows_of(application: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows of the last operation, by name."""
    rows = application["status"]["operationState"]["syncResult"]["resources"]
    return {row["name"]: row for row in rows}


async def begin(delivery: Delivery, files: dict[str, str | None], *options: str, **fields: Any) -> dict[str, Any]:
    delivery.repository.commit("Begin", files)
    return await delivery.deploy("shop", "app", policy=policy(*options), **fields)


async def data_of(delivery: Delivery, name: str) -> dict[str, str]:
    found: dict[str, str] = (await delivery.client.get(CONFIG_MAPS, name, delivery.namespace))["data"]
    return found


# Pruning and deleting


@pytest.mark.parametrize(
    ("application", "object_", "stays"),
    [
        pytest.param("Prune=true", "Prune=false", True, id="object"),
        pytest.param("Prune=false", "Validate=true", True, id="application"),
        pytest.param("Prune=false", "Prune=true", False, id="object wins"),
    ],
)
async def test_prune_false_keeps_what_git_dropped(delivery: Delivery, application: str, object_: str, stays: bool):
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1"),
        "app/b.yaml": annotated(config_map("b", x="1"), options=object_),
    }
    await begin(delivery, files, application)

    commit = await delivery.push("shop", "Drop b", {"app/b.yaml": None, "app/a.yaml": config_map("a", x="2")})
    found = await delivery.expect(
        "shop", lambda app: is_idle(app) and app["status"]["operationState"]["syncResult"]["revision"] == commit
    )

    row = rows_of(found)["b"]
    if stays:
        assert await data_of(delivery, "b") == {"x": "1"}
        assert (row["status"], row["message"]) == ("PruneSkipped", "ignored (no prune)")
        assert sync_of(found) == "OutOfSync"
    else:
        await delivery.expect_gone(CONFIG_MAPS, "b", delivery.namespace)
        assert (row["status"], row["message"]) == ("Pruned", "pruned")


async def test_prune_confirm_waits_for_a_word(delivery: Delivery):
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1"),
        "app/b.yaml": annotated(config_map("b", x="1"), options="Prune=confirm"),
    }
    await begin(delivery, files)

    commit = await delivery.push("shop", "Drop b", {"app/b.yaml": None})
    await delivery.expect("shop", lambda app: message_of(app) == "Waiting for pruning confirmation of /ConfigMap/b")
    assert await data_of(delivery, "b") == {"x": "1"}

    approved = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await delivery.annotate("shop", {"argocd.argoproj.io/deletion-approved": approved})
    await delivery.expect("shop", at(commit))
    await delivery.expect_gone(CONFIG_MAPS, "b", delivery.namespace)


async def test_deletion_spares_what_says_so_and_waits_for_a_word(delivery: Delivery):
    files: dict[str, str | None] = {
        "app/keep.yaml": annotated(config_map("keep", x="1"), options="Delete=false"),
        "app/ask.yaml": annotated(config_map("ask", x="1"), options="Delete=confirm"),
    }
    finalizers = ["resources-finalizer.argocd.argoproj.io"]
    await begin(delivery, files, metadata={"finalizers": finalizers})

    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    await delivery.expect("shop", lambda app: "confirm" in str(app.get("status")))
    assert await data_of(delivery, "ask") == {"x": "1"}

    approved = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await delivery.annotate("shop", {"argocd.argoproj.io/deletion-approved": approved})
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_gone(CONFIG_MAPS, "ask", delivery.namespace)
    assert await data_of(delivery, "keep") == {"x": "1"}


async def test_prune_last_comes_after_everything_else(delivery: Delivery):
    first = annotated(deployment("first", "web:1"), wave="1")
    files: dict[str, str | None] = {"app/first.yaml": first, "app/b.yaml": config_map("b", x="1")}
    await begin(delivery, files, "PruneLast=true")

    broken = annotated(deployment("first", "web:missing"), wave="1")
    await delivery.push("shop", "Drop b, break first", {"app/b.yaml": None, "app/first.yaml": broken})
    await delivery.expect("shop", lambda app: "waiting for healthy state of apps/Deployment/first" in message_of(app))
    assert await data_of(delivery, "b") == {"x": "1"}

    commit = await delivery.push("shop", "Mend", {"app/first.yaml": first})
    await delivery.expect("shop", at(commit))
    await delivery.expect_gone(CONFIG_MAPS, "b", delivery.namespace)


async def test_the_propagation_policy_says_what_becomes_of_dependants(delivery: Delivery):
    files: dict[str, str | None] = {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")}
    await begin(delivery, files, "PrunePropagationPolicy=orphan")
    owner = await delivery.client.get(CONFIG_MAPS, "b", delivery.namespace)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": owner["metadata"]["uid"]}
    metadata = {"name": "child", "namespace": delivery.namespace, "ownerReferences": [reference]}
    await delivery.client.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    commit = await delivery.push("shop", "Drop b", {"app/b.yaml": None})
    await delivery.expect("shop", lambda app: "b" in rows_of(app))
    # An API without a garbage collector leaves the owner waiting for it: what it was asked for is what counts.
    found = await delivery.expect_object_or_gone(CONFIG_MAPS, "b", delivery.namespace)
    assert found is None or found["metadata"]["finalizers"] == ["orphan"]
    with suppress(NotFoundError):  # Where there is a collector, it may have done it by now.
        await delivery.patch(CONFIG_MAPS, "b", delivery.namespace, {"metadata": {"finalizers": None}})
    await delivery.expect("shop", at(commit))
    assert await is_there(delivery, CONFIG_MAPS, "child", delivery.namespace)


# How objects are written


async def test_replace_writes_the_whole_and_force_makes_it_anew(delivery: Delivery):
    frozen = config_map("a", x="1") + "immutable: true\n"
    await begin(
        delivery, {"app/a.yaml": frozen, "app/b.yaml": annotated(config_map("b", x="1"), options="Replace=true")}
    )
    before = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)

    changed = config_map("a", x="2") + "immutable: true\n"
    await delivery.push("shop", "Change what cannot change", {"app/a.yaml": changed})
    await delivery.expect("shop", has_failed)

    commit = await delivery.push(
        "shop",
        "Make it anew",
        {
            "app/a.yaml": annotated(changed, options="Replace=true,Force=true"),
            "app/b.yaml": annotated(config_map("b", z="2"), options="Replace=true"),
        },
    )
    found = await delivery.expect("shop", at(commit))
    after = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    assert after["data"] == {"x": "2"}
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert await data_of(delivery, "b") == {"z": "2"}
    assert {name: rows_of(found)[name]["message"] for name in "ab"} == {
        "a": "configmap/a replaced",
        "b": "configmap/b replaced",
    }


async def test_a_definition_and_a_namespace_are_never_made_anew(delivery: Delivery):
    kind, group = "Stay", f"{delivery.control}.example.org"
    name, place = f"stays.{group}", f"{delivery.namespace}-other"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    forced = "Replace=true,Force=true"
    files: dict[str, str | None] = {
        "app/definition.yaml": annotated(definition(kind, group), options=forced),
        "app/namespace.yaml": annotated(yaml.safe_dump(namespace), options=forced),
    }
    await begin(delivery, files)
    crd = await delivery.client.get(CUSTOM_RESOURCE_DEFINITIONS, name)
    old = await delivery.client.get(NAMESPACES, place)

    namespace["metadata"] = {"name": place, "labels": {"team": "web"}}
    changed = definition(kind, group).replace("maximum: 5", "maximum: 6")
    commit = await delivery.push(
        "shop",
        "Change both",
        {
            "app/definition.yaml": annotated(changed, options=forced),
            "app/namespace.yaml": annotated_keeping(namespace, forced),
        },
    )
    await delivery.expect("shop", at(commit))
    assert (await delivery.client.get(CUSTOM_RESOURCE_DEFINITIONS, name))["metadata"]["uid"] == crd["metadata"]["uid"]
    new = await delivery.client.get(NAMESPACES, place)
    assert new["metadata"]["uid"] == old["metadata"]["uid"]
    assert new["metadata"]["labels"]["team"] == "web"
    await delivery.client.delete(CUSTOM_RESOURCE_DEFINITIONS, name)


def annotated_keeping(manifest: dict[str, Any], options: str) -> str:
    metadata = {**manifest["metadata"], "annotations": {OPTIONS: options}}
    return yaml.safe_dump({**manifest, "metadata": metadata})


@pytest.mark.parametrize(
    ("application", "object_", "on_server"),
    [
        pytest.param((), "", True, id="ours"),
        pytest.param(("ServerSideApply=true",), "", True, id="application"),
        pytest.param(("ServerSideApply=false",), "", False, id="application off"),
        pytest.param(("ServerSideApply=true",), "ServerSideApply=false", False, id="object opts out"),
        pytest.param(("ServerSideApply=false",), "ServerSideApply=true", True, id="object opts in"),
    ],
)
async def test_server_side_apply_is_chosen_by_application_and_object(
    delivery: Delivery, application: tuple[str, ...], object_: str, on_server: bool
):
    def content(value: str) -> str:
        return annotated(config_map("a", x=value), options=object_ or "Validate=true")

    found = await begin(delivery, {"app/a.yaml": content("1")}, *application)
    live = await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)
    remembers = "kubectl.kubernetes.io/last-applied-configuration" in live["metadata"]["annotations"]
    assert rows_of(found)["a"]["message"] == f"configmap/a {'serverside-applied' if on_server else 'created'}"
    assert remembers is not on_server

    commit = await delivery.push("shop", "Change", {"app/a.yaml": content("2")})
    found = await delivery.expect("shop", at(commit))
    assert rows_of(found)["a"]["message"] == f"configmap/a {'serverside-applied' if on_server else 'configured'}"
    assert await data_of(delivery, "a") == {"x": "2"}


async def test_an_application_may_go_over_to_the_client_and_back(delivery: Delivery):
    await begin(delivery, {"app/a.yaml": config_map("a", x="1")})
    for number, on_server in enumerate(("false", "true", "false"), start=2):
        changed = {"spec": {"syncPolicy": policy(f"ServerSideApply={on_server}")}}
        await delivery.patch(APPLICATIONS, "shop", delivery.control, changed)
        commit = await delivery.push(
            "shop", "Change", {"app/a.yaml": config_map("a", x=str(number), **{f"k{number}": "1"})}
        )
        await delivery.expect("shop", at(commit))
        assert (await data_of(delivery, "a"))["x"] == str(number)


async def test_the_client_leaves_what_others_added_to_a_list(delivery: Delivery):
    await begin(delivery, {"app/web.yaml": deployment("web", "web:1")}, "ServerSideApply=false")
    by_hand = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}]}}}}
    await delivery.client.patch(
        DEPLOYMENTS, "web", delivery.namespace, by_hand, patch_type=PatchType.STRATEGIC, field_manager="somebody"
    )

    commit = await delivery.push("shop", "Change", {"app/web.yaml": deployment("web", "web:2")})
    await delivery.expect("shop", at(commit))
    [web] = (await delivery.client.get(DEPLOYMENTS, "web", delivery.namespace))["spec"]["template"]["spec"][
        "containers"
    ]
    assert (web["image"], web["env"]) == ("web:2", [{"name": "A", "value": "1"}])


@pytest.mark.parametrize("migrates", [True, False])
async def test_the_fields_of_kubectl_become_ours_unless_they_shall_not(delivery: Delivery, migrates: bool):
    await delivery.client.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": delivery.namespace}}
    )
    old = yaml.safe_load(config_map("a", x="1", gone="1"))
    old["metadata"]["namespace"] = delivery.namespace
    await delivery.client.create(CONFIG_MAPS, old, field_manager="kubectl-client-side-apply")

    await begin(delivery, {"app/a.yaml": config_map("a", x="1")}, f"ClientSideApplyMigration={str(migrates).lower()}")

    assert await data_of(delivery, "a") == ({"x": "1"} if migrates else {"x": "1", "gone": "1"})


async def test_only_what_differs_is_applied_where_asked(delivery: Delivery):
    files: dict[str, str | None] = {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")}
    await begin(delivery, files, "ApplyOutOfSyncOnly=true")

    commit = await delivery.push("shop", "Change b", {"app/b.yaml": config_map("b", x="2")})
    found = await delivery.expect("shop", at(commit))

    assert list(rows_of(found)) == ["b"]


# The destination namespace


async def test_the_namespace_is_made_with_its_metadata_and_is_nobodys(delivery: Delivery):
    managed = {"labels": {"team": "web", "tier": "front"}, "annotations": {"owner": "ann"}}
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    found = await delivery.deploy("shop", "app", policy=policy(managedNamespaceMetadata=managed))
    rows = found["status"]["operationState"]["syncResult"]["resources"]
    first = {name: rows[0].get(name) for name in ("kind", "name", "syncPhase", "message")}
    assert first == {
        "kind": "Namespace",
        "name": delivery.namespace,
        "syncPhase": "PreSync",
        "message": f"namespace/{delivery.namespace} serverside-applied",
    }
    namespace = await delivery.client.get(NAMESPACES, delivery.namespace)
    assert namespace["metadata"]["labels"].items() >= managed["labels"].items()
    assert namespace["metadata"]["annotations"] == {"owner": "ann"}
    assert "Namespace" not in [row["kind"] for row in found["status"]["resources"]]

    def has_labels(team: str) -> Any:
        return lambda item: item["metadata"]["labels"].get("team") == team and "tier" not in item["metadata"]["labels"]

    changed = policy(managedNamespaceMetadata={"labels": {"team": "shop"}, "annotations": {"owner": "ann"}})
    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"spec": {"syncPolicy": None}})
    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"spec": {"syncPolicy": changed}})
    await delivery.expect_object(NAMESPACES, delivery.namespace, "", has_labels("shop"))
    await delivery.expect("shop", is_green)


async def test_a_plain_namespace_is_said_to_be_created(delivery: Delivery):
    found = await begin(delivery, {"app/a.yaml": config_map("a", x="1")})

    rows = found["status"]["operationState"]["syncResult"]["resources"]
    assert [row["message"] for row in rows] == [
        f"namespace/{delivery.namespace} created",
        "configmap/a serverside-applied",
    ]
    assert [row["hookPhase"] for row in rows] == ["Succeeded", "Running"]
    assert message_of(found) == "successfully synced (all tasks run)"


# What is shared, double, excluded or not known


async def test_an_object_of_two_applications_is_told_and_may_fail_the_sync(delivery: Delivery):
    await begin(delivery, {"app/a.yaml": config_map("a", x="1"), "twin/a.yaml": config_map("a", x="1")})
    twin = delivery.application("twin", "twin", policy=policy("FailOnSharedResource=true"))
    await delivery.client.create(APPLICATIONS, twin)

    found = await delivery.expect("twin", has_failed)
    conditions = {item["type"]: item["message"] for item in found["status"]["conditions"]}
    assert conditions["SharedResourceWarning"] == "ConfigMap/a is part of applications twin and shop"
    assert message_of(found) == "Shared resource found: ConfigMap/a is part of applications twin and shop"
    tracking = (await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace))["metadata"]["annotations"]
    assert tracking["argocd.argoproj.io/tracking-id"].startswith("shop:")


async def test_of_an_object_that_is_there_twice_the_last_counts(delivery: Delivery):
    found = await begin(delivery, {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("a", x="2")})

    conditions = {item["type"]: item["message"] for item in found["status"]["conditions"]}
    assert conditions["RepeatedResourceWarning"] == (
        f"Resource /ConfigMap/{delivery.namespace}/a appeared 2 times among application resources."
    )
    assert await data_of(delivery, "a") == {"x": "2"}


async def test_kinds_that_settings_exclude_are_named_and_left(delivery: Delivery):
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": {}}
    found = await begin(delivery, {"app/a.yaml": config_map("a", x="1"), "app/e.yaml": yaml.safe_dump(event)})

    conditions = {item["type"]: item["message"] for item in found["status"]["conditions"]}
    assert conditions["ExcludedResourceWarning"] == "Resource /Event e is excluded in the settings"


async def test_a_kind_or_a_version_that_no_cluster_knows_stops_the_sync(delivery: Delivery):
    group = f"{delivery.control}.example.org"
    old = {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "old"}}
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1"),
        "app/thing.yaml": custom("Nothing", group),
        "app/old.yaml": yaml.safe_dump(old),
    }
    delivery.repository.commit("Begin", files)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=policy()))
    found = await delivery.expect("shop", has_failed)

    place = delivery.namespace
    unknown = (
        f"The Kubernetes API could not find {group}/Nothing for requested resource {place}/one. "
        'Make sure the "Nothing" CRD is installed on the destination cluster.'
    )
    version = (
        f'The Kubernetes API could not find version "v1beta1" of apps/Deployment for requested resource {place}/old. '
        'Version "v1" of apps/Deployment is installed on the destination cluster.'
    )
    rows = rows_of(found)
    assert (rows["one"]["message"], rows["old"]["message"]) == (unknown, version)
    assert "hookPhase" not in rows["one"]
    assert message_of(found).startswith("one or more synchronization tasks are not valid: ")
    assert not await is_there(delivery, NAMESPACES, place)

    skip = annotated(custom("Nothing", group), options="SkipDryRunOnMissingResource=true")
    await delivery.push("shop", "Skip", {"app/thing.yaml": skip, "app/old.yaml": None})
    found = await delivery.expect("shop", lambda app: has_failed(app) and "completed unsuccessfully" in message_of(app))
    assert await data_of(delivery, "a") == {"x": "1"}
    assert rows_of(found)["one"]["status"] == "SyncFailed"


# Differences that are ignored


async def test_what_is_ignored_is_not_touched_where_asked(delivery: Delivery):
    """Three tools: a pointer, a jq path, and fields of named managers."""
    rules = [
        {"kind": "ConfigMap", "name": "a", "jsonPointers": ["/data/x"]},
        {"kind": "ConfigMap", "name": "b", "jqPathExpressions": [".data.x"]},
        {"group": "apps", "kind": "Deployment", "managedFieldsManagers": ["autoscaler"]},
    ]
    files: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="1", z="1"),
        "app/b.yaml": config_map("b", x="1", z="1"),
        "app/web.yaml": deployment("web", "web:1"),
    }
    await begin(delivery, files, "RespectIgnoreDifferences=true", ignoreDifferences=rules)
    for name in "ab":
        await delivery.patch(CONFIG_MAPS, name, delivery.namespace, {"data": {"x": "by hand"}})
    await delivery.client.patch(
        DEPLOYMENTS,
        "web",
        delivery.namespace,
        {"spec": {"replicas": 2}},
        patch_type=PatchType.MERGE,
        field_manager="autoscaler",
    )

    changed: dict[str, str | None] = {
        "app/a.yaml": config_map("a", x="9", z="2"),
        "app/b.yaml": config_map("b", x="9", z="2"),
        "app/web.yaml": deployment("web", "web:2"),
    }
    commit = await delivery.push("shop", "Change", changed)
    await delivery.expect("shop", at(commit))

    assert await data_of(delivery, "a") == await data_of(delivery, "b") == {"x": "by hand", "z": "2"}
    web = await delivery.client.get(DEPLOYMENTS, "web", delivery.namespace)
    assert (web["spec"]["replicas"], web["spec"]["template"]["spec"]["containers"][0]["image"]) == (2, "web:2")


async def test_a_secret_value_that_is_ignored_stays_what_it_is(delivery: Delivery):
    def secret(**data: str) -> str:
        return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": data})

    rules = [{"kind": "Secret", "jsonPointers": ["/data/password"]}]
    await begin(
        delivery,
        {"app/s.yaml": secret(password="a", user="u")},
        "RespectIgnoreDifferences=true",
        ignoreDifferences=rules,
    )

    commit = await delivery.push("shop", "Change", {"app/s.yaml": secret(password="b", user="v")})
    await delivery.expect("shop", at(commit))
    data = (await delivery.client.get(SECRETS, "s", delivery.namespace))["data"]
    assert {name: base64.b64decode(value).decode() for name, value in data.items()} == {"password": "a", "user": "v"}


# What is told


async def test_an_operation_leaves_one_event(delivery: Delivery):
    found = await begin(delivery, {"app/a.yaml": config_map("a", x="1")})
    revision = found["status"]["sync"]["revision"]

    async def events() -> list[dict[str, Any]]:
        return (await delivery.client.list(EVENTS, delivery.control)).items

    deadline = 100
    while not (items := await events()) and deadline:
        deadline -= 1
        await delivery.expect("shop", is_green)
    [event] = items
    assert event["involvedObject"]["name"] == "shop"
    assert (event["reason"], event["type"], event["count"]) == ("OperationCompleted", "Normal", 1)
    assert event["message"] == f"Sync operation to {revision} succeeded"
    state = found["status"]["operationState"]
    assert (event["firstTimestamp"], event["lastTimestamp"]) == (state["startedAt"], state["finishedAt"])
    assert health_of(found) == "Healthy"
