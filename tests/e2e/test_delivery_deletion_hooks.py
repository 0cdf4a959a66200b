"""Hooks before and behind the deletion of an application's objects, on every cluster there is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from haori.cluster import EventType, NotFoundError, Reflector, WatchEvent
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, JOBS, PODS
from tests.e2e.delivery import Delivery, config_map, is_green, job

pytestmark = pytest.mark.e2e

CASCADE: dict[str, Any] = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}
PRE, POST = "pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io"


class Events(list[tuple[str, str]]):
    """(what, name) of Jobs and ConfigMaps of one namespace, in the order in which they happened."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace
        self.uids: dict[str, set[str]] = {}

    def see(self, event: WatchEvent) -> None:
        metadata = event.object["metadata"]
        if metadata.get("namespace") != self._namespace:
            return
        if event.type is EventType.ADDED:
            self.append(("made", metadata["name"]))
            self.uids.setdefault(metadata["name"], set()).add(metadata["uid"])
        elif event.type is EventType.DELETED:
            self.append(("gone", metadata["name"]))


@pytest.fixture
async def events(delivery: Delivery):
    seen = Events(delivery.namespace)
    tasks = [asyncio.create_task(Reflector(delivery.client, each, seen.see).run()) for each in (JOBS, CONFIG_MAPS)]
    yield seen
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def condition_of(application: dict[str, Any]) -> str:
    conditions = (application.get("status") or {}).get("conditions") or []
    return " ".join(each["message"] for each in conditions if each["type"] == "DeletionError")


async def deploy(delivery: Delivery, **files: str) -> dict[str, Any]:
    named: dict[str, str | None] = {f"app/{name}.yaml": text for name, text in files.items()}
    delivery.repository.commit("Begin", {**named, "app/a.yaml": config_map("a", x="1")})
    return await delivery.deploy("shop", "app", metadata=CASCADE)


async def test_hooks_run_before_and_behind_the_deletion_and_once(delivery: Delivery, events: Events):
    application = await deploy(
        delivery,
        second=job("second", "work:1", "PreDelete", wave=1),
        first=job("first", "work:1", "PreDelete"),
        last=job("last", "work:1", "PostDelete"),
    )
    assert application["metadata"]["finalizers"] == [
        "resources-finalizer.argocd.argoproj.io", PRE, f"{PRE}/cleanup", POST, f"{POST}/cleanup",
    ]  # fmt: skip
    assert [row["name"] for row in application["status"]["operationState"]["syncResult"]["resources"]][-1] == "a"

    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_gone(JOBS, "last", delivery.namespace)

    order = [each for each in events if each[1] in ("first", "second", "a", "last")]
    assert [each for each in order if each[0] == "made"] == [
        ("made", name) for name in ("a", "first", "second", "last")
    ]
    assert order.index(("made", "second")) < order.index(("gone", "a")) < order.index(("made", "last"))
    assert {name: len(uids) for name, uids in events.uids.items() if name in ("first", "second", "last")} == {
        "first": 1, "second": 1, "last": 1,
    }  # fmt: skip


async def test_a_failed_hook_holds_the_deletion_until_git_mends_it(delivery: Delivery):
    await deploy(delivery, hook=job("backup", "work:failing", "PreDelete"))
    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    standing = await delivery.expect("shop", lambda app: "backup" in condition_of(app))
    assert "its PreDelete hook Job" in condition_of(standing)
    assert await delivery.client.get(CONFIG_MAPS, "a", delivery.namespace)

    await delivery.push("shop", "Mend", {"app/hook.yaml": job("backup", "work:1", "PreDelete")})
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_gone(CONFIG_MAPS, "a", delivery.namespace)


async def test_an_engine_that_takes_over_runs_no_deletion_hook_again(delivery: Delivery, events: Events):
    await deploy(delivery, pre=job("pre", "work:missing", "PreDelete"), post=job("post", "work:1", "PostDelete"))
    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    await delivery.expect_object(JOBS, "pre", delivery.namespace, lambda found: True)
    await delivery.stop_engine()
    await delivery.start_engine("another")
    pods = await _pods_of(delivery, "pre")
    containers = [{**pods[0]["spec"]["containers"][0], "image": "work:1"}]
    await delivery.patch(PODS, pods[0]["metadata"]["name"], delivery.namespace, {"spec": {"containers": containers}})
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)

    assert {name: len(events.uids[name]) for name in ("pre", "post")} == {"pre": 1, "post": 1}


async def test_hooks_that_cannot_be_read_are_said_and_read_once_they_can(delivery: Delivery):
    await deploy(delivery, hook=job("backup", "work:1", "PreDelete"))
    await delivery.patch(
        APPLICATIONS, "shop", delivery.control, {"spec": {"source": {"targetRevision": "no-such-branch"}}}
    )
    await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
    standing = await delivery.expect("shop", lambda app: "no-such-branch" in condition_of(app))
    assert "its PreDelete hooks cannot be run" in condition_of(standing)

    await delivery.patch(APPLICATIONS, "shop", delivery.control, {"spec": {"source": {"targetRevision": "main"}}})
    await delivery.expect_gone(APPLICATIONS, "shop", delivery.control)


async def test_the_finalizers_go_when_git_has_no_such_hooks_any_more(delivery: Delivery):
    await deploy(delivery, hook=job("backup", "work:1", "PostDelete"))
    await delivery.push("shop", "No hook", {"app/hook.yaml": None})
    application = await delivery.expect("shop", lambda app: POST not in app["metadata"]["finalizers"] and is_green(app))
    assert application["metadata"]["finalizers"] == CASCADE["finalizers"]


async def _pods_of(delivery: Delivery, job_name: str) -> list[dict[str, Any]]:
    while True:
        with suppress(NotFoundError):
            found = (await delivery.client.list(PODS, delivery.namespace)).items
            if pods := [each for each in found if each["metadata"]["name"].startswith(job_name)]:
                return pods
        await asyncio.sleep(0.05)
