"""The delivery engine's process: connects, installs what lacks, waits for its Lease, works, begins again.

Beside another controller it observes instead: it installs nothing, takes no Lease, and its client refuses every write.

A second engine stands by: it sees everything and writes nothing until the Lease is its own. Whatever a term held in
memory goes with it; the next one starts from what the cluster holds and from what was watched all the while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from haori.cluster import HttpClient, connect
from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.charts import Charts, ChartSettings
from haori.delivery.controller.answers import Answers
from haori.delivery.controller.contents import Contents
from haori.delivery.controller.git_rollback import GitRollback
from haori.delivery.controller.install import install_missing
from haori.delivery.controller.leading import Leader
from haori.delivery.controller.lease import Lease, LeaseLostError
from haori.delivery.controller.listener import ListenerSettings, open_listener
from haori.delivery.controller.metering import Check, build_figures, check_readiness, open_metrics, watch_lag
from haori.delivery.controller.metering.snapshot import ClusterNumbers, Snapshot
from haori.delivery.controller.others import find_other
from haori.delivery.controller.recording import rolled_back
from haori.delivery.controller.repositories import RepositoryIndex
from haori.delivery.controller.scripted import Verdicts
from haori.delivery.controller.seat import take_seat
from haori.delivery.controller.settings import EngineSettings, Mode
from haori.delivery.controller.watching import Ground, Known, SettingsChangedError, Watching, read_settings
from haori.delivery.model import Application, HistoryEntry
from haori.delivery.render import Bases, BaseSettings, Renderer, RendererSettings, load_instance_key
from haori.delivery.scripts import ScriptRunner
from haori.errors import TransientError
from haori.git import Repositories, RepositorySettings
from haori.jail import isolation
from haori.objects.masking import SecretHasher
from haori.outbound import OutboundPolicy
from haori.resources import haori
from haori.timeline import Record, Recorder
from haori.words import Sentence

T = TypeVar("T")
log = logging.getLogger(__name__)
timeline = logging.getLogger("haori.timeline")

START_SECONDS = 60.0
"""How long the API server may take to answer for the first time."""
PAUSE_SECONDS = 0.2


def _log_observing(reason: Sentence) -> None:
    log.warning("observing", extra={"reason": reason.text()})


async def serve(
    settings: EngineSettings,
    *,
    ready: Callable[[], None],
    recorder: Recorder | None = None,
    on_observe: Callable[[Sentence], None] = _log_observing,
) -> None:
    """Runs the engine until cancelled; `ready` is called once it works, or stands by for the Lease.

    `on_observe` hears why where it only observes: then nothing at all is written to the cluster.

    Raises KubeconfigError, and what the cluster refuses for good (ForbiddenError and kin).
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with (
        _open_ground(settings, recorder or FactsRecorder()) as open_on,
        take_seat(settings.data_dir, on_wait=ready) as identity,
        connect(settings.kubeconfig, settings.context or "") as client,
        connect(settings.kubeconfig, settings.context or "") as lease_client,
    ):
        observes = await _patiently(lambda: _why_observe(client, settings))
        if observes is not None:
            client.forbid_writes()
            lease_client.forbid_writes()
            on_observe(observes)
        else:
            await _install(client, settings.namespace)
        engine = Engine(open_on(client), identity, lease_client, observes=observes)
        async with _listening(engine), _showing(engine), _measuring():
            await engine.run(ready)


@asynccontextmanager
async def _open_ground(settings: EngineSettings, recorder: Recorder) -> AsyncIterator[Callable[[HttpClient], Ground]]:
    """What outlives every term, closed in the end: gives the ground on a control cluster's client."""
    key = load_instance_key(settings.instance_key)
    known = Known(index=RepositoryIndex(settings.namespace))
    outbound = OutboundPolicy(allow_private=True, allow_loopback=settings.allow_loopback)
    repositories = Repositories(_repository_settings(settings, known))
    charts = Charts(
        ChartSettings(
            folder=settings.charts,
            access=lambda url: known.index.access_to(url),
            named=lambda name: known.index.url_of(name),
            policy=outbound,
        )
    )
    bases = Bases(
        BaseSettings(
            repositories=Repositories(_base_repository_settings(settings, known, outbound)),
            policy=outbound,
            projects_for=lambda url: known.index.projects_for(url),
        )
    )
    scripts = ScriptRunner()
    renderer = Renderer(
        RendererSettings(folder=settings.cache, key=key, at_once=settings.work.renders_at_once),
        charts=charts,
        bases=bases,
    )

    def open_on(client: HttpClient) -> Ground:
        return Ground(
            client=client,
            repositories=repositories,
            charts=charts,
            bases=bases,
            renderer=renderer,
            scripts=scripts,
            verdicts=Verdicts(),
            hasher=SecretHasher(key),
            recorder=recorder,
            settings=settings,
            clock=_now,
            known=known,
        )

    try:
        yield open_on
    finally:
        await scripts.aclose()
        await renderer.aclose()
        await repositories.aclose()
        await bases.aclose()


def _repository_settings(settings: EngineSettings, known: Known) -> RepositorySettings:
    """Of the repositories that applications name."""
    return RepositorySettings(
        folder=settings.mirrors,
        allow_file=settings.allow_file_repositories,
        fetches_at_once=settings.git.fetches_at_once,
        limit_bytes=settings.git.repository_bytes,
        credentials=lambda url: known.index.credentials_for(url),
        known_hosts=lambda: known.index.known_hosts(),
    )


def _base_repository_settings(settings: EngineSettings, known: Known, outbound: OutboundPolicy) -> RepositorySettings:
    """Of those that Kustomize bases name: in a folder of their own, and only where the policy lets one go."""
    return replace(
        _repository_settings(settings, known),
        folder=settings.data_dir / "bases",
        allow_file=settings.allow_file_repositories and settings.allow_loopback,
        policy=outbound,
    )


class FactsRecorder:
    """Each record as the facts of one log line."""

    def record(self, record: Record) -> None:
        """Writes it."""
        timeline.info("timeline", extra={"facts": record.to_json()})


class Engine:
    """One engine, leading or standing by."""

    def __init__(self, ground: Ground, identity: str, client: HttpClient, *, observes: Sentence | None = None) -> None:
        """`client` is for the Lease alone: a renewal must not wait in line behind the writes that need it. `observes`: why
        the engine only observes, where it does."""
        self.ground, self.observes = ground, observes
        self.leader: Leader | None = None
        self.watching: Watching | None = None
        self.holder = ""
        """Who else holds the Lease, as far as is known."""
        self.is_synced = False
        self._lease = Lease(
            client,
            ground.settings.namespace,
            identity,
            clock=ground.clock,
            settings=ground.settings.lease,
            annotations={haori.LISTENER: url} if (url := ground.settings.listener_url) else None,
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Watches, and leads whenever the Lease allows, until cancelled."""
        ground = self.ground
        try:
            while True:
                settings = await _patiently(lambda: read_settings(ground.client, ground.settings.namespace))
                self.watching = watching = Watching(self.ground, settings)
                try:
                    await asyncio.create_task(self._watch(watching, ready))
                except* SettingsChangedError:
                    log.info("settings changed")
                    _heed_cancellation()
                finally:
                    self.is_synced = False
        finally:
            await asyncio.shield(self._lease.release())

    async def _watch(self, watching: Watching, ready: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(watching.run())
            group.create_task(self._note_synced(watching))
            group.create_task(self._act(watching, ready))

    async def _act(self, watching: Watching, ready: Callable[[], None]) -> None:
        if self.observes is None:
            await self._terms(watching, ready)
        else:
            await self._lead(watching, None, ready)

    async def _note_synced(self, watching: Watching) -> None:
        await watching.wait_synced()
        self.is_synced = True

    def checks(self) -> list[Check]:
        """Whether it is ready."""
        control = self.watching.clusters.control if self.watching is not None else None
        return check_readiness(
            has_cluster=control is not None and bool(control.kube_version),
            is_synced=self.is_synced,
            term=self._lease.term if self._lease.is_held else None,
            holder=self.holder,
            is_observing=self.observes is not None,
        )

    async def _terms(self, watching: Watching, ready: Callable[[], None]) -> None:
        """Term after term over what is watched; a Lease that is held still is gone on with."""

        def standing_by(holder: str) -> None:
            self.holder = holder
            log.info("standing by", extra={"holder": holder})
            ready()

        def next_term() -> int:
            return watching.declared.term + 1

        while True:
            if self._lease.is_held and self._lease.term >= watching.declared.term:
                term = self._lease.term
            else:
                term = await self._lease.acquire(on_wait=standing_by, at_least=next_term)
            try:
                await asyncio.create_task(self._keep_term(watching, term, ready))
            except* (LeaseLostError, LostLeadershipError):
                log.warning("leadership lost", extra={"term": term})
                _heed_cancellation()

    async def _keep_term(self, watching: Watching, term: int, ready: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease.keep())
            group.create_task(self._lead(watching, term, ready))

    async def _lead(self, watching: Watching, term: int | None, ready: Callable[[], None]) -> None:
        """One term, or, without one, observing."""
        await watching.wait_synced()
        self.holder = ""
        self.leader = leader = Leader(watching, self._lease if term is not None else None, term or 0)
        log.info("observing" if term is None else "leading", extra={"term": term})
        ready()
        try:
            await leader.run()
        finally:
            self.leader = None


def _heed_cancellation() -> None:
    """Ends this task where it was asked to end while what it awaited failed: then the failure is all that it was told.

    The group has to be another task's: before Python 3.13 one that fails leaves its own task counted as cancelled, and one that
    was cancelled raises the failure alone.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def _listening(engine: Engine) -> AsyncIterator[None]:
    """Answers on the internal listener, where the settings want one."""
    ground = engine.ground
    settings = ground.settings
    if not settings.listener_host:
        yield
        return
    found = (await isolation()).value
    answers = Answers(
        lambda: engine.leader,
        isolation=found,
        observes=engine.observes,
        figures=lambda: build_figures(take_snapshot(engine, found)),
    )

    def note(application: Application, entry: HistoryEntry, who: str, commit: str) -> None:
        cluster = ground.client.cluster
        ground.recorder.record(rolled_back(application, entry, who, commit, time=ground.clock(), cluster=cluster))

    rollbacks = GitRollback(
        ground.repositories, ground.renderer, answers.find_permitted, note=note, control_namespace=settings.namespace
    )
    place = ListenerSettings(
        path=settings.listener,
        host=settings.listener_host,
        port=settings.listener_port,
        url=settings.listener_url,
        token_file=settings.listener_token,
    )
    # A rollback by a commit writes to Git, for the other controller to deliver: that is not observing either.
    may_push = rollbacks if engine.observes is None else None
    async with open_listener(answers, place, rollbacks=may_push, contents=Contents(lambda: engine.leader)):
        yield


@asynccontextmanager
async def _measuring() -> AsyncIterator[None]:
    """Measures the event loop meanwhile."""
    task = asyncio.create_task(watch_lag(), name="lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


@asynccontextmanager
async def _showing(engine: Engine) -> AsyncIterator[None]:
    """Tells its numbers, where the settings want it."""
    settings = engine.ground.settings
    if not settings.metrics.host:
        yield
        return
    found = (await isolation()).value
    async with open_metrics(
        settings.metrics, settings.metrics_file, take=lambda: take_snapshot(engine, found), ready=engine.checks
    ) as url:
        log.info("metrics", extra={"url": url})
        yield


SHOWN = 20
"""Slow applications and noisy objects (of each cluster) that are told of."""


def take_snapshot(engine: Engine, isolation: str = "") -> Snapshot:
    """The numbers of an engine now."""
    leader, watching, ground = engine.leader, engine.watching, engine.ground
    clusters = [] if watching is None else watching.clusters.all()
    flows = [each.client.statistics()["flow"] for each, _ in clusters]
    return Snapshot(
        # One that stands by would have every application counted twice.
        applications=tuple(leader.declared.applications.values()) if leader is not None else (),
        clusters=tuple(
            ClusterNumbers(
                server=each.server,
                name=each.name,
                kube_version=each.kube_version,
                is_up=is_up,
                objects=each.cache.statistics()["objects"],
                types=each.cache.statistics()["types"],
                events=each.cache.events_by_type(),
                flow=each.client.statistics()["flow"],
                noisy=each.cache.noisiest(SHOWN),
            )
            for each, is_up in clusters
        ),
        is_leading=leader is not None and engine.observes is None,
        is_ready=all(check.is_well for check in engine.checks()),
        term=leader.term if leader is not None else 0,
        queue=leader.queue.statistics() if leader is not None else {},
        render=ground.renderer.statistics(),
        in_flight=sum(flow["in_flight"] for flow in flows),
        throttled=sum(flow["throttled"] for flow in flows),
        scripts=ground.scripts.statistics(),
        isolation=isolation,
        slow=[(*key, seconds) for key, seconds in leader.looks.slowest(SHOWN)] if leader is not None else (),
        settings=leader.declared.settings.problems if leader is not None else (),
    )


async def _install(client: HttpClient, namespace: str) -> None:
    """Creates what lacks."""

    def say(name: str) -> None:
        log.info(
            "installed",
            extra={"object": name, "text": Sentence(code="engine-installed", parameters={"object": name}).text()},
        )

    await _patiently(lambda: install_missing(client, namespace, on_installed=say))


async def _why_observe(client: HttpClient, settings: EngineSettings) -> Sentence | None:
    """Why this engine only observes, None where it may lead."""
    if settings.mode is Mode.LEAD:
        return None
    found = await find_other(client, settings.namespace, now=_now())
    if found is None and settings.mode is Mode.OBSERVE:
        return Sentence(code="observing-was-asked", parameters={})
    return found


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` gives; an API server that is still starting is waited for."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_SECONDS
    while True:
        try:
            return await ask()
        except TransientError:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)
