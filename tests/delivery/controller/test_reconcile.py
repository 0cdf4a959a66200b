"""What stands in the Application while a sync writes, and what is looked at again when it has ended."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from haori.cluster import UnreachableError
from haori.delivery.compare import Targets
from haori.delivery.controller.beginning import Beginning
from haori.delivery.controller.memory import Assessment, Desired
from haori.delivery.controller.operating import Outcome
from haori.delivery.controller.progress import state_json
from haori.delivery.controller.queue import Level
from haori.delivery.health import Health
from haori.delivery.model import Application, Condition, OperationState
from haori.objects import ResourceKey, nested
from haori.resources import haori
from haori.resources.argo import ConditionType, HealthStatus, OperationPhase, SyncStatus
from haori.words import Sentence
from tests.delivery.controller.fakes import clock
from tests.delivery.controller.looking import PLACE, SHOP, Looking, manifest

HEAD, EARLIER = "1" * 40, "0" * 40
OUT = Assessment(status=SyncStatus.OUT_OF_SYNC, health=Health(status=HealthStatus.HEALTHY))
IN = replace(OUT, status=SyncStatus.SYNCED)
PIN = json.dumps({"revision": EARLIER, "owner": "ann@wear.example"})


def synced_to(revision: str) -> dict[str, Any]:
    """A status of an application that has no sources."""
    compared = {"destination": {"name": "in-cluster"}}
    return {"sync": {"status": "Synced", "revision": revision, "comparedTo": compared}}


class Syncing(Looking):
    """One application that is out of sync until its operation has run; the operation needs its record where `is_bound`."""

    def __init__(self, *, ends: OperationPhase = OperationPhase.SUCCEEDED, is_bound: bool = False, **shop: Any) -> None:
        super().__init__(check=lambda application: ())
        self.ends, self.is_bound = ends, is_bound
        self.recorded: list[str] = []
        """What the Application told of its operation when the objects were written."""
        self.is_written = False
        self.stumbles: list[Exception] = []
        self.faults: list[Exception] = []
        """What stands in the way of the look behind the operation."""
        self.refusals: list[tuple[int, Exception]] = []
        """What a patch of the application meets, by how many there were before."""
        base = manifest("shop")
        base["spec"]["syncPolicy"] = {"automated": {"prune": True, "selfHeal": True}}
        base["metadata"]["resourceVersion"] = "2"
        base["metadata"]["annotations"] = shop.pop("annotations", {})
        self.declared.put({**base, **shop})
        site = cast(Any, self.sight._parts.sites).control
        site.assessor.assess = self._assess
        site.operating = SimpleNamespace(resolve=self._revisions, advance=self._advance, would_be=self._build)
        cast(Any, self.sight._parts.sites).suspect = lambda application: None
        recording = cast(Any, self.sight._parts.recording)
        recording.operation_started = lambda *_: None
        recording.operation_finished = self._note
        recording.pin_set = recording.pin_ended = lambda *_, **__: None
        self.phases: list[str] = []

    async def patch(self, _resource: Any, name: str, namespace: str, body: Any, **more: Any) -> dict[str, Any]:
        if name == "shop" and self.refusals and self.refusals[0][0] == self.patches.count(name):
            raise self.refusals.pop(0)[1]
        return await super().patch(_resource, name, namespace, body, **more)

    def told(self) -> tuple[str, int]:
        """Phase of the operation and entries of history, as the Application has them."""
        status = self.declared.applications[SHOP].manifest["status"]
        return str(nested(status, "operationState", "phase")), len(status.get("history", []))

    async def _note(self, application: Application, state: OperationState) -> None:
        self.phases.append(state.phase.value)

    async def _revisions(self, *_: Any) -> tuple[str, ...]:
        return (HEAD,)

    async def _assess(self, application: Application, *_: Any) -> Assessment:
        if self.is_written and self.faults and application.name == "shop":
            raise self.faults.pop()
        return IN if self.is_written or application.name != "shop" else OUT

    async def _advance(self, application: Application, state: OperationState, *rest: Any) -> Outcome:
        beginning: Beginning | None = rest[-1]
        if self.is_bound and beginning is not None:
            await beginning.write()
        status = self.declared.applications[SHOP].manifest.get("status", {})
        self.recorded.append(str(nested(status, "operationState", "phase")))
        self.is_written = True
        if self.stumbles:
            raise self.stumbles.pop()
        return Outcome(state=replace(state, phase=self.ends, finished_at=clock(), message="ended"))


NOT_YET = "None"
_ASKED = {"operation": {"sync": {"revision": HEAD}}}
_CASES = [
    pytest.param({}, NOT_YET, id="the first sync"),
    pytest.param({"status": synced_to(EARLIER)}, NOT_YET, id="a new commit"),
    pytest.param({"status": synced_to(HEAD)}, "Running", id="a drift"),
    pytest.param(_ASKED, "Running", id="somebody asked"),
    pytest.param({"annotations": {haori.PIN: PIN}}, "Running", id="a pin"),
]


@pytest.mark.looptime
@pytest.mark.parametrize(("shop", "recorded"), _CASES)
async def test_only_what_is_evident_goes_without_a_record_first(shop: dict[str, Any], recorded: str):
    engine = Syncing(**shop)
    async with engine.running():
        pass
    assert engine.recorded == [recorded]
    assert engine.phases == ["Succeeded"]
    assert (engine.patches.count("shop") == 1) is (recorded == NOT_YET)
    assert "operation" not in engine.declared.applications[SHOP].manifest


@pytest.mark.looptime
async def test_what_depends_on_its_record_has_it_first():
    engine = Syncing(is_bound=True, status=synced_to(EARLIER))
    async with engine.running():
        pass
    assert engine.recorded == ["Running"]


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("ends", "shop", "looks"),
    [
        pytest.param(OperationPhase.SUCCEEDED, {}, 1, id="succeeded"),
        pytest.param(OperationPhase.FAILED, {}, 2, id="failed"),
        pytest.param(OperationPhase.SUCCEEDED, {"annotations": {haori.PIN: PIN}}, 2, id="pinned"),
    ],
)
async def test_what_ended_well_in_one_look_is_not_looked_at_again(
    ends: OperationPhase, shop: dict[str, Any], looks: int
):
    engine = Syncing(ends=ends, **shop)
    async with engine.running():
        pass
    assert [name for name, _ in engine.looks].count("shop") == looks


DOWN = UnreachableError(cluster="in-cluster", action="patch", problem="down")


@pytest.mark.looptime
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"refusals": [(0, DOWN)]}, id="its end cannot be written"),
        pytest.param(
            {"refusals": [(0, DOWN), (0, DOWN)], "stumbles": [DOWN]}, id="it stumbles, and cannot be recorded"
        ),
        pytest.param({"stumbles": [DOWN]}, id="it stumbles"),
        pytest.param({"faults": [DOWN]}, id="it cannot be looked at behind it"),
        pytest.param({"faults": [ZeroDivisionError()]}, id="a fault behind it"),
        pytest.param({"stumbles": [ZeroDivisionError()], "refusals": [(0, DOWN)]}, id="a fault in it, not recorded"),
    ],
)
async def test_whatever_comes_in_between_a_release_gets_its_place_in_history(trouble: dict[str, Any]):
    engine = Syncing(status=synced_to(EARLIER))
    for name, value in trouble.items():
        setattr(engine, name, list(value))
    async with engine.running():
        await asyncio.sleep(3600)

    assert engine.told() == ("Succeeded", 1)
    assert engine.phases == ["Succeeded"]


@pytest.mark.looptime
async def test_an_operation_that_was_asked_for_begins_anew_where_it_could_not_be_recorded():
    engine = Syncing(operation={"sync": {"revision": HEAD}})
    engine.refusals = [(0, DOWN)]
    async with engine.running():
        await asyncio.sleep(60)

    assert (engine.recorded, engine.told()) == (["Running"], ("Succeeded", 1))
    assert "operation" not in engine.declared.applications[SHOP].manifest


class After(Syncing):
    """The next engine after a kill: all is written, and the status tells of the release before."""

    def __init__(self, **shop: Any) -> None:
        super().__init__(status=synced_to(EARLIER), **shop)
        self.is_written = True
        cast(Any, self.sight._parts.sites).control.operating.would_be = self._would_be

    async def _would_be(self, *_: Any) -> Desired:
        return replace(self._wanted, targets=Targets(manifests={A: {"data": {"x": "1"}}}))


A = ResourceKey("", "ConfigMap", "shop", "a")
_CONDITION = Condition(
    type=ConditionType.COMPARISON_ERROR,
    sentence=Sentence(code="cluster-unreachable", parameters={"cluster": "in-cluster", "reason": "down"}),
)


@pytest.mark.looptime
@pytest.mark.parametrize("is_away", [False, True], ids=["nothing", "its cluster is away"])
async def test_a_record_that_a_kill_cost_is_made_up_for_whatever_the_first_look_meets(is_away: bool):
    engine = After()
    places = [replace(PLACE, problem=_CONDITION)] if is_away else []
    sites = cast(Any, engine.sight._parts.sites)
    sites.place_of = lambda application: places.pop() if places and application.name == "shop" else PLACE
    async with engine.running():
        engine.queue.ask(SHOP, Level.LIVE, "back", delay=5)
        await asyncio.sleep(60)

    assert engine.told() == ("Succeeded", 1)


@pytest.mark.looptime
@pytest.mark.parametrize("hook", ["PreSync", "PostDelete", "Skip"])
async def test_what_has_hooks_is_recorded_first_and_never_synced_for_its_record(hook: str):
    job = {"metadata": {"annotations": {"argocd.argoproj.io/hook": hook}}}
    engine, after = Syncing(status=synced_to(EARLIER)), After()
    for each in (engine, after):
        each._wanted = replace(each._wanted, targets=Targets(manifests={A: job}))
        async with each.running():
            await asyncio.sleep(60)

    assert engine.recorded == ["Running"]
    assert (after.recorded, after.told()) == ([], ("None", 0))


@pytest.mark.looptime
async def test_an_operation_that_somebody_asks_for_while_one_goes_on_unrecorded_has_its_turn():
    engine = Syncing(status=synced_to(EARLIER))
    engine.refusals = [(0, DOWN)]
    async with engine.running():
        before = engine.declared.applications[SHOP].manifest
        operation = {"sync": {"revision": HEAD}, "initiatedBy": {"username": "ann"}}
        engine.declared.put(
            {**before, "metadata": {**before["metadata"], "resourceVersion": "9"}, "operation": operation}
        )
        await asyncio.sleep(60)

    assert engine.told() == ("Succeeded", 2)
    assert "operation" not in engine.declared.applications[SHOP].manifest


@pytest.mark.looptime
async def test_who_asks_to_terminate_is_heard_though_the_answer_to_the_record_was_lost():
    engine = Syncing(status=synced_to(EARLIER), ends=OperationPhase.FAILED)
    engine.refusals = [(0, DOWN)]
    phases: list[str] = []
    advance = engine._advance

    async def note(application: Application, state: OperationState, *rest: Any) -> Outcome:
        phases.append(state.phase.value)
        return await advance(application, state, *rest)

    cast(Any, engine.sight._parts.sites).control.operating.advance = note
    async with engine.running():
        begun = engine.sight.memories[SHOP].unrecorded
        assert begun is not None
        before = engine.declared.applications[SHOP].manifest
        told = state_json(replace(begun, phase=OperationPhase.TERMINATING), has_many=False)
        status = {**before["status"], "operationState": told}
        engine.declared.put({**before, "metadata": {**before["metadata"], "resourceVersion": "9"}, "status": status})
        await asyncio.sleep(60)

    assert phases == ["Running", "Terminating"]
