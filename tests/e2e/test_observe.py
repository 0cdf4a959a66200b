"""Beside another controller the engine observes: both verdicts are told, and nothing at all is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haori.cli.engine_client import EngineAnswerError, EngineClient
from haori.cli.instance import read_json
from haori.cluster import PatchType, connect
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, LEASES, STATEFUL_SETS
from haori.delivery.controller.settings import Mode
from tests.e2e.counting import counting
from tests.e2e.delivery import Delivery, at, config_map
from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.e2e

ARGO = "argocd-application-controller"
Verdict = dict[str, Any]


async def ask(delivery: Delivery, *segments: str) -> Any:
    found = read_json(delivery.folder / "observer" / "listener.json")
    client = EngineClient(url=found["url"], token=found["token"], path=delivery.folder)
    return await asyncio.to_thread(client.get, *segments)


async def post(delivery: Delivery, *segments: str) -> Any:
    found = read_json(delivery.folder / "observer" / "listener.json")
    client = EngineClient(url=found["url"], token=found["token"], path=delivery.folder)
    return await asyncio.to_thread(client.post, *segments)


async def expect_verdict(delivery: Delivery, is_met: Callable[[Verdict], bool], *, seconds: float = 30) -> Verdict:
    """The verdict on the application `shop`, once it is as expected."""
    deadline = time.monotonic() + seconds
    found: Verdict = {}
    while time.monotonic() < deadline:
        items = {item["name"]: item for item in (await ask(delivery, "observed"))["items"]}
        found = items.get("shop", {})
        if found and found["ours"] is not None and is_met(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"the verdict did not become as expected: {found}")


async def run_argo(delivery: Delivery) -> None:
    """Something that looks like Argo CD's controller, with a Pod that is ready."""
    labels = {"app.kubernetes.io/name": ARGO}
    container = {"name": "controller", "image": "argocd:v3"}
    await delivery.client.create(
        STATEFUL_SETS,
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": ARGO, "namespace": delivery.control, "labels": labels},
            "spec": {
                "replicas": 1,
                "serviceName": ARGO,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
    )
    await delivery.expect_object(
        STATEFUL_SETS, ARGO, delivery.control, lambda item: (item.get("status") or {}).get("readyReplicas") == 1
    )


async def say_as_argo(delivery: Delivery, status: dict[str, Any]) -> None:
    """What Argo CD says of the application."""
    await delivery.client.patch(
        APPLICATIONS, "shop", delivery.control, {"status": status}, patch_type=PatchType.MERGE, field_manager=ARGO
    )


async def test_both_verdicts_are_told_and_nothing_is_written(delivery: Delivery, kubeconfig: Path, tmp_path: Path):
    files: dict[str, str | None] = {"app/a.yaml": config_map("a", x="1"), "app/b.yaml": config_map("b", x="1")}
    first = delivery.repository.commit("Begin", files)
    finalizers = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}
    await delivery.deploy("shop", "app", metadata=finalizers)
    await delivery.stop_engine()
    await run_argo(delivery)
    await say_as_argo(delivery, {"reconciledAt": "2026-11-25T00:00:00Z"})
    lease = await delivery.client.get(LEASES, "haori-engine", delivery.control)

    async with counting(kubeconfig, tmp_path) as counts:
        await delivery.start_engine("observer", kubeconfig=counts.kubeconfig)
        agreed = await expect_verdict(delivery, lambda verdict: verdict["agrees"] is True)
        assert agreed["would"]["counts"] == {"create": 0, "change": 0, "prune": 0, "hooks": 0}
        assert agreed["theirs"]["reconciledAt"] == "2026-11-25T00:00:00Z"

        await delivery.patch(CONFIG_MAPS, "a", delivery.namespace, {"data": {"x": "by hand"}})
        found = await expect_verdict(delivery, lambda verdict: verdict["agrees"] is False)
        (differing,) = found["differs"]
        assert (found["theirs"]["sync"], found["ours"]["sync"]) == ("Synced", "OutOfSync")
        assert (differing["object"], differing["theirs"], differing["ours"]) == (
            f"ConfigMap {delivery.namespace}/a", "Synced", "OutOfSync",
        )  # fmt: skip
        assert [(each["path"], each["desired"], each["live"]) for each in differing["fields"]] == [
            ("data.x", "1", "by hand")
        ]
        assert found["ours"]["why"]["code"] == "why-differs"

        operation = {"sync": {"revision": first}, "initiatedBy": {"username": "bob"}}
        await delivery.patch(APPLICATIONS, "shop", delivery.control, {"operation": operation})
        await delivery.annotate("shop", {"argocd.argoproj.io/refresh": "hard"})
        second = delivery.repository.commit("Second", {"app/c.yaml": config_map("c", x="1"), "app/b.yaml": None})
        await post(delivery, "applications", "shop", "refresh")
        found = await expect_verdict(delivery, lambda verdict: verdict["ours"]["revision"] == second)
        named = {word: found["would"][word] for word in ("create", "change", "prune")}
        assert named == {
            word: [f"ConfigMap {delivery.namespace}/{name}"] for word, name in zip(named, "cab", strict=True)
        }
        with pytest.raises(EngineAnswerError) as refused:
            await post(delivery, "applications", "shop", "rollback")
        assert refused.value.code == "engine-observes"

        await delivery.client.delete(APPLICATIONS, "shop", delivery.control)
        await expect_verdict(delivery, lambda verdict: verdict["deleting"] is True)
        await delivery.stop_engine()

    assert counts.writes == []
    assert counts.methods["GET"] > 0
    application = await delivery.get("shop")
    assert application["operation"] == operation
    assert application["metadata"]["annotations"]["argocd.argoproj.io/refresh"] == "hard"
    after = await delivery.client.get(LEASES, "haori-engine", delivery.control)
    assert after["metadata"]["resourceVersion"] == lease["metadata"]["resourceVersion"]


async def test_it_observes_while_the_other_wrote_lately_and_leads_when_told_to(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    await delivery.stop_engine()
    await say_as_argo(delivery, {"reconciledAt": "2026-11-25T00:00:00Z"})

    await delivery.start_engine("observer")
    observing = (await ask(delivery, "applications"))["observing"]
    assert (observing["code"], observing["parameters"]["application"]) == ("other-controller-wrote", "shop")
    await delivery.stop_engine()

    await delivery.start_engine("leader", mode=Mode.LEAD)
    commit = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", at(commit))


async def test_an_engine_that_leads_has_no_second_verdict(delivery: Delivery):
    await delivery.stop_engine()
    await delivery.start_engine("observer", mode=Mode.LEAD)

    with pytest.raises(EngineAnswerError) as refused:
        await ask(delivery, "observed")
    assert refused.value.code == "engine-does-not-observe"
    assert (await ask(delivery, "applications"))["observing"] is None


@pytest.mark.xdist_group("e2e-sandbox")
async def test_on_an_empty_cluster_nothing_is_installed_where_it_was_asked_to_observe(tmp_path: Path):
    folder = tmp_path / "sandbox"
    folder.mkdir()
    sandbox = Sandbox(folder)
    try:
        await asyncio.to_thread(sandbox.start)
        async with connect(sandbox.kubeconfig) as client, counting(sandbox.kubeconfig, tmp_path) as counts:
            delivery = Delivery(client, counts.kubeconfig, tmp_path)
            await delivery.start_engine("observer", mode=Mode.OBSERVE)
            answer = await ask(delivery, "observed")
            await delivery.stop_engine()

            assert (answer["items"], answer["observing"]["code"]) == ([], "observing-was-asked")
            assert (await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items == []
        assert counts.writes == []
    finally:
        sandbox.stop()
