"""A cluster in memory that an engine may die in front of: every write can be the last thing it does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, cast

from haori.cluster import (
    ApiResource,
    ConflictError,
    Discovery,
    EventType,
    KubernetesClient,
    NotFoundError,
    PatchType,
    WatchEvent,
)
from haori.cluster.well_known import CONFIG_MAPS, JOBS
from haori.delivery.controller.cache import ClusterCache
from haori.delivery.model import parse_settings
from haori.objects import Manifest, ResourceKey, copy_manifest, key_of
from haori.objects.masking import SecretHasher
from haori.resources import argo
from tests.delivery.controller.fakes import refusal

MANAGER = "haori"


class DiedError(Exception):
    """The engine was killed."""


class World:
    """Objects with versions, uids and finalizers; the client's calls that delivery makes.

    `dies_at`: (number of a write, whether it still takes effect); each write asks `note` first.
    """

    cluster = "in-cluster"

    def __init__(self) -> None:
        self.objects: dict[ResourceKey, dict[str, Any]] = {}
        self.uids: dict[tuple[str, str, str], set[str]] = {}
        """By (name, operation, phase), every uid that an object ever had."""
        self.dies_at: tuple[int, bool] | None = None
        self.is_dead = False
        self.trouble: Callable[[], Exception] = DiedError
        """What happens then; only death lasts."""
        self.writes: list[str] = []
        self.applied: list[str] = []
        self._numbers = itertools.count(1)

    def note(self, what: str, act: Any) -> Any:
        """One write: `act` does it, unless the engine dies before."""
        if self.is_dead:
            raise DiedError
        number, takes_effect = self.dies_at or (-1, True)
        is_last = len(self.writes) == number
        self.is_dead = is_last and self.trouble is DiedError
        self.writes.append(f"{len(self.writes)} {what}")
        if is_last and not takes_effect:
            raise self.trouble()
        done = act()
        if is_last:
            raise self.trouble()
        return done

    async def discover(self, *, refresh: bool = False) -> Discovery:
        return Discovery(resources=(JOBS, CONFIG_MAPS))

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        found = self.objects.get(_key(resource, name, namespace))
        if found is None:
            raise refusal(NotFoundError, 404, "NotFound")
        return _copy(found)

    async def apply(self, resource: ApiResource, manifest: Any, *, dry_run: bool = False, **_: Any) -> dict[str, Any]:
        if dry_run:
            return _copy(manifest)
        written: dict[str, Any] = self.note(f"apply {manifest['metadata']['name']}", lambda: self._apply(manifest))
        return written

    async def patch(
        self, resource: ApiResource, name: str, namespace: str, body: Any, *, patch_type: PatchType, **_: Any
    ) -> dict[str, Any]:
        assert patch_type is PatchType.MERGE
        key = _key(resource, name, namespace)
        patched: dict[str, Any] = self.note(f"patch {name}", lambda: self._patch(key, body))
        return patched

    async def delete(self, resource: ApiResource, name: str, namespace: str = "", *, uid: str = "", **_: Any) -> None:
        self.note(f"delete {name}", lambda: self._delete(_key(resource, name, namespace), uid))

    def remove(self, key: ResourceKey) -> None:
        """As somebody else would: gone at once unless a finalizer holds it."""
        self._delete(key, "")

    def put(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The object as it is stored then."""
        key = key_of(manifest)
        before = self.objects.get(key)
        metadata = {**manifest["metadata"], "resourceVersion": str(next(self._numbers))}
        metadata["uid"] = before["metadata"]["uid"] if before else f"uid-{next(self._numbers)}"
        self.objects[key] = {**manifest, "metadata": metadata}
        notes = metadata.get("annotations") or {}
        place = (key.name, notes.get("haori.dev/operation-id", ""), notes.get("haori.dev/hook-phase", ""))
        self.uids.setdefault(place, set()).add(metadata["uid"])
        return _copy(self.objects[key])

    def _apply(self, manifest: Any) -> dict[str, Any]:
        self.applied.append(manifest["metadata"]["name"])
        before = self.objects.get(key_of(manifest))
        merged = {**(before or {}), **manifest}
        if before:
            merged["metadata"] = {**before["metadata"], **manifest["metadata"]}
        return self.put(merged)

    def _patch(self, key: ResourceKey, body: Any) -> dict[str, Any]:
        before = self.objects.get(key)
        if before is None:
            raise refusal(NotFoundError, 404, "NotFound")
        metadata = body["metadata"]
        for name in ("uid", "resourceVersion"):
            if metadata.get(name, before["metadata"][name]) != before["metadata"][name]:
                raise refusal(ConflictError, 409, "Conflict")
        after = self.put({**before, "metadata": {**before["metadata"], **metadata}})
        self._collect(key)
        return after

    def _delete(self, key: ResourceKey, uid: str) -> None:
        before = self.objects.get(key)
        if before is None:
            raise refusal(NotFoundError, 404, "NotFound")
        if uid and before["metadata"]["uid"] != uid:
            raise refusal(ConflictError, 409, "Conflict")
        self.put({**before, "metadata": {**before["metadata"], "deletionTimestamp": "2026-11-24T05:00:00Z"}})
        self._collect(key)

    def _collect(self, key: ResourceKey) -> None:
        metadata = self.objects[key]["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            del self.objects[key]


class Eyes(ClusterCache):
    """What an engine sees of a world: all of it whenever `look` is called, and what it wrote itself."""

    def __init__(self, world: World) -> None:
        settings = parse_settings(None)
        super().__init__(
            cast(KubernetesClient, world), settings=settings, hasher=SecretHasher(b"k" * 32), manager=MANAGER
        )
        self._world = world

    def look(self) -> None:
        """Catches up."""
        for key in [key for key in self._objects if key not in self._world.objects]:
            self.observe(WatchEvent(type=EventType.DELETED, object=_remains(self._objects[key].manifest)))
        for manifest in self._world.objects.values():
            self.observe(WatchEvent(type=EventType.MODIFIED, object=_copy(manifest)))

    def seen(self) -> dict[ResourceKey, Manifest]:
        """Everything, as it was last seen."""
        return {key: live.manifest for key, live in self._objects.items()}


def complete(world: World, *, failing: Iterable[str] = ()) -> None:
    """Every Job ends, as its name says; one with a time to live is deleted at once."""
    for key, manifest in list(world.objects.items()):
        if key.kind != "Job" or manifest.get("status"):
            continue
        word = "Failed" if key.name in failing else "Complete"
        conditions = [{"type": word, "status": "True", "message": f"{key.name} has ended"}]
        world.put({**manifest, "status": {"conditions": conditions}})
        if "ttlSecondsAfterFinished" in manifest["spec"]:
            world.remove(key)


def held(world: World) -> list[str]:
    """The names of what our finalizer still holds."""
    return [k.name for k, m in world.objects.items() if argo.HOOK_FINALIZER in (m["metadata"].get("finalizers") or ())]


def _copy(manifest: Any) -> dict[str, Any]:
    copied: dict[str, Any] = copy_manifest(manifest)
    return copied


def _remains(manifest: Any) -> dict[str, Any]:
    metadata = {name: manifest["metadata"].get(name) for name in ("name", "namespace")}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}


def _key(resource: ApiResource, name: str, namespace: str) -> ResourceKey:
    return ResourceKey(resource.group, resource.kind, namespace, name)
