"""The next step of a sync is decided from plan, results and what is live, and so survives a restart."""

from __future__ import annotations

from typing import Any

import pytest

from haori.delivery.health import Health
from haori.delivery.model import Operation, ResourceResult
from haori.delivery.plan import Next, NextKind, Observed, Plan, Step, decide_next, decide_termination, plan_sync
from haori.delivery.plan.next import ALL_RUN, INCOMPLETE, NO_MORE, TaskKey
from haori.objects import ResourceKey
from haori.resources.argo import HealthStatus, OperationPhase, ResultCode
from tests.delivery.plan.test_plan import make, request


class Run:
    """A cluster of the mind: applies what it is told, lets the test set healths."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.results: dict[TaskKey, ResourceResult] = {}
        self.live: dict[ResourceKey, Observed] = {}
        self.validated = False

    def decide(self) -> Next:
        decision = decide_next(self.plan, self.results, self.live, validated=self.validated)
        self.results = dict(decision.results)
        return decision

    def advance(self, health: HealthStatus | None = None, fail: bool = False) -> Next:
        """One pass: decides and does it; new objects get `health`."""
        decision = self.decide()
        match decision.kind:
            case NextKind.VALIDATE:
                self.validated = True
            case NextKind.RUN | NextKind.CREATE_NAMESPACE:
                for step in decision.steps:
                    self._apply(step, health, fail)
            case NextKind.DELETE_HOOKS:
                for step in decision.steps:
                    del self.live[step.key]
            case NextKind.WAIT | NextKind.FINISH:
                pass
        return decision

    def _apply(self, step: Step, health: HealthStatus | None, fail: bool) -> None:
        self.results[step.key, step.phase] = ResourceResult(
            key=step.key,
            version=step.version,
            phase=step.phase,
            status=ResultCode.SYNC_FAILED if fail else ResultCode.SYNCED,
            hook_type=step.hook_type,
            hook_phase=OperationPhase.FAILED if fail else OperationPhase.RUNNING,
            message="boom" if fail else "",
        )
        self.live[step.key] = Observed(health=Health(status=health) if health else None)

    def set(self, name: str, health: HealthStatus) -> None:
        for key in self.live:
            if key.name == name:
                self.live[key] = Observed(health=Health(status=health))


def run_of(*desired: Any, **changes: Any) -> Run:
    return Run(plan_sync(request(list(desired), **changes)))


def names(decision: Next) -> list[str]:
    return [step.key.name for step in decision.steps]


H = HealthStatus


def test_one_wave_ends_right_after_apply() -> None:
    run = run_of(make("Deployment", "d"))
    assert run.advance().kind is NextKind.VALIDATE
    assert names(run.advance(H.PROGRESSING)) == ["d"]
    decision = run.advance()
    assert (decision.outcome, decision.message) == (OperationPhase.SUCCEEDED, ALL_RUN)


def test_nothing_to_do_succeeds() -> None:
    assert run_of().advance().outcome is OperationPhase.SUCCEEDED


def test_switch_waits_for_the_last_wave() -> None:
    run = run_of(make("Deployment", "d"), waits_for_last=True)
    run.advance()
    run.advance(H.PROGRESSING)
    assert run.advance().kind is NextKind.WAIT
    run.set("d", H.HEALTHY)
    assert run.advance().outcome is OperationPhase.SUCCEEDED


def test_hook_is_waited_for_and_then_the_rest_runs() -> None:
    run = run_of(make("Job", "migrate", hook="PreSync"), make("Deployment", "d"))
    run.advance()
    assert names(run.advance(H.PROGRESSING)) == ["migrate"]
    waiting = run.advance()
    assert (waiting.kind, waiting.message) == (NextKind.WAIT, "waiting for completion of hook batch/Job/migrate")
    run.set("migrate", H.HEALTHY)
    assert names(run.advance(H.PROGRESSING)) == ["d"]
    decision = run.advance()
    assert (decision.outcome, decision.message) == (OperationPhase.SUCCEEDED, NO_MORE)


_WAVE_STATES = [
    (H.HEALTHY, NextKind.RUN),
    (None, NextKind.RUN),
    (H.PROGRESSING, NextKind.WAIT),
    (H.SUSPENDED, NextKind.WAIT),
    (H.UNKNOWN, NextKind.WAIT),
    (H.DEGRADED, NextKind.FINISH),
]


@pytest.mark.parametrize(("health", "kind"), _WAVE_STATES, ids=[str(health) for health, _ in _WAVE_STATES])
def test_next_wave_depends_on_the_health_of_this_one(health: HealthStatus | None, kind: NextKind) -> None:
    run = run_of(make("Deployment", "a", 0), make("Deployment", "b", 1))
    run.advance()
    run.advance(health)
    assert run.advance().kind is kind


_HOOK_STATES = [(H.UNKNOWN, True), (H.DEGRADED, True), (H.HEALTHY, False)]


@pytest.mark.parametrize(("health", "fails"), _HOOK_STATES)
def test_hook_fails_by_unknown_and_degraded(health: HealthStatus, fails: bool) -> None:
    run = run_of(make("Job", "h", hook="PreSync"), make("ConfigMap", "c"))
    run.advance()
    run.advance(health)
    assert (run.advance().outcome is OperationPhase.FAILED) is fails


def test_failure_runs_sync_fail_hooks_and_no_later_wave() -> None:
    run = run_of(make("ConfigMap", "a"), make("ConfigMap", "b", 1), make("Job", "f", hook="SyncFail"))
    run.advance()
    run.advance(fail=True)
    assert names(run.advance(H.PROGRESSING)) == ["f"]
    assert run.advance().kind is NextKind.WAIT
    run.set("f", H.HEALTHY)
    decision = run.advance()
    assert (decision.outcome, decision.message) == (OperationPhase.FAILED, f"{INCOMPLETE}, reason: boom")
    assert "b" not in [key.name for key in run.live]


def test_vanished_object_ends_the_wait() -> None:
    run = run_of(make("Job", "h", hook="PreSync"), make("ConfigMap", "c"))
    run.advance()
    run.advance(H.PROGRESSING)
    run.live.clear()
    assert run.advance().outcome is OperationPhase.FAILED


def test_old_hook_is_deleted_before_it_runs_again() -> None:
    hook = make("Job", "h", hook="PreSync")
    run = run_of(hook, make("ConfigMap", "c"))
    run.live[ResourceKey("batch", "Job", "shop", "h")] = Observed(health=Health(status=H.HEALTHY))
    run.advance()
    assert run.advance().kind is NextKind.DELETE_HOOKS
    assert run.advance(H.HEALTHY).kind is NextKind.RUN


def test_hook_of_this_operation_never_runs_twice_though_its_result_was_lost() -> None:
    run = run_of(make("Job", "h", hook="PreSync"), make("ConfigMap", "c"), operation_id="op-1")
    key = ResourceKey("batch", "Job", "shop", "h")
    run.live[key] = Observed(health=Health(status=H.HEALTHY), operation_id="op-1")
    run.validated = True
    assert names(run.advance()) == ["c"]


def test_hooks_are_deleted_by_the_outcome_of_the_whole() -> None:
    hook = make("Job", "h", hook="PreSync", policy="HookSucceeded")
    run = run_of(hook, make("ConfigMap", "c"))
    run.advance()
    run.advance(H.HEALTHY)
    run.advance()
    assert names(run.advance()) == ["h"]


def test_restart_resumes_from_the_results_alone() -> None:
    run = run_of(make("Job", "h", hook="PreSync"), make("ConfigMap", "c"))
    run.advance()
    run.advance(H.HEALTHY)
    resumed = Run(run.plan)
    resumed.results, resumed.live = dict(run.results), dict(run.live)
    assert resumed.decide() == run.decide()


def test_prune_is_waited_for_until_gone() -> None:
    plan = plan_sync(request([], [make("ConfigMap", "old")], operation=Operation(prune=True)))
    run = Run(plan)
    run.advance()
    run.advance()
    assert run.advance().kind is NextKind.WAIT
    run.live.clear()
    assert run.advance().outcome is OperationPhase.SUCCEEDED


def test_unconfirmed_prune_holds_its_wave() -> None:
    plan = plan_sync(request([], [make("ConfigMap", "old", options="Prune=confirm")]))
    run = Run(plan)
    run.advance()
    decision = run.advance()
    assert (decision.kind, decision.awaiting_approval) == (NextKind.WAIT, True)


def test_termination_deletes_running_hooks_and_fails() -> None:
    run = run_of(make("Job", "h", hook="PreSync"), make("ConfigMap", "c"))
    run.advance()
    run.advance(H.PROGRESSING)
    decision = decide_termination(run.plan, run.results)
    assert (names(decision), decision.outcome) == (["h"], OperationPhase.FAILED)
