"""All Pods of the node: one watch, one worker a Pod."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from haori.cluster import EventType, Reflector, WatchEvent
from haori.cluster.well_known import PODS
from haori.objects import nested_text
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.pod_worker import PodWorker
from haori.sandbox.node.ports import bindable_port

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
MakeWorker = Callable[[Mapping[str, Any]], PodWorker]


class Pods:
    """The workers, by uid; a worker that fails is begun again with the Pod as it is then."""

    def __init__(self, parts: NodeParts, make_worker: MakeWorker) -> None:
        self._make_worker = make_worker
        self._workers: dict[str, PodWorker] = {}
        self._uids: dict[tuple[str, str], str] = {}
        self._bindable: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        selector = f"spec.nodeName={parts.settings.node_name}"
        self.reflector = Reflector(parts.client, PODS, self._heard, field_selector=selector)

    async def run(self) -> None:
        """Look after the node's Pods until cancelled; workers end before this returns."""
        try:
            await self.reflector.run()
        finally:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of the Pod that has this name now."""
        return self._workers.get(self._uids.get((namespace, name), ""))

    def resolve(self, target: tuple[str, int]) -> tuple[str, int]:
        """Where what a Pod's status announces as (address, port) really listens; others' addresses as they are."""
        bindable = self._bindable.get(target[0])
        return (bindable, bindable_port(target[1])) if bindable else target

    @property
    def uids(self) -> frozenset[str]:
        """Of all Pods looked after."""
        return frozenset(self._workers)

    def _heard(self, event: WatchEvent) -> None:
        pod = event.object
        place = (nested_text(pod, "metadata", "namespace"), nested_text(pod, "metadata", "name"))
        uid = nested_text(pod, "metadata", "uid")
        before = self._uids.get(place, "")
        if event.type is EventType.DELETED or (before and before != uid):
            # A deletion that was found by listing again carries no uid; the name says enough.
            if gone := self._workers.get(uid or before) or self._workers.get(before):
                gone.removed()
            self._uids.pop(place, None)
        if event.type is EventType.DELETED:
            return
        self._uids[place] = uid
        if worker := self._workers.get(uid):
            worker.observe(pod)
        else:
            self._begin(pod)

    def _begin(self, pod: Mapping[str, Any]) -> None:
        worker = self._make_worker(pod)
        self._workers[worker.uid] = worker
        self._bindable[worker.address.announced] = worker.address.bindable
        task = asyncio.create_task(self._look_after(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self, worker: PodWorker) -> None:
        try:
            await worker.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            # One Pod's trouble must not end the node: it is told, and the Pod taken up anew after a while.
            log.exception("pod begun again", extra={"pod": f"{worker.namespace}/{worker.name}"})
            await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._workers.pop(worker.uid, None)
            self._bindable.pop(worker.address.announced, None)
        if not worker.is_gone and self._uids.get((worker.namespace, worker.name)) == worker.uid:
            self._begin(worker.pod)
