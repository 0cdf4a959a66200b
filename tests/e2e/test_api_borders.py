"""What one project's applications reach of another's objects, over HTTP, before a real engine and cluster: nothing."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from haori.cluster.well_known import APP_PROJECTS, CONFIG_MAPS, NAMESPACES
from tests.e2e.delivery import Delivery, config_map
from tests.e2e.serving import serving

pytestmark = pytest.mark.e2e


async def test_git_that_names_anothers_object_opens_no_door_to_it(delivery: Delivery):
    elsewhere = f"{delivery.namespace}-elsewhere"
    await delivery.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere}})
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": elsewhere}}
    await delivery.client.create(CONFIG_MAPS, {**theirs, "data": {"word": "canary"}})
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": delivery.namespace}]}
    metadata = {"name": "team", "namespace": delivery.control}
    await delivery.client.create(
        APP_PROJECTS, {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}
    )
    named = config_map("theirs", word="mine").replace("  name: theirs\n", f"  name: theirs\n  namespace: {elsewhere}\n")
    delivery.repository.commit("first", {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": named})
    application = delivery.application("shop", "app", project="team", policy={"automated": None})
    object_ = urlencode(
        {"version": "v1", "kind": "ConfigMap", "namespace": elsewhere, "resourceName": "theirs", "group": ""}
    )

    async with serving(delivery) as api:
        await api.ask("POST", "/api/v1/applications", application)
        await delivery.expect("shop", lambda app: bool((app.get("status") or {}).get("resources")))
        tree = await api.ask("GET", "/api/v1/applications/shop/resource-tree")
        managed = await api.ask("GET", "/api/v1/applications/shop/managed-resources")
        read = await api.ask("GET", f"/api/v1/applications/shop/resource?{object_}", status=404)
        patch = f"/api/v1/applications/shop/resource?{object_}&patchType=application/merge-patch%2Bjson"
        await api.ask("POST", patch, '{"data": {"word": "taken"}}', status=404)
        await api.ask("DELETE", f"/api/v1/applications/shop/resource?{object_}", status=404)

    (node,) = [each for each in tree["nodes"] if each["name"] == "theirs"]
    (shown,) = [each for each in managed["items"] if each["name"] == "theirs"]
    kept = await delivery.client.get(CONFIG_MAPS, "theirs", elsewhere)
    assert node["health"] == {"status": "Missing"}
    assert shown["liveState"] == "null"
    assert read["haori"]["code"] == "object-not-of-application"
    assert kept["data"] == {"word": "canary"}
