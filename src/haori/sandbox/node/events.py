"""Events about Pods, counted as a kubelet counts them: the same thing said again raises a number.

Telling never waits: a bounded queue (the oldest is dropped when it is full) is emptied by `run`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from haori.cluster import KubernetesClient, NotFoundError, PatchType
from haori.cluster.well_known import EVENTS
from haori.errors import PeerError
from haori.objects import nested_text
from haori.objects.times import format_time

log = logging.getLogger(__name__)

QUEUE_SIZE = 2000
REMEMBERED = 1000
COMPONENT = "kubelet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something to tell about an object."""

    about: Mapping[str, str]
    """The involvedObject."""
    type: str
    reason: str
    message: str


def reference_to(manifest: Mapping[str, Any], container: str = "", *, init: bool = False) -> dict[str, str]:
    """An involvedObject; `container` names the part of a Pod."""
    reference = {
        "apiVersion": str(manifest.get("apiVersion") or "v1"),
        "kind": str(manifest.get("kind") or "Pod"),
        "name": nested_text(manifest, "metadata", "name"),
        "namespace": nested_text(manifest, "metadata", "namespace"),
        "uid": nested_text(manifest, "metadata", "uid"),
        "resourceVersion": nested_text(manifest, "metadata", "resourceVersion"),
    }
    if container:
        reference["fieldPath"] = f"spec.{'initContainers' if init else 'containers'}{{{container}}}"
    return {name: value for name, value in reference.items() if value}


class EventRecorder:
    """Writes events in the background."""

    def __init__(self, client: KubernetesClient, *, host: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._host = host
        self._now = now
        self._queue: asyncio.Queue[Happening] = asyncio.Queue(QUEUE_SIZE)
        self._known: OrderedDict[tuple[str, ...], tuple[str, int]] = OrderedDict()

    def tell(self, happening: Happening) -> None:
        """Queue an event."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(happening)

    async def run(self) -> NoReturn:
        """Write what is queued, for ever; an event that cannot be written is given up, since it is only talk."""
        while True:
            happening = await self._queue.get()
            try:
                await self._write(happening)
            except PeerError as problem:
                log.debug("event not written", extra={"reason": happening.reason, "code": problem.code})

    async def _write(self, happening: Happening) -> None:
        about = happening.about
        namespace = about.get("namespace") or "default"
        key = (about.get("uid", ""), about.get("fieldPath", ""), happening.type, happening.reason, happening.message)
        now = format_time(self._now())
        if known := self._known.get(key):
            name, count = known
            try:
                patch = {"count": count + 1, "lastTimestamp": now}
                await self._client.patch(EVENTS, name, namespace, patch, patch_type=PatchType.MERGE)
            except NotFoundError:
                del self._known[key]
            else:
                self._known[key] = (name, count + 1)
                self._known.move_to_end(key)
                return
        name = f"{about.get('name', 'node')[:230]}.{secrets.token_hex(8)}"
        await self._client.create(EVENTS, self._event(happening, name, namespace, now))
        self._known[key] = (name, 1)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _event(self, happening: Happening, name: str, namespace: str, now: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": dict(happening.about),
            "type": happening.type,
            "reason": happening.reason,
            "message": happening.message[:1024],
            "source": {"component": COMPONENT, "host": self._host},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._host,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
