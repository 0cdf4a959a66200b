"""One term of leadership: the parts that act, put together over what is watched, for as long as the Lease is held."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from haori.delivery.apply import WriteDoor
from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.charts import SCHEME
from haori.delivery.compare import Targets
from haori.delivery.controller.assessing import Assessor
from haori.delivery.controller.cache import Live
from haori.delivery.controller.cluster import Cluster
from haori.delivery.controller.commits import Commits
from haori.delivery.controller.deletion import Deletion
from haori.delivery.controller.deletion_hooks import DeletionHooks
from haori.delivery.controller.desired import DesiredStates
from haori.delivery.controller.hook_objects import HookObjects
from haori.delivery.controller.hurry import HURRIED, MOST_HURRIED, Hurry
from haori.delivery.controller.lease import Lease
from haori.delivery.controller.looks import Looks
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.observing import Observer
from haori.delivery.controller.operating import Operating
from haori.delivery.controller.operations import OperationRunner
from haori.delivery.controller.progress import respecting, state_json
from haori.delivery.controller.queue import MOVED, Level, Wish, WorkQueue
from haori.delivery.controller.reasons import Reasons
from haori.delivery.controller.reconcile import Reconciler
from haori.delivery.controller.recording import Recording
from haori.delivery.controller.sight import Parts, Sight
from haori.delivery.controller.sites import Site, Sites
from haori.delivery.controller.validating import Validator
from haori.delivery.controller.watching import Ground, Watching
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, OperationState
from haori.delivery.render import RenderRequest
from haori.errors import TransientError
from haori.git import normalize_url
from haori.jail import Limits
from haori.objects import ResourceKey
from haori.resources import argo, haori
from haori.resources.argo import OperationPhase

DELETION_FACTOR = 4
"""How much longer than elsewhere changes are gathered of an application that is being deleted."""
SLOW_CODES = frozenset({"render-stopped", "git-timeout", "git-repository-too-large", "chart-unreachable"})
Standing = tuple[str, ResourceKey]
"""An object of one cluster: (its server, key)."""


def _door_of(lease: Lease, term: int, ground: Ground) -> WriteDoor:
    door = WriteDoor(
        term=term,
        seconds_left=lambda: lease.seconds_left(term),
        margin_seconds=ground.settings.lease.write_seconds,
        wait_renewed=lease.wait_renewed,
    )
    lease.on_renewed = door.renewed
    return door


class Leader:
    """The engine at work; `run` returns only by error or cancellation."""

    def __init__(self, watching: Watching, lease: Lease | None, term: int) -> None:
        """Without a Lease it observes: every door is shut."""
        self.watching, self.ground, self.term = watching, watching.ground, term
        ground = self.ground
        self._namespace = ground.settings.namespace
        self.declared, self.clusters, self.watches = watching.declared, watching.clusters, watching.repositories
        self.door = WriteDoor(term=term, seconds_left=lambda: 0.0) if lease is None else _door_of(lease, term, ground)
        self._superseded = asyncio.Event()
        self._desired = DesiredStates(
            ground.repositories,
            ground.renderer,
            charts=ground.charts,
            control_namespace=self._namespace,
            limits=Limits(seconds=ground.settings.work.render_seconds),
            build=self.declared.settings.build,
            on_bases=watching.note_bases,
            value_schemes=self.declared.settings.value_schemes,
        )
        self.writer = ApplicationWriter(ground.client, self.door, self.declared, clock=ground.clock)
        self.sites = Sites(self.clusters, self._build_site)
        self.queue = WorkQueue(self._work, workers=ground.settings.work.workers, lane_of=self._lane_of)
        parts = Parts(
            queue=self.queue,
            declared=self.declared,
            sites=self.sites,
            recording=Recording(ground.client, self.door, ground.recorder, clock=ground.clock),
            writer=self.writer,
            check=watching.check,
            clock=ground.clock,
        )
        resync = ground.settings.work.resync_seconds
        self.sight = Sight(parts, on_wanted=self._note_wanted)
        self.observer = Observer(parts, self.sight, resync_seconds=resync) if lease is None else None
        """What observes, where this engine does."""
        actor = self.observer or Reconciler(parts, self.sight, resync_seconds=resync)
        self.looks = Looks(parts, self.sight, actor)
        self._hurry = Hurry(ground.repositories, self._hurried)
        self._wanted: dict[Standing, set[ApplicationKey]] = {}
        self._keys: dict[ApplicationKey, frozenset[Standing]] = {}

    async def requests(self, application: Application, *, fresh_after: float) -> list[RenderRequest]:
        """What would render an application, deployed or not; its repositories were looked at since `fresh_after`."""
        sources = application.spec.sources
        revisions = await self._desired.resolve(sources, fresh_after=fresh_after)
        return await self._desired.requests(application, sources, revisions, await self.ground.client.discover())

    def _build_site(self, cluster: Cluster) -> Site:
        ground = self.ground
        client, cache, clock = cluster.client, cluster.cache, ground.clock
        apply = replace(ground.settings.apply, field_manager=haori.FIELD_MANAGER)
        manager = haori.FIELD_MANAGER
        desired = self._desired.beside()
        desired.kube_version = cluster.kube_version
        assessor = Assessor(
            client, cache, self.declared, ground.hasher, manager=manager, cluster=(cluster.server, cluster.name)
        )
        validator = Validator(client, assessor.types, manager=manager, kube_version=lambda: desired.kube_version)
        hook_objects = HookObjects(client, self.door, cache, apply)
        runner = OperationRunner(client, self.door, cache, validator, apply, clock=clock)
        operating = Operating(
            client,
            self.declared,
            desired,
            assessor,
            runner,
            self._store_state,
            check_sources=self.watching.check_sources,
            clock=clock,
            server=cluster.server,
            cluster_name=cluster.name,
        )
        commits = Commits(client, ground.repositories, desired, ground.renderer)
        return Site(
            cluster=cluster,
            desired=desired,
            assessor=assessor,
            operating=operating,
            deletion=Deletion(
                client,
                self.door,
                cache,
                hook_objects,
                self.writer,
                control_namespace=self._namespace,
                project_of=self.declared.project_of,
                hooks=DeletionHooks(
                    client, cache, hook_objects, desired, settings=lambda: self.declared.settings, clock=clock
                ),
                clock=clock,
            ),
            reasons=Reasons(client, cache, commits, clock=clock),
        )

    async def _work(self, key: ApplicationKey, wish: Wish) -> None:
        await self.looks.work(key, wish)

    async def run(self) -> None:
        """Works until the Lease is lost or a higher term is seen (LostLeadershipError)."""
        self.watching.hears = self
        self.clusters.guard(self.door.check)
        self.term_seen(self.declared.term)
        try:
            for key in sorted(self.declared.applications, key=self._order):
                self.queue.ask(key, Level.FORCED, "begun")
            async with asyncio.TaskGroup() as group:
                group.create_task(self.queue.run())
                group.create_task(self._hurry.run())
                await self._superseded.wait()
                raise LostLeadershipError("leadership-superseded", term=self.term, other=self.declared.term)
        finally:
            self.watching.hears = None
            self.clusters.guard(self._refuse)

    def _refuse(self) -> None:
        raise LostLeadershipError("leadership-lost", term=self.term)

    def statistics(self) -> dict[str, Any]:
        """Counts of every part, and what of the settings cannot be read."""
        return {
            "term": self.term,
            "applications": len(self.declared.applications),
            "queue": self.queue.statistics(),
            "looks": self.looks.statistics(),
            "cache": self.clusters.control.cache.statistics(),
            "scripts": {**self.ground.scripts.statistics(), **self.clusters.control.scripted.statistics()},
            "git": {**self.watches.statistics(), **self.watching.index.statistics()},
            "render": self.ground.renderer.statistics(),
            "writes": self.door.statistics(),
            "cluster": self.ground.client.statistics(),
            "clusters": self.clusters.statistics(),
            "settings": [
                {"path": each.path, "reason": each.sentence.to_json()} for each in self.declared.settings.problems
            ],
        }

    def readers_of(self, url: str) -> list[ApplicationKey]:
        """The applications that read a repository."""
        return self.watches.readers_of(url)

    async def _store_state(self, application: Application, state: OperationState) -> OperationState:
        """Writes how far an operation is; the state as it stands then, since somebody may have asked to terminate it."""
        key = ApplicationKey(application.namespace, application.name)
        stored = [state]

        def status(newest: Application) -> dict[str, Any]:
            stored[0] = respecting(newest, state)
            before = newest.manifest.get("status") or {}
            return {**before, "operationState": state_json(stored[0], has_many=newest.spec.has_many)}

        await self.writer.write_status(key, status)
        if stored[0] is not state and stored[0].phase is not OperationPhase.TERMINATING:
            raise TransientError("operation-moved-on", application=application.name)
        return stored[0]

    def _order(self, key: ApplicationKey) -> tuple[bool, ApplicationKey]:
        """What somebody else left half done comes first."""
        application = self.declared.applications[key]
        state = application.operation_state
        is_under_way = application.operation is not None or (state is not None and not state.phase.is_completed)
        return not is_under_way, key

    def _server_of(self, key: ApplicationKey) -> str:
        application = self.declared.applications.get(key)
        return argo.IN_CLUSTER_SERVER if application is None else self.clusters.server_of(application.spec.destination)

    def _lane_of(self, key: ApplicationKey) -> str:
        """Each cluster has workers of its own, so that a slow one keeps nobody else waiting; so have applications whose
        source was stopped at a limit or did not come in time, since they may hold a worker for a minute each."""
        memory = self.sight.memories.get(key)
        is_slow = memory is not None and memory.failure is not None and memory.failure.code in SLOW_CODES
        return f"{self._server_of(key)} slow" if is_slow else self._server_of(key)

    # What is heard

    def term_seen(self, term: int) -> None:
        """See `Hears`."""
        if term > self.term and self.observer is None:
            self._superseded.set()

    def ask(self, key: ApplicationKey, level: Level, reason: str) -> None:
        """See `Hears`."""
        self.queue.ask(key, level, reason)

    def gone(self, key: ApplicationKey) -> None:
        """See `Hears`."""
        self.looks.forget(key)

    def live_changed(self, cluster: Cluster, before: Live | None, after: Live | None) -> None:
        """See `Hears`."""
        live = after or before
        assert live is not None, "a change of nothing"
        names = cluster.cache.applications_above(live)
        marks = {item.application for item in (before, after) if item is not None and item.application is not None}
        levels = dict.fromkeys(self._wanted.get((cluster.server, live.key), ()), Level.LIVE)
        for name in names | marks:
            key = self.declared.by_name.get(name)
            if key is not None and self._server_of(key) == cluster.server:
                levels.setdefault(key, Level.LIVE if name in marks else Level.TREE)
        for key, level in levels.items():
            self.queue.ask(key, level, MOVED, delay=self._settle_seconds(key), is_urgent=True)

    def _settle_seconds(self, key: ApplicationKey) -> float:
        """How long changes are gathered; what goes away is worth a look when most of it is gone."""
        application = self.declared.applications.get(key)
        is_going = application is not None and application.is_deleting
        return self.ground.settings.work.settle_seconds * (DELETION_FACTOR if is_going else 1)

    def types_changed(self, cluster: Cluster) -> None:
        """See `Hears`. The applications that miss a type are looked at again."""
        discovery = cluster.client.known_discovery
        for key, standing in self._keys.items():
            if any(
                server == cluster.server and (discovery is None or discovery.resource(target.group_kind) is None)
                for server, target in standing
            ):
                self.queue.ask(key, Level.HARD, "types")

    def credentials_changed(self, url: str) -> None:
        """See `Hears`."""
        bare = url.removeprefix(SCHEME)
        for key, application in self.declared.applications.items():
            packed = (source.repo_url for source in application.spec.sources if source.is_packed)
            if any(normalize_url(each.removeprefix(SCHEME)).startswith(bare) for each in packed):
                self.queue.ask(key, Level.NEWEST, "credentials")

    def repository_changed(self, url: str) -> None:
        """See `Hears`."""
        for key in self.readers_of(url):
            self.queue.ask(key, Level.NEWEST, "repository")

    def _hurried(self, url: str, folders: Collection[str]) -> None:
        """A commit changed files in these folders: who delivers one of them goes before all who only ask."""
        touched = [key for key in self.readers_of(url) if self._delivers(key, folders)]
        for key in touched if len(touched) <= MOST_HURRIED else ():
            self.queue.ask(key, Level.NEWEST, HURRIED, is_urgent=True)

    def _delivers(self, key: ApplicationKey, folders: Collection[str]) -> bool:
        sources = self.declared.applications[key].spec.sources
        return any(source.path.strip("/") in folders for source in sources if not source.is_packed)

    def _note_wanted(self, key: ApplicationKey, server: str, targets: Targets | None) -> None:
        """Remembers where an application's objects want to stand, marked or not."""
        before = self._keys.pop(key, frozenset())
        wanted: Iterable[ResourceKey] = targets.manifests if targets is not None else ()
        after = frozenset((server, target) for target in wanted)
        for place in before - after:
            self._wanted[place].discard(key)
            if not self._wanted[place]:
                del self._wanted[place]
        for place in after - before:
            self._wanted.setdefault(place, set()).add(key)
        if after:
            self._keys[key] = after
