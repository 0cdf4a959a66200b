"""Health by script: what an object is meanwhile, that no event is lost, and that what waits is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
import pytest

from haori.cluster import EventType, KubernetesClient, WatchEvent
from haori.delivery.controller import scripted
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.scripted import PENDING, ScriptedHealth, Verdicts
from haori.delivery.health import Health
from haori.delivery.health.types import HEALTHY, health
from haori.delivery.model import HealthScript, parse_settings
from haori.delivery.scripts import DEFERRED, Deferred, Lane, ScriptLimits, ScriptRunner, Trial
from haori.objects import Manifest, ResourceKey
from haori.objects.masking import SecretHasher
from haori.resources.argo import HealthStatus
from tests.delivery.controller.fakes import FakeClient

WIDGET = ResourceKey("shop.example.com", "Widget", "shop", "w")
SETTINGS = {
    "data": {
        "resource.customizations.health.shop.example.com_Widget": "return {status = obj.status.phase}",
        "resource.customizations": '"*.example.org/*":\n  health.lua: return {status = "Suspended"}\n',
        "resource.customizations.health.Secret": "return {status = 'Healthy'}",
    }
}


def widget(version: int, phase: str, *, generation: int = 1, name: str = "w", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "shop.example.com/v1",
        "kind": "Widget",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
            "generation": generation,
            **metadata,
        },
        "status": {"phase": phase},
    }


class Runner:
    """Says what `status.phase` of an object says, once it is let go; keeps what it was asked."""

    def __init__(self) -> None:
        self.limits = ScriptLimits()
        self.asked: list[list[dict[str, Any]]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.begun = asyncio.Event()
        self.says: dict[str, str] = {}
        self.suspects: set[str] = set()
        self.lanes: list[Lane] = []
        self.times: list[float] = []

    async def judge(self, trials: Sequence[Trial], lane: Lane) -> list[Health | Deferred | None]:
        if lane is Lane.QUICK and any(trial.script.text in self.suspects for trial in trials):
            return [DEFERRED for _ in trials]
        self.asked.append([orjson.loads(trial.body) for trial in trials])
        self.lanes.append(lane)
        self.times.append(round(asyncio.get_running_loop().time()))
        self.begun.set()
        await self.go.wait()
        return [self._say(manifest) for manifest in self.asked[-1]]

    def _say(self, manifest: dict[str, Any]) -> Health | None:
        if code := self.says.get(manifest["metadata"]["name"]):
            return health(HealthStatus.UNKNOWN, code, seconds=1)
        phase = manifest.get("status", {}).get("phase", "")
        return None if phase == "None" else Health(status=HealthStatus(phase or "Healthy"))

    def is_suspect(self, script: HealthScript) -> bool:
        return script.text in self.suspects


class Stage:
    """A cache whose objects are judged by script."""

    def __init__(self, runner: Runner | None = None, verdicts: Verdicts | None = None) -> None:
        self.runner = runner or Runner()
        self.fetched: list[ResourceKey] = []
        self.heard: list[tuple[Live | None, Live | None]] = []
        self.now: dict[ResourceKey, Manifest] = {}
        settings = parse_settings(SETTINGS)
        self.scripted = ScriptedHealth(
            settings,
            cast(ScriptRunner, self.runner),
            verdicts or Verdicts(),
            hasher=SecretHasher(b"k" * 32),
            fetch=self._fetch,
            on_judged=lambda key, uid, found: self.cache.put_health(key, uid, found),
        )
        self.cache = ClusterCache(
            cast(KubernetesClient, FakeClient()),
            settings=settings,
            hasher=SecretHasher(b"k" * 32),
            manager="haori",
            on_change=lambda before, after: self.heard.append((before, after)),
            judge=self.scripted.judge,
        )

    async def _fetch(self, key: ResourceKey) -> Manifest | None:
        self.fetched.append(key)
        return self.now.get(key)

    def see(self, manifest: dict[str, Any]) -> None:
        self.cache.observe(WatchEvent(type=EventType.MODIFIED, object=manifest))

    def health(self, key: ResourceKey = WIDGET) -> Health | None:
        live = self.cache.get(key)
        assert live is not None
        return live.health

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.scripted.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_an_object_is_progressing_until_its_script_was_run_and_the_listener_hears_of_it():
    stage = Stage()
    stage.see(widget(1, "Degraded"))
    assert stage.health() == PENDING
    async with stage.running():
        await stage.scripted.wait_idle()
    assert stage.health() == Health(status=HealthStatus.DEGRADED)
    before, after = stage.heard[-1]
    assert before is not None
    assert after is not None
    assert (before.health, after.health) == (PENDING, Health(status=HealthStatus.DEGRADED))


async def test_a_script_that_gives_nothing_is_no_check():
    stage = Stage()
    stage.see(widget(1, "None"))
    async with stage.running():
        await stage.scripted.wait_idle()
    assert stage.health() is None


async def test_while_only_its_status_moves_an_object_keeps_its_health():
    stage = Stage()
    async with stage.running():
        stage.see(widget(1, "Healthy"))
        await stage.scripted.wait_idle()
        stage.see(widget(2, "Degraded"))
        assert stage.health() == HEALTHY
        await stage.scripted.wait_idle()
    assert stage.health() == Health(status=HealthStatus.DEGRADED)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"generation": 2}, id="spec"),
        pytest.param({"annotations": {"restarted": "now"}}, id="annotations"),
        pytest.param({"labels": {"tier": "front"}}, id="labels"),
        pytest.param({"uid": "uid-another"}, id="made-anew"),
    ],
)
async def test_the_last_versions_health_is_not_taken_for_the_new_ones(change: dict[str, Any]):
    stage = Stage()
    async with stage.running():
        stage.see(widget(1, "Healthy"))
        await stage.scripted.wait_idle()
        stage.see(widget(2, "Healthy", **change))
        assert stage.health() == PENDING
        await stage.scripted.wait_idle()
    assert stage.health() == HEALTHY


async def test_what_comes_while_a_script_runs_is_judged_next_and_not_by_the_older_answer():
    stage = Stage()
    stage.runner.go.clear()
    stage.see(widget(1, "Healthy"))
    async with stage.running():
        await stage.runner.begun.wait()
        stage.see(widget(2, "Degraded", generation=2))
        stage.runner.go.set()
        await stage.scripted.wait_idle()
    assert stage.health() == Health(status=HealthStatus.DEGRADED)
    assert [after.health for _, after in stage.heard if after is not None] == [
        PENDING,
        Health(status=HealthStatus.DEGRADED),
    ]


async def test_an_object_that_is_gone_meanwhile_stays_gone():
    stage = Stage()
    stage.runner.go.clear()
    stage.see(widget(1, "Healthy"))
    async with stage.running():
        await stage.runner.begun.wait()
        stage.cache.observe(WatchEvent(type=EventType.DELETED, object=widget(2, "Healthy")))
        stage.runner.go.set()
        await stage.scripted.wait_idle()
    assert stage.cache.get(WIDGET) is None


async def test_many_objects_are_asked_together_each_in_its_newest_version():
    stage = Stage()
    for version in (1, 2):
        for name in ("a", "b", "c"):
            stage.see(widget(version, "Healthy", name=name))
    async with stage.running():
        await stage.scripted.wait_idle()
    assert [[each["metadata"]["resourceVersion"] for each in batch] for batch in stage.runner.asked] == [["2"] * 3]


async def test_a_version_that_was_judged_is_not_judged_again_even_by_another_term():
    verdicts = Verdicts()
    first, second = Stage(verdicts=verdicts), Stage(verdicts=verdicts)
    first.see(widget(1, "Degraded"))
    async with first.running():
        await first.scripted.wait_idle()
    second.see(widget(1, "Degraded"))
    assert second.health() == Health(status=HealthStatus.DEGRADED)
    assert second.runner.asked == []


async def test_another_script_judges_anew():
    verdicts = Verdicts()
    stage = Stage(verdicts=verdicts)
    stage.see(widget(1, "Degraded"))
    async with stage.running():
        await stage.scripted.wait_idle()
    script = parse_settings({"data": {"resource.customizations.health.shop.example.com_Widget": "return nil"}})
    changed = script.health_scripts["shop.example.com/Widget"]
    assert verdicts.find("uid-w", changed, "1") is None


async def test_one_that_is_being_deleted_needs_no_script():
    stage = Stage()
    stage.see(widget(1, "Healthy", deletionTimestamp="2026-11-02T02:00:00Z"))
    found = stage.health()
    assert found is not None
    assert found.sentence is not None
    assert found.sentence.code == "health-terminating"
    assert stage.scripted.statistics()["waiting"] == 0


async def test_kinds_without_a_script_are_judged_at_once():
    stage = Stage()
    manifest = widget(1, "Healthy") | {
        "kind": "Gadget",
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    stage.see(manifest)
    assert stage.health(ResourceKey("shop.example.com", "Gadget", "shop", "w")) == HEALTHY
    assert stage.scripted.statistics()["waiting"] == 0


async def test_what_waits_is_bounded_and_the_rest_is_fetched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scripted, "WAITING_BYTES", 1)
    stage = Stage()
    for name in ("a", "b", "c"):
        manifest = widget(1, "Healthy", name=name)
        stage.now[ResourceKey("shop.example.com", "Widget", "shop", name)] = manifest
        stage.see(manifest)
    assert 0 < stage.scripted.statistics()["bytes"] < 400
    async with stage.running():
        await stage.scripted.wait_idle()
    assert [key.name for key in stage.fetched] == ["b", "c"]
    assert [len(batch) for batch in stage.runner.asked] == [3]
    assert stage.scripted.statistics() == {"waiting": 0, "bytes": 0}


@pytest.mark.parametrize(
    "room", [pytest.param(scripted.WAITING_BYTES, id="at-once"), pytest.param(0, id="when-fetched")]
)
async def test_an_object_that_is_nested_too_deeply_is_unknown_and_the_others_go_on(
    room: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scripted, "WAITING_BYTES", room)
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"in": deep}
    stage = Stage()
    manifests = [widget(1, "Healthy") | {"spec": deep}, widget(1, "Degraded", name="other")]
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        stage.now[ResourceKey("shop.example.com", "Widget", "shop", name)] = manifest
        stage.see(manifest)
    async with stage.running():
        await stage.scripted.wait_idle()
    found = stage.health()
    assert found is not None
    assert (found.status, found.message) == (
        HealthStatus.UNKNOWN,
        "its health script could not be run: the object is nested too deeply",
    )
    other = stage.health(ResourceKey("shop.example.com", "Widget", "shop", "other"))
    assert other == Health(status=HealthStatus.DEGRADED)


async def test_a_script_never_sees_what_a_secret_hides():
    stage = Stage()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop", "uid": "u"}}
    stage.see({**secret, "data": {"password": "aGlkZGVu"}})
    async with stage.running():
        await stage.scripted.wait_idle()
    assert "aGlkZGVu" not in orjson.dumps(stage.runner.asked).decode()
    assert set(stage.runner.asked[0][0]["data"]) == {"password"}


@pytest.mark.looptime
async def test_an_object_that_met_a_limit_waits_a_minute_with_its_next_version():
    loop = asyncio.get_running_loop()
    stage = Stage()
    stage.runner.says["w"] = "health-script-too-slow"
    async with stage.running():
        stage.see(widget(1, "Healthy"))
        await stage.scripted.wait_idle()
        begun = loop.time()
        stage.now[WIDGET] = widget(2, "Healthy")
        stage.see(widget(2, "Healthy"))
        await stage.scripted.wait_idle()
        assert len(stage.runner.asked) == 1
        stage.runner.says.clear()
        stage.runner.begun.clear()
        await stage.runner.begun.wait()
        await stage.scripted.wait_idle()
    assert loop.time() - begun == pytest.approx(60, abs=1)
    assert stage.health() == HEALTHY


@pytest.mark.looptime
async def test_a_suspects_objects_are_judged_one_by_one_with_a_pause_while_others_go_on():
    loop = asyncio.get_running_loop()
    stage = Stage()
    stage.runner.suspects.add(parse_settings(SETTINGS).health_scripts["shop.example.com/Widget"].text)
    stage.runner.says = {"a": "health-script-too-slow", "b": "health-script-too-slow"}
    for name in ("a", "b", "c"):
        stage.see(widget(1, "Healthy", name=name))
    stage.see(widget(1, "Healthy") | {"apiVersion": "shop.example.org/v1"})
    async with stage.running():
        await stage.scripted.wait_idle()
        assert loop.time() == 0
        assert stage.health(ResourceKey("shop.example.org", "Widget", "shop", "w")) is not None
        await asyncio.sleep(10)
    slow = [batch for batch, lane in zip(stage.runner.asked, stage.runner.lanes, strict=True) if lane is Lane.SLOW]
    assert [time for time, lane in zip(stage.runner.times, stage.runner.lanes, strict=True) if lane is Lane.SLOW] == [
        0,
        2,
        4,
    ]
    assert [[each["metadata"]["name"] for each in batch] for batch in slow] == [["a"], ["b"], ["c"]]
    assert stage.health(ResourceKey("shop.example.com", "Widget", "shop", "c")) == HEALTHY


@pytest.mark.looptime
async def test_what_waits_for_the_slow_lane_goes_on_once_its_script_is_no_suspect():
    stage = Stage()
    text = parse_settings(SETTINGS).health_scripts["shop.example.com/Widget"].text
    stage.runner.suspects.add(text)
    stage.runner.says["a"] = "health-script-too-slow"
    async with stage.running():
        for name in ("a", "b"):
            stage.see(widget(1, "Healthy", name=name))
        await stage.runner.begun.wait()
        stage.runner.suspects.clear()
        await asyncio.sleep(10)
    assert stage.runner.lanes == [Lane.SLOW, Lane.QUICK]


def test_verdicts_forget_the_oldest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scripted, "REMEMBERED", 2)
    verdicts = Verdicts()
    script = parse_settings(SETTINGS).health_scripts["Secret"]
    for uid in ("a", "b", "a", "c"):
        verdicts.put(uid, script, "1", None)
    assert [verdicts.find(uid, script, "1") for uid in ("a", "b", "c")] == [(None,), None, (None,)]
