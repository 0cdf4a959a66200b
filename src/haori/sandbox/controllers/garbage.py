"""The garbage collector: what lost its owners goes, an owner waits for what blocks it, an orphan is let go.

see: Kubernetes `pkg/controller/garbagecollector/{garbagecollector,graph_builder}.go` (1.37). The graph is the informers
themselves plus one index from owner to dependents; before anything is deleted the absence of its owner is confirmed by the API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from haori.cluster import NotFoundError, PatchType, Propagation
from haori.cluster.well_known import CUSTOM_RESOURCE_DEFINITIONS, EVENTS
from haori.objects import GroupKind
from haori.sandbox.controllers.informers import Informer, Object
from haori.sandbox.controllers.ownership import is_deleting
from haori.sandbox.controllers.pods import condition_of
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
LOOK_AGAIN_SECONDS = 1.0


class Node(NamedTuple):
    """One object of the graph."""

    type: GroupKind
    uid: str


class Owners(NamedTuple):
    """The uids of an object's owners, sorted out."""

    solid: set[str]
    dangling: set[str]
    waiting: set[str]


class GarbageCollector:
    """Watches owner references of all types."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nodes: dict[str, Node] = {}
        self._dependents: dict[str, set[Node]] = {}
        self.queue: KeyedQueue[Node] = KeyedQueue("garbage", self.reconcile)

    def start(self) -> None:
        """Listens to every type there is and will be."""
        self._world.informers.on_type(self._listen)

    def _listen(self, informer: Informer) -> None:
        type_ = informer.resource.group_kind
        if type_ == EVENTS.group_kind:
            return

        def changed(before: Object | None, after: Object | None) -> None:
            self._changed(type_, before, after)

        informer.subscribe(changed)

    def _changed(self, type_: GroupKind, before: Object | None, after: Object | None) -> None:
        old, new = _references(before), _references(after)
        item = after if after is not None else before
        assert item is not None
        node = Node(type_, item["metadata"]["uid"])
        for uid in old.keys() - new.keys():
            self._unlink(uid, node)
        for uid in new.keys() - old.keys():
            self._dependents.setdefault(uid, set()).add(node)
        if after is None:
            self._nodes.pop(node.uid, None)
            for dependent in self._dependents.get(node.uid, ()):
                self.queue.ask(dependent)
        else:
            self._nodes[node.uid] = node
            if (new and (before is None or old != new)) or _waits(after):
                self.queue.ask(node)
        for uid in old if after is None or is_deleting(item) else old.keys() - new.keys():
            self._ask_waiting_owner(uid)

    def _unlink(self, uid: str, node: Node) -> None:
        if dependents := self._dependents.get(uid):
            dependents.discard(node)
            if not dependents:
                del self._dependents[uid]

    def _ask_waiting_owner(self, uid: str) -> None:
        owner = self._find(uid)
        if owner is not None and _waits(owner):
            self.queue.ask(self._nodes[uid])

    def _find(self, uid: str) -> Object | None:
        node = self._nodes.get(uid)
        informer = self._world.informers.find(node.type) if node else None
        return informer.by_uid(uid) if informer else None

    async def reconcile(self, key: Node) -> None:
        """One look at one object."""
        informer = self._world.informers.find(key.type)
        item = informer.by_uid(key.uid) if informer else None
        if informer is None or item is None:
            return
        if is_deleting(item):
            await self._end(informer, item)
            return
        references = _references(item)
        if not references:
            return
        owners = await self._sort_out(item, references)
        if owners.solid:
            if gone := owners.dangling | owners.waiting:
                await self._write_references(informer, item, gone)
        elif owners.waiting and self._dependents.get(key.uid):
            await self._world.delete(informer.resource, item, Propagation.FOREGROUND)
        else:
            finalizers = item["metadata"].get("finalizers") or ()
            policy = Propagation.ORPHAN if ORPHAN in finalizers else Propagation.BACKGROUND
            policy = Propagation.FOREGROUND if FOREGROUND in finalizers else policy
            await self._world.delete(informer.resource, item, policy)

    async def _end(self, informer: Informer, item: Object) -> None:
        finalizers = item["metadata"].get("finalizers") or ()
        uid = item["metadata"]["uid"]
        if ORPHAN in finalizers:
            await asyncio.gather(*(self._let_go(node, uid) for node in [*self._dependents.get(uid, ())]))
            await self._remove_finalizer(informer, item, ORPHAN)
        elif FOREGROUND in finalizers:
            blocking = False
            for node in [*self._dependents.get(uid, ())]:
                dependent = self._find(node.uid)
                if dependent is None:
                    continue
                blocking |= bool(_references(dependent).get(uid, {}).get("blockOwnerDeletion"))
                if not is_deleting(dependent):
                    self.queue.ask(node)
            if not blocking:
                await self._remove_finalizer(informer, item, FOREGROUND)

    async def _let_go(self, node: Node, uid: str) -> None:
        informer = self._world.informers.find(node.type)
        dependent = informer.by_uid(node.uid) if informer else None
        if informer is not None and dependent is not None:
            await self._write_references(informer, dependent, {uid})

    async def _sort_out(self, item: Object, references: Mapping[str, Mapping[str, Any]]) -> Owners:
        owners = Owners(set(), set(), set())
        for uid, reference in references.items():
            owner = self._find(uid)
            if owner is None or not _may_own(owner, item):
                owner = await self._ask_api(item, reference)
            if owner is None:
                owners.dangling.add(uid)
            elif is_deleting(owner) and FOREGROUND in (owner["metadata"].get("finalizers") or ()):
                (owners.waiting if reference.get("blockOwnerDeletion") else owners.solid).add(uid)
            else:
                owners.solid.add(uid)
        return owners

    async def _ask_api(self, item: Object, reference: Mapping[str, Any]) -> Object | None:
        """The owner as the API knows it. A type that is not served proves nothing: its owner counts as there."""
        discovery = await self._world.client.discover()
        resource = discovery.resource_of(str(reference["apiVersion"]), str(reference["kind"]))
        if resource is None:
            return {"metadata": {"uid": reference["uid"]}}
        namespace = item["metadata"].get("namespace") or ""
        if resource.namespaced and not namespace:
            return {"metadata": {"uid": reference["uid"]}}
        try:
            found = await self._world.client.get(
                resource, str(reference["name"]), namespace if resource.namespaced else ""
            )
        except NotFoundError:
            return None
        return found if found["metadata"]["uid"] == reference["uid"] else None

    async def _write_references(self, informer: Informer, item: Object, gone: set[str]) -> None:
        kept = [each for each in item["metadata"].get("ownerReferences") or () if each["uid"] not in gone]
        await self._patch(informer, item, {"ownerReferences": kept or None})

    async def _remove_finalizer(self, informer: Informer, item: Object, name: str) -> None:
        kept = [each for each in item["metadata"].get("finalizers") or () if each != name]
        await self._patch(informer, item, {"finalizers": kept or None})

    async def _patch(self, informer: Informer, item: Object, metadata: dict[str, Any]) -> None:
        known = item["metadata"]
        body = {"metadata": {**metadata, "uid": known["uid"], "resourceVersion": known["resourceVersion"]}}
        try:
            made = await self._world.client.patch(
                informer.resource, known["name"], known.get("namespace") or "", body, patch_type=PatchType.MERGE
            )
        except NotFoundError:
            informer.remove(item)
            return
        if is_deleting(made) and not made["metadata"].get("finalizers"):
            return  # Its last finalizer went; the watch tells of its end.
        informer.put(made)


def _references(item: Object | None) -> dict[str, Mapping[str, Any]]:
    references = item["metadata"].get("ownerReferences") if item is not None else None
    return {each["uid"]: each for each in references or ()}


def _waits(item: Object) -> bool:
    finalizers = item["metadata"].get("finalizers") or ()
    return is_deleting(item) and (ORPHAN in finalizers or FOREGROUND in finalizers)


def _may_own(owner: Object, item: Object) -> bool:
    # A namespaced owner owns in its own namespace only; anything else is a reference to nobody.
    namespace = owner["metadata"].get("namespace")
    return not namespace or namespace == item["metadata"].get("namespace")


class TypesController:
    """Watches types that are newly defined, and stops with those that are not any more."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._definitions = world.informer(CUSTOM_RESOURCE_DEFINITIONS, _trim_definition)
        self.queue: KeyedQueue[str] = KeyedQueue("types", self.reconcile, workers=1)

    def start(self) -> None:
        """Listens to CustomResourceDefinitions."""
        self._definitions.subscribe(self._changed)

    def _changed(self, before: Object | None, after: Object | None) -> None:
        if before is None and after is not None and self._is_watched(after):
            return
        if after is None or before is None or _served(before) != _served(after):
            self.queue.ask("types")

    def _is_watched(self, definition: Object) -> bool:
        return _served(definition)[0] in {informer.resource.group_kind for informer in self._world.informers.watched()}

    async def reconcile(self, key: str) -> None:
        """Asks again which types are served."""
        await self._world.informers.discover()
        established = [each for each in self._definitions.everywhere() if _served(each)[1] and not is_deleting(each)]
        if not all(map(self._is_watched, established)):
            # Discovery tells of a new type a moment after its definition does.
            self.queue.ask(key, LOOK_AGAIN_SECONDS)


def _served(definition: Object) -> tuple[GroupKind, bool]:
    spec = definition.get("spec") or {}
    established = condition_of(definition, "Established")
    type_ = GroupKind(spec.get("group", ""), (spec.get("names") or {}).get("kind", ""))
    return type_, established is not None and established.get("status") == "True"


def _trim_definition(item: Object) -> Object:
    # The schemas of definitions are large, and not asked for here.
    metadata = {key: value for key, value in item["metadata"].items() if key not in ("managedFields", "annotations")}
    spec = {"group": item["spec"]["group"], "names": item["spec"]["names"]}
    conditions = (item.get("status") or {}).get("conditions") or []
    return {**item, "metadata": metadata, "spec": spec, "status": {"conditions": conditions}}
