"""PreDelete and PostDelete hooks: each runs once a deletion, by waves, and one that failed waits for its mend."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from haori.delivery.health import Health
from haori.delivery.plan import Observed, Step
from haori.delivery.plan.deletion_hooks import (
    HookDecision,
    cleanup_of,
    decide_deletion_hooks,
    deletion_phases,
    deletion_steps,
    finalizers_for,
    goes_at_the_end,
    hook_mark,
    named,
)
from haori.objects import ResourceKey, key_of
from haori.resources.argo import HealthStatus, SyncPhase
from haori.words import Sentence
from tests.delivery.plan.test_plan import NOW, make

PRE, POST = "pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io"
H = HealthStatus
ID = "uid-delete-1"


@pytest.mark.parametrize(
    ("present", "phases", "expected"),
    [
        ([], [], None),
        (["x"], [SyncPhase.PRE_DELETE], ["x", PRE, f"{PRE}/cleanup"]),
        (["x", PRE, f"{PRE}/cleanup"], [SyncPhase.PRE_DELETE], None),
        ([PRE, f"{PRE}/cleanup", "x"], [SyncPhase.POST_DELETE], ["x", POST, f"{POST}/cleanup"]),
        ([POST], [], []),
    ],
    ids=["none", "added", "there", "exchanged", "removed"],
)
def test_an_application_is_held_for_its_hooks(
    present: list[str], phases: list[SyncPhase], expected: list[str] | None
) -> None:
    assert finalizers_for(present, phases) == expected
    assert cleanup_of(SyncPhase.PRE_DELETE) == f"{PRE}/cleanup"


@pytest.mark.parametrize(
    ("annotations", "phases"),
    [
        ({"hook": "PreDelete"}, {SyncPhase.PRE_DELETE}),
        ({"hook": "PostSync,PostDelete"}, {SyncPhase.POST_DELETE}),
        ({"helm_hook": "pre-delete"}, {SyncPhase.PRE_DELETE}),
        ({"helm_hook": "post-delete,post-install"}, {SyncPhase.POST_DELETE}),
        ({"hook": "PreSync"}, set()),
        ({"hook": "Skip"}, set()),
    ],
    ids=["argo", "with a sync phase", "helm", "helm, two", "sync", "skip"],
)
def test_the_phases_of_deletion_that_git_asks_for(annotations: dict[str, str], phases: set[SyncPhase]) -> None:
    assert deletion_phases([make("Job", "j", **annotations), make("ConfigMap", "c")]) == phases  # type: ignore[arg-type]


def hook(name: str, wave: int = 0, **more: str) -> dict[str, Any]:
    return make("Job", name, wave, hook="PreDelete", **more)


def steps_of(*hooks: dict[str, Any]) -> list[Step]:
    return deletion_steps({key_of(each): each for each in hooks}, SyncPhase.PRE_DELETE, None)


def decide(steps: list[Step], live: dict[str, Observed], *, seconds: float = 0, created: bool = True) -> HookDecision:
    found = {step.key: live[step.key.name] for step in steps if step.key.name in live}
    made: dict[ResourceKey, Any] = {step.key: NOW for step in steps} if created else {}
    return decide_deletion_hooks(steps, found, ID, now=NOW + timedelta(seconds=seconds), created=made)


def ran(step: Step, health: HealthStatus | None, **more: Any) -> Observed:
    sentence = Sentence(code="health-job-failed", parameters={"message": "sick"})
    state = Health(status=health, sentence=sentence if health is H.DEGRADED else None) if health else None
    return Observed(health=state, **{"operation_id": hook_mark(step, ID), "hook_phase": "PreDelete", **more})


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.key.name for step in steps]


def test_hooks_run_by_waves_each_once_until_all_have_succeeded() -> None:
    steps = steps_of(hook("b", 1), hook("a"))
    first, second = steps
    assert names(decide(steps, {}).create) == ["a"]
    assert names(decide(steps, {"a": ran(first, H.PROGRESSING)}).waiting_for) == ["a"]
    assert names(decide(steps, {"a": ran(first, H.HEALTHY)}).create) == ["b"]
    assert decide(steps, {"a": ran(first, H.HEALTHY), "b": ran(second, None)}).is_done
    assert decide([], {}).is_done


def test_an_object_that_an_earlier_deletion_or_sync_left_is_made_anew() -> None:
    steps = steps_of(hook("a"))
    old = Observed(health=Health(status=H.HEALTHY), operation_id="uid-1764-0", hook_phase="PreSync")
    assert names(decide(steps, {"a": old}).remake) == ["a"]
    going = Observed(is_terminating=True, operation_id="uid-1764-0")
    assert names(decide(steps, {"a": going}).waiting_for) == ["a"]
    kept = steps_of(hook("a", policy="HookSucceeded"))
    assert names(decide(kept, {"a": old}).create) == ["a"]


def test_a_hook_that_failed_stays_until_its_definition_is_another() -> None:
    before = steps_of(hook("a"))
    failed = {"a": ran(before[0], H.DEGRADED)}
    ((step, reason),) = decide(before, failed).failed
    assert (step.key.name, reason) == ("a", "the Job failed: sick")
    mended = hook("a")
    mended["spec"] = {"backoffLimit": 3}
    assert names(decide(steps_of(mended), failed).remake) == ["a"]
    assert decide(steps_of(mended), {"a": ran(before[0], H.HEALTHY)}).is_done


@pytest.mark.parametrize(("seconds", "fails"), [(9, False), (10, True)])
def test_a_time_out_of_a_deletions_hook_runs_from_its_creation(seconds: float, fails: bool) -> None:
    limited = hook("a")
    limited["metadata"]["annotations"]["sync.haori.dev/timeout"] = "10s"
    steps = steps_of(limited)
    decision = decide(steps, {"a": ran(steps[0], H.PROGRESSING)}, seconds=seconds)
    assert bool(decision.failed) is fails
    assert (decision.look_at == NOW + timedelta(seconds=10)) is not fails
    assert names(decide(steps, {"a": ran(steps[0], H.PROGRESSING)}, created=False).waiting_for) == ["a"]


def test_a_generated_hook_has_the_same_name_all_through_a_deletion() -> None:
    generated = hook("")
    generated["metadata"]["generateName"] = "backup-"
    del generated["metadata"]["name"]
    (made,) = named([generated], SyncPhase.PRE_DELETE, "abcdef0123", NOW)
    assert made["metadata"]["name"] == f"backup-abcdef0-predelete-{int(NOW.timestamp())}"
    assert "generateName" not in made["metadata"]


@pytest.mark.parametrize(
    ("policy", "pre", "post"),
    [
        (None, False, True),
        ("HookSucceeded", True, True),
        ("HookFailed", False, False),
        ("BeforeHookCreation", False, True),
    ],
)
def test_which_hooks_are_gone_in_the_end(policy: str | None, pre: bool, post: bool) -> None:
    manifest = make("Job", "a", hook="PreDelete,PostDelete", **({"policy": policy} if policy else {}))  # type: ignore[arg-type]
    assert goes_at_the_end(manifest, SyncPhase.PRE_DELETE) is pre
    assert goes_at_the_end(manifest, SyncPhase.POST_DELETE) is post
