"""What lives in a cluster, as much of it as delivery needs: one list+watch a type, trimmed objects, three indexes.

Objects are kept trimmed (`compare.trim`): Secret values only as keyed hashes, other controllers' fields not at all. The
health and owners are worked out when an event arrives, from the whole object, which is then forgotten (the health by a
script a moment later: see `scripted`); whole objects are asked of the cluster on demand. An event tells the listeners
which object changed, before and after; it decides nothing. Every key belongs to `cluster`: one cache a cluster.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from haori.cluster import ApiResource, EventType, KubernetesClient, Reflector, WatchEvent
from haori.delivery.apply.migrate import own_string_data
from haori.delivery.compare import trim
from haori.delivery.controller.addresses import addresses_of
from haori.delivery.controller.declared import is_newer
from haori.delivery.controller.why import signs_of
from haori.delivery.health import Health, assess
from haori.delivery.model import Settings
from haori.errors import PeerError
from haori.objects import GroupKind, Manifest, ResourceKey, key_of, nested_list, nested_text
from haori.objects.images import images_of
from haori.objects.masking import SecretHasher
from haori.observe import Frequent

log = logging.getLogger(__name__)

NOISE_SAMPLE = 4
"""Of so many changes one is counted for who is noisy: a newcomer to the sketch costs a look at all of it."""
_COUNTERS = ("resourceVersion", "generation", "managedFields")
OUTPUT_OF_CONTROLLERS = frozenset({("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One object as it was last seen."""

    key: ResourceKey
    uid: str
    manifest: Manifest
    """Trimmed."""
    health: Health | None
    """None: its kind has no check."""
    application: str | None
    """The application whose mark it carries (its name in tracking ids)."""
    owners: tuple[str, ...] = ()
    """uids of ownerReferences."""
    urls: tuple[str, ...] = ()
    """Addresses it offers."""
    signs: tuple[str, ...] = ()
    """Why a Pod waits: nothing of it is kept otherwise, and its health may stay the same."""
    images: tuple[str, ...] = ()
    """What its Pods run, itself included."""

    @property
    def is_terminating(self) -> bool:
        """Whether its deletion was asked for."""
        return bool(nested_text(self.manifest, "metadata", "deletionTimestamp"))


Changed = Callable[[Live | None, Live | None], None]
"""Hears of one object: as it was (None: new) and as it is (None: gone). Must not wait."""
Judge = Callable[[ResourceKey, Manifest, Live | None], Health | None]
"""The health of a whole object, given what is known of it so far; may not wait. What is found later comes by `put_health`."""
Whole = Callable[[WatchEvent], None]
"""Hears of every event of a type, with the whole object. Must not wait, nor keep what is secret."""


class ClusterCache:
    """The objects of one cluster. `run` keeps it current; until `wait_synced` what it holds may be partial."""

    def __init__(
        self,
        client: KubernetesClient,
        *,
        settings: Settings,
        hasher: SecretHasher,
        manager: str,
        on_change: Changed = lambda before, after: None,
        on_problem: Callable[[ApiResource, PeerError | None], None] = lambda resource, problem: None,
        whole: Mapping[GroupKind, Whole] | None = None,
        judge: Judge = lambda key, manifest, before: assess(manifest),
        namespaces: Sequence[str] = (),
        cluster_resources: bool = True,
    ) -> None:
        """`namespaces`: the only ones to look at (none: all); `cluster_resources`: whether what is in none counts."""
        self.cluster = client.cluster
        self._client, self._settings, self._hasher, self._manager = client, settings, hasher, manager
        self._on_change, self._on_problem = on_change, on_problem
        self._whole = dict(whole or {})
        self._judge = judge
        self._namespaces, self.cluster_resources = tuple(namespaces), cluster_resources
        self._objects: dict[ResourceKey, Live] = {}
        self._by_uid: dict[str, ResourceKey] = {}
        self._by_application: dict[str, dict[ResourceKey, None]] = {}
        self._by_owner: dict[str, dict[ResourceKey, None]] = {}
        self._by_namespace: dict[str, dict[ResourceKey, None]] = {}
        self._watches: dict[ApiResource, list[tuple[Reflector, asyncio.Task[None]]]] = {}
        self._noise: Frequent[ResourceKey] = Frequent()
        self._changes = 0
        self._started = asyncio.Event()
        self._group: asyncio.TaskGroup
        """Owns the watches while `run` does."""

    async def run(self) -> None:
        """Watches every listable type until cancelled; types that appear are taken up by `look_for_types`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self.look_for_types()
            self._started.set()
            await asyncio.Event().wait()

    async def look_for_types(self) -> None:
        """Watches types that are new and lets go of those that are gone: after start, and when a CRD changed."""
        discovery = await self._client.discover(refresh=self._started.is_set())
        served = {resource for resource in discovery.preferred() if self.is_watched(resource)}
        for resource in [known for known in self._watches if known not in served]:
            for _, task in self._watches.pop(resource):
                task.cancel()
            for key in [key for key in self._objects if key.group_kind == resource.group_kind]:
                self._forget(key)
        for resource in served - set(self._watches):
            on_problem = partial(self._on_problem, resource)
            reflectors = [
                Reflector(self._client, resource, self.observe, namespace=namespace, on_problem=on_problem)
                for namespace in ((resource.namespaced and self._namespaces) or ("",))
            ]
            self._watches[resource] = [(each, self._group.create_task(_keep(each))) for each in reflectors]

    def is_watched(self, resource: ApiResource) -> bool:
        """Whether a type is listed and watched: not what settings exclude, not what controllers derive in masses."""
        can = {"list", "watch"} <= resource.verbs
        derived = (resource.group, resource.kind) in OUTPUT_OF_CONTROLLERS
        is_outside = not resource.namespaced and not self.cluster_resources
        return can and not derived and not is_outside and not self._settings.is_excluded(resource.group, resource.kind)

    @property
    def is_started(self) -> bool:
        """Whether the types are known, and with them what `unsynced` speaks of."""
        return self._started.is_set()

    async def wait_synced(self) -> None:
        """Until every type was listed once."""
        await self._started.wait()
        for reflector in self._reflectors():
            await reflector.wait_synced()

    def unsynced(self) -> list[str]:
        """The types that were not listed yet."""
        return sorted(
            resource.full_name
            for resource, watches in self._watches.items()
            if not all(reflector.is_synced for reflector, _ in watches)
        )

    def has_read(self, kind: GroupKind) -> bool:
        """Whether a type was listed: only then is an object that is not here not there."""
        found = [watches for resource, watches in self._watches.items() if resource.group_kind == kind]
        return bool(found) and all(reflector.is_synced for watches in found for reflector, _ in watches)

    def wake(self) -> None:
        """Tries again at once what waits after trouble."""
        for reflector in self._reflectors():
            reflector.wake()

    def _reflectors(self) -> list[Reflector]:
        return [reflector for watches in self._watches.values() for reflector, _ in watches]

    def get(self, key: ResourceKey) -> Live | None:
        """One object."""
        return self._objects.get(key)

    def by_uid(self, uid: str) -> Live | None:
        """One object by its uid."""
        key = self._by_uid.get(uid)
        return self._objects.get(key) if key is not None else None

    def of_application(self, application: str) -> list[Live]:
        """The objects that carry an application's mark, those with an owner included, in the order of keys."""
        return self._pick(self._by_application.get(application, ()))

    def everything(self) -> list[Live]:
        """All objects, in no order."""
        return list(self._objects.values())

    def in_namespace(self, namespace: str) -> list[Live]:
        """Everything in a namespace ("" gives what is cluster-scoped)."""
        return self._pick(self._by_namespace.get(namespace, ()))

    def children(self, uid: str) -> list[Live]:
        """What names an object as its owner."""
        return self._pick(self._by_owner.get(uid, ()))

    def descendants(self, live: Live) -> list[Live]:
        """All children, theirs, and so on, nearest first; an owner circle ends where it began."""
        if live.uid not in self._by_owner:
            return []  # As nearly everything: a tree asks this of each of its thousands.
        found: dict[ResourceKey, Live] = {live.key: live}
        queue = [live]
        for each in queue:
            for child in self.children(each.uid):
                if child.key not in found:
                    found[child.key] = child
                    queue.append(child)
        return queue[1:]

    def applications_above(self, live: Live) -> set[str]:
        """The applications that an object belongs to: by its own mark or by that of anything that owns it."""
        found: set[str] = set()
        seen = {live.key}
        queue = [live]
        for each in queue:
            if each.application is not None:
                found.add(each.application)
            for uid in each.owners:
                above = self._by_uid.get(uid)
                if above is not None and above not in seen:
                    seen.add(above)
                    queue.append(self._objects[above])
        return found

    def events_by_type(self) -> dict[tuple[str, str], int]:
        """Watch events so far by (group, kind)."""
        return {
            (resource.group, resource.kind): sum(reflector.statistics()["events"] for reflector, _ in watches)
            for resource, watches in self._watches.items()
        }

    def noisiest(self, number: int) -> list[tuple[ResourceKey, int]]:
        """The objects that change most, and about how often they did; those that only come and go are none of them."""
        return [(key, count * NOISE_SAMPLE) for key, count in self._noise.most(number)]

    def statistics(self) -> dict[str, int]:
        """objects, types, watches' events."""
        events = sum(reflector.statistics()["events"] for reflector in self._reflectors())
        return {"objects": len(self._objects), "types": len(self._watches), "events": events}

    def observe(self, event: WatchEvent) -> None:
        """Takes one event in and tells the listener; an event that changes nothing we keep is not told."""
        if event.type is EventType.BOOKMARK:
            return
        key = key_of(event.object)
        if (whole := self._whole.get(key.group_kind)) is not None:
            self._hand_on(whole, event, key)
        before = self._objects.get(key)
        if before is not None:
            self._changes += 1
            if self._changes % NOISE_SAMPLE == 0:
                self._noise.add(key)
        if event.type is EventType.DELETED:
            uid = nested_text(event.object, "metadata", "uid")
            if before is not None and (not uid or uid == before.uid):
                self._forget(key)
            return
        if before is not None and not is_newer(event.object, before.manifest):
            return  # What our own write gave back may overtake the watch, and comes by it once more.
        after = self._read(key, event.object, before)
        if before is not None:
            self._unlink(before)
        self._link(after)
        if before is None or _substance(before) != _substance(after):
            self._on_change(before, after)

    def _hand_on(self, whole: Whole, event: WatchEvent, key: ResourceKey) -> None:
        """Hands a whole object on; a fault over one of them must not end the watch of all others of its type."""
        try:
            whole(event)
        except Exception:
            log.exception("object not taken in", extra={"object": str(key)})

    def put_health(self, key: ResourceKey, uid: str, health: Health | None) -> None:
        """Takes in a health that could not be told at once, and tells the listener; one of another object is dropped."""
        before = self._objects.get(key)
        if before is not None and before.uid == uid and before.health != health:
            self._objects[key] = after = replace(before, health=health)
            self._on_change(before, after)

    def _read(self, key: ResourceKey, manifest: Manifest, before: Live | None) -> Live:
        manifest = own_string_data(manifest, self._manager)
        mark = self._settings.tracking.owner_of(manifest)
        owners = nested_list(manifest, "metadata", "ownerReferences")
        return Live(
            key=key,
            uid=nested_text(manifest, "metadata", "uid"),
            manifest=trim(manifest, hasher=self._hasher, manager=self._manager, keep_body=mark is not None),
            health=self._health_of(key, manifest, before),
            application=mark,
            owners=tuple(str(owner.get("uid") or "") for owner in owners),
            urls=addresses_of(manifest),
            signs=signs_of(manifest),
            images=tuple(images_of((manifest,))),
        )

    def _health_of(self, key: ResourceKey, manifest: Manifest, before: Live | None) -> Health | None:
        """The object's health; one whose fields no rule expected must not end the watch of all others of its type."""
        try:
            return self._judge(key, manifest, before)
        except Exception:
            log.exception("health rule failed", extra={"object": str(key)})
            return None

    def _forget(self, key: ResourceKey) -> None:
        before = self._objects[key]
        self._unlink(before)
        self._on_change(before, None)

    def _link(self, live: Live) -> None:
        self._objects[live.key] = live
        self._by_uid[live.uid] = live.key
        for index, name in self._places(live):
            index.setdefault(name, {})[live.key] = None

    def _unlink(self, live: Live) -> None:
        del self._objects[live.key]
        self._by_uid.pop(live.uid, None)
        for index, name in self._places(live):
            del index[name][live.key]
            if not index[name]:
                del index[name]

    def _places(self, live: Live) -> list[tuple[dict[str, dict[ResourceKey, None]], str]]:
        places = [(self._by_namespace, live.key.namespace)]
        places += [(self._by_owner, uid) for uid in dict.fromkeys(live.owners)]
        return places + ([(self._by_application, live.application)] if live.application is not None else [])

    def _pick(self, keys: Iterable[ResourceKey]) -> list[Live]:
        return [self._objects[key] for key in sorted(keys)]


async def _keep(reflector: Reflector) -> None:
    await reflector.run()


def _substance(live: Live) -> tuple[Any, ...]:
    """What a listener could care about: a new resourceVersion or generation alone is none of it."""
    manifest = dict(live.manifest)
    metadata = {name: value for name, value in manifest.pop("metadata").items() if name not in _COUNTERS}
    return live.health, live.signs, live.application, live.owners, live.uid, live.urls, metadata, manifest
