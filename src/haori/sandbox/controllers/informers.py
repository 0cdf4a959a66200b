"""One list and watch per type, and what is known from it, for all controllers together.

An `Informer` holds the objects of one type, indexed by place, uid and controlling owner. What a controller writes is put
into it at once (`put`), so that the next look of any controller sees it without waiting for the watch; an older state that
comes later is dropped by its resourceVersion. Objects are read-only by agreement; `managedFields` are not kept, and of
types that only the garbage collector reads nothing but the metadata is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from haori.cluster import ApiResource, EventType, KubernetesClient, Reflector, WatchEvent
from haori.objects import GroupKind

Object = dict[str, Any]
Trim = Callable[[Object], Object]
Listener = Callable[[Object | None, Object | None], None]
"""Is told (before, after): None before for a new object, None after for one that is gone."""

TOMBSTONES = 4096
_KEPT = (
    "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "finalizers",
    "ownerReferences",
)  # fmt: skip


def without_managed_fields(item: Object) -> Object:
    """The object as it is, its field managers left out."""
    item.get("metadata", {}).pop("managedFields", None)
    return item


def metadata_only(item: Object) -> Object:
    """What the garbage collector and the deletion of namespaces ask of an object."""
    metadata = item.get("metadata") or {}
    kept = {name: metadata[name] for name in _KEPT if name in metadata}
    return {"apiVersion": item.get("apiVersion"), "kind": item.get("kind"), "metadata": kept}


def controller_of(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference that controls an object."""
    references = item["metadata"].get("ownerReferences")
    return next((each for each in references if each.get("controller")), None) if references else None


class Informer:
    """The objects of one type."""

    def __init__(self, resource: ApiResource, trim: Trim = without_managed_fields) -> None:
        self.resource = resource
        self._trim = trim
        self._items: dict[str, dict[str, Object]] = {}
        self._by_uid: dict[str, Object] = {}
        self._by_controller: dict[str, dict[str, Object]] = {}
        self._gone: dict[str, None] = {}
        self._listeners: list[Listener] = []

    def get(self, name: str, namespace: str = "") -> Object | None:
        """The object of that name."""
        return self._items.get(namespace, {}).get(name)

    def by_uid(self, uid: str) -> Object | None:
        """The object with that uid."""
        return self._by_uid.get(uid)

    def everywhere(self) -> Iterator[Object]:
        """Every object; do not write while iterating."""
        return iter(self._by_uid.values())

    def in_namespace(self, namespace: str) -> list[Object]:
        """All objects of a namespace ("" for cluster-scoped ones)."""
        return [*self._items.get(namespace, {}).values()]

    def controlled_by(self, uid: str) -> list[Object]:
        """All objects whose controlling owner has that uid; "" gives those that none controls."""
        return [*self._by_controller.get(uid, {}).values()]

    def subscribe(self, listener: Listener) -> None:
        """Tells `listener` of every change from now on; what is known already is told as new."""
        for item in [*self._by_uid.values()]:
            listener(None, item)
        self._listeners.append(listener)

    def put(self, item: Object) -> Object:
        """Takes over what a write answered, unless something newer is known."""
        item = self._trim(item)
        metadata = item["metadata"]
        if metadata.get("uid") in self._gone:
            return item
        before = self.get(metadata["name"], metadata.get("namespace") or "")
        if before is None or _version(before) < _version(item):
            self._set(before, item)
        return item

    def remove(self, item: Object) -> None:
        """Forgets an object that a write is known to have ended."""
        metadata = item["metadata"]
        before = self.get(metadata["name"], metadata.get("namespace") or "")
        if before is not None and before["metadata"].get("uid") == metadata.get("uid", before["metadata"].get("uid")):
            self._remember_gone(before["metadata"].get("uid", ""))
            self._unset(before)
            self._tell(before, None)

    def observe(self, event: WatchEvent) -> None:
        """One event of the watch."""
        if event.type is EventType.DELETED:
            self.remove(event.object)
        elif event.type is not EventType.BOOKMARK:
            self.put(event.object)

    def clear(self) -> None:
        """Forgets everything: the type is not served any more."""
        for item in [*self._by_uid.values()]:
            self._unset(item)
            self._tell(item, None)

    def __len__(self) -> int:
        return len(self._by_uid)

    def _set(self, before: Object | None, item: Object) -> None:
        if before is not None:
            self._unset(before)
            if before["metadata"].get("uid") != item["metadata"].get("uid"):
                self._remember_gone(before["metadata"].get("uid", ""))
                self._tell(before, None)
                before = None
        metadata = item["metadata"]
        self._items.setdefault(metadata.get("namespace") or "", {})[metadata["name"]] = item
        self._by_uid[metadata["uid"]] = item
        self._by_controller.setdefault(_controller_uid(item), {})[metadata["uid"]] = item
        self._tell(before, item)

    def _unset(self, item: Object) -> None:
        metadata = item["metadata"]
        namespace = metadata.get("namespace") or ""
        if place := self._items.get(namespace):
            place.pop(metadata["name"], None)
            if not place:
                del self._items[namespace]
        self._by_uid.pop(metadata["uid"], None)
        if owned := self._by_controller.get(_controller_uid(item)):
            owned.pop(metadata["uid"], None)
            if not owned:
                del self._by_controller[_controller_uid(item)]

    def _remember_gone(self, uid: str) -> None:
        self._gone[uid] = None
        if len(self._gone) > TOMBSTONES:
            del self._gone[next(iter(self._gone))]

    def _tell(self, before: Object | None, after: Object | None) -> None:
        for listener in self._listeners:
            listener(before, after)


class Informers:
    """The informers of every type served; `run` keeps them true until cancelled."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._informers: dict[GroupKind, Informer] = {}
        self._reflectors: dict[GroupKind, tuple[Reflector, asyncio.Task[None]]] = {}
        self._type_listeners: list[Callable[[Informer], None]] = []
        self._group: asyncio.TaskGroup | None = None

    def of(self, resource: ApiResource, trim: Trim = without_managed_fields) -> Informer:
        """The informer of a type, made at the first call; `trim` says what to keep of its objects."""
        informer = self._informers.get(resource.group_kind)
        if informer is None:
            informer = self._informers[resource.group_kind] = Informer(resource, trim)
            for listener in self._type_listeners:
                listener(informer)
        return informer

    def find(self, type_: GroupKind) -> Informer | None:
        """The informer of a type if there is one."""
        return self._informers.get(type_)

    def is_served(self, resource: ApiResource) -> bool:
        """Whether the API serves that type."""
        return resource.group_kind in self._reflectors

    def watched(self) -> Iterable[Informer]:
        """The informers of the types served now."""
        return [self._informers[type_] for type_ in self._reflectors]

    def on_type(self, listener: Callable[[Informer], None]) -> None:
        """Tells `listener` of every informer, those there already first."""
        self._type_listeners.append(listener)
        for informer in [*self._informers.values()]:
            listener(informer)

    async def run(self, ready: Callable[[], None]) -> None:
        """Watches all types served; `ready` is called when what was asked for before was listed once."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            needed = {*self._informers}
            await self.discover()
            for type_, (reflector, _) in [*self._reflectors.items()]:
                if type_ in needed:
                    await reflector.wait_synced()
            ready()

    async def discover(self) -> None:
        """Begins to watch types that are newly served and stops with those that are not any more."""
        discovery = await self._client.discover(refresh=True)
        served = {
            resource.group_kind: resource
            for resource in discovery.preferred()
            if {"list", "watch"} <= resource.verbs and not _is_events_twin(resource)
        }
        for type_ in [each for each in self._reflectors if each not in served]:
            if not any(type_.group == failed.partition("/")[0] for failed in discovery.failed_groups):
                self._reflectors.pop(type_)[1].cancel()
                self._informers[type_].clear()
        for type_, resource in served.items():
            if type_ not in self._reflectors:
                self._watch(type_, self.of(resource, metadata_only), resource)

    def _watch(self, type_: GroupKind, informer: Informer, resource: ApiResource) -> None:
        assert self._group is not None
        informer.resource = resource if informer.resource.version == resource.version else informer.resource
        reflector = Reflector(self._client, informer.resource, informer.observe)
        self._reflectors[type_] = reflector, self._group.create_task(_run(reflector), name=f"watch {type_}")


async def _run(reflector: Reflector) -> None:
    await reflector.run()


def _is_events_twin(resource: ApiResource) -> bool:
    # The core group serves the very same objects.
    return resource.group == "events.k8s.io"


def _controller_uid(item: Object) -> str:
    owner = controller_of(item)
    return str(owner["uid"]) if owner else ""


def _version(item: Object) -> int:
    try:
        return int(item["metadata"].get("resourceVersion") or 0)
    except ValueError:
        return 0
