"""One list and watch per type that never loses its place.

Lists once, then watches from the list's resourceVersion; a watch that ends goes on from the last event or bookmark; a
place that is too old (410) lists again and says only what changed meanwhile, deletions included; trouble backs off
with jitter. The consumer gets every object at least once and every change at least as its last state: level, not edge.
Per object only its resourceVersion is kept here; what to keep of the object itself is the consumer's business.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NoReturn

from haori.cluster.client import EventType, KubernetesClient, WatchEvent
from haori.cluster.discovery import ApiResource
from haori.cluster.errors import ApiError, GoneError
from haori.errors import PeerError

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SHORT_WATCH_SECONDS = 1.0


class Reflector:
    """Tells `on_event` of ADDED, MODIFIED and DELETED objects of one type; `run` until cancelled.

    A DELETED found by listing again carries only apiVersion, kind and metadata name, namespace. `on_event` must not
    block. `on_problem` hears of each failure (None: it works again).
    """

    def __init__(
        self,
        client: KubernetesClient,
        resource: ApiResource,
        on_event: Callable[[WatchEvent], None],
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        on_problem: Callable[[PeerError | None], None] = lambda problem: None,
        rng: random.Random | None = None,
    ) -> None:
        self.resource = resource
        self._client = client
        self._on_event = on_event
        self._on_problem = on_problem
        self._namespace = namespace
        self._label_selector, self._field_selector = label_selector, field_selector
        self._rng = rng or random.Random()  # noqa: S311  # jitter, not a secret
        self._known: dict[tuple[str, str], str] = {}
        self._resource_version = ""
        self._synced = asyncio.Event()
        self._awake = asyncio.Event()
        self._failures = 0
        self._counts = {"lists": 0, "watches": 0, "events": 0, "failures": 0}

    async def run(self) -> NoReturn:
        """List and watch for ever; every PeerError is reported and tried again."""
        while True:
            try:
                if not self._resource_version:
                    await self._list()
                await self._watch()
            except GoneError:
                self._resource_version = ""
                await self._pause()
            except PeerError as problem:
                self._counts["failures"] += 1
                if isinstance(
                    problem, ApiError
                ):  # A refusal may mean that the type went away: look again from the top.
                    self._resource_version = ""
                log.debug("watch interrupted", extra={"resource": self.resource.full_name, "code": problem.code})
                self._on_problem(problem)
                await self._pause()

    async def wait_synced(self) -> None:
        """Until the first list was told whole."""
        await self._synced.wait()

    def wake(self) -> None:
        """Ends a pause after trouble: there is reason to think that it is over."""
        self._awake.set()

    @property
    def is_synced(self) -> bool:
        """Whether the first list was told whole."""
        return self._synced.is_set()

    def statistics(self) -> dict[str, int]:
        """lists, watches, events, failures, objects."""
        return {**self._counts, "objects": len(self._known)}

    async def _list(self) -> None:
        self._counts["lists"] += 1
        listed = await self._client.list(
            self.resource, self._namespace, label_selector=self._label_selector, field_selector=self._field_selector
        )
        before, self._known = self._known, {}
        for item in listed.items:
            place, version = _place(item), _version(item)
            self._known[place] = version
            known = before.pop(place, None)
            if known != version:
                self._tell(EventType.ADDED if known is None else EventType.MODIFIED, item)
        for namespace, name in before:
            self._tell(EventType.DELETED, self._remains(namespace, name))
        self._resource_version = listed.resource_version
        self._succeeded()
        self._synced.set()

    async def _watch(self) -> None:
        self._counts["watches"] += 1
        started = asyncio.get_running_loop().time()
        events = self._client.watch(
            self.resource,
            self._namespace,
            resource_version=self._resource_version,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        async for event in events:
            self._succeeded()
            self._observe(event)
        if asyncio.get_running_loop().time() - started < SHORT_WATCH_SECONDS:
            await self._pause()  # A server that ends watches at once would otherwise be asked in a tight loop.
        else:
            self._succeeded()

    def _observe(self, event: WatchEvent) -> None:
        if event.type is not EventType.BOOKMARK:
            place = _place(event.object)
            if event.type is EventType.DELETED:
                self._known.pop(place, None)
            else:
                self._known[place] = event.resource_version
            self._tell(event.type, event.object)
        self._resource_version = event.resource_version or self._resource_version

    def _tell(self, type_: EventType, object_: dict[str, Any]) -> None:
        self._counts["events"] += 1
        self._on_event(WatchEvent(type=type_, object=object_))

    def _remains(self, namespace: str, name: str) -> dict[str, Any]:
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        return {"apiVersion": self.resource.api_version, "kind": self.resource.kind, "metadata": metadata}

    def _succeeded(self) -> None:
        if self._failures:
            self._failures = 0
            self._on_problem(None)

    async def _pause(self) -> None:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        self._awake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(longest * (0.5 + self._rng.random() / 2)):
                await self._awake.wait()


def _place(item: dict[str, Any]) -> tuple[str, str]:
    metadata = item.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _version(item: dict[str, Any]) -> str:
    return str((item.get("metadata") or {}).get("resourceVersion") or "")


class Reflectors:
    """Several of one owner; `run` until cancelled."""

    def __init__(self, each: Iterable[Reflector]) -> None:
        self._each = tuple(each)

    async def run(self) -> None:
        """Lists and watches them all."""
        async with asyncio.TaskGroup() as tasks:
            for reflector in self._each:
                tasks.create_task(reflector.run())

    async def wait_synced(self) -> None:
        """Until the first list of each was told whole."""
        for reflector in self._each:
            await reflector.wait_synced()
