"""One cluster: its client, its cache, its types; and, of one that a Secret names, whether it answers.

A remote cluster is asked for its types every now and then (two conditional requests), and at once when something on it
fails: that goes through its credentials, unlike `/version`, and notices a connection that is open to nobody. While it is
down its watches try again with growing pauses and are woken when it answers.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from haori.cluster import ApiError, ApiResource, ForbiddenError, HttpClient, open_client
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.cluster_secrets import ClusterEntry
from haori.delivery.controller.scripted import ScriptedHealth
from haori.errors import HaoriError, PeerError
from haori.objects import GroupKind
from haori.words import Sentence

log = logging.getLogger(__name__)

SYNC_SECONDS = 30.0
"""How long the first lists may take; a type that cannot be listed by then is said and not waited for."""
TYPES_SECONDS = 0.3
"""How long changes of definitions are gathered before the types are looked for again."""
ANSWER_SECONDS = 10.0
"""A remote cluster that takes longer to say its types is down."""
LOOK_SECONDS = 20.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
READ_SECONDS = 0.2
SHOWN_TYPES = 5
_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


class Cluster:
    """One cluster. `run` keeps cache and types current."""

    def __init__(self, client: HttpClient, *, server: str, name: str) -> None:
        self.client, self.server, self.name = client, server, name
        self.cache: ClusterCache
        self.scripted: ScriptedHealth
        self.kube_version = ""
        self.on_change: Callable[[Cluster, Live | None, Live | None], None] = lambda cluster, before, after: None
        self.on_types: Callable[[Cluster], None] = lambda cluster: None
        self._types = asyncio.Event()

    async def open(self) -> None:
        """Asks who is there. Raises PeerError."""
        self.kube_version = str((await self.client.version()).get("gitVersion") or "").lstrip("v")

    async def run(self) -> None:
        """Watches until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.cache.run())
            group.create_task(self.scripted.run())
            group.create_task(self._keep_types())

    async def wait_synced(self) -> None:
        """Until every type was listed once and the scripts have judged what is there, or for so long as that may take."""
        try:
            async with asyncio.timeout(SYNC_SECONDS):
                await self.cache.wait_synced()
                await self.scripted.wait_idle()
        except TimeoutError:
            extra = {"cluster": self.name, "types": self.cache.unsynced()}
            log.warning("not every type could be listed", extra=extra)

    def changed(self, before: Live | None, after: Live | None) -> None:
        """Takes in what the cache says of one object."""
        live = after or before
        if live is not None and live.key.group_kind == _DEFINITION:
            self._types.set()
        self.on_change(self, before, after)

    async def _keep_types(self) -> None:
        """Takes up types that custom resource definitions add."""
        await self.wait_synced()
        while True:
            await self._types.wait()
            await asyncio.sleep(TYPES_SECONDS)
            self._types.clear()
            try:
                await self.cache.look_for_types()
            except PeerError as problem:
                log.warning("types cannot be read", extra={"cluster": self.name, "code": problem.code})
                self._types.set()
                await asyncio.sleep(SYNC_SECONDS / 10)
                continue
            self.on_types(self)


class RemoteCluster(Cluster):
    """A cluster of a Secret. `keep` holds the connection until cancelled."""

    def __init__(self, entry: ClusterEntry, *, on_state: Callable[[RemoteCluster], None]) -> None:
        assert entry.settings is not None, "a cluster that cannot be reached"
        super().__init__(open_client(entry.settings), server=entry.server, name=entry.name)
        self.entry = entry
        self.problem: Sentence | None = None
        """Why nothing can be done on it now."""
        self.is_ready = False
        """Whether it answers and was read."""
        self._on_state = on_state
        self._is_read = False
        self._trouble: Sentence | None = None
        """Why it does not answer."""
        self._late: Sentence | None = None
        """That reading it takes long."""
        self._refused: set[str] = set()
        """Types that we may not list."""
        self._doubt = asyncio.Event()
        self._changed = asyncio.Event()
        self._rng = random.Random()  # noqa: S311 - spreads load, hides nothing

    def take(self, entry: ClusterEntry) -> bool:
        """Goes on with what the Secret says now; False where that needs another cache."""
        before, self.entry = self.entry, entry
        if (before.name, before.namespaces, before.cluster_resources) != (
            entry.name, entry.namespaces, entry.cluster_resources,
        ):  # fmt: skip
            return False
        if entry.settings is not None and before.settings != entry.settings:
            self.client.use(entry.settings)
            self._changed.set()
            self._doubt.set()
        return True

    def suspect(self) -> None:
        """Has it asked now whether it answers."""
        self._doubt.set()

    async def keep(self) -> None:
        """Connects, watches, and looks whether it still answers."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._keep(group)
        finally:
            await self.client.aclose()

    def watch_failed(self, resource: ApiResource, problem: PeerError | None) -> bool:
        """Hears of each watch that fails, and of each that works again (None); whether that is news of the type itself."""
        is_known = resource.full_name in self._refused
        if problem is None:
            self._refused.discard(resource.full_name)
            return False
        if not isinstance(problem, ApiError):
            self.suspect()  # Of a cluster that is down one word is enough.
            return False
        self._refused.add(resource.full_name)
        return not is_known

    def statistics(self) -> dict[str, Any]:
        """name, server, state, why, cache, requests."""
        state = "down" if self.problem is not None else "up" if self.is_ready else "connecting"
        why = self.problem.to_json() if self.problem is not None else None
        return {
            "name": self.name, "server": self.server, "state": state, "why": why,
            "cache": self.cache.statistics(), "requests": self.client.statistics(),
        }  # fmt: skip

    async def _keep(self, group: asyncio.TaskGroup) -> None:
        is_watched, pause = False, FIRST_PAUSE_SECONDS
        while True:
            self._doubt.clear()
            self._changed.clear()
            problem = await self._ask()
            if problem is None:
                if not is_watched:
                    is_watched = True
                    group.create_task(self.run())
                    group.create_task(self._read())
                elif self._trouble is not None:
                    self.cache.wake()
            self._trouble = problem
            self._say()
            if problem is None:
                pause = FIRST_PAUSE_SECONDS
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
                await _wait(self._doubt, LOOK_SECONDS * self._rng.uniform(0.8, 1.2))
            else:
                await _wait(self._changed, pause * self._rng.uniform(0.8, 1.2))
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _ask(self) -> Sentence | None:
        """Why it cannot be worked with; None where it can."""
        named = {"cluster": self.name, "server": self.server, "secret": self.entry.secret}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if not self.kube_version:
                    await self.open()
                before = self.client.known_discovery
                if await self.client.discover(refresh=True) is not before and before is not None:
                    self._types.set()  # Where definitions are not watched nothing else says so.
        except TimeoutError:
            reason = Sentence(code="cluster-no-answer", parameters={"seconds": int(ANSWER_SECONDS)})
            return Sentence(code="cluster-down", parameters={**named, "reason": reason})
        except HaoriError as error:
            code = "cluster-refuses" if isinstance(error, ForbiddenError) else "cluster-down"
            return Sentence(code=code, parameters={**named, "reason": error.sentence})
        return None

    async def _read(self) -> None:
        """Until all that may be listed was: what is not known to be there must not be taken for missing."""
        loop = asyncio.get_running_loop()
        late = loop.time() + SYNC_SECONDS
        while not self.cache.is_started or set(self.cache.unsynced()) - self._refused:
            if loop.time() > late and self._late is None:
                types = sorted(set(self.cache.unsynced()) - self._refused)[:SHOWN_TYPES]
                parameters = {"cluster": self.name, "server": self.server, "types": types}
                self._late = Sentence(code="cluster-reading", parameters=parameters)
                self._say()
            await asyncio.sleep(READ_SECONDS)
        await self.scripted.wait_idle()
        self._is_read, self._late = True, None
        self._say()

    def _say(self) -> None:
        before, problem = (self.problem, self.is_ready), self._trouble or self._late
        self.problem, self.is_ready = problem, problem is None and self._is_read
        if before != (self.problem, self.is_ready):
            extra = {"cluster": self.name, "server": self.server}
            if problem is not None:
                log.warning("cluster down", extra={**extra, "reason": problem.text()})
            elif self.is_ready:
                log.info("cluster up", extra=extra)
            self._on_state(self)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
