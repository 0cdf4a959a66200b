"""A kubelet small enough to read: Pods that are bound run at once, unless their image says otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any, NoReturn

from haori.cluster import ConflictError, EventType, KubernetesClient, NotFoundError, Reflector, WatchEvent
from haori.cluster.http_client import HttpClient
from haori.cluster.well_known import PODS
from haori.objects.times import format_time

Pod = dict[str, Any]


def image_of(pod: Pod) -> str:
    """The first container's image."""
    return str(pod["spec"]["containers"][0]["image"])


def outcome_of(pod: Pod) -> str:
    """`run`, or what the image's name asks for: `fail`, `succeed`, `missing`, `unready`."""
    name = image_of(pod).partition(":")[0]
    return name if name in ("fail", "succeed", "missing", "unready") else "run"


class Kubelet:
    """Writes the status of every bound Pod and ends those that are being deleted."""

    def __init__(self, client: KubernetesClient, outcome: Callable[[Pod], str] = outcome_of) -> None:
        self._client, self._outcome = client, outcome
        self._addresses = count(1)
        self._group: asyncio.TaskGroup | None = None
        self._busy: set[tuple[str, bool]] = set()

    async def run(self) -> NoReturn:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await Reflector(self._client, PODS, self._observe).run()

    def _observe(self, event: WatchEvent) -> None:
        pod = event.object
        if event.type is EventType.DELETED or not pod["spec"].get("nodeName") or self._group is None:
            return
        deleting = bool(pod["metadata"].get("deletionTimestamp"))
        key = (pod["metadata"]["uid"], deleting)
        if key not in self._busy:
            self._busy.add(key)
            self._group.create_task(self._end(pod) if deleting else self._begin(pod))

    async def _begin(self, pod: Pod) -> None:
        metadata = pod["metadata"]
        while True:
            try:
                live = await self._client.get(PODS, metadata["name"], metadata["namespace"])
                if live["metadata"]["uid"] == metadata["uid"]:
                    status = status_of(live, self._outcome(live), f"10.1.0.{next(self._addresses) % 250 + 1}")
                    await self._client.replace(PODS, {**live, "status": status}, subresource="status")
                return
            except ConflictError:
                continue
            except NotFoundError:
                return

    async def _end(self, pod: Pod) -> None:
        """Says that the containers have ended, then removes the Pod without grace."""
        metadata = pod["metadata"]
        while True:
            try:
                live = await self._client.get(PODS, metadata["name"], metadata["namespace"])
                if live["metadata"]["uid"] != metadata["uid"]:
                    return
                if (live.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                    ended = status_of(live, "succeed", "10.1.0.1")
                    await self._client.replace(PODS, {**live, "status": ended}, subresource="status")
                await self._remove(metadata)
                return
            except ConflictError:
                continue
            except NotFoundError:
                return

    async def _remove(self, metadata: dict[str, Any]) -> None:
        name, namespace, uid = metadata["name"], metadata["namespace"], metadata["uid"]
        if isinstance(self._client, HttpClient):
            options = {
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "gracePeriodSeconds": 0,
                "preconditions": {"uid": uid},
            }
            await self._client.raw("DELETE", PODS.path(name, namespace), body=json.dumps(options).encode())
        else:  # The sandbox's API removes a Pod whose containers have ended at once.
            await self._client.delete(PODS, name, namespace, uid=uid)


def status_of(pod: Pod, outcome: str, address: str) -> dict[str, Any]:
    """The status of a Pod with that outcome."""
    now = format_time(datetime.now(UTC))
    phase = {"fail": "Failed", "succeed": "Succeeded", "missing": "Pending"}.get(outcome, "Running")
    ready = "True" if outcome == "run" else "False"
    states: dict[str, dict[str, Any]] = {
        "fail": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}},
        "succeed": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}},
        "missing": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
    }
    container = pod["spec"]["containers"][0]
    conditions = [
        {"type": type_, "status": status, "lastTransitionTime": now, "lastProbeTime": None}
        for type_, status in (("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", "True"))
    ]  # fmt: skip
    return {
        "phase": phase,
        "conditions": conditions,
        "startTime": now,
        "hostIP": "127.0.0.1",
        **({} if outcome == "missing" else {"podIP": address, "podIPs": [{"ip": address}]}),
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": ready == "True",
                "restartCount": 0,
                "started": phase == "Running",
                "state": states.get(outcome, {"running": {"startedAt": now}}),
            }
        ],
    }
