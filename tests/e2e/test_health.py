"""Health by scripts of argocd-cm, by conditions, and of applications of applications, on a running engine."""

from __future__ import annotations

from typing import Any

import yaml

from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS
from tests.e2e.delivery import Delivery, config_map, health_of, is_idle, sync_of, why_of
from tests.e2e.test_delivery_answers import ask

Manifest = dict[str, Any]

SCRIPT = """
hs = {status = "Healthy"}
if obj.data == nil then
  return hs
end
if obj.data.loop ~= nil then
  while true do end
end
if obj.data.phase ~= nil then
  hs.status = obj.data.phase
  hs.message = "the phase is " .. obj.data.phase
end
return hs
"""
CHILD = """
hs = {status = "Progressing", message = ""}
if obj.status ~= nil and obj.status.health ~= nil then
  hs.status = obj.status.health.status
  if obj.status.health.message ~= nil then hs.message = obj.status.health.message end
end
return hs
"""


def in_wave(manifest: str, wave: int) -> str:
    return manifest.replace("metadata:\n", f"metadata:\n  annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}\n", 1)


async def set_scripts(delivery: Delivery, **scripts: str) -> None:
    data = {f"resource.customizations.health.{name}": text for name, text in scripts.items()}
    await delivery.patch(CONFIG_MAPS, "argocd-cm", delivery.control, {"data": data})


def health_is(word: str):
    return lambda application: health_of(application) == word and is_idle(application)


async def test_a_script_judges_and_a_changed_script_judges_anew(delivery: Delivery):
    await set_scripts(delivery, ConfigMap=SCRIPT)
    delivery.repository.commit("Begin", {"web/a.yaml": config_map("a", phase="Healthy")})
    await delivery.deploy("web", "web")

    await delivery.push("web", "Break", {"web/a.yaml": config_map("a", phase="Degraded")})
    ill = await delivery.expect("web", health_is("Degraded"))
    assert "its health script says: the phase is Degraded" in why_of(ill)["text"]
    assert sync_of(ill) == "Synced"

    await set_scripts(delivery, ConfigMap='return {status = "Suspended"}')
    await delivery.expect("web", health_is("Suspended"))
    await set_scripts(delivery, ConfigMap="return nil")
    await delivery.expect("web", health_is("Healthy"))


async def test_a_wave_waits_for_what_its_script_says(delivery: Delivery):
    await set_scripts(delivery, ConfigMap=SCRIPT)
    files = {
        "web/a.yaml": in_wave(config_map("a", phase="Progressing"), 0),
        "web/b.yaml": in_wave(config_map("b", x="1"), 1),
    }
    delivery.repository.commit("Begin", dict(files))
    await create(delivery, "web")

    waiting = await delivery.expect("web", lambda seen: "the phase is Progressing" in why_of(seen).get("text", ""))
    assert why_of(waiting)["code"] == "why-sync-waits"
    assert waiting["status"]["operationState"]["phase"] == "Running"
    names = {row["name"] for row in waiting["status"]["operationState"]["syncResult"]["resources"]}
    assert "b" not in names

    body = {"data": {"phase": "Healthy"}}
    await delivery.patch(CONFIG_MAPS, "a", delivery.namespace, body)
    await delivery.expect_object(CONFIG_MAPS, "b", delivery.namespace, lambda found: True)


async def test_a_script_that_loops_harms_only_its_own_objects(delivery: Delivery):
    await set_scripts(delivery, ConfigMap=SCRIPT)
    loops: dict[str, str | None] = {f"ill/{n}.yaml": config_map(f"loop-{n}", loop="yes") for n in range(3)}
    delivery.repository.commit("Begin", {**loops, "web/a.yaml": config_map("a", phase="Healthy")})
    await create(delivery, "ill")
    ill = await delivery.expect("ill", health_is("Unknown"))
    assert "its health script was stopped because it ran longer than 1 s" in why_of(ill)["text"]
    await create(delivery, "web")
    await delivery.expect("web", health_is("Healthy"))


async def test_a_parent_counts_its_children_only_where_a_script_asks_for_it(delivery: Delivery):
    child = delivery.application("child", "child")
    files = {"parent/child.yaml": yaml.safe_dump(child), "child/a.yaml": config_map("a", phase="Degraded")}
    delivery.repository.commit("Begin", dict(files))
    await set_scripts(delivery, ConfigMap=SCRIPT)
    await create(delivery, "parent")
    await delivery.expect("child", health_is("Degraded"))
    await delivery.expect("parent", health_is("Healthy"))

    await set_scripts(delivery, **{"argoproj.io_Application": CHILD})
    ill = await delivery.expect("parent", health_is("Degraded"))
    assert "the phase is Degraded" in why_of(ill)["text"]


async def test_a_wave_waits_for_a_child_where_a_script_asks_for_it(delivery: Delivery):
    await set_scripts(delivery, **{"argoproj.io_Application": CHILD, "ConfigMap": SCRIPT})
    child = in_wave(yaml.safe_dump(delivery.application("child", "child"), sort_keys=False), 0)
    files = {
        "parent/child.yaml": child,
        "parent/later.yaml": in_wave(config_map("later", x="1"), 1),
        "child/a.yaml": config_map("a", phase="Progressing"),
    }
    delivery.repository.commit("Begin", dict(files))
    await create(delivery, "parent")
    await delivery.expect("child", health_is("Progressing"))
    waiting = await delivery.expect("parent", lambda seen: "the phase is Progressing" in why_of(seen).get("text", ""))
    assert waiting["status"]["operationState"]["phase"] == "Running"

    await delivery.push("child", "Done", {"child/a.yaml": config_map("a", phase="Healthy")})
    await delivery.expect_object(CONFIG_MAPS, "later", delivery.namespace, lambda found: True)


async def test_the_same_by_a_setting(delivery: Delivery):
    child = delivery.application("child", "child")
    files = {"parent/child.yaml": yaml.safe_dump(child), "child/a.yaml": config_map("a", phase="Suspended")}
    delivery.repository.commit("Begin", dict(files))
    await set_scripts(delivery, ConfigMap=SCRIPT)
    await create(delivery, "parent")
    await delivery.expect("child", health_is("Suspended"))
    await delivery.expect("parent", health_is("Healthy"))
    (node,) = (await ask(delivery, "applications", "parent", "tree"))["nodes"]
    assert (node["kind"], node["health"]["status"]) == ("Application", "Suspended"), "seen, though not counted"
    body = {"data": {"haori.health.applications": "true"}}
    await delivery.patch(CONFIG_MAPS, "argocd-cm", delivery.control, body)
    await delivery.expect("parent", health_is("Suspended"))


async def create(delivery: Delivery, name: str) -> Manifest:
    return await delivery.client.create(APPLICATIONS, delivery.application(name, name))
