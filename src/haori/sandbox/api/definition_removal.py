"""How a CustomResourceDefinition goes: its objects first, then itself, taken up again after a restart.

Our own finalizer holds the definition until the last object is gone; a finalizer on an object holds both.
see: Kubernetes `apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go` (1.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haori.objects import nested_text
from haori.sandbox.api.deletion import CRD_CLEANUP
from haori.sandbox.api.options import Deleted
from haori.sandbox.api.store import Stored, StoreKey

if TYPE_CHECKING:
    from haori.sandbox.api.layer import Api

CRDS = "customresourcedefinitions.apiextensions.k8s.io"


async def remove_instances(api: Api, terminating: Stored) -> Deleted:
    """Deletes the objects of a terminating definition, then the definition, unless finalizers hold some of them."""
    name = nested_text(terminating.decode(), "metadata", "name")
    custom = api.registry.stored_as(name)
    if custom is not None:
        await api.delete_collection(custom)
    if api.store.objects_of(name):
        return Deleted(stored=terminating, is_gone=False)
    await release_definition(api, name)
    return Deleted(stored=terminating, is_gone=api.store.get(StoreKey(CRDS, "", name)) is None)


async def release_definition(api: Api, name: str) -> None:
    """Takes our own finalizer off a terminating definition that has no objects left."""
    type_ = api.registry.stored_as(CRDS)
    definition = api.find(CRDS, name)
    if type_ is None or definition is None or "deletionTimestamp" not in definition["metadata"]:
        return

    def without(value: dict[str, Any]) -> dict[str, Any]:
        found = value["metadata"].get("finalizers") or []
        value["metadata"]["finalizers"] = [each for each in found if each != CRD_CLEANUP]
        return value

    await api.update(type_, name, "", without)


async def finish_removals(api: Api) -> None:
    """Takes up the deletion of definitions that a restart interrupted."""
    type_ = api.registry.stored_as(CRDS)
    for definition in api.all_of(CRDS):
        if type_ is not None and "deletionTimestamp" in definition["metadata"]:
            await remove_instances(api, api.get(type_, definition["metadata"]["name"]))
