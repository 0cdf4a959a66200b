"""The next step of a sync is decided from plan, results and what is live, and so survives a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from haori.delivery.compare import Comparison, Strategy
from haori.delivery.health import Health
from haori.delivery.model import Operation, ResourceResult, SyncPolicy
from haori.delivery.plan import (
    Next,
    NextKind,
    Observed,
    Plan,
    Step,
    decide_next,
    decide_termination,
    plan_of_live_hooks,
    plan_sync,
)
from haori.delivery.plan.next import ALL_RUN, INCOMPLETE, NO_MORE, SYNC_FAIL_FAILED, TaskKey
from haori.objects import ResourceKey, key_of
from haori.resources.argo import HealthStatus, HookDeletePolicy, OperationPhase, ResultCode, SyncPhase
from haori.words import Sentence
from tests.delivery.plan.test_plan import make, request

SICK = Sentence(code="health-job-failed", parameters={"message": "sick"})


def observed(health: HealthStatus | None) -> Observed:
    """A live object; the ill say why."""
    sentence = SICK if health is HealthStatus.DEGRADED else None
    return Observed(health=Health(status=health, sentence=sentence) if health else None)


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
        self.live[step.key] = observed(health)

    def set(self, name: str, health: HealthStatus) -> None:
        for key in self.live:
            if key.name == name:
                self.live[key] = observed(health)

    def fail(self, name: str, message: str) -> None:
        """As if the cluster had refused it."""
        for (key, phase), row in list(self.results.items()):
            if key.name == name:
                failed = {"status": ResultCode.SYNC_FAILED, "hook_phase": OperationPhase.FAILED, "message": message}
                self.results[key, phase] = replace(row, **failed)  # type: ignore[arg-type]


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


_ENDS = [
    (H.PROGRESSING, None, ["h"], (OperationPhase.FAILED, "Terminated")),
    (H.HEALTHY, None, [], (OperationPhase.SUCCEEDED, "")),
    (H.HEALTHY, "HookFailed", ["h"], (OperationPhase.SUCCEEDED, "")),
]


@pytest.mark.parametrize(
    ("health", "policy", "deleted", "end"), _ENDS, ids=["running", "just ended", "just ended, HookFailed"]
)
def test_termination_deletes_running_hooks_and_fails(
    health: HealthStatus, policy: str | None, deleted: list[str], end: tuple[OperationPhase, str]
) -> None:
    hook = make("Job", "h", hook="PreSync", **({"policy": policy} if policy else {}))  # type: ignore[arg-type]
    run = run_of(hook, make("ConfigMap", "c"))
    run.advance()
    run.advance(H.PROGRESSING)
    run.set("h", health)
    decision = decide_termination(run.plan, run.results, run.live)
    (row,) = decision.results.values()
    assert (names(decision), decision.outcome) == (deleted, OperationPhase.FAILED)
    assert row.hook_phase is end[0]
    assert row.message == end[1]


def test_termination_finds_hooks_whose_row_was_lost() -> None:
    run = run_of(make("Job", "h", hook="PreSync"), operation_id="op-1")
    key = ResourceKey("batch", "Job", "shop", "h")
    run.live[key] = Observed(health=Health(status=H.PROGRESSING), operation_id="op-1", hook_phase="PreSync")
    assert names(decide_termination(run.plan, {}, run.live)) == ["h"]


def test_what_an_operation_left_is_told_without_its_plan() -> None:
    mine, other = make("Job", "mine", hook="PreSync,PostSync", policy="HookFailed"), make("Job", "old", hook="PreSync")
    for manifest, operation in ((mine, "op-2"), (other, "op-1")):
        marks = {"haori.dev/operation-id": operation, "haori.dev/hook-phase": "PostSync"}
        manifest["metadata"]["annotations"] |= marks
    plan = plan_of_live_hooks({key_of(each): each for each in (mine, other)}, "op-2")
    assert [(step.key.name, step.phase, step.delete_policies) for step in plan.steps] == [
        ("mine", SyncPhase.POST_SYNC, (HookDeletePolicy.FAILED,))
    ]


def test_a_hook_of_two_phases_is_made_anew_in_the_second() -> None:
    run = run_of(make("Job", "h", hook="PreSync,PostSync"), make("ConfigMap", "c"), operation_id="op-1")
    key = ResourceKey("batch", "Job", "shop", "h")
    run.advance()
    run.advance(H.HEALTHY)
    run.live[key] = Observed(health=Health(status=H.HEALTHY), operation_id="op-1", hook_phase="PreSync")
    assert names(run.advance()) == ["c"]
    deleted = run.advance()
    assert (deleted.kind, names(deleted), deleted.phase) == (NextKind.DELETE_HOOKS, ["h"], SyncPhase.POST_SYNC)
    assert deleted.message == "waiting for deletion of hook batch/Job/h"
    assert [step.phase for step in run.advance(H.PROGRESSING).steps] == [SyncPhase.POST_SYNC]


def test_a_failed_apply_starts_sync_fail_hooks_while_a_hook_still_runs() -> None:
    run = run_of(make("Job", "h", hook="Sync"), make("ConfigMap", "c"), make("Job", "f", hook="SyncFail"))
    run.advance()
    assert names(run.advance(H.PROGRESSING)) == ["c", "h"]
    run.fail("c", "refused")
    assert names(run.advance(H.PROGRESSING)) == ["f"]
    waiting = run.advance()
    assert waiting.message == "waiting for completion of hook batch/Job/h and 1 more hooks"
    run.set("f", H.HEALTHY)
    assert run.advance().message == "waiting for completion of hook batch/Job/h"
    run.set("h", H.HEALTHY)
    decision = run.advance()
    assert (decision.outcome, decision.message) == (OperationPhase.FAILED, f"{INCOMPLETE}, reason: refused")


def test_a_failed_hook_lets_the_others_of_its_wave_end_before_sync_fail_hooks() -> None:
    run = run_of(make("Job", "a", hook="Sync"), make("Job", "b", hook="Sync"), make("Job", "f", hook="SyncFail"))
    run.advance()
    run.advance(H.PROGRESSING)
    run.set("a", H.DEGRADED)
    assert run.advance().message == "waiting for completion of hook batch/Job/b"
    run.set("b", H.HEALTHY)
    assert names(run.advance(H.DEGRADED)) == ["f"]
    decision = run.advance()
    assert decision.outcome is OperationPhase.FAILED
    hook, last = "Job shop/a: sick", "Job shop/f: sick"
    assert decision.message == f"{INCOMPLETE}, reason: {hook}\n{SYNC_FAIL_FAILED}, reason: {last}"


def test_a_failed_object_does_not_wait_for_one_on_its_way() -> None:
    run = run_of(make("Deployment", "a"), make("Deployment", "b"), make("ConfigMap", "c", 1))
    run.advance()
    run.advance(H.PROGRESSING)
    run.set("a", H.DEGRADED)
    assert run.advance().outcome is OperationPhase.FAILED


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        ([make("Deployment", "a"), make("ConfigMap", "z", 1)], "waiting for healthy state of apps/Deployment/a"),
        (
            [make("Deployment", "a"), make("Deployment", "b"), make("ConfigMap", "z", 1)],
            "waiting for healthy state of apps/Deployment/a and 1 more resources",
        ),
        ([make("Deployment", "a"), make("Job", "h", hook="Sync")], "waiting for completion of hook batch/Job/h"),
        (
            [make("Deployment", "a"), make("Job", "h", hook="Sync"), make("ConfigMap", "z", 1)],
            "waiting for completion of hook batch/Job/h and 1 more resources",
        ),
        (
            [make("Job", "g", hook="PreSync"), make("Job", "h", hook="PreSync")],
            "waiting for completion of hook batch/Job/g and 1 more hooks",
        ),
    ],
    ids=["object", "objects", "hook in the last wave", "hook before object", "hooks"],
)
def test_what_is_waited_for_is_named_as_argo_names_it(desired: list[Any], message: str) -> None:
    run = run_of(*desired)
    run.advance()
    run.advance(H.PROGRESSING)
    assert run.advance().message == message


def test_pruning_comes_before_old_hooks_of_its_wave_go() -> None:
    hook, old = make("Job", "h", hook="Sync"), make("ConfigMap", "old")
    run = Run(plan_sync(request([hook], [old])))
    run.live |= {key_of(each): Observed(health=Health(status=H.HEALTHY)) for each in (hook, old)}
    run.advance()
    assert names(run.advance()) == ["old"]
    assert run.advance().message == "waiting for deletion of /ConfigMap/old"
    del run.live[key_of(old)]
    assert run.advance().kind is NextKind.DELETE_HOOKS
    assert names(run.advance(H.HEALTHY)) == ["h"]


def test_a_hook_without_a_health_check_succeeds_at_once() -> None:
    run = run_of(make("ConfigMap", "h", hook="PreSync"), make("ConfigMap", "c"))
    run.advance()
    run.advance(None)
    assert names(run.advance()) == ["c"]
    row = run.results[ResourceKey("", "ConfigMap", "shop", "h"), SyncPhase.PRE_SYNC]
    assert (row.hook_phase, row.message) == (OperationPhase.SUCCEEDED, "h created")


def test_what_was_written_stays_in_the_plan_when_it_is_made_again() -> None:
    one = make("ConfigMap", "a")
    policy = SyncPolicy(option_texts=("ApplyOutOfSyncOnly=true",))
    comparisons = {key_of(one): Comparison(key=key_of(one), strategy=Strategy.OWNERSHIP)}
    remade = request([one], [one], policy=policy, comparisons=comparisons, begun=frozenset({key_of(one)}))
    assert [step.key.name for step in plan_sync(remade).steps] == ["a"]


@pytest.mark.parametrize(
    ("prune", "options", "message"),
    [
        pytest.param(False, "", "ignored (requires pruning)", id="off"),
        pytest.param(True, "Prune=false", "ignored (no prune)", id="forbidden"),
    ],
)
def test_what_git_dropped_and_stays_has_a_row(prune: bool, options: str, message: str) -> None:
    live = make("ConfigMap", "old", options=options)
    run = Run(plan_sync(request([make("ConfigMap", "a")], [live], operation=Operation(prune=prune))))
    run.advance()
    run.advance()
    assert run.advance().outcome is OperationPhase.SUCCEEDED
    first, second = run.results.values()
    assert (first.key.name, first.status, first.message) == ("old", ResultCode.PRUNE_SKIPPED, message)
    assert (first.hook_phase, second.key.name) == (OperationPhase.SUCCEEDED, "a")


def test_nothing_is_made_before_everything_was_validated() -> None:
    policy = SyncPolicy(option_texts=("CreateNamespace=true",))
    run = run_of(make("ConfigMap", "a"), policy=policy, namespace_exists=False)
    kinds = [run.advance().kind for _ in range(3)]
    assert kinds == [NextKind.VALIDATE, NextKind.CREATE_NAMESPACE, NextKind.RUN]
