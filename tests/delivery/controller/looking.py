"""A queue with its work over two applications of one cluster, in memory: what a look says, without what it takes to deliver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

from haori.cluster import KubernetesClient
from haori.delivery.apply import WriteDoor
from haori.delivery.compare import Targets
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.looks import Actor, Looks
from haori.delivery.controller.memory import ApplicationKey, Desired
from haori.delivery.controller.observing import Observer
from haori.delivery.controller.queue import Level, Wish, WorkQueue
from haori.delivery.controller.reconcile import Reconciler
from haori.delivery.controller.sight import Parts, Sight
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import Application, Condition, parse_settings
from haori.objects import ResourceKey, nested
from haori.resources.argo import ConditionType
from haori.schema.mergepatch import merge_patch
from haori.words import Sentence
from tests.delivery.controller.fakes import clock

SHOP, TILL = ApplicationKey("argocd", "shop"), ApplicationKey("argocd", "till")
REFUSED = Condition(
    type=ConditionType.INVALID_SPEC,
    sentence=Sentence(code="project-missing", parameters={"application": "-", "project": "-"}),
)


def manifest(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "argocd", "uid": f"u-{name}", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"project": "default", "destination": {"name": "in-cluster"}}}


PLACE = Place(server="https://kubernetes.default.svc", name="in-cluster")
Check = Callable[[Application], tuple[Condition, ...]]


class Looking:
    """`check` says what forbids a sync, and raises for the application named `failing`; Git wants the objects `wanted`."""

    def __init__(
        self,
        *,
        observes: bool = False,
        failing: str = "",
        place: Place = PLACE,
        check: Check = lambda application: (REFUSED,),
        wanted: tuple[ResourceKey, ...] = (),
    ) -> None:
        self.failing, self._is_fit = failing, check
        self._wanted = Desired(revisions=("1" * 40,), targets=Targets(manifests={key: {} for key in wanted}))
        self.looks: list[tuple[str, float]] = []
        self.patches: list[str] = []
        self.declared = Declared("argocd", settings=parse_settings(None), on_ask=lambda *_: None, on_gone=print)
        for key in (SHOP, TILL):
            self.declared.put(manifest(key.name))
        site = SimpleNamespace(
            assessor=SimpleNamespace(urls=lambda application: ()),
            reasons=SimpleNamespace(find=self._find),
            desired=SimpleNamespace(resolve=self._resolve, build=self._build),
            cluster=SimpleNamespace(client=SimpleNamespace(discover=self._discover), server=place.server),
        )
        sites = SimpleNamespace(place_of=lambda application: place, at=lambda place: site, control=site)
        recording = SimpleNamespace(health_changed=lambda *_: None)
        client = cast(KubernetesClient, self)
        writer = ApplicationWriter(client, WriteDoor(term=1), self.declared, clock=clock)
        self.queue: WorkQueue[ApplicationKey] = WorkQueue(self._work)
        parts = Parts(
            queue=self.queue,
            declared=self.declared,
            sites=cast(Any, sites),
            recording=cast(Any, recording),
            writer=writer,
            check=self._check,
            clock=clock,
        )
        self.sight = Sight(parts, on_wanted=lambda *_: None)
        actor: Actor = (Observer if observes else Reconciler)(parts, self.sight, resync_seconds=0)
        self.looks_at = Looks(parts, self.sight, actor)

    async def _work(self, key: ApplicationKey, wish: Wish) -> None:
        await self.looks_at.work(key, wish)

    async def _find(self, application: Application, assessment: Any, *, conditions: Any, **_: Any) -> Sentence | None:
        return conditions[0].sentence if conditions else None

    def _check(self, application: Application) -> tuple[Condition, ...]:
        self.looks.append((application.name, asyncio.get_running_loop().time()))
        if application.name == self.failing:
            raise ZeroDivisionError("password: hunter2")
        return self._is_fit(application)

    async def _resolve(self, *_: Any, **__: Any) -> tuple[str, ...]:
        return self._wanted.revisions

    async def _build(self, *_: Any, **__: Any) -> Desired:
        return self._wanted

    async def _discover(self) -> None:
        return None

    async def patch(self, _resource: Any, name: str, namespace: str, body: Any, **_: Any) -> dict[str, Any]:
        self.patches.append(name)
        before = self.declared.applications[ApplicationKey(namespace, name)].manifest
        if len(self.patches) > 20:
            raise AssertionError("a fault is written again and again")
        version = str(int(before["metadata"]["resourceVersion"]) + 1)
        after: dict[str, Any] = merge_patch(before, body)
        return {**after, "metadata": {**after["metadata"], "resourceVersion": version}}

    def conditions(self, key: ApplicationKey) -> list[dict[str, str]]:
        found: list[dict[str, str]] = nested(self.declared.applications[key].manifest, "status", "conditions") or []
        return found

    def found(self, key: ApplicationKey) -> tuple[Condition, ...]:
        """What the last look keeps in memory."""
        findings = self.sight.memories[key].findings
        assert findings is not None
        return findings.conditions

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.queue.run())
        for key in (SHOP, TILL):
            self.queue.ask(key, Level.NEWEST, "begun")
        try:
            await self.queue.wait_idle()
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
