"""What an engine at work tells of itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import orjson
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from haori.observe.traces import tracing
from tests.e2e.delivery import Delivery, config_map
from tests.observe.collector import collecting

pytestmark = pytest.mark.e2e
REFRESH = "argocd.argoproj.io/refresh"


async def read(folder: Path, path: str) -> tuple[int, str]:
    url = orjson.loads(await asyncio.to_thread((folder / "metrics.json").read_bytes))["url"]
    async with aiohttp.ClientSession() as session, session.get(url + path) as answer:
        return answer.status, await answer.text()


async def scraped(folder: Path) -> dict[str, Metric]:
    status, text = await read(folder, "/metrics")
    assert status == 200
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(family: Metric, suffix: str = "", **labels: str) -> float:
    return sum(
        sample.value
        for sample in family.samples
        if sample.name == family.name + suffix and sample.labels.items() >= labels.items()
    )


async def test_a_sync_can_be_read_off_the_metrics(delivery: Delivery):
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    folder = delivery.folder / "engine"
    await delivery.refresh("shop")  # It is counted after its status was written, and before the next look.
    await delivery.expect(
        "shop", lambda app: "argocd.argoproj.io/refresh" not in app["metadata"].get("annotations", {})
    )

    told = await scraped(folder)
    me = {"namespace": delivery.control, "name": "shop"}

    assert value(told["argocd_app_info"], sync_status="Synced", health_status="Healthy", **me) == 1
    assert value(told["argocd_app_sync"], "_total", phase="Succeeded", dry_run="false", **me) == 1
    assert value(told["argocd_app_reconcile"], "_count", namespace=delivery.control) >= 1
    assert value(told["argocd_git_request"], "_total", repo=delivery.repository.url, request_type="fetch") >= 1
    assert value(told["argocd_cluster_api_resource_objects"]) > 1
    assert value(told["haori_kubernetes_request_duration_seconds"], "_count", verb="apply", resource="configmaps") >= 1
    assert value(told["haori_render_duration_seconds"], "_count", type="Directory") >= 1
    assert value(told["haori_lease_held"]) == 1
    assert await read(folder, "/livez") == (200, "ok")


async def test_who_leads_and_who_stands_by_are_both_ready(delivery: Delivery):
    leader = delivery.leave_engine()
    try:
        await delivery.start_engine("second")
        leading = await read(delivery.folder / "engine", "/readyz?verbose")
        async with asyncio.timeout(30):
            # It stands by at once, and is ready when it has read the cluster.
            while (standing := await read(delivery.folder / "second", "/readyz?verbose"))[0] != 200:
                assert "[-]caches" in standing[1]
        told = await scraped(delivery.folder / "second")
    finally:
        await delivery.stop_engine()
        leader.cancel()
        await asyncio.wait((leader,))

    assert leading[0] == 200
    assert "[+]lease ok: leading, term" in leading[1]
    assert standing[0] == 200
    assert "[+]lease ok: standing by for" in standing[1]
    assert told["argocd_app_info"].samples == []


async def test_a_sync_is_one_trace_from_look_to_request(delivery: Delivery, monkeypatch: pytest.MonkeyPatch):
    secret = "geheim-4711"
    manifest = (
        config_map("a", x="1").replace("ConfigMap", "Secret").replace("\ndata:", "\nstringData:").replace("'1'", secret)
    )
    delivery.repository.commit("Begin", {"app/a.yaml": manifest})
    with collecting() as collected:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        with tracing("haori-engine", {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.url}):
            await delivery.deploy("shop", "app")
            # A look that has said its last word has not ended yet; the next one begins after it.
            await delivery.refresh("shop")
            await delivery.expect("shop", lambda found: REFRESH not in found["metadata"]["annotations"])

    spans = collected.spans
    assert {"look", "resolve", "desired", "render", "compare", "operation", "wave", "apply secrets"} <= set(spans)
    application = f"{delivery.control}/shop"
    [wave] = spans["wave"]
    assert wave["attributes"]["haori.application"] == application
    assert wave["attributes"]["haori.operation"]
    assert wave["attributes"]["haori.revision"] == delivery.repository.git("rev-parse", "HEAD")
    [operation] = [each for each in spans["operation"] if each["id"] == wave["parent"]]
    assert any(each["id"] == operation["parent"] for each in spans["look"])
    assert wave["id"] in {each["parent"] for each in spans["apply secrets"]}
    assert not any(secret.encode() in body for body in collected.bodies)
