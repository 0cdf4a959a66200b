"""What a company does to its applications, timed from the first request of ours to the last sign of the engine's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.delivery.calls import CONTROL, at_once, tell
from bench.delivery.engine import Engine, Used, running
from bench.delivery.fixture import Repository, application, name_of
from bench.delivery.floor import ensure_namespaces
from bench.delivery.watching import Applications, is_gone, looked_at, synced_at, watched
from haori.cluster import HttpClient
from haori.cluster.well_known import APPLICATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One scenario: how long, what the engine used, the most memory so far."""

    name: str
    seconds: float
    used: Used
    peak_mib: float
    one_seconds: float | None = None
    """Where one application stands out: how long it took alone, from the first that was told of any."""
    one_told_seconds: float | None = None
    """When it was told itself, from the same moment."""


class Scenarios:
    """Run in the order of the methods."""

    def __init__(self, client: HttpClient, applications: Applications, engine: Engine, repository: Repository) -> None:
        self._client, self._applications, self._engine, self._repository = client, applications, engine, repository
        self._names = [name_of(number) for number in range(repository.count)]
        self.runs: list[Run] = []

    async def create(self, revision: str, *, path: str = "plain", title: str = "create") -> None:
        """Applications from nothing to Synced."""
        url = f"file://{self._repository.bare}"

        async def create(number: int) -> None:
            await self._client.create(APPLICATIONS, application(number, url, namespace=CONTROL, path=path))

        async with self._timed(title):
            await at_once(range(self._repository.count), create)
            await self._applications.wait(self._names, synced_at(revision))

    async def touch_all(self) -> None:
        """One commit that changes every object of all, all told."""
        revision = self._repository.change(range(self._repository.count), "r2")
        async with self._timed("commit that touches all"):
            await self._tell_all()
            await self._applications.wait(self._names, synced_at(revision))

    async def touch_one(self) -> None:
        """One commit that changes one application, and only that one is told."""
        revision = self._repository.change([0], "r3")
        async with self._timed("commit that touches one, that one told"):
            await self._tell(self._names[0])
            await self._applications.wait(self._names[:1], synced_at(revision))

    async def touch_one_tell_all(self) -> None:
        """One commit that changes the application in the middle, all are told: that one, and all looked at."""
        touched = self._repository.count // 2
        revision = self._repository.change([touched], "r4")
        name, told = self._names[touched], 0.0

        async def tell_one(each: str) -> None:
            nonlocal told
            await self._tell(each)
            if each == name:
                told = time.perf_counter()

        async def wait_for_touched() -> float:
            await self._applications.wait([name], synced_at(revision))
            return time.perf_counter()

        async with self._timed("the same, all told") as extra, asyncio.TaskGroup() as group:
            first = time.perf_counter()
            synced = group.create_task(wait_for_touched())
            await at_once(self._names, tell_one)
            await self._applications.wait(self._names, looked_at)
            extra["one"] = await synced - first
            extra["told"] = told - first

    async def roll_out(self) -> None:
        """One commit with a new image for all, all told: the cluster's controllers roll out every Deployment meanwhile."""
        revision = self._repository.change(range(self._repository.count), "r7", "r2")
        async with self._timed("commit with a new image for all"):
            await self._tell_all()
            await self._applications.wait(self._names, synced_at(revision))

    async def refresh(self) -> None:
        """All are told, nothing has changed."""
        async with self._timed("refresh, nothing changed"):
            await self._tell_all()
            await self._applications.wait(self._names, looked_at)

    async def delete(self, *, title: str = "delete all, cascading") -> None:
        """All Applications deleted, with what they delivered."""
        async with self._timed(title):
            await at_once(self._names, lambda name: self._client.delete(APPLICATIONS, name, CONTROL))
            await self._applications.wait(self._names, is_gone)

    async def _tell_all(self) -> None:
        await at_once(self._names, self._tell)

    async def _tell(self, name: str) -> None:
        self._applications.put(await tell(self._client, name))

    @asynccontextmanager
    async def _timed(self, name: str) -> AsyncIterator[dict[str, float]]:
        extra: dict[str, float] = {}
        before, started = self._engine.used(), time.perf_counter()
        yield extra
        seconds = time.perf_counter() - started
        used = self._engine.used().since(before)
        self.runs.append(
            Run(
                name=name,
                seconds=seconds,
                used=used,
                peak_mib=self._engine.peak_mib,
                one_seconds=extra.get("one"),
                one_told_seconds=extra.get("told"),
            )
        )


async def deliver(
    client: HttpClient,
    kubeconfig: Path,
    folder: Path,
    count: int,
    *,
    changes: bool = True,
    kustomize: bool = False,
    rolls_out: bool = False,
) -> list[Run]:
    """Starts an engine with its data in `folder` and runs the scenarios; leaves nothing on the cluster but namespaces."""
    repository = Repository(bare=folder / "bare.git", work=folder / "work", count=count)
    revision = repository.start()
    await ensure_namespaces(client, count)
    with running(kubeconfig, folder / "data", []) as engine:
        async with watched(client) as applications:
            scenarios = Scenarios(client, applications, engine, repository)
            await scenarios.create(revision)
            if changes:
                await scenarios.touch_all()
                await scenarios.touch_one()
                await scenarios.touch_one_tell_all()
                await scenarios.refresh()
            await scenarios.delete()
            if (
                rolls_out
            ):  # Apart: what a roll-out leaves would be deleted with the rest, and the bare writes leave none.
                revision = repository.change(range(count), "r5")
                await scenarios.create(revision, title="create, once more")
                await scenarios.roll_out()
                await scenarios.delete(title="delete, rolled out")
            if kustomize:
                revision = repository.change(range(count), "r6")
                await scenarios.create(revision, path="kustomize", title="create, Kustomize")
                await scenarios.delete(title="delete, Kustomize")
    return scenarios.runs
