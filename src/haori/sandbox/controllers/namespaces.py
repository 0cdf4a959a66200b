"""Namespaces that end: everything in them is deleted, then they are let go.

see: Kubernetes `pkg/controller/namespace/deletion/namespaced_resources_deleter.go` (1.37).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from haori.cluster import ApiResource, NotFoundError, Propagation
from haori.cluster.well_known import EVENTS, NAMESPACES, PODS
from haori.errors import PeerError
from haori.sandbox.controllers.conditions import condition, set_condition
from haori.sandbox.controllers.informers import Informer, Object
from haori.sandbox.controllers.ownership import Key, is_deleting, key_of_object
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.replica_set import refusal_text
from haori.sandbox.controllers.world import World

KUBERNETES = "kubernetes"
_FOUND = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
)
_HELD = "Some content in the namespace has finalizers remaining: {}"
_NOT_HELD = "All content-preserving finalizers finished"


class NamespaceController:
    """Empties and finalizes namespaces that are being deleted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._namespaces = world.informer(NAMESPACES)
        self._terminating: set[str] = set()
        self.queue: KeyedQueue[Key] = KeyedQueue("namespace", self.reconcile, workers=4)

    def start(self) -> None:
        """Listens to namespaces, and to the end of what is in those that end."""
        self._namespaces.subscribe(self._namespace_changed)
        self._world.informers.on_type(lambda informer: informer.subscribe(self._content_changed))

    def _namespace_changed(self, before: Object | None, after: Object | None) -> None:
        if after is None:
            self._terminating.discard(before["metadata"]["name"] if before else "")
        elif is_deleting(after):
            self._terminating.add(after["metadata"]["name"])
            self.queue.ask(key_of_object(after))

    def _content_changed(self, before: Object | None, after: Object | None) -> None:
        item = after if after is not None else before
        if item is not None and (namespace := item["metadata"].get("namespace")) in self._terminating:
            self.queue.ask(("", namespace))

    async def reconcile(self, key: Key) -> None:
        """One look at one namespace that ends."""
        namespace = self._namespaces.get(key[1])
        if namespace is None or not is_deleting(namespace):
            return
        if KUBERNETES not in (namespace["spec"].get("finalizers") or ()):
            return
        problems: list[str] = []
        remaining: dict[ApiResource, list[Object]] = {}
        # Pods end before what they use.
        for group in self._groups():
            await asyncio.gather(*(self._empty(each, key[1], remaining, problems) for each in group))
            if any(resource.kind == "Pod" for resource in remaining):
                break
        if not remaining and not problems:
            await self._finalize(namespace)
            return
        await self._tell(namespace, remaining, problems)

    def _groups(self) -> list[list[Informer]]:
        served = [
            informer
            for informer in self._world.informers.watched()
            if informer.resource.namespaced and "delete" in informer.resource.verbs
        ]
        pods = [informer for informer in served if informer.resource.group_kind == PODS.group_kind]
        return [pods, [informer for informer in served if informer not in pods]]

    async def _empty(
        self, informer: Informer, namespace: str, remaining: dict[ApiResource, list[Object]], problems: list[str]
    ) -> None:
        for item in informer.in_namespace(namespace):
            if is_deleting(item):
                continue
            try:
                await self._world.delete(informer.resource, item, Propagation.BACKGROUND)
            except PeerError as error:
                problems.append(f"unexpected items still remain in namespace: {namespace}: {refusal_text(error)}")
        left = informer.in_namespace(namespace)
        # An informer may lag behind: nothing is gone before the API says so.
        if not left and informer.resource.group_kind != EVENTS.group_kind:
            left = (await self._world.client.list(informer.resource, namespace, limit=50)).items
            for item in left:
                informer.put(item)
            if any(not is_deleting(item) for item in left):
                self.queue.ask(("", namespace))
        if left:
            remaining[informer.resource] = left

    async def _finalize(self, namespace: Object) -> None:
        left = [each for each in namespace["spec"].get("finalizers") or () if each != KUBERNETES]
        try:
            await self._world.client.replace(
                NAMESPACES, {**namespace, "spec": {**namespace["spec"], "finalizers": left}}, subresource="finalize"
            )
        except NotFoundError:
            self._namespaces.remove(namespace)

    async def _tell(
        self, namespace: Object, remaining: Mapping[ApiResource, list[Object]], problems: list[str]
    ) -> None:
        status = dict(namespace.get("status") or {})
        conditions: list[dict[str, Any]] = list(status.get("conditions") or ())
        for said in namespace_conditions(remaining, problems, self._world):
            conditions = _update(conditions, said)
        await self._world.write_status(NAMESPACES, namespace, {**status, "conditions": conditions})


def namespace_conditions(
    remaining: Mapping[ApiResource, list[Object]], problems: list[str], world: World
) -> list[dict[str, Any]]:
    """The five conditions by which a namespace says why it is still there."""
    now = world.now()
    counts = ", ".join(
        f"{resource.full_name} has {len(items)} resource instances"
        for resource, items in sorted(remaining.items(), key=lambda pair: pair[0].full_name)
    )
    finalizers: dict[str, int] = {}
    for items in remaining.values():
        for item in items:
            for name in item["metadata"].get("finalizers") or ():
                finalizers[name] = finalizers.get(name, 0) + 1
    held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
    content, left = (
        "All content successfully deleted, may be waiting on finalization",
        f"Some resources are remaining: {counts}",
    )
    return [
        *(condition(type_, "False", reason, message, now) for type_, reason, message in _FOUND),
        condition("NamespaceDeletionContentFailure", "True", "ContentDeletionFailed", "; ".join(sorted(problems)), now)
        if problems
        else condition("NamespaceDeletionContentFailure", "False", "ContentDeleted", content, now),
        condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", left, now)
        if remaining
        else condition("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed", now),
        condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", _HELD.format(held), now)
        if held
        else condition("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", _NOT_HELD, now),
    ]


def _update(conditions: list[dict[str, Any]], said: dict[str, Any]) -> list[dict[str, Any]]:
    known = next((each for each in conditions if each["type"] == said["type"]), None)
    if known and all(known.get(field) == said.get(field) for field in ("status", "reason", "message")):
        return conditions
    return set_condition(conditions, said)
