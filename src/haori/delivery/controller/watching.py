"""What an engine sees, whether it leads or stands by: declared objects, clusters, repositories.

It outlives terms, so that an engine that takes the Lease over has read everything already. Who leads listens
(`hears`); while nobody does, what happens only moves the caches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from haori.cluster import ApiResource, HttpClient, NotFoundError, WatchEvent
from haori.cluster.well_known import CONFIG_MAPS
from haori.delivery.charts import PLACE, SCHEME, Charts
from haori.delivery.controller.admit import check_application, check_sources
from haori.delivery.controller.cache import ClusterCache, Live, Whole
from haori.delivery.controller.cluster import Cluster, RemoteCluster
from haori.delivery.controller.cluster_secrets import normalize_server
from haori.delivery.controller.clusters import ClusterConnections
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.places import Places
from haori.delivery.controller.polling import RepositoryWatches
from haori.delivery.controller.queue import Level
from haori.delivery.controller.repositories import RepositoryIndex
from haori.delivery.controller.scripted import ScriptedHealth, Verdicts, fetch_from
from haori.delivery.controller.settings import POLL_SECONDS, EngineSettings, GitSettings
from haori.delivery.model import Application, Condition, Settings, Source, parse_settings
from haori.delivery.model.settings import parse_application_namespaces
from haori.delivery.render import Bases, Renderer
from haori.delivery.scripts import ScriptRunner
from haori.errors import PeerError
from haori.git import Repositories, normalize_url
from haori.git.credentials import is_below
from haori.objects import GroupKind, nested_text
from haori.objects.masking import SecretHasher
from haori.resources import argo, haori
from haori.resources.argo import ConditionType
from haori.timeline import Recorder

log = logging.getLogger(__name__)


class SettingsChangedError(Exception):
    """What is watched and how marks are read has changed: everything is built anew. Never leaves the engine."""


@dataclass(slots=True)
class Known:
    """The seat of the index of repositories: it is built anew with the settings, Git commands ask whichever sits."""

    index: RepositoryIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What outlives everything that is watched."""

    client: HttpClient
    repositories: Repositories
    charts: Charts
    bases: Bases
    renderer: Renderer
    scripts: ScriptRunner
    verdicts: Verdicts
    hasher: SecretHasher
    recorder: Recorder
    settings: EngineSettings
    clock: Callable[[], datetime]
    known: Known


class Hears(Protocol):
    """Who leads, and acts on what is seen. None of these may wait."""

    def term_seen(self, term: int) -> None:
        """An Application was written under a term that nobody had before."""

    def ask(self, key: ApplicationKey, level: Level, reason: str) -> None:
        """An application has to be looked at."""

    def gone(self, key: ApplicationKey) -> None:
        """An application is no more."""

    def live_changed(self, cluster: Cluster, before: Live | None, after: Live | None) -> None:
        """One object of a cluster changed, came or went."""

    def types_changed(self, cluster: Cluster) -> None:
        """A cluster serves other types than before."""

    def credentials_changed(self, url: str) -> None:
        """What a URL, or every one below it, is opened with has changed."""

    def repository_changed(self, url: str) -> None:
        """A repository (normalized URL) has other refs, or cannot be read."""


class Watching:
    """Keeps everything current. `run` returns only by error (SettingsChangedError among them) or cancellation."""

    def __init__(self, ground: Ground, settings: Settings) -> None:
        self.ground = ground
        self.hears: Hears | None = None
        self._restart = asyncio.Event()
        self.declared = Declared(
            ground.settings.namespace,
            settings=settings,
            on_ask=self._asked,
            on_gone=self._gone,
            further=(*ground.settings.application_namespaces, *settings.application_namespaces),
        )
        self.declared.on_settings = lambda changed: self._restart.set()
        self.declared.on_term = self._term_seen
        self.index = ground.known.index = RepositoryIndex(
            ground.settings.namespace, on_change=self._credentials_changed
        )
        self.clusters = ClusterConnections(
            self._control(),
            fit=self._fit,
            on_state=self._cluster_changed,
            allow_exec=ground.settings.allow_exec_credentials,
        )
        self._places = Places(ground.repositories, ground.charts, ground.bases)
        self._bases: dict[ApplicationKey, tuple[str, ...]] = {}
        """The places of remote bases, by who was last rendered with them."""
        self.repositories: RepositoryWatches[ApplicationKey] = RepositoryWatches(
            self._places,
            interval_seconds=poll_seconds(ground.settings.git, settings),
            on_change=self._repository_changed,
        )

    async def run(self) -> None:
        """Watches."""
        self._tell_settings()
        await self.clusters.control.open()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.clusters.control.run())
            group.create_task(self.clusters.run())
            group.create_task(self.repositories.run())
            await self._restart.wait()
            raise SettingsChangedError

    async def wait_synced(self) -> None:
        """Until the control cluster was read once."""
        await self.clusters.control.wait_synced()

    def check(self, application: Application) -> tuple[Condition, ...]:
        """What forbids that an application is synced, or that its sources are read at all."""
        return check_application(
            application,
            self.declared.project_of(application),
            self.clusters.place_of(application.spec.destination),
            control_namespace=self.declared.namespace,
            restrictions=self.declared.settings.restrictions,
            projects_for=self.index.projects_for,
        )

    def check_sources(self, application: Application, sources: Sequence[Source]) -> tuple[Condition, ...]:
        """What the application's project says of other sources than its own."""
        project = self.declared.project_of(application)
        return check_sources(sources, project, self.index.projects_for) if project is not None else ()

    def _control(self) -> Cluster:
        control = Cluster(self.ground.client, server=argo.IN_CLUSTER_SERVER, name=argo.IN_CLUSTER_NAME)
        self._fit(
            control,
            {
                GroupKind(argo.ARGO_GROUP, argo.APPLICATION): self.declared.observe_application,
                GroupKind(argo.ARGO_GROUP, argo.PROJECT): self.declared.observe_project,
                GroupKind("", "ConfigMap"): self._observe_config,
                GroupKind("", "Secret"): self._observe_secret,
            },
        )
        return control

    def _fit(self, cluster: Cluster, whole: Mapping[GroupKind, Whole] | None = None) -> None:
        """Gives a cluster its cache and somebody who listens."""
        cluster.scripted = ScriptedHealth(
            self.declared.settings,
            self.ground.scripts,
            self.ground.verdicts,
            hasher=self.ground.hasher,
            fetch=fetch_from(cluster.client),
            on_judged=lambda key, uid, health: cluster.cache.put_health(key, uid, health),
        )
        cluster.cache = ClusterCache(
            cluster.client,
            settings=self.declared.settings,
            hasher=self.ground.hasher,
            manager=haori.FIELD_MANAGER,
            on_change=cluster.changed,
            on_problem=partial(_watch_problem, cluster),
            whole=whole,
            judge=cluster.scripted.judge,
            namespaces=cluster.entry.namespaces if isinstance(cluster, RemoteCluster) else (),
            cluster_resources=not isinstance(cluster, RemoteCluster) or cluster.entry.cluster_resources,
        )
        cluster.on_change, cluster.on_types = self._live_changed, self._types_changed

    def _tell_settings(self) -> None:
        for problem in self.declared.settings.problems:
            log.warning("setting not readable", extra={"path": problem.path, "reason": problem.sentence.text()})

    # What is heard

    def _asked(self, key: ApplicationKey, level: Level, reason: str) -> None:
        if self.hears is not None:
            self.hears.ask(key, level, reason)
        application = self.declared.applications[key]
        # What may not be read is not fetched either.
        is_refused = any(condition.type is ConditionType.INVALID_SPEC for condition in self.check(application))
        sources = () if is_refused else application.spec.sources
        places = self._places.of(source for source in sources if source.repo_url)
        self.repositories.follow(key, [*places, *(self._bases.get(key, ()) if places else ())])

    def note_bases(self, key: ApplicationKey, places: tuple[str, ...]) -> None:
        """An application was rendered with remote bases that may change at these places."""
        if self._bases.get(key, ()) == places or key not in self.declared.applications:
            return
        self._bases[key] = places
        own = self._places.of(each for each in self.declared.applications[key].spec.sources if each.repo_url)
        self.repositories.follow(key, [*own, *places])

    def _term_seen(self, term: int) -> None:
        if self.hears is not None:
            self.hears.term_seen(term)

    def _gone(self, key: ApplicationKey) -> None:
        if self.hears is not None:
            self.hears.gone(key)
        self._bases.pop(key, None)
        self.repositories.follow(key, ())

    def _live_changed(self, cluster: Cluster, before: Live | None, after: Live | None) -> None:
        if self.hears is not None:
            self.hears.live_changed(cluster, before, after)

    def _cluster_changed(self, server: str, name: str) -> None:
        """A cluster came, went, or answers otherwise than before: what is delivered to it is looked at again."""
        for key, application in list(self.declared.applications.items()):
            destination = application.spec.destination
            if destination.name == name or (destination.server and normalize_server(destination.server) == server):
                self._asked(key, Level.NEWEST, "cluster")

    def _types_changed(self, cluster: Cluster) -> None:
        if self.hears is not None:
            self.hears.types_changed(cluster)

    def _repository_changed(self, url: str) -> None:
        if self.hears is not None:
            self.hears.repository_changed(url)

    def _observe_secret(self, event: WatchEvent) -> None:
        self.index.observe(event)
        if nested_text(event.object, "metadata", "namespace") == self.ground.settings.namespace:
            self.clusters.observe(event)

    def _observe_config(self, event: WatchEvent) -> None:
        self.declared.observe_config(event)
        self.index.observe(event)

    def _credentials_changed(self, url: str) -> None:
        """What a URL, or every one below it, is opened with has changed: they are tried again now."""
        self.repositories.notify_below(url)
        bare = url.removeprefix(SCHEME)
        for form in (bare, f"{SCHEME}{bare}"):
            self.repositories.notify_below(f"{PLACE}{form}")
        if self.hears is not None:
            self.hears.credentials_changed(url)
        for key, application in self.declared.applications.items():
            # Its project may be allowed to read it now, or no longer.
            read = (normalize_url(source.repo_url).removeprefix(SCHEME) for source in application.spec.sources)
            if any(is_below(each, bare) for each in read):
                self._asked(key, Level.NEWEST, "credentials")


def _watch_problem(cluster: Cluster, resource: ApiResource, problem: PeerError | None) -> None:
    if isinstance(cluster, RemoteCluster) and not cluster.watch_failed(resource, problem):
        return
    if problem is not None:
        extra = {"cluster": cluster.name, "resource": resource.full_name, "code": problem.code}
        log.warning("watch fails", extra=extra)


async def read_settings(client: HttpClient, namespace: str) -> Settings:
    """The settings of the control namespace as they are now."""
    found: dict[str, dict[str, Any]] = {}
    for name in (argo.CONFIG_MAP, argo.PARAMETERS_CONFIG_MAP):
        with suppress(NotFoundError):
            found[name] = await client.get(CONFIG_MAPS, name, namespace)
    further = parse_application_namespaces(found.get(argo.PARAMETERS_CONFIG_MAP))
    return replace(parse_settings(found.get(argo.CONFIG_MAP)), application_namespaces=further)


def poll_seconds(git: GitSettings, settings: Settings) -> float:
    """The pause between two looks at a repository: the engine's own option counts before what argocd-cm says."""
    said = git.poll_seconds if git.poll_seconds is not None else settings.poll_seconds
    return POLL_SECONDS if said is None else said
