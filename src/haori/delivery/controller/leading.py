"""One term of leadership: the parts of the engine put together over one cluster, for as long as the Lease is held."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from haori.cluster import ApiResource, HttpClient, NotFoundError, WatchEvent
from haori.cluster.well_known import CONFIG_MAPS
from haori.delivery.apply import WriteDoor
from haori.delivery.charts import PLACE, SCHEME, Charts
from haori.delivery.compare import Targets
from haori.delivery.controller.assessing import Assessor
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.commits import Commits
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.deletion import Deletion
from haori.delivery.controller.desired import DesiredStates
from haori.delivery.controller.lease import Lease
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.operating import Operating
from haori.delivery.controller.operations import OperationRunner
from haori.delivery.controller.places import Places
from haori.delivery.controller.polling import RepositoryWatches
from haori.delivery.controller.progress import state_json
from haori.delivery.controller.queue import Level, WorkQueue
from haori.delivery.controller.reasons import Reasons
from haori.delivery.controller.reconcile import Parts, Reconciler, respecting
from haori.delivery.controller.recording import Recording
from haori.delivery.controller.repositories import RepositoryIndex
from haori.delivery.controller.settings import EngineSettings
from haori.delivery.controller.validating import Validator
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, OperationState, Settings, parse_settings
from haori.delivery.render import Renderer
from haori.errors import PeerError
from haori.git import Repositories, normalize_url
from haori.jail import Limits
from haori.objects import GroupKind, ResourceKey
from haori.objects.masking import SecretHasher
from haori.resources import argo, haori
from haori.timeline import Recorder

log = logging.getLogger(__name__)

SYNC_SECONDS = 30.0
"""How long the first lists may take; a type that cannot be listed by then is said and not waited for."""
TYPES_SECONDS = 0.3
"""How long changes of definitions are gathered before the types are looked for again."""
WRITE_MARGIN_SECONDS = 1.0
_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


class SettingsChangedError(Exception):
    """What is watched and how marks are read has changed: everything is built anew. Never leaves the engine."""


@dataclass(slots=True)
class Known:
    """The seat of the index of repositories: each term has its own, Git commands ask whichever sits."""

    index: RepositoryIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What outlives a term."""

    client: HttpClient
    repositories: Repositories
    charts: Charts
    renderer: Renderer
    hasher: SecretHasher
    recorder: Recorder
    settings: EngineSettings
    clock: Callable[[], datetime]
    known: Known


class Leader:
    """The engine at work. `run` returns only by error or cancellation."""

    def __init__(self, ground: Ground, lease: Lease, term: int, settings: Settings) -> None:
        self.ground, self._lease, self._term = ground, lease, term
        self._namespace = ground.settings.namespace
        self.door = WriteDoor(
            term=term, seconds_left=lambda: lease.remaining_seconds, margin_seconds=WRITE_MARGIN_SECONDS
        )
        self.declared = Declared(
            self._namespace,
            settings=settings,
            on_ask=self._ask,
            on_gone=self._gone,
            further=ground.settings.application_namespaces,
        )
        self.declared.on_settings = self._settings_changed
        self.index = ground.known.index = RepositoryIndex(self._namespace, on_change=self._credentials_changed)
        self.cache = self._build_cache(settings)
        self._places = Places(ground.repositories, ground.charts)
        self.watches: RepositoryWatches[ApplicationKey] = RepositoryWatches(
            self._places,
            interval_seconds=ground.settings.git.poll_seconds,
            on_change=self._repository_changed,
        )
        self.desired = DesiredStates(
            ground.repositories,
            ground.renderer,
            charts=ground.charts,
            control_namespace=self._namespace,
            limits=Limits(seconds=ground.settings.work.render_seconds),
        )
        self.assessor = Assessor(ground.client, self.cache, self.declared, ground.hasher, manager=haori.FIELD_MANAGER)
        self.writer = ApplicationWriter(ground.client, self.door, self.declared, clock=ground.clock)
        self.operating, self.reconciler = self._build_work()
        self.queue = WorkQueue(self.reconciler.work, workers=ground.settings.work.workers)
        self.reconciler.queue = self.queue
        self._wanted: dict[ResourceKey, set[ApplicationKey]] = {}
        self._keys: dict[ApplicationKey, frozenset[ResourceKey]] = {}
        self._restart = asyncio.Event()
        self._types = asyncio.Event()

    def _build_cache(self, settings: Settings) -> ClusterCache:
        return ClusterCache(
            self.ground.client,
            settings=settings,
            hasher=self.ground.hasher,
            manager=haori.FIELD_MANAGER,
            on_change=self._live_changed,
            on_problem=self._watch_problem,
            whole={
                GroupKind(argo.ARGO_GROUP, argo.APPLICATION): self.declared.observe_application,
                GroupKind(argo.ARGO_GROUP, argo.PROJECT): self.declared.observe_project,
                GroupKind("", "ConfigMap"): self._observe_config,
                GroupKind("", "Secret"): self.index.observe,
            },
        )

    def _build_work(self) -> tuple[Operating, Reconciler]:
        ground = self.ground
        client, clock = ground.client, ground.clock
        apply = replace(ground.settings.apply, field_manager=haori.FIELD_MANAGER)
        validator = Validator(
            client, self.assessor.types, manager=haori.FIELD_MANAGER, kube_version=lambda: self.desired.kube_version
        )
        runner = OperationRunner(client, self.door, self.cache, validator, apply, clock=clock)
        operating = Operating(
            client, self.declared, self.desired, self.assessor, runner, self._store_state, clock=clock
        )
        parts = Parts(
            client=client,
            declared=self.declared,
            desired=self.desired,
            assessor=self.assessor,
            operating=operating,
            deletion=Deletion(
                client,
                self.door,
                self.cache,
                runner,
                self.writer,
                control_namespace=self._namespace,
                project_of=self.declared.project_of,
                clock=clock,
            ),
            reasons=Reasons(
                client,
                self.cache,
                Commits(client, ground.repositories, self.desired, ground.renderer),
                clock=clock,
            ),
            recording=Recording(client, self.door, ground.recorder, clock=clock),
            writer=self.writer,
            clock=clock,
        )
        resync = ground.settings.work.resync_seconds
        return operating, Reconciler(parts, resync_seconds=resync, on_wanted=self._note_wanted)

    async def run(self, on_synced: Callable[[], None]) -> None:
        """Works until the Lease is lost (LeaseLostError, LostLeadershipError) or the settings change."""
        if scripts := self.declared.settings.health_scripts:
            log.warning("health scripts are not run", extra={"kinds": sorted(scripts)})
        for problem in self.declared.settings.problems:
            log.warning("setting not readable", extra={"path": problem.path, "reason": problem.sentence.text()})
        self.desired.kube_version = str((await self.ground.client.version()).get("gitVersion") or "").lstrip("v")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease.keep())
            group.create_task(self.cache.run())
            await self._wait_synced()
            group.create_task(self.watches.run())
            group.create_task(self._keep_types())
            group.create_task(self.queue.run())
            on_synced()
            await self._restart.wait()
            raise SettingsChangedError

    def statistics(self) -> dict[str, Any]:
        """Counts of every part."""
        return {
            "term": self._term,
            "applications": len(self.declared.applications),
            "queue": self.queue.statistics(),
            "looks": self.reconciler.statistics(),
            "cache": self.cache.statistics(),
            "git": {**self.watches.statistics(), **self.index.statistics()},
            "render": self.ground.renderer.statistics(),
            "writes": self.door.statistics(),
            "cluster": self.ground.client.statistics(),
        }

    async def _wait_synced(self) -> None:
        try:
            async with asyncio.timeout(SYNC_SECONDS):
                await self.cache.wait_synced()
        except TimeoutError:
            log.warning("not every type could be listed", extra={"types": self.cache.unsynced()})

    async def _keep_types(self) -> None:
        """Takes up types that custom resource definitions add; their applications are looked at again."""
        while True:
            await self._types.wait()
            await asyncio.sleep(TYPES_SECONDS)
            self._types.clear()
            try:
                await self.cache.look_for_types()
            except PeerError as problem:
                log.warning("types cannot be read", extra={"code": problem.code})
                self._types.set()
                await asyncio.sleep(SYNC_SECONDS / 10)
                continue
            discovery = await self.ground.client.discover()
            for key, targets in self._keys.items():
                if any(discovery.resource(target.group_kind) is None for target in targets):
                    self.queue.ask(key, Level.HARD, "types")

    async def _store_state(self, application: Application, state: OperationState) -> OperationState:
        """Writes how far an operation is; the state as it stands then, since somebody may have asked to terminate it."""
        key = ApplicationKey(application.namespace, application.name)
        stored = [state]

        def status(newest: Application) -> dict[str, Any]:
            stored[0] = respecting(newest, state)
            before = newest.manifest.get("status") or {}
            return {**before, "operationState": state_json(stored[0], has_many=newest.spec.has_many)}

        await self.writer.write_status(key, status)
        return stored[0]

    # What is heard

    def _ask(self, key: ApplicationKey, level: Level, reason: str) -> None:
        self.queue.ask(key, level, reason)
        sources = self.declared.applications[key].spec.sources
        self.watches.follow(key, self._places.of(source for source in sources if source.repo_url))

    def _observe_config(self, event: WatchEvent) -> None:
        self.declared.observe_config(event)
        self.index.observe(event)

    def _credentials_changed(self, url: str) -> None:
        """What a URL, or every one below it, is opened with has changed: they are tried again now."""
        self.watches.notify_below(url)
        bare = url.removeprefix(SCHEME)
        for form in (bare, f"{SCHEME}{bare}"):
            self.watches.notify_below(f"{PLACE}{form}")
        for key, application in self.declared.applications.items():
            packed = (source.repo_url for source in application.spec.sources if source.is_packed)
            if any(normalize_url(each.removeprefix(SCHEME)).startswith(bare) for each in packed):
                self.queue.ask(key, Level.NEWEST, "credentials")

    def _gone(self, key: ApplicationKey) -> None:
        self.reconciler.forget(key)
        self.watches.follow(key, ())

    def _live_changed(self, before: Live | None, after: Live | None) -> None:
        live = after or before
        assert live is not None, "a change of nothing"
        names = self.cache.applications_above(live)
        marks = {item.application for item in (before, after) if item is not None and item.application is not None}
        settle = self.ground.settings.work.settle_seconds
        for name in names | marks:
            if (key := self.declared.by_name.get(name)) is not None:
                self.queue.ask(key, Level.LIVE if name in marks else Level.TREE, "live", delay=settle)
        for key in self._wanted.get(live.key, ()):
            self.queue.ask(key, Level.LIVE, "live", delay=settle)
        if live.key.group_kind == _DEFINITION:
            self._types.set()

    def _watch_problem(self, resource: ApiResource, problem: PeerError | None) -> None:
        if problem is not None:
            log.warning("watch fails", extra={"resource": resource.full_name, "code": problem.code})

    def _repository_changed(self, url: str) -> None:
        for key in self.readers_of(url):
            self.queue.ask(key, Level.NEWEST, "repository")

    def readers_of(self, url: str) -> list[ApplicationKey]:
        """The applications that read a repository."""
        return self.watches.readers_of(url)

    def _settings_changed(self, settings: Settings) -> None:
        self._restart.set()

    def _note_wanted(self, key: ApplicationKey, targets: Targets | None) -> None:
        """Remembers where an application's objects want to stand, marked or not."""
        before = self._keys.pop(key, frozenset())
        after = frozenset(targets.manifests) if targets is not None else frozenset()
        for target in before - after:
            self._wanted[target].discard(key)
            if not self._wanted[target]:
                del self._wanted[target]
        for target in after - before:
            self._wanted.setdefault(target, set()).add(key)
        if after:
            self._keys[key] = after


async def read_settings(client: HttpClient, namespace: str) -> Settings:
    """The settings of the control namespace as they are now."""
    try:
        return parse_settings(await client.get(CONFIG_MAPS, argo.CONFIG_MAP, namespace))
    except NotFoundError:
        return parse_settings(None)
