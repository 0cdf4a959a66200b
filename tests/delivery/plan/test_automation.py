"""Automated sync, self-heal, retry and history decide as Argo CD does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.compare import Comparison, Strategy
from haori.delivery.model import HistoryEntry, Operation, OperationState, ResourceRef, Retry, parse_application
from haori.delivery.plan import AutoVerdict, append_history, decide_automated, is_evident, lacks_record, retry_at
from haori.delivery.plan.automation import self_heal_seconds
from haori.objects import key_of
from haori.resources import haori
from haori.resources.argo import OperationPhase, SyncStatus
from tests.delivery.plan.test_plan import make

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
SOURCE = {"repoURL": "https://git.example/a", "path": "app"}
ONE = make("ConfigMap", "a")
MISSING = Comparison(key=key_of(ONE), strategy=Strategy.OWNERSHIP, is_missing=True)
EXTRA = Comparison(key=key_of(ONE), strategy=Strategy.OWNERSHIP, is_extra=True)


def _state(phase: str, revision: str = "a", source: Any = SOURCE, **more: Any) -> dict[str, Any]:
    return {
        "phase": phase,
        "finishedAt": "2026-11-24T04:59:59Z",
        "syncResult": {"revision": revision, "source": source},
        "operation": {"sync": more},
    }


def _application(automated: Any, state: Any = None, **metadata: Any) -> Any:
    manifest: dict[str, Any] = {
        "metadata": {"name": "shop", "namespace": "argocd", **metadata},
        "spec": {
            "project": "default",
            "source": SOURCE,
            "destination": {"server": "s", "namespace": "shop"},
            "syncPolicy": {"automated": automated} if automated is not None else {},
        },
    }
    if state:
        manifest["status"] = {"operationState": state}
    return parse_application(manifest)


_OUT, _DONE = SyncStatus.OUT_OF_SYNC, "Succeeded"
_CASES = [
    pytest.param(_application(None), _OUT, AutoVerdict.OFF, id="manual"),
    pytest.param(_application({"enabled": False}), _OUT, AutoVerdict.OFF, id="switched off"),
    pytest.param(_application({}, deletionTimestamp="x"), _OUT, AutoVerdict.DELETING, id="deleting"),
    pytest.param(_application({}, _state("Running")), _OUT, AutoVerdict.BUSY, id="running"),
    pytest.param(_application({}), SyncStatus.SYNCED, AutoVerdict.SYNCED, id="synced"),
    pytest.param(_application({}), SyncStatus.UNKNOWN, AutoVerdict.UNKNOWN, id="unknown"),
    pytest.param(_application({}), _OUT, AutoVerdict.SYNC, id="never synced"),
    pytest.param(_application({}, _state(_DONE, "z")), _OUT, AutoVerdict.SYNC, id="new revision"),
    pytest.param(_application({}, _state(_DONE, source={})), _OUT, AutoVerdict.SYNC, id="new source"),
    pytest.param(_application({}, _state("Failed")), _OUT, AutoVerdict.ATTEMPTED_FAILED, id="failed before"),
    pytest.param(_application({}, {"phase": "Failed"}), _OUT, AutoVerdict.ATTEMPTED_FAILED, id="failed without result"),
    pytest.param(_application({}, _state(_DONE)), _OUT, AutoVerdict.ATTEMPTED, id="drift, no self-heal"),
    pytest.param(_application({"selfHeal": True}, _state(_DONE)), _OUT, AutoVerdict.SELF_HEAL, id="drift"),
    pytest.param(
        _application({"selfHeal": True}, _state(_DONE, selfHealAttemptsCount=1)), _OUT, AutoVerdict.WAIT, id="back-off"
    ),
]


@pytest.mark.parametrize(("application", "status", "verdict"), _CASES)
def test_automated(application: Any, status: SyncStatus, verdict: AutoVerdict) -> None:
    decision = decide_automated(
        application,
        status=status,
        revisions=["a"],
        comparisons={MISSING.key: MISSING},
        desired={MISSING.key: ONE},
        now=NOW,
    )
    assert decision.verdict is verdict
    assert (decision.operation is not None) is (verdict in (AutoVerdict.SYNC, AutoVerdict.SELF_HEAL))


def test_self_heal_is_partial_and_counts() -> None:
    application = _application({"selfHeal": True, "prune": True}, _state("Succeeded"))
    decision = decide_automated(
        application,
        status=_OUT,
        revisions=["a"],
        comparisons={MISSING.key: MISSING},
        desired={MISSING.key: ONE},
        now=NOW,
    )
    assert decision.operation is not None
    assert decision.operation["sync"]["resources"] == [{"kind": "ConfigMap", "name": "a", "namespace": "shop"}]
    assert decision.operation["sync"]["selfHealAttemptsCount"] == 1


@pytest.mark.parametrize(("revision", "who"), [("a", "mei"), ("b", None)], ids=["pinned", "Git again"])
def test_history_names_who_pinned_what_is_synced(revision: str, who: str | None) -> None:
    pin = {haori.PIN: json.dumps({"id": 1, "revision": "a", "owner": "mei"})}
    decision = decide_automated(
        _application({}, annotations=pin),
        status=_OUT,
        revisions=[revision],
        comparisons={MISSING.key: MISSING},
        desired={MISSING.key: ONE},
        now=NOW,
    )
    assert decision.operation is not None
    assert decision.operation["initiatedBy"].get("username") == who
    assert decision.operation["initiatedBy"]["automated"] is True


@pytest.mark.parametrize(
    ("automated", "desired", "verdict"),
    [
        ({}, {}, AutoVerdict.ONLY_PRUNING),
        ({"prune": True}, {}, AutoVerdict.WOULD_EMPTY),
        ({"prune": True, "allowEmpty": True}, {}, AutoVerdict.SYNC),
    ],
    ids=["prune off", "guard", "allowEmpty"],
)
def test_nothing_left_in_git(automated: Any, desired: Any, verdict: AutoVerdict) -> None:
    decision = decide_automated(
        _application(automated), status=_OUT, revisions=["a"], comparisons={EXTRA.key: EXTRA}, desired=desired, now=NOW
    )
    assert decision.verdict is verdict


def test_back_off_of_self_heal() -> None:
    assert [self_heal_seconds(n) for n in range(7)] == [0, 2, 6, 18, 54, 162, 300]


@pytest.mark.parametrize(
    ("retry", "count", "seconds"),
    [
        (Retry(limit=0), 0, None),
        (Retry(limit=5), 0, 10),
        (Retry(limit=5), 1, 20),
        (Retry(limit=5), 5, None),
        (Retry(limit=-1), 9, 180),
        (Retry(limit=2, duration_seconds=1, factor=3), 1, 9),
    ],
)
def test_retry(retry: Retry, count: int, seconds: float | None) -> None:
    state = OperationState(operation=Operation(), phase=OperationPhase.FAILED, finished_at=NOW, retry_count=count)
    assert retry_at(retry, state) == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("operation", "phase", "grows"),
    [
        (Operation(), OperationPhase.SUCCEEDED, True),
        (Operation(), OperationPhase.FAILED, False),
        (Operation(dry_run=True), OperationPhase.SUCCEEDED, False),
        (Operation(resources=(ResourceRef(group="", kind="ConfigMap", name="c"),)), OperationPhase.SUCCEEDED, False),
    ],
)
def test_history_is_written_for_real_success_only(operation: Operation, phase: OperationPhase, grows: bool) -> None:
    history = tuple(HistoryEntry(id=n, revisions=("r",), sources=({},)) for n in range(4, 14))
    state = OperationState(operation=operation, phase=phase, revisions=("new",), sources=(SOURCE,), finished_at=NOW)
    found = append_history(history, state, limit=10, has_many=False)
    assert [entry.id for entry in found] == (list(range(5, 15)) if grows else list(range(4, 14)))


_SYNCED_TO = {
    "status": "Synced",
    "revision": "a",
    "comparedTo": {"source": SOURCE, "destination": {"server": "s", "namespace": "shop"}},
}


_HEALS = {"prune": True, "selfHeal": True}


def _told(state: Any = None, automated: Any = _HEALS, **changes: Any) -> Any:
    application = _application(automated, state)
    status = {**application.manifest.get("status", {}), "sync": {**_SYNCED_TO, **changes}}
    return parse_application({**application.manifest, "status": status})


_EMPTY_STATE = {"phase": "Succeeded", "operation": {"sync": {}}}


@pytest.mark.parametrize(
    ("application", "is_due", "may_lack"),
    [
        pytest.param(_application(_HEALS), True, True, id="nothing was ever told"),
        pytest.param(_told(), True, True, id="synced to another commit"),
        pytest.param(_told(_state(_DONE, "a")), True, True, id="synced to another commit by an operation"),
        pytest.param(_told(_state("Failed", "a")), False, True, id="the last operation failed"),
        pytest.param(_told(automated={}), False, True, id="drift is left alone"),
        pytest.param(_told(status="OutOfSync"), False, True, id="out of sync with another commit"),
        pytest.param(_told(status="Unknown"), False, True, id="a fault was told"),
        pytest.param(_told(revision="b"), False, False, id="synced to this commit: it drifted"),
        pytest.param(_told(_state(_DONE, "b")), False, False, id="an operation for this commit is told"),
        pytest.param(_told(_EMPTY_STATE), False, False, id="an operation without a result"),
        pytest.param(_told(revision=""), False, False, id="without a revision"),
        pytest.param(_told(comparedTo={"source": {**SOURCE, "path": "b"}}), False, False, id="other sources"),
        pytest.param(_application(_HEALS, _state("Running")), False, False, id="an operation and no comparison"),
    ],
)
def test_a_sync_is_evident_where_the_status_shows_that_nobody_recorded_it(
    application: Any, is_due: bool, may_lack: bool
) -> None:
    assert is_evident(application, ("b",)) is is_due
    assert lacks_record(application, ("b",)) is may_lack
