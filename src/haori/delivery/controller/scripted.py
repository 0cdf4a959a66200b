"""The health of one cluster's objects: by rule at once, by script a moment later.

A watch event must not wait for Lua. An object whose kind has a script is put aside as JSON, its newest version only, and is
judged in a batch with others; `on_judged` then brings the health to the cache, which tells its listener as of any change.
Until then the object keeps its health where only its status moved, since that is at most a moment old; where what is
wanted of it changed (generation, labels, annotations) it is Progressing, so that no wave takes the last version's health
for this one's.

A script that meets a limit is run apart from the others from then on (`delivery.scripts.Lane`), one object at a time and with
a pause after each that meets it again; the object itself waits a minute with its next version.

What was judged is remembered by script and version, also while settings change. What waits is bounded: beyond
`WAITING_BYTES` only the name is kept and the object is fetched when its turn comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import orjson

from haori.cluster import KubernetesClient, NotFoundError
from haori.delivery.controller.cache import Live
from haori.delivery.health import Health, HealthOptions, assess, is_going
from haori.delivery.health.types import health
from haori.delivery.model import HealthScript, Settings
from haori.delivery.scripts import DEFERRED, LIMIT_CODES, Deferred, Lane, ScriptRunner, Trial
from haori.errors import PeerError
from haori.objects import GroupKind, Manifest, ResourceKey, annotations_of, labels_of, nested, nested_text
from haori.objects.masking import SecretHasher, is_secret
from haori.resources.argo import HealthStatus
from haori.words import Sentence

WAITING_BYTES = 8 << 20
BATCH_OBJECTS, BATCH_BYTES = 100, 1 << 20
REMEMBERED = 20_000
RETRY_SECONDS = 5.0
AGAIN_SECONDS = 60.0
"""How long an object that made its script meet a limit waits with its next version."""
PAUSE_SECONDS = 2.0
"""After each such object in the slow lane, so that endless loops take a third of a core at most."""
PENDING = health(HealthStatus.PROGRESSING, "health-script-pending")
TOO_DEEP = health(HealthStatus.UNKNOWN, "health-script-not-run", reason=Sentence(code="health-object-too-deep"))

Judged = Callable[[ResourceKey, str, Health | None], None]
"""Hears the health of the object with a key and a uid."""
Fetch = Callable[[ResourceKey], Awaitable[Manifest | None]]
"""The whole object as it is now, None where it is gone. Raises PeerError."""


class Verdicts:
    """What scripts said, by uid: (script, resourceVersion, health), the newest `REMEMBERED` of them."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[HealthScript, str, Health | None]] = {}

    def find(self, uid: str, script: HealthScript, version: str) -> tuple[Health | None] | None:
        """The health that a script found for a version, boxed, since None is a health too; None: it was not asked."""
        said = self._said.get(uid)
        return (said[2],) if said is not None and said[:2] == (script, version) else None

    def put(self, uid: str, script: HealthScript, version: str, found: Health | None) -> None:
        """Remembers it in place of what was said of the object before."""
        self._said.pop(uid, None)
        self._said[uid] = (script, version, found)
        if len(self._said) > REMEMBERED:
            del self._said[next(iter(self._said))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """One object whose script has not been run on its newest version."""

    script: HealthScript
    uid: str
    version: str
    body: bytes | None
    """None: to be fetched."""
    wanted: tuple[object, ...]
    """What people ask of it, see `_wanted_of`."""
    due: float = 0.0


class ScriptedHealth:
    """Judges the objects of one cluster. `judge` is for the cache, `run` does what it put off."""

    def __init__(
        self,
        settings: Settings,
        runner: ScriptRunner,
        verdicts: Verdicts,
        *,
        hasher: SecretHasher,
        fetch: Fetch,
        on_judged: Judged,
    ) -> None:
        self._settings, self._runner, self._verdicts = settings, runner, verdicts
        self._hasher, self._fetch, self._on_judged = hasher, fetch, on_judged
        self._options = HealthOptions(
            by_conditions=settings.judges_by_conditions, applications=settings.judges_applications
        )
        self._scripts: dict[GroupKind, HealthScript | None] = {}
        self._waiting: dict[ResourceKey, _Waiting] = {}
        self._bytes = 0
        self._not_before: dict[ResourceKey, float] = {}
        """When an object that made its script meet a limit may be judged again."""
        self._wake = {lane: asyncio.Event() for lane in Lane}
        self._idle = asyncio.Event()
        self._idle.set()

    def judge(self, key: ResourceKey, manifest: Manifest, before: Live | None) -> Health | None:
        """The health as far as it can be told now."""
        script = self._script_for(key.group_kind)
        if script is None or is_going(manifest):
            self._drop(key)
            return assess(manifest, self._options)
        uid, version = nested_text(manifest, "metadata", "uid"), nested_text(manifest, "metadata", "resourceVersion")
        if (known := self._verdicts.find(uid, script, version)) is not None:
            self._drop(key)
            return known[0]
        due = self._not_before.get(key, 0.0)
        has_room = self._bytes < WAITING_BYTES and not due
        try:
            body = self._body(manifest) if has_room else None
        except TypeError:
            self._drop(key)
            return TOO_DEEP
        wanted = _wanted_of(manifest)
        self._put_off(key, _Waiting(script=script, uid=uid, version=version, body=body, wanted=wanted, due=due))
        is_as_before = before is not None and before.uid == uid and _is_same(_wanted_of(before.manifest), wanted)
        return before.health if before is not None and is_as_before else PENDING

    async def run(self) -> None:
        """Has scripts run on what waits, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for lane in Lane:
                group.create_task(self._work(lane))

    async def wait_idle(self) -> None:
        """Until nothing waits that could be judged now, but for what is left to the slow lane."""
        await self._idle.wait()

    def statistics(self) -> dict[str, int]:
        """waiting objects and the bytes kept of them."""
        return {"waiting": len(self._waiting), "bytes": self._bytes}

    def _script_for(self, type_: GroupKind) -> HealthScript | None:
        if not self._settings.health_scripts:
            return None
        if type_ not in self._scripts:
            self._scripts[type_] = self._settings.health_script(type_)
        return self._scripts[type_]

    def _body(self, manifest: Manifest) -> bytes:
        """The object as its script sees it: whole, but for managedFields, and for what a Secret hides.

        Raises TypeError where it is nested more deeply than orjson writes (some 250 levels).
        """
        shown = self._hasher.hash_manifest(manifest) if is_secret(manifest) else manifest
        metadata = {name: value for name, value in shown["metadata"].items() if name != "managedFields"}
        return orjson.dumps({**shown, "metadata": metadata})

    def _put_off(self, key: ResourceKey, waiting: _Waiting) -> None:
        self._drop(key)
        self._waiting[key] = waiting
        self._bytes += len(waiting.body or b"")
        self._idle.clear()
        for wake in self._wake.values():
            wake.set()

    def _drop(self, key: ResourceKey) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            self._bytes -= len(waiting.body or b"")

    async def _work(self, lane: Lane) -> None:
        while True:
            batch = self._take(lane)
            if batch:
                await self._judge_batch(batch, lane)
                continue
            if lane is Lane.QUICK:
                self._idle.set()
            elif self._waiting:
                self._wake[Lane.QUICK].set()  # A script may have stopped being suspect meanwhile.
            await self._wait(lane)

    async def _wait(self, lane: Lane) -> None:
        """Until something is put off, or the first of what rests is due."""
        first = min((waiting.due for waiting in self._waiting.values() if self._lane_of(waiting) is lane), default=None)
        try:
            async with asyncio.timeout_at(first):
                await self._wake[lane].wait()
        except TimeoutError:
            return
        finally:
            self._wake[lane].clear()

    def _lane_of(self, waiting: _Waiting) -> Lane:
        return Lane.SLOW if self._runner.is_suspect(waiting.script) else Lane.QUICK

    def _take(self, lane: Lane) -> dict[ResourceKey, _Waiting]:
        """What to judge next in a lane."""
        now = asyncio.get_running_loop().time()
        most = BATCH_OBJECTS if lane is Lane.QUICK else 1
        batch: dict[ResourceKey, _Waiting] = {}
        size = 0
        for key, waiting in self._waiting.items():
            if waiting.due > now or self._lane_of(waiting) is not lane:
                continue
            batch[key] = waiting
            size += len(waiting.body or b"")
            if len(batch) >= most or size >= BATCH_BYTES:
                break
        return batch

    async def _judge_batch(self, batch: dict[ResourceKey, _Waiting], lane: Lane) -> None:
        trials: dict[ResourceKey, Trial] = {}
        for key, waiting in batch.items():
            if (body := waiting.body or await self._fetched(key, waiting)) is not None:
                trials[key] = Trial(script=waiting.script, body=body)
        found = await self._runner.judge(list(trials.values()), lane)
        for key, verdict in zip(trials, found, strict=True):
            if verdict is DEFERRED:
                self._wake[Lane.SLOW].set()
            else:
                self._settle(key, batch[key], verdict)
        if lane is Lane.SLOW and any(met_limit(verdict) for verdict in found):
            await asyncio.sleep(PAUSE_SECONDS)

    async def _fetched(self, key: ResourceKey, waiting: _Waiting) -> bytes | None:
        """The object's body; None where it is gone, or cannot be had now and waits a little longer."""
        try:
            manifest = await self._fetch(key)
        except PeerError:
            if self._waiting.get(key) is waiting:
                due = asyncio.get_running_loop().time() + RETRY_SECONDS
                self._put_off(key, replace(waiting, due=due))
            return None
        if manifest is None:
            self._not_before.pop(key, None)
            if self._waiting.get(key) is waiting:
                self._drop(key)
            return None
        try:
            return self._body(manifest)
        except TypeError:
            self._settle(key, waiting, TOO_DEEP)
            return None

    def _settle(self, key: ResourceKey, waiting: _Waiting, verdict: Health | None) -> None:
        if met_limit(verdict):
            self._not_before[key] = asyncio.get_running_loop().time() + AGAIN_SECONDS
        else:
            self._not_before.pop(key, None)
        newer = self._waiting.get(key)
        if newer is waiting:
            self._drop(key)
        elif newer is not None and key in self._not_before:
            self._put_off(key, replace(newer, body=None, due=self._not_before[key]))
        if verdict is not None and verdict.status is HealthStatus.HEALTHY:
            verdict = replace(verdict, sentence=None)  # Whoever is healthy and says so anew all the time wakes nobody.
        self._verdicts.put(waiting.uid, waiting.script, waiting.version, verdict)
        if newer is None or newer is waiting or _is_same(newer.wanted, waiting.wanted):
            self._on_judged(key, waiting.uid, verdict)


def met_limit(verdict: Health | Deferred | None) -> bool:
    """Whether a run was stopped at a limit."""
    if not isinstance(verdict, Health) or verdict.sentence is None:
        return False
    return verdict.sentence.code in LIMIT_CODES


def _wanted_of(manifest: Manifest) -> tuple[object, ...]:
    """What people and Git ask of an object, as far as its metadata tells."""
    return nested(manifest, "metadata", "generation"), labels_of(manifest), annotations_of(manifest)


def _is_same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether the same is asked; an object without a generation may always ask for something else."""
    return bool(one[0]) and one == other


def fetch_from(client: KubernetesClient) -> Fetch:
    """Fetches objects from a cluster."""

    async def fetch(key: ResourceKey) -> Manifest | None:
        resource = (await client.discover()).resource(key.group_kind)
        if resource is None:
            return None
        try:
            return await client.get(resource, key.name, key.namespace)
        except NotFoundError:
            return None

    return fetch
