"""A step that takes longer than it may fails with a sentence, counted from the beginning of its wave."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from haori.delivery.health import Health
from haori.delivery.model import Operation
from haori.delivery.plan import NextKind, Observed, decide_next, plan_sync
from haori.delivery.plan.timeouts import timeout_of, unreadable_timeouts
from haori.objects import ResourceKey, key_of
from haori.resources.argo import HealthStatus, OperationPhase, SyncPhase
from tests.delivery.plan.test_next import Run, names, observed
from tests.delivery.plan.test_plan import NOW, make, request

H = HealthStatus


def limited(kind: str, name: str, timeout: str, wave: int = 0, **annotations: str) -> dict[str, Any]:
    manifest = make(kind, name, wave, **annotations)
    manifest["metadata"]["annotations"]["sync.haori.dev/timeout"] = timeout
    return manifest


_TEXTS = [("90s", 90), ("10m", 600), ("1h30m", 5400), (" 5s ", 5), ("0", None), ("soon", 7), ("-5s", 7), ("", 7)]


@pytest.mark.parametrize(("text", "seconds"), _TEXTS, ids=[text or "empty" for text, _ in _TEXTS])
def test_an_objects_own_time_wins_and_what_cannot_be_read_leaves_the_default(text: str, seconds: float | None) -> None:
    assert timeout_of(limited("ConfigMap", "c", text), 7) == seconds


def test_the_default_of_the_application_holds_for_what_says_nothing() -> None:
    plan = plan_sync(request([make("ConfigMap", "a"), limited("ConfigMap", "b", "0")], default_timeout=30))
    assert [(step.key.name, step.timeout_seconds) for step in plan.steps] == [("a", 30), ("b", None)]


def test_every_time_that_cannot_be_read_is_told() -> None:
    application, wrong = limited("Widget", "app", "never"), limited("Job", "j", "10 minutes")
    itself = ResourceKey("argoproj.io", "Application", "argocd", "app")
    found = unreadable_timeouts(itself, application, [(key_of(wrong), wrong), (key_of(wrong), make("Job", "fine"))])
    assert [sentence.parameters["value"] for sentence in found] == ["never", "10 minutes"]
    assert "Job shop/j" in found[1].text()


def _running(*desired: Any, **changes: Any) -> Run:
    run = Run(plan_sync(request(list(desired), operation_id="op", **changes)))
    run.validated = True
    run.advance(H.PROGRESSING)
    return run


_BEGAN = {(SyncPhase.SYNC, 0): NOW, (SyncPhase.PRE_SYNC, 0): NOW}


@pytest.mark.parametrize(("passed", "kind"), [(89, NextKind.WAIT), (90, NextKind.FINISH)])
def test_an_object_fails_once_its_time_is_over(passed: int, kind: NextKind) -> None:
    run = _running(limited("Deployment", "d", "90s"), make("ConfigMap", "z", 1))
    now = NOW + timedelta(seconds=passed)
    decision = decide_next(run.plan, run.results, run.live, validated=True, now=now, began=_BEGAN)
    assert decision.kind is kind
    if kind is NextKind.WAIT:
        assert decision.look_at == NOW + timedelta(seconds=90)
    else:
        assert f"{next(iter(run.live))} did not become healthy within 1m30s" in decision.message
        assert decision.message.endswith("it was waiting for: Progressing")


def test_a_hook_that_took_too_long_is_stopped_and_its_reason_told() -> None:
    run = _running(
        limited("Job", "h", "10s", hook="PreSync"), make("ConfigMap", "c"), make("Job", "f", hook="SyncFail")
    )
    key = ResourceKey("batch", "Job", "shop", "h")
    health = Health(status=H.PROGRESSING)
    run.live[key] = Observed(health=health, reason="the image is missing", operation_id="op", hook_phase="PreSync")
    now = NOW + timedelta(seconds=11)
    decision = decide_next(run.plan, run.results, run.live, validated=True, now=now, began=_BEGAN)
    assert (names(decision), [step.key.name for step in decision.overdue]) == (["f"], ["h"])
    row = decision.results[key, SyncPhase.PRE_SYNC]
    assert row.hook_phase is OperationPhase.FAILED
    assert row.message.endswith("within 10s and was deleted; it was waiting for: the image is missing")
    again = decide_next(run.plan, decision.results, run.live, validated=True, now=now, began=_BEGAN)
    assert [step.key.name for step in again.overdue] == ["h"]


def test_what_ends_in_its_last_moment_has_not_taken_too_long() -> None:
    run = _running(limited("Job", "h", "10s", hook="PreSync"), make("ConfigMap", "c"))
    run.live[ResourceKey("batch", "Job", "shop", "h")] = observed(H.HEALTHY)
    late = NOW + timedelta(hours=1)
    assert names(decide_next(run.plan, run.results, run.live, validated=True, now=late, began=_BEGAN)) == ["c"]


def test_a_prune_that_does_not_come_to_an_end_fails_too() -> None:
    old = limited("ConfigMap", "old", "1m")
    run = Run(plan_sync(request([], [old], operation=Operation(prune=True))))
    run.validated = True
    run.advance()
    run.live[key_of(old)] = Observed(is_terminating=True, reason="finalizers hold it: x/y")
    late = NOW + timedelta(minutes=2)
    decision = decide_next(run.plan, run.results, run.live, validated=True, now=late, began=_BEGAN)
    assert (
        "ConfigMap shop/old was not gone within 1m0s; it was waiting for: finalizers hold it: x/y" in decision.message
    )


def test_the_last_wave_has_no_time_out_since_nothing_waits_for_it() -> None:
    run = _running(limited("Deployment", "d", "1s"))
    late = NOW + timedelta(hours=1)
    decision = decide_next(run.plan, run.results, run.live, validated=True, now=late, began=_BEGAN)
    assert decision.outcome is OperationPhase.SUCCEEDED
