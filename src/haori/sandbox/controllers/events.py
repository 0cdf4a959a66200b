"""Events: what controllers tell people, counted where it repeats and never more than there is room for.

The same event about the same object is one object with a count, as client-go's correlator makes it. A burst of 25 for
one object, then one in five minutes: what is beyond is not written. Writing happens behind the controllers' back; what cannot be
written in time is dropped, the oldest first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from haori.cluster import KubernetesClient, NotFoundError, PatchType
from haori.cluster.well_known import EVENTS
from haori.errors import PeerError
from haori.objects.times import format_time

log = logging.getLogger(__name__)

WAITING = 1000
KNOWN = 2048
BURST = 25
REFILL_SECONDS = 300.0
MESSAGE_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class _Said:
    component: str
    namespace: str
    uid: str
    type: str
    reason: str
    message: str


@dataclass(slots=True)
class _Told:
    name: str
    count: int


class EventRecorder:
    """Writes events of `core/v1` for the controllers; `run` until cancelled."""

    def __init__(self, client: KubernetesClient, now: Callable[[], datetime]) -> None:
        self._client, self._now = client, now
        self._waiting: deque[tuple[_Said, dict[str, Any]]] = deque(maxlen=WAITING)
        self._told: OrderedDict[_Said, _Told] = OrderedDict()
        self._tokens: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._wake = asyncio.Event()
        self._counts = {"written": 0, "dropped": 0}

    def normal(self, component: str, about: Mapping[str, Any], reason: str, message: str) -> None:
        """Something went as it should."""
        self._say(component, about, "Normal", reason, message)

    def warning(self, component: str, about: Mapping[str, Any], reason: str, message: str) -> None:
        """Something somebody may have to look at."""
        self._say(component, about, "Warning", reason, message)

    def statistics(self) -> dict[str, int]:
        """waiting, known (different events), written, dropped."""
        return {"waiting": len(self._waiting), "known": len(self._told), **self._counts}

    def _say(self, component: str, about: Mapping[str, Any], type_: str, reason: str, message: str) -> None:
        metadata = about["metadata"]
        reference = {
            "apiVersion": about["apiVersion"], "kind": about["kind"], "name": metadata["name"], "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        }  # fmt: skip
        if namespace := metadata.get("namespace"):
            reference["namespace"] = namespace
        if not self._may_say(component, metadata["uid"]):
            self._counts["dropped"] += 1
            return
        said = _Said(component, namespace or "default", metadata["uid"], type_, reason, message[:MESSAGE_LIMIT])
        if len(self._waiting) == WAITING:
            self._counts["dropped"] += 1
        self._waiting.append((said, reference))
        self._wake.set()

    def _may_say(self, component: str, uid: str) -> bool:
        moment = time.monotonic()
        tokens, last = self._tokens.pop((component, uid), (float(BURST), moment))
        tokens = min(BURST, tokens + (moment - last) / REFILL_SECONDS)
        self._tokens[component, uid] = (max(tokens - 1, tokens if tokens < 1 else 0), moment)
        if len(self._tokens) > KNOWN:
            self._tokens.popitem(last=False)
        return tokens >= 1

    async def run(self) -> NoReturn:
        """Writes what is waiting."""
        while True:
            while self._waiting:
                said, reference = self._waiting.popleft()
                try:
                    await self._write(said, reference)
                    self._counts["written"] += 1
                except PeerError as error:  # A namespace that is going away takes no events.
                    self._counts["dropped"] += 1
                    log.debug("event not written", extra={"reason": said.reason, "code": error.code})
            self._wake.clear()
            await self._wake.wait()

    async def _write(self, said: _Said, reference: Mapping[str, Any]) -> None:
        now = format_time(self._now())
        if told := self._told.get(said):
            self._told.move_to_end(said)
            told.count += 1
            patch = {"count": told.count, "lastTimestamp": now}
            try:
                await self._client.patch(EVENTS, told.name, said.namespace, patch, patch_type=PatchType.MERGE)
                return
            except NotFoundError:
                del self._told[said]
        name = f"{reference['name']}.{time.time_ns():x}"
        await self._client.create(
            EVENTS,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": said.namespace},
                "involvedObject": dict(reference),
                "reason": said.reason,
                "message": said.message,
                "type": said.type,
                "source": {"component": said.component},
                "reportingComponent": said.component,
                "reportingInstance": "",
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            },
        )
        self._told[said] = _Told(name=name, count=1)
        if len(self._told) > KNOWN:
            self._told.popitem(last=False)
