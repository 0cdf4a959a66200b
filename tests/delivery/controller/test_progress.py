"""The operation's state goes from beginning to end, or to its next try, as Argo CD writes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.controller import progress
from haori.delivery.model import OperationState, ResourceResult, parse_application
from haori.delivery.model.operation import parse_operation_state
from haori.objects import ResourceKey
from haori.objects.times import format_micro_time
from haori.resources import haori
from haori.resources.argo import OperationPhase, ResultCode, SyncPhase

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
SOURCE = {"repoURL": "https://git.example/r", "path": "app"}


def begin(raw: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> OperationState:
    manifest = {
        "metadata": {"name": "shop", "namespace": "argocd", "uid": "0123456789"},
        "spec": {"source": SOURCE, "destination": {"name": "in-cluster"}},
        "status": {"operationState": status} if status else {},
    }
    application = parse_application(manifest)
    return progress.begin(application, raw or {"sync": {}}, sources=application.spec.sources, now=NOW)


def test_two_operations_never_begin_in_the_same_second():
    first = begin()
    second = begin(status=progress.state_json(first, has_many=False))
    assert (first.started_at, second.started_at) == (NOW, NOW + timedelta(seconds=1))


def test_no_operation_ends_before_it_began():
    second = begin(status=progress.state_json(begin(), has_many=False))
    ended = progress.finish(second, OperationPhase.SUCCEEDED, "done", NOW)
    assert ended.finished_at == ended.started_at == NOW + timedelta(seconds=1)


def test_a_success_is_the_end():
    ended = progress.finish(begin({"sync": {}, "retry": {"limit": 5}}), OperationPhase.SUCCEEDED, "done", NOW)
    assert (ended.phase, ended.finished_at, progress.next_try_at(ended)) == (OperationPhase.SUCCEEDED, NOW, None)


def test_without_a_retry_policy_a_failure_is_the_end():
    assert progress.finish(begin(), OperationPhase.FAILED, "no", NOW).phase is OperationPhase.FAILED


def test_a_failure_waits_as_running_and_is_tried_again_later_each_time():
    state = begin({"sync": {}, "retry": {"limit": 2, "backoff": {"duration": "5s", "factor": 2}}})
    pauses = []
    now = NOW
    while state.phase is OperationPhase.RUNNING:
        state = progress.finish(state, OperationPhase.FAILED, "no", now)
        if (at := progress.next_try_at(state)) is None:
            break
        assert f"Retrying attempt #{state.retry_count} at" in state.message
        # What the cluster holds says the same.
        assert progress.next_try_at(parse_operation_state(progress.state_json(state, has_many=False))) == at
        pauses.append((at - now).total_seconds())
        now = at
        state = progress.try_again(state, state.revisions)
        assert state.finished_at is None
    assert pauses == [10, 20]
    assert state.phase is OperationPhase.FAILED


@pytest.mark.parametrize("has_many", [False, True])
def test_what_is_written_reads_back(has_many: bool):
    state = progress.try_again(begin({"sync": {"prune": True}, "initiatedBy": {"username": "bob"}}), ("abc",))
    written = progress.state_json(state, has_many=has_many)
    read = parse_operation_state(written)
    assert (read.phase, read.started_at, read.revisions) == (state.phase, state.started_at, ("abc",))
    assert [dict(raw) for raw in read.sources] == [SOURCE]
    assert (read.operation.prune, read.operation.username) == (True, "bob")


def test_each_try_marks_its_hooks_apart():
    state = begin({"sync": {}, "retry": {"limit": 1}})
    application = parse_application({"metadata": {"uid": "0123456789"}, "spec": {}})
    again = progress.try_again(progress.finish(state, OperationPhase.FAILED, "no", NOW), ())
    assert progress.operation_id(application, state) != progress.operation_id(application, again)


@pytest.mark.parametrize("wave", ["--5", "\u00b2", "", "1" * 5000])
def test_when_waves_began_is_read_of_what_somebody_else_wrote(wave: str):
    value = f"Sync {wave} {format_micro_time(NOW)}, Sync 1 {format_micro_time(NOW)}"
    state = begin({"sync": {}, "info": [{"name": haori.WAVES_BEGAN, "value": value}]})
    assert progress.began_of(state) == {(SyncPhase.SYNC, 1): NOW}


def test_when_waves_began_survives_in_what_argo_cd_lets_stand():
    state = begin({"sync": {}, "info": [{"name": "Reason", "value": "because"}], "retry": {"limit": 1}})
    first = progress.with_beginning(state, (SyncPhase.SYNC, -2), NOW)
    second = progress.with_beginning(first, (SyncPhase.POST_SYNC, 0), NOW + timedelta(milliseconds=1500))
    later = progress.with_beginning(second, (SyncPhase.SYNC, -2), NOW + timedelta(hours=1))
    read = parse_operation_state(progress.state_json(later, has_many=False))

    expected = {(SyncPhase.SYNC, -2): NOW, (SyncPhase.POST_SYNC, 0): NOW + timedelta(milliseconds=1500)}
    assert progress.began_of(read) == expected
    assert read.operation.raw["info"][0] == {"name": "Reason", "value": "because"}
    assert progress.began_of(progress.try_again(read, ())) == {}
    assert progress.try_again(read, ()).operation.raw == state.operation.raw


def row(name: str, phase: OperationPhase) -> ResourceResult:
    key = ResourceKey("batch", "Job", "shop", name)
    return ResourceResult(key=key, version="v1", phase=SyncPhase.PRE_SYNC, status=ResultCode.SYNCED, hook_phase=phase)


def test_only_what_is_not_behind_the_cluster_is_written():
    older = begin()
    newer = begin(status=progress.state_json(older, has_many=False))
    running, done = row("h", OperationPhase.RUNNING), row("h", OperationPhase.SUCCEEDED)
    started, ended = replace(older, resources=(running,)), replace(older, resources=(done,))
    finished = replace(ended, phase=OperationPhase.SUCCEEDED, finished_at=NOW)
    waiting = replace(started, retry_count=1, finished_at=NOW)
    tried = replace(older, retry_count=1)
    behind = [(newer, started), (started, older), (ended, started), (finished, ended), (tried, started)]
    failed = replace(older, phase=OperationPhase.FAILED)
    fine = [(older, newer), (older, started), (started, ended), (ended, finished), (started, waiting), (waiting, tried)]
    fine += [(finished, finished), (finished, replace(finished, phase=OperationPhase.FAILED)), (started, failed)]
    assert [progress.is_ahead(known, state) for known, state in behind] == [True] * len(behind)
    assert [progress.is_ahead(known, state) for known, state in fine] == [False] * len(fine)
