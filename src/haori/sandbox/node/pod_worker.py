"""One Pod on this node, from the moment it is bound to the moment it is gone.

The worker is one task with one task for each container below it. Containers change their records; whoever changes one
calls `changed`, and the publisher writes the status that follows, one write at a time. Deletion ends the container
tasks first, so nothing is started while the Pod stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.cluster import ApiError, ConflictError, NotFoundError, PatchType
from haori.cluster.well_known import PODS
from haori.errors import PeerError
from haori.objects import nested, nested_list, nested_text
from haori.objects.times import parse_time
from haori.sandbox.node.container_keeper import ContainerKeeper
from haori.sandbox.node.containers import ContainerRecord, Kind, Waiting
from haori.sandbox.node.events import Happening, reference_to
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.restoring import restore_record
from haori.sandbox.node.runtimes import make_runtime
from haori.sandbox.node.statuses import pod_status, records_of

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.03
RETRY_SECONDS = 2.0
DEFAULT_GRACE_SECONDS = 30.0
NODE_STOPS_SECONDS = 1.5
"""What processes get where the node itself is being stopped; the next one starts them again."""


class PodWorker:
    """Looks after one Pod (one uid). `observe` tells it of each change; `run` ends once the Pod is no more our concern."""

    def __init__(self, parts: NodeParts, pod: Mapping[str, Any]) -> None:
        self.pod: Mapping[str, Any] = pod
        self.uid = nested_text(pod, "metadata", "uid")
        self.name = nested_text(pod, "metadata", "name")
        self.namespace = nested_text(pod, "metadata", "namespace")
        self.records: list[ContainerRecord] = records_of(pod)
        self.started_at: datetime = parts.now()
        self._parts = parts
        self._changed = asyncio.Event()
        self._deleting = asyncio.Event()
        self._removed = asyncio.Event()
        self._failed: tuple[str, str] | None = None
        self._published: dict[str, Any] | None = None
        self.address = parts.addresses.take(self.uid, nested_text(pod, "status", "podIP"))
        self.is_gone = False
        """Whether the API has the Pod no more, so that nothing of it needs to be kept."""
        self.runtime = make_runtime(parts, self)
        self.keepers: dict[str, ContainerKeeper] = {}
        self.observe(pod)

    def observe(self, pod: Mapping[str, Any]) -> None:
        """The Pod as it is now."""
        self.pod = pod
        if nested(pod, "metadata", "deletionTimestamp"):
            self._deleting.set()
        self._changed.set()

    def removed(self) -> None:
        """The API has the Pod no more: end it without grace."""
        self._removed.set()
        self._deleting.set()

    def changed(self) -> None:
        """A record changed."""
        self._changed.set()

    def tell(self, type_: str, reason: str, message: str, container: str = "", *, init: bool = False) -> None:
        """An event about the Pod or one of its containers."""
        about = reference_to(self.pod, container, init=init)
        self._parts.events.tell(Happening(about=about, type=type_, reason=reason, message=message))

    async def run(self) -> None:
        """The Pod's whole life."""
        for status in (
            *nested_list(self.pod, "status", "initContainerStatuses"),
            *nested_list(self.pod, "status", "containerStatuses"),
        ):
            is_real = self.runtime.is_real(str(status.get("name")))
            restore_record(self.records, status, is_real=is_real, now=self._parts.now())
        publisher = asyncio.create_task(self._publish_for_ever())
        try:
            if nested(self.pod, "status", "phase") in ("Succeeded", "Failed"):
                publisher.cancel()
                await self._deleting.wait()
            else:
                await self._live()
            if not self._removed.is_set():
                await self._finish()
            self.is_gone = True
        finally:
            publisher.cancel()
            await asyncio.gather(publisher, return_exceptions=True)
            await self._end_what_runs(NODE_STOPS_SECONDS)
            self._parts.addresses.release(self.uid)
            await self.runtime.close()

    async def _live(self) -> None:
        living = asyncio.create_task(self._keep_containers())
        deleting = asyncio.create_task(self._deleting.wait())
        try:
            await asyncio.wait({living, deleting}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
                self.changed()
                await deleting
        finally:
            for task in (living, deleting):
                task.cancel()
            await asyncio.gather(living, deleting, return_exceptions=True)
        await self._stop_all()

    async def _keep_containers(self) -> None:
        """Init containers in order, then all others at once; returns when the Pod has come to its end."""
        self.changed()
        await self.runtime.prepare()
        specs = {str(each["name"]): each for each in self._specs()}
        tasks: list[asyncio.Task[None]] = []
        try:
            for record in self.records:
                if record.kind is Kind.MAIN:
                    continue
                keeper = self._keeper(record, specs[record.name])
                if record.kind is Kind.SIDECAR:
                    tasks.append(asyncio.create_task(keeper.run()))
                    await keeper.wait_started()
                elif not await keeper.run_to_success():
                    return
            for record in self.records:
                if record.kind is not Kind.INIT and isinstance(record.state, Waiting) and record.finished is None:
                    record.state = Waiting(reason="ContainerCreating")
            mains = {
                asyncio.create_task(self._keeper(record, specs[record.name]).run())
                for record in self.records
                if record.kind is Kind.MAIN
            }
            tasks += mains
            await self._wait_for_mains(mains)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self._deleting.is_set():
                await self._end_what_runs(DEFAULT_GRACE_SECONDS)

    async def _wait_for_mains(self, mains: set[asyncio.Task[None]]) -> None:
        """Until all main containers have ended for good, or the Pod has been active for too long."""
        seconds = None
        if limit := nested(self.pod, "spec", "activeDeadlineSeconds"):
            started = parse_time(nested(self.pod, "status", "startTime")) or self.started_at
            seconds = max(0.0, float(limit) - (self._parts.now() - started).total_seconds())
        done, waiting = await asyncio.wait(mains, timeout=seconds)
        for task in done:
            task.result()
        if waiting:
            message = "Pod was active on the node longer than the specified deadline"
            self._failed = ("DeadlineExceeded", message)
            self.tell("Normal", "DeadlineExceeded", message)

    def _specs(self) -> list[Mapping[str, Any]]:
        return [*nested_list(self.pod, "spec", "initContainers"), *nested_list(self.pod, "spec", "containers")]

    def _keeper(self, record: ContainerRecord, spec: Mapping[str, Any]) -> ContainerKeeper:
        keeper = ContainerKeeper(self._parts, self, record, spec)
        self.keepers[record.name] = keeper
        return keeper

    async def _stop_all(self) -> None:
        """The Pod is being deleted: end what runs, with the grace that was asked for."""
        grace = nested(self.pod, "metadata", "deletionGracePeriodSeconds")
        seconds = DEFAULT_GRACE_SECONDS if grace is None else float(grace)
        stopping = asyncio.create_task(self._end_what_runs(0.0 if self._removed.is_set() else seconds))
        removed = asyncio.create_task(self._removed.wait())
        try:
            await asyncio.wait({stopping, removed}, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                stopping.cancel()
                await asyncio.gather(stopping, return_exceptions=True)
                await self._end_what_runs(0.0)
        finally:
            removed.cancel()
            stopping.cancel()
            await asyncio.gather(stopping, removed, return_exceptions=True)

    async def _end_what_runs(self, grace_seconds: float) -> None:
        """Main containers first, then sidecars from the last to the first."""
        deadline = asyncio.get_running_loop().time() + grace_seconds
        kinds = {record.name: record.kind for record in self.records}
        mains = [keeper for name, keeper in self.keepers.items() if kinds[name] is not Kind.SIDECAR]
        sidecars = [keeper for name, keeper in self.keepers.items() if kinds[name] is Kind.SIDECAR]
        await asyncio.gather(*(keeper.stop(grace_seconds) for keeper in mains))
        for keeper in reversed(sidecars):
            await keeper.stop(max(0.0, deadline - asyncio.get_running_loop().time()))
        self.changed()

    async def _finish(self) -> None:
        """The last status, then the Pod itself goes."""
        while not self._removed.is_set():
            try:
                await self._publish()
                await self._parts.delete_pod(self.namespace, self.name, self.uid)
            except (NotFoundError, ConflictError):
                return
            except PeerError as problem:
                log.warning("pod not removed", extra={"pod": f"{self.namespace}/{self.name}", "code": problem.code})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_SECONDS):
                        await self._removed.wait()
            else:
                return

    async def _publish_for_ever(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(COALESCE_SECONDS)
            self._changed.clear()
            try:
                await self._publish()
            except (NotFoundError, ConflictError):
                log.debug("status of a pod that is gone", extra={"pod": f"{self.namespace}/{self.name}"})
            except PeerError as problem:
                level = logging.WARNING if isinstance(problem, ApiError) else logging.DEBUG
                log.log(level, "pod status not written", extra={"pod": self.uid, "problem": str(problem)})
                self._changed.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def _publish(self) -> None:
        status = pod_status(
            self.pod,
            self.records,
            pod_ip=self.address.announced,
            host_ip=self._parts.host_ip,
            started_at=self.started_at,
            now=self._parts.now(),
            failed=self._failed,
        )
        if status == self._published:
            return
        body = {"metadata": {"uid": self.uid}, "status": status}
        await self._parts.client.patch(
            PODS, self.name, self.namespace, body, patch_type=PatchType.STRATEGIC, subresource="status"
        )
        self._published = status
