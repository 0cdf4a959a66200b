"""One watch of all Applications, and waiting until they are as wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bench.delivery.calls import CONTROL
from haori.cluster import EventType, HttpClient, Reflector, WatchEvent
from haori.cluster.well_known import APPLICATIONS

Check = Callable[[Mapping[str, Any]], bool]
WAIT_SECONDS = 1800.0


class Applications:
    """The Applications as the watch last told."""

    def __init__(self) -> None:
        self.known: dict[str, Mapping[str, Any]] = {}
        self._waiting: list[tuple[set[str], Check, asyncio.Event]] = []

    def observe(self, event: WatchEvent) -> None:
        """Takes an event in; what is older than what is known changes nothing, since a patch's answer overtakes the watch."""
        name = str(event.object["metadata"]["name"])
        if event.type is EventType.DELETED:
            self.known.pop(name, None)
        elif _version(event.object) > _version(self.known.get(name) or {}):
            self.known[name] = event.object
        else:
            return
        for names, check, done in self._waiting:
            if name in names and check(self.known.get(name) or {}):
                names.discard(name)
                if not names:
                    done.set()

    def put(self, application: dict[str, Any]) -> None:
        """Takes in what the API answered."""
        self.observe(WatchEvent(type=EventType.MODIFIED, object=application))

    async def wait(self, names: list[str], check: Check) -> None:
        """Until each of these passed `check` once, now or later; {} stands for one that is gone."""
        left = {name for name in names if not check(self.known.get(name) or {})}
        if not left:
            return
        done = asyncio.Event()
        entry = (left, check, done)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await done.wait()
        except TimeoutError:
            some = sorted(left)[:3]
            states = {name: (self.known.get(name) or {}).get("status") for name in some}
            raise SystemExit(f"{len(left)} applications are not as awaited, among them {states}") from None
        finally:
            self._waiting.remove(entry)


@asynccontextmanager
async def watched(client: HttpClient) -> AsyncIterator[Applications]:
    """The Applications of the control namespace for as long as the block lasts."""
    applications = Applications()
    reflector = Reflector(client, APPLICATIONS, applications.observe, namespace=CONTROL)
    task = asyncio.create_task(reflector.run())
    try:
        await reflector.wait_synced()
        yield applications
    finally:
        task.cancel()


def _version(application: Mapping[str, Any]) -> int:
    return int((application.get("metadata") or {}).get("resourceVersion") or 0)


def synced_at(revision: str) -> Check:
    """`status.sync.revision` is the commit, Synced, Healthy, and the operation succeeded."""

    def check(application: Mapping[str, Any]) -> bool:
        status = application.get("status") or {}
        sync, state = status.get("sync") or {}, status.get("operationState") or {}
        return (
            sync.get("status") == "Synced"
            and sync.get("revision") == revision
            and (status.get("health") or {}).get("status") == "Healthy"
            and state.get("phase") == "Succeeded"
        )

    return check


def looked_at(application: Mapping[str, Any]) -> bool:
    """The refresh that was asked for is answered."""
    annotations = (application.get("metadata") or {}).get("annotations") or {}
    return "argocd.argoproj.io/refresh" not in annotations


def is_gone(application: Mapping[str, Any]) -> bool:
    """It was deleted and nothing holds it."""
    return not application
