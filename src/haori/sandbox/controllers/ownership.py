"""Which objects a controller's object owns: by controlling reference, adopted and released by selector.

The rules are those of Kubernetes' `controller_ref_manager.go`: what matches and belongs to nobody is adopted, what is
owned and no longer matches is released, what is being deleted is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.cluster import ApiResource, ConflictError, NotFoundError
from haori.objects import labels_of
from haori.objects.errors import SelectorError
from haori.objects.selectors import LabelSelector, label_selector_of
from haori.sandbox.controllers.informers import Informer, Object, controller_of
from haori.sandbox.controllers.world import World

Key = tuple[str, str]
"""Namespace and name."""

NOTHING = LabelSelector(nothing=True)


def key_of_object(item: Mapping[str, Any]) -> Key:
    """The place of an object."""
    metadata = item["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def is_deleting(item: Mapping[str, Any]) -> bool:
    """Whether the object's end has begun."""
    return bool(item["metadata"].get("deletionTimestamp"))


def owner_reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The controlling reference to `owner`."""
    return {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def selector_of(owner: Mapping[str, Any]) -> LabelSelector:
    """The selector of `spec.selector`; one that is empty or cannot be read selects nothing."""
    selector = owner["spec"].get("selector")
    if not selector:
        return NOTHING
    try:
        return label_selector_of(selector)
    except SelectorError:
        return NOTHING


def is_controlled_by(item: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Whether `owner` controls the object."""
    reference = controller_of(item)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def orphans_of(children: Informer, namespace: str) -> list[Object]:
    """The objects of a namespace that nobody controls."""
    return [item for item in children.controlled_by("") if item["metadata"].get("namespace") == namespace]


async def claim(
    world: World,
    owner_type: ApiResource,
    owner: Object,
    children: Informer,
    *,
    may_adopt: Callable[[Object], bool] = lambda item: True,
) -> list[Object]:
    """What `owner` controls after adopting and releasing."""
    selector = selector_of(owner)
    claimed = []
    for child in children.controlled_by(owner["metadata"]["uid"]):
        if selector.matches(labels_of(child)):
            claimed.append(child)
        elif not is_deleting(owner) and not is_deleting(child):
            await _release(world, owner, child, children)
    if is_deleting(owner):
        return claimed
    candidates = [
        child
        for child in orphans_of(children, owner["metadata"]["namespace"])
        if not is_deleting(child) and selector.matches(labels_of(child)) and may_adopt(child)
    ]
    if candidates and await _is_current(world, owner_type, owner):
        for child in candidates:
            adopted = await _adopt(world, owner, child, children)
            claimed += [adopted] if adopted else []
    return claimed


async def _is_current(world: World, owner_type: ApiResource, owner: Object) -> bool:
    # Adopting for an owner that has just been deleted would have the garbage collector delete what is adopted.
    try:
        live = await world.client.get(owner_type, owner["metadata"]["name"], owner["metadata"]["namespace"])
    except NotFoundError:
        return False
    return bool(live["metadata"]["uid"] == owner["metadata"]["uid"]) and not is_deleting(live)


async def _adopt(world: World, owner: Object, child: Object, children: Informer) -> Object | None:
    references = [*child["metadata"].get("ownerReferences", ()), owner_reference(owner)]
    return await _write_references(world, child, children, references)


async def _release(world: World, owner: Object, child: Object, children: Informer) -> None:
    uid = owner["metadata"]["uid"]
    references = [each for each in child["metadata"].get("ownerReferences", ()) if each["uid"] != uid]
    await _write_references(world, child, children, references)


async def _write_references(
    world: World, child: Object, children: Informer, references: list[dict[str, Any]]
) -> Object | None:
    changed = {**child, "metadata": {**child["metadata"], "ownerReferences": references}}
    try:
        return await world.replace(children.resource, changed)
    except NotFoundError:
        return None
    except ConflictError:
        return None  # It changed meanwhile; the event of that change brings us back.


class OwnerIndex:
    """Tells which owners of one type a child's change concerns."""

    def __init__(self, owners: Informer, ask: Callable[[Key], None]) -> None:
        self._owners, self._ask = owners, ask
        self._kind = owners.resource.group_kind

    def child_changed(self, before: Object | None, after: Object | None) -> None:
        """A listener for the children's informer."""
        owners = set()
        for child in (before, after):
            if child is not None and (reference := controller_of(child)) and reference["kind"] == self._kind.kind:
                owner = self._owners.by_uid(reference["uid"])
                if owner is not None:
                    owners.add(key_of_object(owner))
        if after is not None and controller_of(after) is None:
            labels = labels_of(after)
            for owner in self._owners.in_namespace(after["metadata"].get("namespace") or ""):
                if selector_of(owner).matches(labels):
                    owners.add(key_of_object(owner))
        for key in owners:
            self._ask(key)
