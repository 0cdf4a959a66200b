"""An engine that is killed, or stopped for a while, loses nothing, does nothing twice and never writes out of turn."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import ApiResource, EventType, HttpClient, Reflector, WatchEvent
from haori.cluster.well_known import APPLICATIONS, CONFIG_MAPS, JOBS, PODS
from tests.e2e.delivery import PATIENCE_SECONDS, Delivery, at, config_map, is_green, job
from tests.e2e.engine import LEASE_SECONDS, QUICK, EngineProcess
from tests.e2e.storm import Moment, Storm, Witness

pytestmark = pytest.mark.e2e


class Stand:
    """A repository, engines to kill, and somebody who watches."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.seen: list[WatchEvent] = []
        self.witness = Witness()
        self.engines: list[EngineProcess] = []

    async def engine(self, name: str, *, lease: str = QUICK) -> EngineProcess:
        delivery = self.delivery
        made = EngineProcess(delivery.folder / name, delivery.kubeconfig, delivery.control, lease=lease)
        self.engines.append(made)
        await made.start()
        return made

    def uids(self) -> dict[str, set[str]]:
        """By name, each Job that there ever was in the application's namespace."""
        found = defaultdict(set)
        for event in self.seen:
            metadata = event.object.get("metadata") or {}
            is_there = event.object.get("kind") == "Job" and metadata.get("namespace") == self.delivery.namespace
            if event.type is EventType.ADDED and is_there:
                found[metadata["name"]].add(metadata["uid"])
        return dict(found)

    def terms(self) -> list[int]:
        """The engines' terms in the order in which they wrote the Applications."""
        found = []
        for event in self.seen:
            metadata = event.object.get("metadata") or {}
            is_there = event.object.get("kind") == "Application" and metadata.get("namespace") == self.delivery.control
            term = (metadata.get("annotations") or {}).get("haori.dev/term")
            if is_there and term:
                found.append(int(term))
        return found


async def _watch(client: HttpClient, resource: ApiResource, stand: Stand) -> None:
    def see(event: WatchEvent) -> None:
        metadata = event.object.get("metadata") or {}
        place = stand.delivery.control if event.object.get("kind") == "Application" else stand.delivery.namespace
        stand.seen.append(event)
        if str(metadata.get("namespace")).startswith(place):
            stand.witness.see(event)

    await Reflector(client, resource, see).run()


@pytest.fixture
async def stand(client: HttpClient, kubeconfig: Path, kubelet: None, tmp_path: Path) -> AsyncIterator[Stand]:
    delivery = Delivery(client, kubeconfig, tmp_path)
    await delivery.prepare()
    stand = Stand(delivery)
    watching: list[asyncio.Task[None]] = []
    try:
        first = await stand.engine("first")  # Installs the custom resources.
        watching = [asyncio.create_task(_watch(client, each, stand)) for each in (JOBS, APPLICATIONS)]
        first.kill()
        stand.engines.clear()
        yield stand
    finally:
        for engine in stand.engines:
            engine.kill()
        for task in watching:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await delivery.end()


def release(number: int, image: str = "work:1") -> dict[str, str | None]:
    """One release with a migration of its own name and one object behind it."""
    return {
        "app/job.yaml": job(f"migrate-{number}", image, "PreSync"),
        "app/web.yaml": config_map("web", x=str(number)),
    }


async def let_pull(stand: Stand, name: str) -> None:
    """The image of a Job's Pod can be pulled from now on."""
    while True:
        pods = (await stand.delivery.client.list(PODS, stand.delivery.namespace)).items
        found = [pod for pod in pods if pod["metadata"]["name"].startswith(name)]
        if found:
            break
        await asyncio.sleep(0.05)
    pod = found[0]
    containers = [{**pod["spec"]["containers"][0], "image": "migrate:1"}]
    await stand.delivery.patch(
        PODS, pod["metadata"]["name"], stand.delivery.namespace, {"spec": {"containers": containers}}
    )


async def test_a_kill_in_the_middle_of_an_operation_runs_no_hook_twice(stand: Stand):
    delivery = stand.delivery
    engine = await stand.engine("engine")
    commit = delivery.repository.commit("Begin", release(1, image="migrate:missing"))
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app"))
    hook = await delivery.expect_object(JOBS, "migrate-1", delivery.namespace, lambda found: True)
    before = await delivery.expect("shop", lambda app: _phase(app) == "Running" and _rows(app) != [])
    engine.kill()

    await engine.start()
    await let_pull(stand, "migrate-1")
    after = await delivery.expect("shop", at(commit))

    assert stand.uids() == {"migrate-1": {hook["metadata"]["uid"]}}
    assert after["status"]["operationState"]["startedAt"] == before["status"]["operationState"]["startedAt"]
    assert [(entry["id"], entry["revision"]) for entry in after["status"]["history"]] == [(0, commit)]
    await engine.expect_syncs(["sync-started", "sync-finished"])


async def test_a_kill_before_a_release_is_recorded_leaves_none_out(stand: Stand):
    """A plain sync has written all when its last object changes, and not told it yet."""
    delivery = stand.delivery
    engine = await stand.engine("engine")
    commits = [delivery.repository.commit("Begin", {"app/web.yaml": config_map("web", x="0")})]
    await delivery.deploy("shop", "app")

    def kill(event: WatchEvent) -> None:
        metadata = event.object.get("metadata") or {}
        is_next = (event.object.get("data") or {}).get("x") == str(len(commits))
        if (metadata.get("namespace"), metadata.get("name")) == (delivery.namespace, "web") and is_next:
            engine.kill()
            killed.set()

    killed = asyncio.Event()
    watching = asyncio.create_task(Reflector(delivery.client, CONFIG_MAPS, kill).run())
    try:
        for number in range(1, 6):
            killed.clear()
            commit = await delivery.push(
                "shop", f"Release {number}", {"app/web.yaml": config_map("web", x=str(number))}
            )
            await asyncio.wait_for(killed.wait(), PATIENCE_SECONDS)
            commits.append(commit)
            await engine.start()
            after = await delivery.expect("shop", at(commit))
            told = [(entry["id"], entry["revision"]) for entry in after["status"]["history"]]
            assert told == list(enumerate(commits))
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _storm(stand: Stand, *, applications: int, rounds: int, seed: int, has_standby: bool = False) -> str:
    rng = random.Random(seed)
    storm = Storm(
        delivery=stand.delivery,
        engine=await stand.engine("engine"),
        witness=stand.witness,
        applications=applications,
        rng=rng,
    )
    await storm.begin()
    storm.standby = await stand.engine("standby") if has_standby else None
    for number in range(1, rounds):
        first = list(Moment)[number % len(Moment)]
        moments = [first, *rng.sample(list(Moment), 0 if has_standby else rng.randint(0, 1))]
        await storm.round(fails=number % 5 == 3, moments=moments)
    storm.check_hooks()
    return storm.figures()


async def test_a_short_storm_of_kills(stand: Stand):
    await _storm(stand, applications=2, rounds=4, seed=3)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_storm_of_kills(stand: Stand):
    """200 syncs."""
    print(await _storm(stand, applications=4, rounds=50, seed=0))


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_storm_of_kills_before_a_standby(stand: Stand):
    """52 syncs, each round another engine's."""
    print(await _storm(stand, applications=4, rounds=13, seed=1, has_standby=True))


async def test_a_second_engine_waits_and_takes_over_after_a_kill(stand: Stand):
    delivery = stand.delivery
    first = await stand.engine("one")
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    second = await stand.engine("two")
    commit = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", at(commit))
    assert second.records() == []

    first.kill()
    commit = await delivery.push("shop", "Third", {"app/a.yaml": config_map("a", x="3")})
    found = await delivery.expect("shop", at(commit), seconds=LEASE_SECONDS + 30)

    assert [entry["id"] for entry in found["status"]["history"]] == [0, 1, 2]
    await second.expect_syncs(["sync-started", "sync-finished"])


async def test_a_standby_finishes_in_time_what_a_killed_leader_began(stand: Stand):
    """With the Lease that everybody has: within 15 s of the kill, in the middle of a sync, its hook unfinished."""
    delivery = stand.delivery
    first = await stand.engine("one", lease="")
    commit = delivery.repository.commit("Begin", release(1, image="migrate:missing"))
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app"))
    hook = await delivery.expect_object(JOBS, "migrate-1", delivery.namespace, lambda found: True)
    await delivery.expect("shop", lambda app: _phase(app) == "Running" and _rows(app) != [])
    second = await stand.engine("two", lease="")

    first.kill()
    await let_pull(stand, "migrate-1")
    await delivery.expect("shop", at(commit), seconds=15)

    assert stand.uids() == {"migrate-1": {hook["metadata"]["uid"]}}
    await second.expect_syncs(["sync-finished"])


async def test_an_engine_that_is_stopped_cleanly_hands_over_at_once(stand: Stand):
    delivery = stand.delivery
    first = await stand.engine("one", lease="duration_seconds=600")
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    second = await stand.engine("two", lease="duration_seconds=600")

    first.send(signal.SIGINT)
    await first.wait_ended()
    commit = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", at(commit))

    await second.expect_syncs(["sync-started", "sync-finished"])


async def test_a_term_that_others_wrote_is_passed_and_not_stopped_at(stand: Stand):
    """An Application that came with the annotation of another cluster, or a Lease that somebody deleted."""
    delivery = stand.delivery
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.client.create(
        APPLICATIONS,
        delivery.application(
            "shop",
            "app",
            metadata={"name": "shop", "namespace": delivery.control, "annotations": {"haori.dev/term": "41"}},
        ),
    )
    await stand.engine("one")
    await delivery.expect("shop", is_green)
    await delivery.annotate("shop", {"haori.dev/term": "90"})
    commit = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", at(commit))

    assert sorted(set(stand.terms())) == [41, 42, 90, 91]


async def test_an_engine_that_slept_through_its_lease_stops_before_its_next_write(stand: Stand):
    delivery = stand.delivery
    first = await stand.engine("one")
    delivery.repository.commit("Begin", {"app/a.yaml": config_map("a", x="1")})
    await delivery.deploy("shop", "app")
    second = await stand.engine("two")

    first.send(signal.SIGSTOP)
    commit = await delivery.push("shop", "Second", {"app/a.yaml": config_map("a", x="2")})
    await delivery.expect("shop", at(commit), seconds=LEASE_SECONDS + 30)
    written = len(first.records())
    first.send(signal.SIGCONT)
    for number in (3, 4):
        await delivery.patch(CONFIG_MAPS, "a", delivery.namespace, {"data": {"x": "by hand"}})
        commit = await delivery.push("shop", f"Release {number}", {"app/a.yaml": config_map("a", x=str(number))})
        await delivery.expect("shop", at(commit))

    assert first.is_alive()
    assert len(first.records()) == written
    assert second.records()
    terms = stand.terms()
    assert terms == sorted(terms)
    assert len(set(terms)) == 2


def _phase(application: dict[str, Any]) -> str:
    return str(((application.get("status") or {}).get("operationState") or {}).get("phase"))


def _rows(application: dict[str, Any]) -> list[Any]:
    result = application["status"]["operationState"].get("syncResult") or {}
    return list(result.get("resources") or [])
