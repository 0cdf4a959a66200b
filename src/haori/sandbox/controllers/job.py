"""Jobs: Pods until enough of them have succeeded, or too many have failed.

see: Kubernetes `pkg/controller/job/job_controller.go`, `pkg/controller/ttlafterfinished` (1.37).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from haori.cluster import Propagation
from haori.cluster.well_known import JOBS, PODS
from haori.errors import PeerError
from haori.objects.times import format_time, parse_time
from haori.sandbox.controllers import job_rules as rules
from haori.sandbox.controllers.conditions import condition, find_condition, set_condition
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, OwnerIndex, claim, is_deleting
from haori.sandbox.controllers.pods import in_deletion_order, is_ready, pod_from_template
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import create_in_batches, refusal_text
from haori.sandbox.controllers.world import World

COMPONENT = "job-controller"
BURST = 500


class JobController:
    """Runs every Job."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs = world.informer(JOBS)
        self._pods = world.informer(PODS)
        self.queue: KeyedQueue[Key] = KeyedQueue("job", self.reconcile)

    def start(self) -> None:
        """Listens to what concerns Jobs."""
        self._jobs.subscribe(asks(self.queue.ask))
        self._pods.subscribe(OwnerIndex(self._jobs, self.queue.ask).child_changed)

    async def reconcile(self, key: Key) -> None:
        """One look at one Job."""
        job = self._jobs.get(key[1], key[0])
        if job is None or is_deleting(job) or job["spec"].get("managedBy"):
            return
        if finished := rules.finished_condition(job):
            await self._expire(key, job, finished)
            return
        if job["spec"].get("selector"):
            pods = await claim(self._world, JOBS, job, self._pods)
        else:
            pods = self._pods.controlled_by(job["metadata"]["uid"])
        job = await self._start(job)
        counted = rules.count(job, pods)
        verdict = rules.verdict_of(job, counted, pods, self._world.now()) or _decided(job)
        failure: PeerError | None = None
        try:
            if verdict is not None or job["spec"].get("suspend"):
                await self._give_up(job, counted.active)
            else:
                await self._manage(key, job, counted, pods)
        except PeerError as error:
            failure = error
        pods = self._pods.controlled_by(job["metadata"]["uid"])
        await self._write(job, rules.count(job, pods), verdict)
        if (left := rules.deadline_in(job, self._world.now())) is not None and verdict is None:
            self.queue.ask(key, max(0.05, left + 0.01))
        if failure is not None:
            raise failure

    async def _start(self, job: Object) -> Object:
        """The Job with its start time, and with what it says about being suspended."""
        status = dict(job.get("status") or {})
        conditions = list(status.get("conditions") or ())
        now, suspended = self._world.now(), bool(job["spec"].get("suspend"))
        known = find_condition(conditions, "Suspended")
        says_suspended = known is not None and known["status"] == "True"
        if suspended == says_suspended and (suspended or status.get("startTime")):
            return job
        if suspended:
            status.pop("startTime", None)
            conditions = set_condition(
                conditions, _condition("Suspended", "True", "JobSuspended", "Job suspended", now)
            )
            self._world.events.normal(COMPONENT, job, "Suspended", "Job suspended")
        else:
            status["startTime"] = format_time(now)
            if known is not None:
                resumed = _condition("Suspended", "False", "JobResumed", "Job resumed", now)
                conditions = set_condition(conditions, resumed)
                self._world.events.normal(COMPONENT, job, "Resumed", "Job resumed")
        if conditions:
            status["conditions"] = conditions
        return await self._world.write_status(JOBS, job, status)

    async def _manage(self, key: Key, job: Object, counted: rules.Counted, pods: Sequence[Object]) -> None:
        missing = rules.wanted_active(job, counted) - len(counted.active)
        if missing < 0:
            order = in_deletion_order(counted.active, counted.active, self._world.now())
            await self._give_up(job, order[: min(-missing, BURST)])
            return
        if missing == 0:
            return
        if wait := rules.backoff(pods, self._world.settings.backoff_seconds, self._world.now()):
            self.queue.ask(key, wait + 0.01)
            return
        indexes = rules.free_indexes(job, counted)
        if rules.is_indexed(job):
            missing = min(missing, len(indexes))
        await create_in_batches(min(missing, BURST), lambda: self._create(job, indexes))

    async def _create(self, job: Object, indexes: list[int]) -> None:
        manifest = pod_from_template(job, job["spec"]["template"], labels=_labels(job))
        if rules.is_indexed(job):
            _number(manifest, job["metadata"]["name"], indexes.pop(0))
        try:
            pod = await self._world.create(PODS, manifest)
        except PeerError as error:
            self._world.events.warning(COMPONENT, job, "FailedCreate", f"Error creating: {refusal_text(error)}")
            raise
        self._world.events.normal(COMPONENT, job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    async def _give_up(self, job: Object, pods: Sequence[Object]) -> None:
        async def delete(pod: Object) -> None:
            if await self._world.delete(PODS, pod):
                name = pod["metadata"]["name"]
                self._world.events.normal(COMPONENT, job, "SuccessfulDelete", f"Deleted pod: {name}")

        await asyncio.gather(*map(delete, pods))

    async def _write(self, job: Object, counted: rules.Counted, verdict: rules.Verdict | None) -> None:
        status = counted_status(job, counted)
        conditions = list(status.get("conditions") or ())
        now = self._world.now()
        if verdict is not None:
            target = "FailureTarget" if verdict.failed else "SuccessCriteriaMet"
            if find_condition(conditions, target) is None:
                said = _condition(target, "True", verdict.reason, verdict.message, now)
                conditions = set_condition(conditions, said)
            if not counted.active and not counted.terminating:
                end = "Failed" if verdict.failed else "Complete"
                said = _condition(end, "True", verdict.reason, verdict.message, now)
                conditions = set_condition(conditions, said)
                if not verdict.failed:
                    status["completionTime"] = format_time(now)
                self._tell_end(job, verdict)
        if conditions:
            status["conditions"] = conditions
        await self._world.write_status(JOBS, job, status)

    def _tell_end(self, job: Object, verdict: rules.Verdict) -> None:
        if verdict.failed:
            self._world.events.warning(COMPONENT, job, verdict.reason, verdict.message)
        else:
            self._world.events.normal(COMPONENT, job, "Completed", "Job completed")

    async def _expire(self, key: Key, job: Object, finished: Any) -> None:
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        moment = parse_time(finished.get("lastTransitionTime"))
        if seconds is None or moment is None:
            return
        left = (moment + timedelta(seconds=seconds) - self._world.now()).total_seconds()
        if left > 0:
            self.queue.ask(key, left + 0.01)
        else:
            await self._world.delete(JOBS, job, Propagation.FOREGROUND)


def counted_status(job: Object, counted: rules.Counted) -> dict[str, Any]:
    """The status with the counts of now; fields that are zero are left out, as the API leaves them."""
    before = job.get("status") or {}
    status = {name: before[name] for name in ("startTime", "completionTime", "conditions") if name in before}
    counts = {"active": len(counted.active), "succeeded": counted.succeeded, "failed": counted.failed}
    status |= {name: number for name, number in counts.items() if number}
    status["ready"] = sum(map(is_ready, counted.active))
    status["terminating"] = counted.terminating
    status["uncountedTerminatedPods"] = {}
    if counted.completed_indexes:
        status["completedIndexes"] = rules.write_indexes(counted.completed_indexes)
    if rules.is_indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None:
        status["failedIndexes"] = rules.write_indexes(counted.failed_indexes)
    return status


def _decided(job: Object) -> rules.Verdict | None:
    """The verdict that an earlier look has written down already: it is never taken back."""
    for type_, failed in (("FailureTarget", True), ("SuccessCriteriaMet", False)):
        known = find_condition((job.get("status") or {}).get("conditions") or (), type_)
        if known is not None and known["status"] == "True":
            return rules.Verdict(failed=failed, reason=known.get("reason", ""), message=known.get("message", ""))
    return None


def _condition(type_: str, status: str, reason: str, message: str, now: Any) -> dict[str, Any]:
    return {**condition(type_, status, reason, message, now), "lastProbeTime": format_time(now)}


def _labels(job: Object) -> dict[str, str]:
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    labels = {"batch.kubernetes.io/job-name": name, "batch.kubernetes.io/controller-uid": uid}
    return labels | {"job-name": name, "controller-uid": uid}


def _number(pod: Object, job: str, index: int) -> None:
    metadata, spec = pod["metadata"], pod["spec"]
    metadata["generateName"] = f"{job}-{index}-"
    metadata["labels"][rules.INDEX] = str(index)
    metadata.setdefault("annotations", {})[rules.INDEX] = str(index)
    spec.setdefault("hostname", f"{job}-{index}"[:63])
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{rules.INDEX}']"}}
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        names = {each["name"] for each in container.get("env") or ()}
        if "JOB_COMPLETION_INDEX" not in names:
            container.setdefault("env", []).append({"name": "JOB_COMPLETION_INDEX", "valueFrom": source})
