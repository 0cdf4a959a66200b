"""What the Pods of a Job say about it: done, failed, or how many more to start.

Pure. see: Kubernetes `pkg/controller/job/{job_controller,indexed_job_utils,pod_failure_policy,backoff_utils}.go` (1.37).
Finished Pods are counted while they exist, and by the status afterwards; the job-tracking finalizer is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from haori.objects import annotations_of, nested_list, nested_mapping
from haori.objects.times import parse_time
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting
from haori.sandbox.controllers.pods import is_active, phase_of

Item = Mapping[str, Any]

INDEX = "batch.kubernetes.io/job-completion-index"
LONGEST_BACKOFF_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The Pods of a Job, sorted out."""

    active: Sequence[Object]
    terminating: int
    succeeded: int
    failed: int
    completed_indexes: frozenset[int]
    failed_indexes: frozenset[int]
    refusal: str = ""
    """Which rule of the podFailurePolicy ends the Job; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a Job ends: `failed` or not, with the words of its condition."""

    failed: bool
    reason: str
    message: str


def is_indexed(job: Item) -> bool:
    """Whether each Pod has a number of its own."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def finished_condition(job: Item) -> Item | None:
    """The condition Complete or Failed, once one is true."""
    for each in nested_list(job, "status", "conditions"):
        if each["type"] in ("Complete", "Failed") and each["status"] == "True":
            return dict(each)
    return None


def index_of(pod: Item) -> int | None:
    """The Pod's completion index."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdigit() else None


def count(job: Item, pods: Sequence[Object]) -> Counted:
    """What the Pods add up to; what the status counted before is never counted down."""
    status = job.get("status") or {}
    succeeded = [pod for pod in pods if phase_of(pod) == "Succeeded"]
    failed = [pod for pod in pods if phase_of(pod) == "Failed"]
    answers = [(pod, *answer_to(job, pod)) for pod in failed]
    counting = [pod for pod, action, _ in answers if action != "Ignore"]
    refusal = next((rule for _, action, rule in answers if action == "FailJob"), "")
    completions = job["spec"].get("completions")
    done = read_indexes(status.get("completedIndexes", ""))
    lost = read_indexes(status.get("failedIndexes", ""))
    if is_indexed(job):
        done |= {index for pod in succeeded if (index := index_of(pod)) is not None and index < (completions or 0)}
        limit = job["spec"].get("backoffLimitPerIndex")
        if limit is not None:
            indexes = [index_of(pod) for pod in counting]
            lost |= {index for index in indexes if index is not None and indexes.count(index) > limit} - done
            lost |= {
                index for pod, action, _ in answers if action == "FailIndex" and (index := index_of(pod)) is not None
            }
    return Counted(
        active=[pod for pod in pods if is_active(pod)],
        terminating=sum(is_deleting(pod) and phase_of(pod) not in ("Succeeded", "Failed") for pod in pods),
        succeeded=len(done) if is_indexed(job) else max(len(succeeded), status.get("succeeded", 0)),
        failed=max(len(counting), status.get("failed", 0)),
        completed_indexes=frozenset(done),
        failed_indexes=frozenset(lost),
        refusal=refusal,
    )


def answer_to(job: Item, pod: Item) -> tuple[str, str]:
    """(action, what matched) of the first rule of the podFailurePolicy that meets a failed Pod; ("Count", "") else."""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for number, rule in enumerate(nested_list(job, "spec", "podFailurePolicy", "rules")):
        codes = nested_mapping(rule, "onExitCodes")
        for status in _ended(pod):
            code = status["state"]["terminated"].get("exitCode", 0)
            if codes.get("containerName") not in (None, status["name"]) or code == 0 or not codes:
                continue
            if (code in codes.get("values", ())) is (codes.get("operator") == "In"):
                text = f"Container {status['name']} for pod {name} failed with exit code {code} matching"
                return str(rule["action"]), f"{text} {rule['action']} rule at index {number}"
        for pattern in rule.get("onPodConditions") or ():
            for each in nested_list(pod, "status", "conditions"):
                if each["type"] == pattern["type"] and each["status"] == pattern.get("status", "True"):
                    text = f"Pod {name} has condition {each['type']} matching"
                    return str(rule["action"]), f"{text} {rule['action']} rule at index {number}"
    return "Count", ""


def _ended(pod: Item) -> Iterable[Item]:
    status = nested_mapping(pod, "status")
    for each in [*nested_list(status, "initContainerStatuses"), *nested_list(status, "containerStatuses")]:
        if nested_mapping(each, "state", "terminated"):
            yield each


def verdict_of(job: Item, counted: Counted, pods: Sequence[Item], now: datetime) -> Verdict | None:
    """How the Job ends, if it does now."""
    spec = job["spec"]
    if counted.refusal:
        return Verdict(failed=True, reason="PodFailurePolicy", message=counted.refusal)
    limit = spec.get("backoffLimit", 6)
    if counted.failed > limit or _restarted_too_often(job, pods, limit):
        return Verdict(
            failed=True, reason="BackoffLimitExceeded", message="Job has reached the specified backoff limit"
        )
    if (left := deadline_in(job, now)) is not None and left <= 0:
        return Verdict(failed=True, reason="DeadlineExceeded", message="Job was active longer than specified deadline")
    most = spec.get("maxFailedIndexes")
    if most is not None and len(counted.failed_indexes) > most:
        return Verdict(
            failed=True,
            reason="MaxFailedIndexesExceeded",
            message="Job has exceeded the specified maximal number of failed indexes",
        )
    completions = spec.get("completions")
    if is_indexed(job) and counted.failed_indexes:
        if len(counted.failed_indexes | counted.completed_indexes) >= (completions or 0):
            return Verdict(failed=True, reason="FailedIndexes", message="Job has failed indexes")
        return None
    enough = counted.succeeded > 0 and not counted.active if completions is None else counted.succeeded >= completions
    if enough:
        text = "Reached expected number of succeeded pods"
        return Verdict(failed=False, reason="CompletionsReached", message=text)
    return None


def _restarted_too_often(job: Item, pods: Sequence[Item], limit: int) -> bool:
    if nested_mapping(job, "spec", "template", "spec").get("restartPolicy") != "OnFailure":
        return False
    alive = [pod for pod in pods if phase_of(pod) in ("Pending", "Running")]
    statuses = [
        each
        for pod in alive
        for field in ("initContainerStatuses", "containerStatuses")
        for each in nested_list(pod, "status", field)
    ]
    restarts = sum(int(each.get("restartCount") or 0) for each in statuses)
    return restarts > 0 if limit == 0 else restarts >= limit


def deadline_in(job: Item, now: datetime) -> float | None:
    """In how many seconds the Job's active deadline passes; None where it has none or has not started."""
    seconds = job["spec"].get("activeDeadlineSeconds")
    started = parse_time((job.get("status") or {}).get("startTime"))
    if seconds is None or started is None or job["spec"].get("suspend"):
        return None
    return (started + timedelta(seconds=seconds) - now).total_seconds()


def wanted_active(job: Item, counted: Counted) -> int:
    """How many Pods should run now."""
    parallelism = int(job["spec"].get("parallelism", 1))
    completions = job["spec"].get("completions")
    if completions is None:
        return len(counted.active) if counted.succeeded else parallelism
    left = int(completions) - counted.succeeded - len(counted.failed_indexes)
    return max(0, min(parallelism, left))


def backoff(pods: Sequence[Item], first: float, now: datetime) -> float:
    """For how many seconds no new Pod is started, because of those that failed since the last that succeeded."""
    ended = sorted((finished_at(pod), phase_of(pod)) for pod in pods if phase_of(pod) in ("Succeeded", "Failed"))
    failures = 0
    while failures < len(ended) and ended[-1 - failures][1] == "Failed":
        failures += 1
    if not failures:
        return 0.0
    pause = min(LONGEST_BACKOFF_SECONDS, first * 2 ** min(failures - 1, 16))
    return max(0.0, (ended[-1][0] + timedelta(seconds=pause) - now).total_seconds())


def finished_at(pod: Item) -> datetime:
    """When the last container ended; when the Pod was made where none says so."""
    moments = [parse_time(each["state"]["terminated"].get("finishedAt")) for each in _ended(pod)]
    known = [moment for moment in moments if moment is not None]
    fallback = parse_time(pod["metadata"].get("creationTimestamp"))
    return max(known) if known else (fallback or datetime.fromisoformat("1970-01-01T00:00:00+00:00"))


def free_indexes(job: Item, counted: Counted) -> list[int]:
    """The indexes that have no Pod and still need one, lowest first."""
    taken = {index_of(pod) for pod in counted.active} | counted.completed_indexes | counted.failed_indexes
    return [index for index in range(job["spec"].get("completions") or 0) if index not in taken]


def read_indexes(text: str) -> set[int]:
    """`0,2-4` as {0, 2, 3, 4}."""
    found: set[int] = set()
    for part in filter(None, (text or "").split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def write_indexes(indexes: Iterable[int]) -> str:
    """{0, 2, 3, 4} as `0,2-4`; two in a row stay apart by a comma."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(_run(run) for run in runs)


def _run(run: Sequence[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    return f"{run[0]},{run[1]}" if len(run) == 2 else f"{run[0]}-{run[-1]}"
