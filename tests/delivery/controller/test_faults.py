"""A fault of ours is told on the application that met it; the others go on, and it is tried again ever more rarely."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from haori.cluster import KubernetesClient
from haori.delivery.apply import WriteDoor
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.faults import LONGEST_SECONDS, Faults, describe_fault
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.observing import Observer
from haori.delivery.controller.queue import Level, WorkQueue
from haori.delivery.controller.reconcile import Parts, Reconciler
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, Condition, parse_settings
from haori.objects import nested
from haori.resources.argo import ConditionType
from haori.words import Language, Sentence
from tests.delivery.controller.fakes import clock

SHOP, TILL = ApplicationKey("argocd", "shop"), ApplicationKey("argocd", "till")
REFUSED = Condition(
    type=ConditionType.INVALID_SPEC,
    sentence=Sentence(code="project-missing", parameters={"application": "-", "project": "-"}),
)


def manifest(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "argocd", "uid": f"u-{name}", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"project": "default", "destination": {"name": "in-cluster"}}}


class Engine:
    """A queue with its work over two applications, whose check fails for the one named `failing`."""

    def __init__(self, *, observes: bool = False) -> None:
        self.failing = "shop"
        self.looks: list[tuple[str, float]] = []
        self.patches: list[str] = []
        self.declared = Declared("argocd", settings=parse_settings(None), on_ask=lambda *_: None, on_gone=print)
        for key in (SHOP, TILL):
            self.declared.put(manifest(key.name))
        site = SimpleNamespace(
            assessor=SimpleNamespace(urls=lambda application: ()), reasons=SimpleNamespace(find=self._find)
        )
        place = Place(server="https://kubernetes.default.svc", name="in-cluster", is_known=True, is_ready=True)
        sites = SimpleNamespace(place_of=lambda application: place, at=lambda place: site, control=site)
        recording = SimpleNamespace(health_changed=lambda *_: None)
        client = cast(KubernetesClient, self)
        writer = ApplicationWriter(client, WriteDoor(term=1), self.declared, clock=clock)
        parts = Parts(
            declared=self.declared,
            sites=cast(Any, sites),
            recording=cast(Any, recording),
            writer=writer,
            check=self._check,
            clock=clock,
        )
        build = Observer if observes else Reconciler
        self.work = build(parts, resync_seconds=0, on_wanted=lambda *_: None)
        self.queue = self.work.queue = WorkQueue(self.work.work)

    async def _find(self, application: Application, assessment: Any, *, conditions: Any, **_: Any) -> Sentence | None:
        return conditions[0].sentence if conditions else None

    def _check(self, application: Application) -> tuple[Condition, ...]:
        self.looks.append((application.name, asyncio.get_running_loop().time()))
        if application.name == self.failing:
            raise ZeroDivisionError("password: hunter2")
        return (REFUSED,)

    async def patch(self, _resource: Any, name: str, namespace: str, body: Any, **_: Any) -> dict[str, Any]:
        self.patches.append(name)
        before = self.declared.applications[ApplicationKey(namespace, name)].manifest
        status = {**before.get("status", {}), **body["status"]}
        if len(self.patches) > 20:
            raise AssertionError("a fault is written again and again")
        version = str(int(before["metadata"]["resourceVersion"]) + 1)
        return {**before, "metadata": {**before["metadata"], "resourceVersion": version}, "status": status}

    def conditions(self, key: ApplicationKey) -> list[dict[str, str]]:
        found: list[dict[str, str]] = nested(self.declared.applications[key].manifest, "status", "conditions") or []
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.queue.run())
        for key in (SHOP, TILL):
            self.queue.ask(key, Level.NEWEST, "begun")
        try:
            await self.queue.wait_idle()
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.looptime
async def test_a_fault_becomes_a_condition_without_its_text_and_others_go_on(caplog: pytest.LogCaptureFixture):
    engine = Engine()
    async with engine.running():
        pass

    (told,) = engine.conditions(SHOP)
    assert told["type"] == "UnknownError"
    assert "a fault of Haori" in told["message"]
    assert "ZeroDivisionError (haori/delivery/controller/reconcile.py:" in told["message"]
    assert "engine.log" in told["message"]
    status = engine.declared.applications[SHOP].manifest["status"]
    assert (status["sync"]["status"], status["health"]["status"]) == ("Unknown", "Unknown")
    assert status["haori"]["why"]["code"] == "internal-failure"
    assert [each["type"] for each in engine.conditions(TILL)] == ["InvalidSpecError"]
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert (record.message, record.__dict__["fault"]) == ("fault while looking", "ZeroDivisionError")
    assert "hunter2" not in f"{status}{vars(record)}{caplog.text}"


@pytest.mark.looptime
async def test_it_is_tried_again_ever_more_rarely_whatever_changes_and_written_once():
    engine = Engine()
    async with engine.running():
        for _ in range(600):
            await asyncio.sleep(1)
            engine.queue.ask(SHOP, Level.LIVE, "live")

    times = [time for name, time in engine.looks if name == "shop"]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert len(pauses) in (6, 7)
    assert all(after > 1.5 * before for before, after in itertools.pairwise(pauses[:-1]))
    assert engine.patches.count("shop") == 1


@pytest.mark.looptime
async def test_what_somebody_changes_is_looked_at_at_once_and_the_condition_goes():
    engine = Engine()
    async with engine.running():
        engine.failing = ""
        engine.queue.ask(SHOP, Level.LIVE, "live")
        await engine.queue.wait_idle()
        assert [each["type"] for each in engine.conditions(SHOP)] == ["UnknownError"]

        changed = engine.declared.applications[SHOP].manifest
        version = {**changed["metadata"], "resourceVersion": "99"}
        engine.declared.put({**changed, "metadata": version, "spec": {**changed["spec"], "project": "other"}})
        engine.queue.ask(SHOP, Level.LIVE, "declared")
        await engine.queue.wait_idle()

    assert [each["type"] for each in engine.conditions(SHOP)] == ["InvalidSpecError"]


@pytest.mark.looptime
async def test_an_observer_keeps_it_and_writes_nothing():
    engine = Engine(observes=True)
    async with engine.running():
        pass

    findings = engine.work.memories[SHOP].findings
    assert findings is not None
    assert [each.type for each in findings.conditions] == [ConditionType.UNKNOWN_ERROR]
    assert engine.patches == []


def test_the_pause_has_a_ceiling_and_is_forgotten_with_success():
    faults: Faults[str] = Faults(random.Random(1))
    pauses = [faults.note("shop", None, 0.0) for _ in range(40)]
    assert max(pauses) <= LONGEST_SECONDS * 1.1
    assert faults.seconds_left("shop", None, 1.0) == pauses[-1] - 1.0
    faults.clear("shop")
    assert faults.seconds_left("shop", None, 1.0) == 0.0
    assert faults.note("shop", None, 0.0) < 6


def test_of_a_group_the_first_is_told():
    group = ExceptionGroup("several", [ValueError("a"), KeyError("b")])
    assert describe_fault(group).type == "ValueError"


@pytest.mark.parametrize("language", list(Language))
def test_the_words_say_whose_fault_it_is(language: Language):
    text = describe_fault(ValueError("secret")).condition("shop").sentence.text(language)
    assert "Haori" in text
    assert "engine.log" in text
    assert "secret" not in text
