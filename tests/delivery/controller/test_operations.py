"""An engine that dies at any write goes on from what the cluster holds, and runs no hook twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from haori.cluster import KubernetesClient, UnreachableError
from haori.delivery.apply import ApplySettings, Outcome, WriteDoor
from haori.delivery.controller import progress
from haori.delivery.controller.memory import Run
from haori.delivery.controller.operations import SETBACKS, OperationRunner
from haori.delivery.controller.validating import Validator
from haori.delivery.model import Operation, OperationState, SyncPolicy, parse_project
from haori.delivery.model.operation import parse_operation, parse_operation_state
from haori.delivery.plan import Plan, PlanRequest, Step, plan_sync
from haori.objects import key_of
from haori.resources import default_project
from haori.resources.argo import OperationPhase
from tests.delivery.controller.world import DiedError, Eyes, World, complete, held

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
MARK = {"argocd.argoproj.io/tracking-id": "shop:batch/Job:shop/x"}


def job(name: str, hook: str, *, policy: str = "", wave: int = 0, ttl: bool = False) -> dict[str, Any]:
    notes = {"argocd.argoproj.io/hook": hook, "argocd.argoproj.io/sync-wave": str(wave)}
    if policy:
        notes["argocd.argoproj.io/hook-delete-policy"] = policy
    spec: dict[str, Any] = {"ttlSecondsAfterFinished": 0} if ttl else {}
    metadata = {"name": name, "namespace": "shop", "annotations": notes}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def config(name: str, wave: int = 0) -> dict[str, Any]:
    notes = {"argocd.argoproj.io/sync-wave": str(wave)}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "annotations": notes},
    }


class Trusting:
    """Finds nothing wrong with anything."""

    async def refused(self, plan: Plan, live: object, trial: object) -> list[Outcome]:
        return []

    async def fitted(self, steps: Sequence[Step]) -> Sequence[Step]:
        return steps


EVERYTHING = [
    job("migrate", "PreSync"),
    job("early", "PreSync", wave=-1, policy="HookSucceeded"),
    job("fleeting", "PreSync", wave=1, ttl=True, policy="HookSucceeded,BeforeHookCreation"),
    config("first"),
    config("second", wave=2),
    job("beside", "Sync", wave=2, policy="HookFailed"),
    job("both", "PreSync,PostSync", wave=5),
    job("sorry", "SyncFail", policy="HookFailed"),
]


@dataclass
class Life:
    """One operation over however many lives of the engine."""

    world: World
    desired: list[dict[str, Any]]
    failing: tuple[str, ...] = ()
    deaths: int = 0
    ask_to_end: Callable[[World], bool] = lambda world: False
    stored: dict[str, Any] = field(default_factory=dict)

    def state(self) -> OperationState:
        return parse_operation_state(self.stored)

    def plan(self, eyes: Eyes, state: OperationState) -> Plan:
        request = PlanRequest(
            desired={key_of(each): each for each in self.desired},
            live=eyes.seen(),
            owned=frozenset(),
            comparisons={},
            project=parse_project(default_project()),
            policy=SyncPolicy(),
            operation=Operation(),
            namespaced=lambda kind: True,
            namespace="shop",
            started_at=state.started_at,
            operation_id="op-2",
        )
        return plan_sync(request)

    async def store(self, state: OperationState) -> OperationState:
        """As the engine does it: somebody who asked to terminate is not overwritten."""
        is_ending = self.stored.get("phase") == "Terminating" and not state.phase.is_completed
        newer = replace(state, phase=OperationPhase.TERMINATING) if is_ending else state

        def act() -> None:
            self.stored = progress.state_json(newer, has_many=False)

        self.world.note(f"status {newer.phase.value}", act)
        return newer

    async def run(self) -> OperationState:
        """Until the operation has ended, through as many deaths as there are."""
        begun = OperationState(operation=parse_operation({"sync": {}}), phase=OperationPhase.RUNNING, started_at=NOW)
        self.stored = progress.state_json(begun, has_many=False)
        while not self.state().phase.is_completed:
            try:
                await self._live()
            except (DiedError, UnreachableError):
                self.deaths += 1
                self.world.dies_at, self.world.is_dead = None, False
        return self.state()

    async def _live(self) -> None:
        eyes = Eyes(self.world)
        client = cast(KubernetesClient, self.world)
        validator = cast(Validator, Trusting())
        runner = OperationRunner(client, WriteDoor(), eyes, validator, ApplySettings(parallel=1), clock=lambda: NOW)
        eyes.look()
        run = Run(plan=self.plan(eyes, self.state()), operation_id="op-2")
        for _ in range(50):
            done = await runner.advance(run, self.state(), self.store)
            await self.store(done.state)
            if done.waiting is None:
                return
            if self.ask_to_end(self.world):
                self.stored["phase"] = "Terminating"
            else:
                complete(self.world, failing=self.failing)
            eyes.look()
        raise AssertionError(f"it never ends: {self.state()}")


def leftover() -> World:
    """A cluster where an earlier operation left a hook that our finalizer still holds."""
    world = World()
    old = job("migrate", "PreSync")
    marks = {"haori.dev/operation-id": "op-1", "haori.dev/hook-phase": "PreSync"}
    old["metadata"] |= {"finalizers": ["argocd.argoproj.io/hook-finalizer"]}
    old["metadata"]["annotations"] |= marks
    world.put(old)
    return world


def told(state: OperationState) -> list[tuple[str, str, str, str]]:
    return sorted((row.key.name, row.phase.value, str(row.hook_phase), row.message) for row in state.resources)


def standing(world: World) -> list[str]:
    return sorted(key.name for key in world.objects)


async def unharmed(**more: Any) -> Life:
    life = Life(world=leftover(), desired=EVERYTHING, **more)
    await life.run()
    return life


def terminating_once_migrating(world: World) -> bool:
    return "migrate" in world.applied and len(world.objects) >= 2


WAYS: dict[str, dict[str, Any]] = {
    "succeeds": {},
    "a hook fails": {"failing": ("migrate",)},
    "the last hook fails": {"failing": ("both",)},
    "a hook beside a wave fails": {"failing": ("beside",)},
    "is terminated": {"ask_to_end": terminating_once_migrating},
}


async def test_a_sync_that_nobody_kills_runs_everything_once():
    life = await unharmed()
    assert life.state().phase is OperationPhase.SUCCEEDED
    assert standing(life.world) == ["beside", "both", "first", "migrate", "second"]
    assert held(life.world) == []
    made = {name: len(uids) for (name, operation, _), uids in life.world.uids.items() if operation == "op-2"}
    assert made == {"early": 1, "migrate": 1, "fleeting": 1, "beside": 1, "both": 1}


@pytest.mark.parametrize("way", WAYS)
async def test_dying_at_any_write_changes_nothing_in_the_end(way: str):
    expected = await unharmed(**WAYS[way])
    count = len(expected.world.writes)
    assert count > 5
    for number in range(count):
        for takes_effect in (False, True):
            life = Life(world=leftover(), desired=EVERYTHING, **WAYS[way])
            life.world.dies_at = (number, takes_effect)
            state = await life.run()
            where = f"died {'after' if takes_effect else 'before'} {expected.world.writes[number]}"

            assert life.deaths == 1, where
            assert (state.phase, state.message) == (expected.state().phase, expected.state().message), where
            assert told(state) == told(expected.state()), where
            assert standing(life.world) == standing(expected.world), where
            assert held(life.world) == [], where
            assert {place: len(uids) for place, uids in life.world.uids.items() if len(uids) > 1} == {}, where


async def test_between_waves_there_is_the_pause_that_is_set():
    life, moments = Life(world=World(), desired=[config("a"), config("b"), config("c", wave=1)]), [NOW]
    begun = OperationState(operation=parse_operation({"sync": {}}), phase=OperationPhase.RUNNING, started_at=NOW)
    eyes, settings = Eyes(life.world), ApplySettings(parallel=1, wave_delay_seconds=2)
    client, validator = cast(KubernetesClient, life.world), cast(Validator, Trusting())
    runner = OperationRunner(client, WriteDoor(), eyes, validator, settings, clock=lambda: moments[-1])
    run = Run(plan=life.plan(eyes, begun), operation_id="op-2")

    first = await runner.advance(run, begun, life.store)
    eyes.look()
    assert standing(life.world) == ["a", "b"]
    assert first.waiting is not None
    assert (first.state.message, first.waiting.look_at) == (
        "waiting 2 s before the next wave",
        NOW + timedelta(seconds=2),
    )

    moments.append(NOW + timedelta(seconds=1.9))
    again = await runner.advance(run, first.state, life.store)
    assert again.waiting is not None
    assert again.waiting.look_at == first.waiting.look_at

    moments.append(NOW + timedelta(seconds=2))
    last = await runner.advance(run, again.state, life.store)
    assert (last.waiting, last.state.phase) == (None, OperationPhase.SUCCEEDED)
    assert standing(life.world) == ["a", "b", "c"]


async def test_an_answer_that_is_lost_changes_nothing_in_the_end():
    expected = await unharmed()
    for number in range(len(expected.world.writes)):
        for takes_effect in (False, True):
            life = Life(world=leftover(), desired=EVERYTHING)
            life.world.trouble = lambda: UnreachableError(cluster="c", action="write", problem="the answer was lost")
            life.world.dies_at = (number, takes_effect)
            state = await life.run()
            where = f"lost {'the answer to' if takes_effect else ''} {expected.world.writes[number]}"

            assert (state.phase, told(state)) == (expected.state().phase, told(expected.state())), where
            assert standing(life.world) == standing(expected.world), where
            assert {place: len(uids) for place, uids in life.world.uids.items() if len(uids) > 1} == {}, where


async def test_trouble_that_stays_becomes_a_failure():
    life = Life(world=World(), desired=[config("first")])

    async def never(*arguments: Any, **more: Any) -> Any:
        raise UnreachableError(cluster="c", action="apply", problem="no answer")

    life.world.apply = never  # type: ignore[method-assign]
    begun = OperationState(operation=parse_operation({"sync": {}}), phase=OperationPhase.RUNNING, started_at=NOW)
    eyes = Eyes(life.world)
    client, validator = cast(KubernetesClient, life.world), cast(Validator, Trusting())
    runner = OperationRunner(client, WriteDoor(), eyes, validator, ApplySettings(), clock=lambda: NOW)
    run = Run(plan=life.plan(eyes, begun), operation_id="op-2")
    for _ in range(SETBACKS):
        with pytest.raises(UnreachableError):
            await runner.advance(run, begun, life.store)
    assert (await runner.advance(run, begun, life.store)).state.phase is OperationPhase.FAILED
