"""CronJobs: a Job at every scheduled time.

see: Kubernetes `pkg/controller/cronjob/cronjob_controllerv2.go` (1.37). Each CronJob has one timer, for its next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from haori.cluster import AlreadyExistsError, Propagation
from haori.cluster.well_known import CRON_JOBS, JOBS
from haori.errors import PeerError
from haori.objects import annotations_of, copy_manifest, labels_of
from haori.objects.times import format_time, parse_time
from haori.sandbox.controllers.cron import Schedule, last_between, parse_schedule
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.job_rules import finished_condition
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, OwnerIndex, is_deleting, owner_reference
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import refusal_text
from haori.sandbox.controllers.world import World

COMPONENT = "cronjob-controller"
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController:
    """Starts Jobs when their time has come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cron_jobs = world.informer(CRON_JOBS)
        self._jobs = world.informer(JOBS)
        self.queue: KeyedQueue[Key] = KeyedQueue("cronjob", self.reconcile)

    def start(self) -> None:
        """Listens to what concerns CronJobs."""
        self._cron_jobs.subscribe(asks(self.queue.ask))
        self._jobs.subscribe(OwnerIndex(self._cron_jobs, self.queue.ask).child_changed)

    async def reconcile(self, key: Key) -> None:
        """One look at one CronJob."""
        owner = self._cron_jobs.get(key[1], key[0])
        if owner is None:
            return
        jobs = self._jobs.controlled_by(owner["metadata"]["uid"])
        owner = await self._note_finished(owner, jobs)
        await self._forget_old(owner, jobs)
        if is_deleting(owner) or owner["spec"].get("suspend"):
            return
        try:
            schedule = parse_schedule(owner["spec"]["schedule"])
            zone = zone_of(owner)
        except ValueError as error:
            text = f"unparseable schedule: {owner['spec']['schedule']!r} : {error}"
            self._world.events.warning(COMPONENT, owner, "UnparseableSchedule", text)
            return
        except ZoneInfoNotFoundError as error:
            self._world.events.warning(COMPONENT, owner, "UnknownTimeZone", f"invalid timeZone: {error}")
            return
        await self._start_due(owner, jobs, schedule, zone)
        now = self._world.now()
        following = schedule.next_after(_last_time(owner, now) if schedule.every_seconds else now, zone)
        if following is not None:
            self.queue.ask(key, max(0.05, (following - now).total_seconds() + 0.05))

    async def _note_finished(self, owner: Object, jobs: Sequence[Object]) -> Object:
        status = dict(owner.get("status") or {})
        by_uid = {job["metadata"]["uid"]: job for job in jobs}
        active = []
        for reference in status.get("active") or ():
            job = by_uid.pop(reference["uid"], None)
            finished = finished_condition(job) if job is not None else None
            if job is not None and finished is None:
                active.append(reference)
                continue
            if job is None:
                text = f"Active job went missing: {reference['name']}"
                self._world.events.normal(COMPONENT, owner, "MissingJob", text)
                continue
            text = f"Saw completed job: {reference['name']}, condition: {(finished or {})['type']}"
            self._world.events.normal(COMPONENT, owner, "SawCompletedJob", text)
            done = (job.get("status") or {}).get("completionTime")
            if done and done > status.get("lastSuccessfulTime", ""):
                status["lastSuccessfulTime"] = done
        # A Job that was made just before a crash is ours too.
        active += [
            _reference(job) for job in by_uid.values() if finished_condition(job) is None and not is_deleting(job)
        ]
        return await self._write_active(owner, status, active)

    async def _write_active(self, owner: Object, status: dict[str, Any], active: list[dict[str, Any]]) -> Object:
        status.pop("active", None)
        return await self._world.write_status(CRON_JOBS, owner, status | ({"active": active} if active else {}))

    async def _forget_old(self, owner: Object, jobs: Sequence[Object]) -> None:
        for type_, field, default in (
            ("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1),
        ):  # fmt: skip
            limit = owner["spec"].get(field, default)
            ended = [
                job for job in jobs if (finished_condition(job) or {}).get("type") == type_ and not is_deleting(job)
            ]
            ended.sort(key=lambda job: (job.get("status") or {}).get("startTime", ""))
            for job in ended[: max(0, len(ended) - limit)]:
                await self._world.delete(JOBS, job, Propagation.BACKGROUND)
                name = job["metadata"]["name"]
                self._world.events.normal(COMPONENT, owner, "SuccessfulDelete", f"Deleted job {name}")

    async def _start_due(self, owner: Object, jobs: Sequence[Object], schedule: Schedule, zone: tzinfo) -> None:
        now, spec = self._world.now(), owner["spec"]
        earliest = _last_time(owner, now)
        allowed = spec.get("startingDeadlineSeconds")
        if allowed is not None:
            earliest = max(earliest, now - timedelta(seconds=allowed))
        due = last_between(schedule, earliest, now, zone)
        if due is None:
            return
        if allowed is not None and due + timedelta(seconds=allowed) < now:
            text = f"Missed scheduled time to start a job: {format_time(due)}"
            self._world.events.warning(COMPONENT, owner, "MissSchedule", text)
            return
        active = (owner.get("status") or {}).get("active") or []
        policy = spec.get("concurrencyPolicy", "Allow")
        if active and policy == "Forbid":
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._world.events.normal(COMPONENT, owner, "JobAlreadyActive", text)
            return
        if active and policy == "Replace":
            names = {reference["uid"] for reference in active}
            for job in jobs:
                if job["metadata"]["uid"] in names:
                    await self._world.delete(JOBS, job, Propagation.BACKGROUND)
                    text = f"Deleted job {job['metadata']['name']}"
                    self._world.events.normal(COMPONENT, owner, "SuccessfulDelete", text)
            active = []
        await self._create(owner, due, zone, active)

    async def _create(self, owner: Object, due: datetime, zone: tzinfo, active: list[dict[str, Any]]) -> None:
        manifest = job_of(owner, due, zone)
        name = manifest["metadata"]["name"]
        try:
            job = await self._world.create(JOBS, manifest)
            self._world.events.normal(COMPONENT, owner, "SuccessfulCreate", f"Created job {name}")
            active = [*active, _reference(job)]
        except AlreadyExistsError:
            # Made before a crash, or by another look: its time counts as kept.
            active = [*active]
        except PeerError as error:
            text = f"Error creating job: {refusal_text(error)}"
            self._world.events.warning(COMPONENT, owner, "FailedCreate", text)
            raise
        status = {**(owner.get("status") or {}), "lastScheduleTime": format_time(due)}
        await self._write_active(owner, status, active)


def zone_of(owner: Object) -> tzinfo:
    """The time zone of `spec.timeZone`, UTC where it is not given. Raises ZoneInfoNotFoundError."""
    name = owner["spec"].get("timeZone")
    try:
        return ZoneInfo(name) if name and name != "UTC" else UTC
    except (ValueError, OSError) as error:
        raise ZoneInfoNotFoundError(f"unknown time zone {name}") from error


def _last_time(owner: Object, now: datetime) -> datetime:
    status = owner.get("status") or {}
    return parse_time(status.get("lastScheduleTime") or owner["metadata"].get("creationTimestamp")) or now


def _reference(job: Object) -> dict[str, Any]:
    metadata = job["metadata"]
    return {
        "apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "namespace": metadata["namespace"],
        "uid": metadata["uid"], "resourceVersion": metadata.get("resourceVersion", ""),
    }  # fmt: skip


def job_of(owner: Object, due: datetime, zone: tzinfo) -> Object:
    """The Job for one scheduled time; its name is made of that time, so that no time has two."""
    template = owner["spec"]["jobTemplate"]
    annotations = {**annotations_of(template), SCHEDULED_AT: due.astimezone(zone).isoformat().replace("+00:00", "Z")}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{owner['metadata']['name'][:52]}-{int(due.timestamp()) // 60}",
            "namespace": owner["metadata"]["namespace"],
            "labels": dict(labels_of(template)),
            "annotations": annotations,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": copy_manifest(template["spec"]),
    }
