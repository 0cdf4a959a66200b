"""Phases, conditions and qualities of service, as tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from haori.sandbox.node.containers import ContainerRecord, Kind, Running, Terminated, Waiting
from haori.sandbox.node.restoring import LOST_REASON, restore_record, written_pause
from haori.sandbox.node.statuses import container_status, pod_status, qos_class, records_of

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
W = Waiting(reason="ContainerCreating")
R = Running(started_at=NOW)


def ended(code, reason="Error"):
    return Terminated(exit_code=code, reason=reason, started_at=NOW, finished_at=NOW)


OK, BAD = ended(0, "Completed"), ended(1)


def record(state, kind=Kind.MAIN, *, last=None, name="c", ready=False, started=False):
    return ContainerRecord(
        name=name, kind=kind, image="i", state=state, last_state=last, ready=ready, started=started, container_id="x"
    )


def pod(policy="Always", **spec):
    return {"metadata": {"name": "p", "generation": 3}, "spec": {"restartPolicy": policy, **spec}}


def status(manifest, records, **more):
    return pod_status(manifest, records, pod_ip="127.80.0.1", host_ip="127.0.0.1", started_at=NOW, now=NOW, **more)


PHASES = [
    ("waiting", "Always", [record(W)], "Pending"),
    ("running", "Always", [record(R)], "Running"),
    ("one of two waits", "Always", [record(R), record(W)], "Pending"),
    ("in back-off", "Always", [record(Waiting(reason="CrashLoopBackOff"), last=BAD)], "Running"),
    ("ended under Always", "Always", [record(BAD)], "Running"),
    ("ended well", "Never", [record(OK)], "Succeeded"),
    ("ended badly", "Never", [record(BAD)], "Failed"),
    ("ended badly but tried again", "OnFailure", [record(BAD)], "Running"),
    ("half ended", "Never", [record(OK), record(R)], "Running"),
    ("init runs", "Always", [record(R, Kind.INIT), record(W)], "Pending"),
    ("init done", "Always", [record(OK, Kind.INIT), record(R)], "Running"),
    ("init failed for good", "Never", [record(BAD, Kind.INIT), record(W)], "Failed"),
    ("init failed, tried again", "Always", [record(W, Kind.INIT, last=BAD), record(W)], "Pending"),
    ("sidecar not started", "Always", [record(W, Kind.SIDECAR), record(W)], "Pending"),
    ("sidecar runs", "Always", [record(R, Kind.SIDECAR, started=True), record(R)], "Running"),
    ("only the sidecar still runs", "Never", [record(R, Kind.SIDECAR, started=True), record(OK)], "Succeeded"),
]


@pytest.mark.parametrize(("policy", "records", "phase"), [c[1:] for c in PHASES], ids=[c[0] for c in PHASES])
def test_phase(policy, records, phase):
    assert status(pod(policy), records)["phase"] == phase


def conditions(manifest, records, **more):
    return {each["type"]: each for each in status(manifest, records, **more)["conditions"]}


def test_conditions_name_the_containers_that_hold_things_up():
    found = conditions(pod(), [record(R, Kind.INIT, name="first"), record(W, name="web")])

    assert found["Initialized"]["message"] == "containers with incomplete status: [first]"
    assert found["Ready"]["reason"] == "ContainersNotReady"
    assert found["ContainersReady"]["message"] == "containers with unready status: [web]"


def test_a_ready_pod_says_true_and_gives_no_reason():
    found = conditions(pod(), [record(R, ready=True, started=True)])

    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(found, "True")
    assert {each["reason"] for each in found.values()} == {None}


def test_a_completed_pod_is_not_ready_because_it_completed():
    found = conditions(pod("Never"), [record(OK)])

    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("False", "PodCompleted")
    assert found["Initialized"]["status"] == "True"


def test_a_readiness_gate_holds_ready_back():
    gated = pod(readinessGates=[{"conditionType": "example.com/ok"}])
    found = conditions(gated, [record(R, ready=True)])

    assert found["ContainersReady"]["status"] == "True"
    assert found["Ready"]["reason"] == "ReadinessGatesNotReady"


def test_a_condition_that_stays_keeps_its_time():
    before = {**pod(), "status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "then"}]}}

    assert conditions(before, [record(W)])["Ready"]["lastTransitionTime"] == "then"
    assert conditions(before, [record(R, ready=True)])["Ready"]["lastTransitionTime"] == "2026-11-24T05:00:00Z"


def test_a_pod_the_node_gave_up_says_why():
    given_up = status(pod(), [record(R)], failed=("DeadlineExceeded", "too long"))

    assert (given_up["phase"], given_up["reason"], given_up["message"]) == ("Failed", "DeadlineExceeded", "too long")


def test_a_container_status_shows_state_and_last_state():
    shown = container_status(record(Waiting(reason="CrashLoopBackOff", message="m"), last=BAD))

    assert shown["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "m"}}
    assert shown["lastState"]["terminated"]["exitCode"] == 1
    assert shown["imageID"].startswith("sandbox.haori.dev/simulated@sha256:")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
    ],
)
def test_quality_of_service(resources, expected):
    assert qos_class({"spec": {"containers": [{"resources": each} for each in resources]}}) == expected


def test_records_stand_in_the_order_containers_run():
    manifest = pod(initContainers=[{"name": "a"}, {"name": "b", "restartPolicy": "Always"}], containers=[{"name": "c"}])

    assert [(each.name, each.kind) for each in records_of(manifest)] == [
        ("a", Kind.INIT), ("b", Kind.SIDECAR), ("c", Kind.MAIN),
    ]  # fmt: skip
    assert [getattr(each.state, "reason", "") for each in records_of(manifest)] == [
        "ContainerCreating", "PodInitializing", "PodInitializing",
    ]  # fmt: skip


WRITTEN = {
    "name": "c",
    "restartCount": 2,
    "containerID": "haori://1",
    "ready": True,
    "started": True,
    "state": {"running": {"startedAt": "2026-11-24T05:00:00Z"}},
}


def test_a_simulated_container_goes_on_after_a_restart_of_the_node():
    known = record(W)
    restore_record([known], WRITTEN, is_real=False, now=NOW)

    assert (known.state, known.ready, known.restart_count) == (R, True, 2)


def test_a_process_is_known_to_have_ended_with_its_node():
    known = record(W)
    restore_record([known], WRITTEN, is_real=True, now=NOW)

    assert isinstance(known.state, Terminated)
    assert (known.state.reason, known.ready) == (LOST_REASON, False)


def test_a_container_in_back_off_stays_in_it_when_the_node_is_started_again():
    known = record(W)
    message = "back-off 2m40s restarting failed container=c pod=p_ns(uid)"
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    last = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": "2026-11-24T05:00:00Z"}}
    restore_record([known], {**WRITTEN, "state": waiting, "lastState": last}, is_real=True, now=NOW)

    assert isinstance(known.state, Terminated)
    assert (known.state.reason, known.paused_seconds, known.restart_count) == ("Error", 160, 2)


@pytest.mark.parametrize(
    ("message", "seconds"),
    [("back-off 10s restarting failed container=c", 10), ("back-off never restarting failed x", None), ("other", None)],
)
def test_a_pause_is_read_from_what_was_written(message, seconds):
    assert written_pause(message) == seconds
