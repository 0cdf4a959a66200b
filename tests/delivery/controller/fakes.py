"""The smallest cluster that the controller's tests need: objects in memory, versions, conflicts. No watch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from haori.cluster import AlreadyExistsError, ApiResource, ConflictError, Discovery, NotFoundError, UnreachableError

START = datetime(2026, 11, 24, 5, tzinfo=UTC)


def clock() -> datetime:
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def refusal(error: type[Any], status: int, reason: str) -> Any:
    return error(status=status, reason=reason, message=reason)


class FakeClient:
    """Implements what the code under test calls; `is_down` makes every call fail."""

    cluster = "in-cluster"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.is_down = False
        self._version = 0

    async def discover(self, *, refresh: bool = False) -> Discovery:
        return Discovery(resources=())

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        self._count("get", name)
        found = self.objects.get((resource.kind, namespace, name))
        if found is None:
            raise refusal(NotFoundError, 404, "NotFound")
        return found

    async def create(self, resource: ApiResource, manifest: Any, **_: Any) -> dict[str, Any]:
        self._count("create", manifest)
        place = self._place(resource, manifest)
        if place in self.objects:
            raise refusal(AlreadyExistsError, 409, "AlreadyExists")
        return self._store(place, manifest)

    async def replace(self, resource: ApiResource, manifest: Any, **_: Any) -> dict[str, Any]:
        self._count("replace", manifest)
        place = self._place(resource, manifest)
        if self.objects[place]["metadata"]["resourceVersion"] != manifest["metadata"].get("resourceVersion"):
            raise refusal(ConflictError, 409, "Conflict")
        return self._store(place, manifest)

    def _count(self, verb: str, what: Any) -> None:
        self.requests.append((verb, "", what))
        if self.is_down:
            raise UnreachableError("cluster-unreachable", cluster=self.cluster, reason="down")

    def _place(self, resource: ApiResource, manifest: Any) -> tuple[str, str, str]:
        metadata = manifest["metadata"]
        return resource.kind, metadata.get("namespace", ""), metadata["name"]

    def _store(self, place: tuple[str, str, str], manifest: Any) -> dict[str, Any]:
        self._version += 1
        stored = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": str(self._version)}}
        self.objects[place] = stored
        return stored
