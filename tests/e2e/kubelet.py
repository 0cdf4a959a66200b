"""As much of a kubelet as delivery needs: Pods that were bound become Running, end, or cannot pull their image."""

from __future__ import annotations

import asyncio
from typing import Any

from haori.cluster import EventType, HttpClient, NotFoundError, PatchType, Reflector, WatchEvent
from haori.cluster.errors import ConflictError
from haori.cluster.well_known import PODS

MISSING = "missing"
"""An image with this word in its tag cannot be pulled."""
FAILING = "failing"
"""A Pod of a Job whose image has this tag fails."""


class Kubelet:
    """Writes the status of every bound Pod."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            while True:
                await self._treat(await self._queue.get())

    async def _watch(self) -> None:
        await Reflector(self._client, PODS, self._observe).run()

    def _observe(self, event: WatchEvent) -> None:
        if event.type in (EventType.ADDED, EventType.MODIFIED):
            self._queue.put_nowait(event.object)

    async def _treat(self, pod: dict[str, Any]) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        if not spec.get("nodeName") or metadata.get("deletionTimestamp"):
            return  # Test Pods have no grace period: the API server itself removes them.
        try:
            status = status_of(pod)
            if (pod.get("status") or {}).get("phase") != status["phase"] or not pod["status"].get("containerStatuses"):
                await self._client.patch(
                    PODS, metadata["name"], metadata["namespace"], {"status": status},
                    patch_type=PatchType.MERGE, subresource="status",
                )  # fmt: skip
        except (NotFoundError, ConflictError):
            return


def status_of(pod: dict[str, Any]) -> dict[str, Any]:
    """What the Pod's image says of it."""
    image = pod["spec"]["containers"][0]["image"]
    names = [container["name"] for container in pod["spec"]["containers"]]
    if MISSING in image:
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}
        return _status("Pending", names, image, waiting, ready=False)
    if pod["spec"].get("restartPolicy") != "Always":
        code = 1 if FAILING in image else 0
        ended = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
        return _status("Failed" if code else "Succeeded", names, image, ended, ready=False)
    return _status("Running", names, image, {"running": {"startedAt": "2026-11-24T05:00:00Z"}}, ready=True)


def _status(phase: str, names: list[str], image: str, state: dict[str, Any], *, ready: bool) -> dict[str, Any]:
    word = "True" if ready else "False"
    containers = [
        {
            "name": name,
            "image": image,
            "imageID": "",
            "ready": ready,
            "restartCount": 0,
            "state": state,
            "started": ready,
        }
        for name in names
    ]
    conditions = [{"type": type_, "status": word} for type_ in ("Ready", "ContainersReady")]
    conditions += [{"type": type_, "status": "True"} for type_ in ("Initialized", "PodScheduled")]
    return {"phase": phase, "containerStatuses": containers, "conditions": conditions, "podIP": "10.1.0.1"}
