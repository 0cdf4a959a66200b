"""What an engine tells of itself over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import looptime
import orjson
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

import haori.delivery.controller.engine
import haori.server.guard
import haori.server.knocking  # noqa: F401 - and those of a server's
from haori.delivery.controller.metering import Check, MetricsSettings, check_readiness, open_metrics
from haori.delivery.controller.metering.families import families
from haori.delivery.controller.metering.lag import LAG, watch_lag
from haori.delivery.controller.metering.server import MetricsError
from haori.delivery.controller.metering.snapshot import ClusterNumbers, Snapshot
from haori.delivery.model.application import parse_application

PAGE = Path(__file__).parents[3] / "docs" / "observability.md"
READY = check_readiness(has_cluster=True, is_synced=True, term=3, holder="")


def application(name: str, **fields: Any) -> Any:
    return parse_application(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd", "uid": name, "labels": {"team.example/name": "wear"}},
            "spec": {
                "project": "default",
                "source": {"repoURL": "https://git.example.com/a/b.git", "path": "app"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
                "syncPolicy": {"automated": {}},
            },
            "status": {
                "sync": {"status": "OutOfSync"},
                "health": {"status": "Degraded"},
                "conditions": [{"type": "SyncError"}, {"type": "OrphanedResourceWarning"}],
            },
            **fields,
        }
    )


CLUSTER = ClusterNumbers(
    server="https://kubernetes.default.svc", name="in-cluster", kube_version="1.37.2", is_up=True, objects=7, types=3,
    events={("", "Pod"): 5},
)  # fmt: skip


def found(snapshot: Snapshot, **given: Iterable[str]) -> dict[str, Metric]:
    return {family.name: family for family in families(snapshot, **given)}


def test_an_application_is_told_as_argo_cd_tells_it():
    snapshot = Snapshot(applications=(application("shop", operation={"sync": {}}),))

    [sample] = found(snapshot)["argocd_app_info"].samples

    assert sample.value == 1
    assert sample.labels == {
        "namespace": "argocd",
        "name": "shop",
        "project": "default",
        "autosync_enabled": "true",
        "repo": "https://git.example.com/a/b",
        "dest_server": "https://kubernetes.default.svc",
        "dest_namespace": "shop",
        "sync_status": "OutOfSync",
        "health_status": "Degraded",
        "operation": "sync",
    }


def test_labels_and_conditions_are_told_where_they_are_asked_for():
    snapshot = Snapshot(applications=(application("shop"),))

    plain = found(snapshot)
    asked = found(snapshot, labels=["team.example/name", "none"], conditions=["SyncError", "ComparisonError"])

    assert {"argocd_app_labels", "argocd_app_condition"}.isdisjoint(plain)
    assert asked["argocd_app_labels"].samples[0].labels.items() >= {
        ("label_team_example_name", "wear"), ("label_none", ""),
    }  # fmt: skip
    assert [(each.labels["condition"], each.value) for each in asked["argocd_app_condition"].samples] == [
        ("SyncError", 1)
    ]


def test_a_cluster_is_told():
    told = found(Snapshot(clusters=(CLUSTER,)))

    assert told["argocd_cluster_connection_status"].samples[0].value == 1
    assert told["argocd_cluster_api_resource_objects"].samples[0].value == 7
    assert told["argocd_cluster_events"].samples[0].labels == {
        "server": CLUSTER.server, "group": "", "kind": "Pod",
    }  # fmt: skip


def test_every_metric_stands_in_the_page_with_its_labels_and_no_other():
    snapshot = Snapshot(applications=(application("shop"),), clusters=(CLUSTER,))
    expected = {}
    for family in families(snapshot, labels=["team"], conditions=["SyncError"]):
        labels: tuple[str, ...] = getattr(family, "_labelnames")  # noqa: B009 - the library's families hide it
        name = family.name + ("_total" if family.type == "counter" else "")
        expected[name] = (family.type, tuple("label_…" if each.startswith("label_") else each for each in labels))
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    documented = {name: (type_, tuple(re.findall(r"`([^`]+)`", labels))) for name, type_, labels in rows}

    assert documented == expected


@asynccontextmanager
async def served(
    folder: Path, settings: MetricsSettings | None = None, checks: list[Check] = READY, **numbers: Any
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    snapshot = Snapshot(**numbers)
    chosen = settings or MetricsSettings()
    async with (
        open_metrics(chosen, folder / "metrics.json", take=lambda: snapshot, ready=lambda: checks) as url,
        aiohttp.ClientSession() as session,
    ):
        yield session, url


async def text_of(session: aiohttp.ClientSession, url: str, host: str = "") -> tuple[int, str]:
    async with session.get(url, headers={"Host": host} if host else {}) as answer:
        return answer.status, await answer.text()


async def test_the_numbers_are_what_a_scraper_reads(tmp_path: Path):
    applications = tuple(application(f"a{number}") for number in range(3))
    async with served(tmp_path, applications=applications, term=3, is_leading=True) as (session, url):
        status, text = await text_of(session, f"{url}/metrics")
        told = orjson.loads((tmp_path / "metrics.json").read_bytes())

    read = {family.name: family for family in text_string_to_metric_families(text)}
    assert status == 200
    assert told == {"url": url}
    assert [each.labels["name"] for each in read["argocd_app_info"].samples] == ["a0", "a1", "a2"]
    assert read["haori_lease_term"].samples[0].value == 3


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("127.0.0.1:PORT", 200, id="itself"),
        pytest.param("localhost:PORT", 200, id="localhost"),
        pytest.param("127.0.0.1:1", 421, id="another-port"),
        pytest.param("evil.example.com:PORT", 421, id="a-page"),
        pytest.param("10.1.2.3:PORT", 421, id="an-address"),
    ],
)
async def test_loopback_is_asked_for_by_its_own_names_alone(tmp_path: Path, host: str, status: int):
    async with served(tmp_path) as (session, url):
        port = url.rpartition(":")[2]
        for path in ("/metrics", "/livez", "/readyz"):
            assert (await text_of(session, url + path, host.replace("PORT", port)))[0] == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("10.1.2.3:8082", 200, id="a-pods-address"),
        pytest.param("[fd00::1]:8082", 200, id="six"),
        pytest.param("haori-metrics.argocd.svc:8082", 200, id="a-name-that-was-given"),
        pytest.param("evil.example.com:8082", 421, id="a-name-that-was-not"),
    ],
)
async def test_beyond_loopback_addresses_and_given_names_count(tmp_path: Path, host: str, status: int):
    settings = MetricsSettings(host="0.0.0.0", names=("haori-metrics.argocd.svc",))
    async with served(tmp_path, settings) as (session, url):
        port = url.rpartition(":")[2]

        assert (await text_of(session, f"http://127.0.0.1:{port}/livez", host))[0] == status


async def test_readiness_says_what_is_waited_for(tmp_path: Path):
    checks = check_readiness(has_cluster=True, is_synced=False, term=None, holder="")
    async with served(tmp_path, checks=checks) as (session, url):
        status, text = await text_of(session, f"{url}/readyz")
        alive = await text_of(session, f"{url}/livez")

    assert status == 503
    assert text.splitlines() == [
        "[+]cluster ok",
        "[-]caches failed: not every type was listed yet",
        "[-]lease failed: not asked yet",
        "readyz check failed",
    ]
    assert alive == (200, "ok")


async def test_who_stands_by_is_ready(tmp_path: Path):
    checks = check_readiness(has_cluster=True, is_synced=True, term=None, holder="engine-1")
    async with served(tmp_path, checks=checks) as (session, url):
        plain = await text_of(session, f"{url}/readyz")
        _, verbose = await text_of(session, f"{url}/readyz?verbose")

    assert plain == (200, "ok")
    assert "[+]lease ok: standing by for engine-1" in verbose
    assert verbose.endswith("readyz check passed\n")


async def test_nothing_else_is_answered(tmp_path: Path):
    async with served(tmp_path) as (session, url):
        async with session.post(f"{url}/metrics") as answer:
            assert answer.status == 405
        assert (await text_of(session, f"{url}/debug"))[0] == 404


async def test_a_port_is_kept_and_given_up_where_it_is_taken(tmp_path: Path):
    async with served(tmp_path) as (_, first):
        pass
    async with served(tmp_path) as (_, second), served(tmp_path) as (_, third):
        pass

    assert second == first
    assert third != second


async def test_a_port_that_was_asked_for_and_is_taken_is_said(tmp_path: Path):
    async with served(tmp_path) as (_, url):
        settings = MetricsSettings(port=int(url.rpartition(":")[2]))
        with pytest.raises(MetricsError) as refused:
            async with served(tmp_path, settings):
                pass

    assert refused.value.code == "metrics-address-taken"


@pytest.mark.looptime
async def test_lag_is_what_the_loop_is_late_by(looptime: looptime.LoopTimeProxy):
    import asyncio

    before = sum(LAG.values[()].counts) if () in LAG.values else 0
    task = asyncio.create_task(watch_lag())
    await asyncio.sleep(3.5)
    task.cancel()

    assert sum(LAG.values[()].counts) - before == 3
