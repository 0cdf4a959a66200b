"""A fault of ours is told on the application that met it; the others go on, and it is tried again ever more rarely."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random

import pytest

from haori.delivery.controller.faults import LONGEST_SECONDS, Faults, describe_fault
from haori.delivery.controller.queue import Level
from haori.resources.argo import ConditionType
from haori.words import Language
from tests.delivery.controller.looking import SHOP, TILL, Looking


@pytest.mark.looptime
async def test_a_fault_becomes_a_condition_without_its_text_and_others_go_on(caplog: pytest.LogCaptureFixture):
    engine = Looking(failing="shop")
    async with engine.running():
        pass

    (told,) = engine.conditions(SHOP)
    assert told["type"] == "UnknownError"
    assert "a fault of Haori" in told["message"]
    assert "ZeroDivisionError (haori/delivery/controller/sight.py:" in told["message"]
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
    engine = Looking(failing="shop")
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
    engine = Looking(failing="shop")
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
    engine = Looking(observes=True, failing="shop")
    async with engine.running():
        pass

    assert [each.type for each in engine.found(SHOP)] == [ConditionType.UNKNOWN_ERROR]
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
