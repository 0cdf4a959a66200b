"""Each thing that happens leaves as one record that says who, at which revision, to which objects, when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.apply import WriteDoor
from haori.delivery.controller.progress import begin
from haori.delivery.controller.recording import Recording, rolled_back
from haori.delivery.model import (
    Application,
    HistoryEntry,
    OperationState,
    Pin,
    ResourceResult,
    parse_application,
)
from haori.objects import ResourceKey
from haori.resources.argo import HealthStatus, OperationPhase, ResultCode, SyncPhase
from haori.timeline import MemoryRecorder, Record
from haori.words import Language, Sentence, has_code
from tests.delivery.controller.fakes import FakeClient

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
ITSELF = ResourceKey("argoproj.io", "Application", "argocd", "shop")
API = ResourceKey("apps", "Deployment", "shop", "api")
COMMIT, RELEASE = "c" * 40, "a" * 40
REASON = Sentence(code="why-claim-pending", parameters={"object": "PersistentVolumeClaim shop/db"})

Act = Callable[[Recording], Awaitable[None] | None]


def application() -> Application:
    spec = {"source": {"repoURL": "https://git.example/r", "path": "app"}, "project": "default", "destination": {}}
    return parse_application({"metadata": {"name": "shop", "namespace": "argocd", "uid": "u"}, "spec": spec})


def state(who: dict[str, Any], phase: OperationPhase = OperationPhase.RUNNING) -> OperationState:
    begun = begin(application(), {"sync": {}, "initiatedBy": who}, sources=(), now=NOW)
    row = ResourceResult(key=API, version="v1", phase=SyncPhase.SYNC, status=ResultCode.SYNCED)
    rows = (row,) if phase.is_completed else ()
    return replace(begun, phase=phase, revisions=(COMMIT,), finished_at=NOW, resources=rows)


def pin(reason: str) -> Pin:
    return Pin(id=1, revisions=(RELEASE,), owner="ann", reason=reason, since=NOW, until=None, wanted=(COMMIT,))


@pytest.mark.parametrize(
    ("act", "code", "who", "revision", "objects", "words"),
    [
        pytest.param(lambda to: to.operation_started(application(), state({"username": "ann"})),
                     "sync-started", "ann", COMMIT, (ITSELF,), "ccccccc", id="a person syncs"),
        pytest.param(lambda to: to.operation_started(application(), state({"automated": True})),
                     "sync-started", "automated", COMMIT, (ITSELF,), "ccccccc", id="the engine syncs"),
        pytest.param(lambda to: to.operation_finished(application(), state({"username": "ann"}, OperationPhase.SUCCEEDED)),
                     "sync-finished", "ann", COMMIT, (API,), "Succeeded", id="a sync succeeds"),
        pytest.param(lambda to: to.operation_finished(application(), state({"automated": True}, OperationPhase.FAILED)),
                     "sync-finished", "automated", COMMIT, (API,), "Failed", id="a sync fails"),
        pytest.param(lambda to: to.pin_set(application(), pin("errors")),
                     "pin-set", "ann", RELEASE, (ITSELF,), "errors", id="a person pins with a reason"),
        pytest.param(lambda to: to.pin_set(application(), pin("")),
                     "pin-set-plain", "ann", RELEASE, (ITSELF,), "aaaaaaa", id="a person pins"),
        pytest.param(lambda to: to.pin_ended(application(), RELEASE, by_us=True),
                     "pin-ended", "automated", RELEASE, (ITSELF,), "aaaaaaa", id="a pin is over"),
        pytest.param(lambda to: to.pin_ended(application(), RELEASE, by_us=False),
                     "pin-ended", "", RELEASE, (ITSELF,), "aaaaaaa", id="somebody ends a pin"),
        pytest.param(lambda to: to.health_changed(
                         application(), HealthStatus.HEALTHY, HealthStatus.DEGRADED, REASON, COMMIT),
                     "health-changed", "", COMMIT, (ITSELF,), "waits for a volume", id="health changes"),
    ],
)  # fmt: skip
async def test_one_record_a_fact(
    act: Act, code: str, who: str, revision: str, objects: tuple[ResourceKey, ...], words: str
):
    recorder = MemoryRecorder()
    client = FakeClient()
    door = WriteDoor(term=1, seconds_left=lambda: 10.0, margin_seconds=1.0)
    waiting = act(Recording(client, door, recorder, clock=lambda: NOW))  # type: ignore[arg-type]
    if waiting is not None:
        await waiting

    (record,) = recorder.records
    assert (record.code, record.who, record.revision, record.objects) == (code, who, revision, objects)
    check(record, words)


def test_a_rollback_by_a_commit_is_a_record_of_its_own():
    entry = HistoryEntry(id=3, revisions=(RELEASE,), sources=(), deployed_at=NOW)
    record = rolled_back(application(), entry, "ann", COMMIT, time=NOW, cluster="in-cluster")
    assert (record.code, record.who, record.revision, record.objects) == ("rolled-back", "ann", COMMIT, (ITSELF,))
    check(record, "back to aaaaaaa by commit ccccccc")


def check(record: Record, words: str) -> None:
    """What every record has: a code with words, all its parameters, its time and cluster."""
    assert has_code(record.code)
    assert (record.time, record.cluster) == (NOW, "in-cluster")
    text = record.sentence.text(Language.ENGLISH)
    assert words in text
    assert "shop" in text
    assert "{" not in text + record.sentence.text(Language.JAPANESE)
    assert record.to_json()["text"] == text


@pytest.mark.parametrize(
    ("asked", "phase", "type_", "message"),
    [
        pytest.param({"sync": {}}, OperationPhase.SUCCEEDED, "Normal", f"Sync operation to {COMMIT} succeeded", id="good"),
        pytest.param({"sync": {}}, OperationPhase.FAILED, "Warning", f"Sync operation to {COMMIT} failed: boom", id="bad"),
        pytest.param(
            {"sync": {"resources": [{"kind": "ConfigMap", "name": "a"}]}},
            OperationPhase.SUCCEEDED, "Normal", f"Partial sync operation to {COMMIT} succeeded", id="partial",
        ),
    ],
)  # fmt: skip
async def test_an_operation_is_one_event(asked: dict[str, Any], phase: OperationPhase, type_: str, message: str):
    client = FakeClient()
    recording = Recording(client, WriteDoor(), MemoryRecorder(), clock=lambda: NOW)  # type: ignore[arg-type]
    begun = replace(begin(application(), asked, sources=(), now=NOW), revisions=(COMMIT,))
    recording.operation_started(application(), begun)
    assert client.requests == []

    ended = NOW + timedelta(seconds=90)
    await recording.operation_finished(application(), replace(begun, phase=phase, message="boom", finished_at=ended))

    [(verb, _, event)] = client.requests
    assert (verb, event["reason"], event["type"], event["message"]) == ("create", "OperationCompleted", type_, message)
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2026-11-24T05:00:00Z", "2026-11-24T05:01:30Z")
    assert event["involvedObject"]["uid"] == "u"
