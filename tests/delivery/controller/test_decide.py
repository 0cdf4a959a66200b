from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.compare import Comparison, Strategy
from haori.delivery.controller.admit import check_application
from haori.delivery.controller.decide import (
    Decision,
    decide_revisions,
    decide_sync,
    retry_pause,
    self_heal_pause,
)
from haori.delivery.model import OperationState, Pin, Retry, parse_application, parse_project
from haori.delivery.model.operation import Operation
from haori.objects import ResourceKey
from haori.objects.times import format_time
from haori.resources import default_project
from haori.resources.argo import OperationPhase, SyncStatus

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
SOURCE = {"repoURL": "https://git.example/shop.git", "path": "deploy", "targetRevision": "main"}
DIFFERENT = Comparison(
    key=ResourceKey("apps", "Deployment", "shop", "web"), strategy=Strategy.OWNERSHIP, is_missing=True
)
EXTRA = Comparison(key=ResourceKey("", "ConfigMap", "shop", "old"), strategy=Strategy.OWNERSHIP, is_extra=True)
SAME = Comparison(key=ResourceKey("", "Service", "shop", "web"), strategy=Strategy.OWNERSHIP)


def application(state: dict[str, Any] | None = None, *, namespace: str = "argocd", spec: Any = None, **automated: Any):
    manifest: dict[str, Any] = {
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {
            "project": "default",
            "source": SOURCE,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": automated},
            **(spec or {}),
        },
    }
    if state is not None:
        manifest["status"] = {"operationState": state}
    return parse_application(manifest)


def finished(phase: str, *, revision: str = "new", seconds_ago: float = 0, attempts: int = 0) -> dict[str, Any]:
    return {
        "phase": phase,
        "message": "it said no",
        "finishedAt": format_time(NOW - timedelta(seconds=seconds_ago)),
        "operation": {"sync": {"autoHealAttemptsCount": attempts}},
        "syncResult": {"revision": revision, "source": SOURCE, "resources": []},
    }


def decide(app: Any, *comparisons: Comparison, status: SyncStatus = SyncStatus.OUT_OF_SYNC) -> Decision:
    return decide_sync(app, status=status, revisions=("new",), comparisons=comparisons, now=NOW)


def test_a_new_revision_is_synced_whole():
    operation = decide(application(prune=True), DIFFERENT, SAME).operation

    assert operation == {
        "sync": {"prune": True, "revision": "new"},
        "initiatedBy": {"automated": True},
        "retry": {"limit": 5},
    }


@pytest.mark.parametrize("status", [SyncStatus.SYNCED, SyncStatus.UNKNOWN])
def test_only_out_of_sync_is_synced(status: SyncStatus):
    assert decide(application(), DIFFERENT, status=status) == Decision()


def test_nothing_is_synced_while_an_operation_runs():
    assert decide(application({"phase": "Running"}), DIFFERENT) == Decision()


def test_a_lone_prune_without_leave_to_prune_is_left():
    assert decide(application(), EXTRA, SAME) == Decision()


def test_deleting_everything_is_refused_and_said():
    decision = decide(application(prune=True), EXTRA)

    assert decision.operation is None
    assert decision.condition is not None
    assert decision.condition.sentence.code == "sync-would-prune-all"


def test_deleting_everything_is_done_where_empty_is_allowed():
    assert decide(application(prune=True, allowEmpty=True), EXTRA).operation is not None


def test_a_failed_attempt_is_not_repeated_for_the_same_revision():
    decision = decide(application(finished("Failed"), selfHeal=True), DIFFERENT)

    assert decision.operation is None
    assert decision.condition is not None
    assert "it said no" in decision.condition.sentence.text()


def test_a_failed_attempt_is_repeated_for_another_revision():
    assert decide(application(finished("Failed", revision="old")), DIFFERENT).operation is not None


def test_drift_is_left_without_self_heal():
    assert decide(application(finished("Succeeded")), DIFFERENT) == Decision()


def test_healing_names_only_what_differs_and_its_namespace():
    operation = decide(application(finished("Succeeded"), selfHeal=True), DIFFERENT, SAME).operation

    assert operation is not None
    assert operation["sync"]["resources"] == [
        {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
    ]
    assert operation["sync"]["autoHealAttemptsCount"] == 1


def test_healing_again_waits_for_its_pause():
    app = application(finished("Succeeded", attempts=2, seconds_ago=4), selfHeal=True)

    assert decide(app, DIFFERENT) == Decision(wait_seconds=2.0)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (1, 2), (2, 6), (3, 18), (4, 54), (5, 162), (6, 300), (99, 300)]
)
def test_self_heal_pauses_grow_to_a_ceiling(attempts: int, seconds: float):
    assert self_heal_pause(attempts) == seconds


@pytest.mark.parametrize(
    ("count", "limit", "seconds"),
    [(0, 5, 10), (1, 5, 20), (3, 5, 80), (4, 5, 160), (5, 5, None), (9, -1, 180), (0, 0, None)],
)
def test_retry_pauses_grow_and_end(count: int, limit: int, seconds: float | None):
    state = OperationState(operation=Operation(), phase=OperationPhase.FAILED, retry_count=count)

    assert retry_pause(state, Retry(limit=limit)) == seconds


def test_an_operation_without_a_retry_policy_is_not_retried():
    assert retry_pause(OperationState(operation=Operation(), phase=OperationPhase.FAILED), None) is None


PIN = Pin(id=3, revisions=("old",), owner="ada", reason="5xx", until=NOW, wanted=("new",))


@pytest.mark.parametrize(
    ("pin", "git", "after", "revisions", "code", "ends"),
    [
        pytest.param(None, "new", 0, ("new",), None, False, id="no pin"),
        pytest.param(PIN, "new", -1, ("old",), "pin-holds", False, id="holds"),
        pytest.param(PIN, "new", 1, ("old",), "pin-overdue", False, id="overdue stays while Git wants the same"),
        pytest.param(PIN, "newer", 1, ("newer",), None, True, id="ends once Git has changed"),
        pytest.param(PIN, "newer", -1, ("old",), "pin-holds", False, id="a change does not end it early"),
    ],
)
def test_which_revision_counts(pin: Any, git: str, after: int, revisions: Any, code: Any, ends: bool):
    wanted = decide_revisions(pin, (git,), NOW + timedelta(seconds=after))

    assert (wanted.revisions, wanted.ends_pin) == (revisions, ends)
    assert (wanted.sentence.code if wanted.sentence else None) == code


PROJECT = default_project()
ELSEWHERE = {"destination": {"server": "https://elsewhere.example", "namespace": "shop"}}


@pytest.mark.parametrize(
    ("app", "project_spec", "codes"),
    [
        pytest.param(application(), {}, [], id="permitted"),
        pytest.param(application(), None, ["project-missing"], id="no project"),
        pytest.param(application(), {"sourceRepos": ["https://other/*"]}, ["project-denies-source"], id="source"),
        pytest.param(application(), {"destinations": []}, ["project-denies-destination"], id="destination"),
        pytest.param(
            application(), {"syncWindows": [{"kind": "deny"}]}, ["project-restriction-not-enforced"], id="closed"
        ),
        pytest.param(application(namespace="team"), {}, ["project-denies-application-namespace"], id="namespace"),
        pytest.param(application(spec=ELSEWHERE), {}, ["cluster-unknown"], id="other cluster"),
    ],
)
def test_what_forbids_a_sync(app: Any, project_spec: dict[str, Any] | None, codes: list[str]):
    project = None if project_spec is None else parse_project({**PROJECT, "spec": {**PROJECT["spec"], **project_spec}})

    assert [condition.sentence.code for condition in check_application(app, project)] == codes
