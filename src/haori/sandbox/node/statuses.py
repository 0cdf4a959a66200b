"""A Pod's status out of what is known of its containers: phase, conditions, container statuses.

see: kubernetes pkg/kubelet/kubelet_pods.go `getPhase`, `convertToAPIContainerStatuses`, pkg/kubelet/status/generate.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from haori.objects import nested, nested_list, nested_mapping, nested_text
from haori.objects.quantities import quantities_equal
from haori.objects.times import format_time
from haori.sandbox.node.containers import ContainerRecord, Kind, Running, State, Terminated, Waiting
from haori.sandbox.node.images import image_id


def restart_policy_of(pod: Mapping[str, Any]) -> str:
    """Always, OnFailure or Never."""
    return nested_text(pod, "spec", "restartPolicy") or "Always"


def kind_of_init(container: Mapping[str, Any]) -> Kind:
    """A sidecar is an init container that is always restarted."""
    return Kind.SIDECAR if container.get("restartPolicy") == "Always" else Kind.INIT


def records_of(pod: Mapping[str, Any]) -> list[ContainerRecord]:
    """A fresh record for each container, init containers first, in the spec's order."""
    init = [
        ContainerRecord(name=str(each["name"]), kind=kind_of_init(each), image=str(each.get("image", "")))
        for each in nested_list(pod, "spec", "initContainers")
    ]
    main = [
        ContainerRecord(name=str(each["name"]), kind=Kind.MAIN, image=str(each.get("image", "")))
        for each in nested_list(pod, "spec", "containers")
    ]
    for record in (*init[1:], *(main if init else ())):
        record.state = Waiting(reason="PodInitializing")
    return [*init, *main]


def phase_of(pod: Mapping[str, Any], records: Iterable[ContainerRecord]) -> str:
    """The phase as `getPhase` decides it."""
    policy = restart_policy_of(pod)
    waiting = running = succeeded = failed = 0
    for record in records:
        ended = record.finished
        if record.kind is Kind.INIT:
            if isinstance(record.state, Terminated) and record.state.exit_code == 0:
                continue
            if ended is not None and ended.exit_code and policy == "Never":
                return "Failed"
            return "Pending"
        if record.kind is Kind.SIDECAR:
            if not record.started and ended is None:
                return "Pending"
            continue
        if isinstance(record.state, Running):
            running += 1
        elif ended is None:
            waiting += 1
        elif ended.exit_code == 0:
            succeeded += 1
        else:
            failed += 1
    if waiting:
        return "Pending"
    if running or policy == "Always":
        return "Running"
    if not failed:
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def conditions_of(
    pod: Mapping[str, Any], records: Sequence[ContainerRecord], *, phase: str, now: datetime
) -> list[dict[str, Any]]:
    """The conditions a kubelet owns; one that did not change keeps its transition time."""
    incomplete = [
        record.name
        for record in records
        if (record.kind is Kind.INIT and not _succeeded(record)) or (record.kind is Kind.SIDECAR and not record.started)
    ]
    unready = [record.name for record in records if record.kind is not Kind.INIT and not record.ready]
    if phase in ("Succeeded", "Failed"):
        why = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        initialized = _condition("Initialized", not incomplete or phase == "Succeeded", why if not incomplete else "")
        ready: list[dict[str, Any]] = [
            _condition(type_, ok=False, reason=why) for type_ in ("Ready", "ContainersReady")
        ]
    else:
        message = f"containers with incomplete status: [{' '.join(incomplete)}]"
        initialized = _condition("Initialized", not incomplete, "ContainersNotInitialized", message)
        message = f"containers with unready status: [{' '.join(unready)}]"
        containers_ready = _condition("ContainersReady", not unready, "ContainersNotReady", message)
        ready = [_ready(pod, containers_ready), containers_ready]
    sandbox = _condition("PodReadyToStartContainers", phase not in ("Succeeded", "Failed"))
    wanted = [sandbox, initialized, *ready, _condition("PodScheduled", ok=True)]
    known = {each.get("type"): each for each in nested_list(pod, "status", "conditions")}
    for condition in wanted:
        before = known.get(condition["type"], {})
        same = before.get("status") == condition["status"]
        condition["lastTransitionTime"] = (same and before.get("lastTransitionTime")) or format_time(now)
        condition["lastProbeTime"] = None
    return wanted


def _ready(pod: Mapping[str, Any], containers_ready: Mapping[str, Any]) -> dict[str, Any]:
    problems = []
    known = {each.get("type"): each.get("status") for each in nested_list(pod, "status", "conditions")}
    for gate in nested_list(pod, "spec", "readinessGates"):
        type_ = gate.get("conditionType")
        if type_ not in known:
            problems.append(f'corresponding condition of pod readiness gate "{type_}" does not exist.')
        elif known[type_] != "True":
            problems.append(f'the status of pod readiness gate "{type_}" is not "True", but {known[type_]}')
    if containers_ready["status"] != "True" or not problems:
        return {**containers_ready, "type": "Ready"}
    return _condition("Ready", ok=False, reason="ReadinessGatesNotReady", message=", ".join(problems))


def _condition(type_: str, ok: bool, reason: str = "", message: str = "") -> dict[str, Any]:
    if ok and reason != "PodCompleted":
        reason = message = ""
    condition: dict[str, Any] = {"type": type_, "status": "True" if ok else "False"}
    # Merged into what is there, so that an old reason has to be taken away by name.
    return condition | {"reason": reason or None, "message": message or None}


def _succeeded(record: ContainerRecord) -> bool:
    return isinstance(record.state, Terminated) and record.state.exit_code == 0


def state_of(state: State | None) -> dict[str, Any]:
    """A container state as written in a status."""
    match state:
        case Waiting():
            return {"waiting": {"reason": state.reason} | ({"message": state.message} if state.message else {})}
        case Running():
            return {"running": {"startedAt": format_time(state.started_at)}}
        case Terminated():
            written: dict[str, Any] = {
                "exitCode": state.exit_code,
                "reason": state.reason,
                "startedAt": format_time(state.started_at),
                "finishedAt": format_time(state.finished_at),
            }
            optional = {"containerID": state.container_id, "message": state.message, "signal": state.signal}
            return {"terminated": written | {name: value for name, value in optional.items() if value}}
        case None:
            return {}


def container_status(record: ContainerRecord) -> dict[str, Any]:
    """One entry of containerStatuses or initContainerStatuses."""
    ready = record.ready or (record.kind is Kind.INIT and _succeeded(record))
    return {
        "name": record.name,
        "image": record.image,
        "imageID": image_id(record.image) if record.container_id else "",
        "containerID": record.container_id,
        "state": state_of(record.state),
        "lastState": state_of(record.last_state),
        "ready": ready,
        "started": record.started,
        "restartCount": record.restart_count,
    }


def pod_status(
    pod: Mapping[str, Any],
    records: Sequence[ContainerRecord],
    *,
    pod_ip: str,
    host_ip: str,
    started_at: datetime,
    now: datetime,
    failed: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The whole status; `failed` is (reason, message) of a Pod that the node itself gave up."""
    phase = "Failed" if failed else phase_of(pod, records)
    if nested(pod, "spec", "hostNetwork"):
        pod_ip = host_ip
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": conditions_of(pod, records, phase=phase, now=now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": pod_ip,
        "podIPs": [{"ip": pod_ip}],
        "startTime": nested(pod, "status", "startTime") or format_time(started_at),
        "qosClass": nested(pod, "status", "qosClass") or qos_class(pod),
        "containerStatuses": [container_status(each) for each in records if each.kind is Kind.MAIN],
    }
    init = [container_status(each) for each in records if each.kind is not Kind.MAIN]
    if init:
        status["initContainerStatuses"] = init
    if failed:
        status["reason"], status["message"] = failed
    generation = nested(pod, "metadata", "generation")
    return status | ({"observedGeneration": generation} if generation else {})


def qos_class(pod: Mapping[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort. see: pkg/apis/core/v1/helper/qos `ComputePodQOS`."""
    containers = [*nested_list(pod, "spec", "initContainers"), *nested_list(pod, "spec", "containers")]
    resources = [nested_mapping(each, "resources") for each in containers]
    requests = [nested_mapping(each, "requests") for each in resources]
    limits = [nested_mapping(each, "limits") for each in resources]
    counted = ("cpu", "memory")
    if not any(str(each.get(name, "0")) != "0" for each in (*requests, *limits) for name in counted):
        return "BestEffort"
    guaranteed = all(
        name in limit and quantities_equal(request.get(name, limit[name]), limit[name])
        for request, limit in zip(requests, limits, strict=True)
        for name in counted
    )
    return "Guaranteed" if guaranteed else "Burstable"
