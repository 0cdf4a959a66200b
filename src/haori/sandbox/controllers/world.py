"""What every controller works with: the client, the informers, the clock, the events; and writes that are seen at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.cluster import ApiResource, KubernetesClient, NotFoundError, Propagation
from haori.objects.times import format_time
from haori.sandbox.controllers.events import EventRecorder
from haori.sandbox.controllers.informers import Informer, Informers, Object, Trim, without_managed_fields
from haori.sandbox.controllers.settings import ControllerSettings

FIELD_MANAGER = "kube-controller-manager"


class World:
    """One cluster as its controllers see and change it. Writes raise what the client raises."""

    def __init__(self, client: KubernetesClient, settings: ControllerSettings) -> None:
        self.client = client
        self.settings = settings
        self.informers = Informers(client)
        self.events = EventRecorder(client, settings.now)

    def now(self) -> datetime:
        """The moment."""
        return self.settings.now()

    def timestamp(self) -> str:
        """The moment as manifests write it."""
        return format_time(self.settings.now())

    def informer(self, resource: ApiResource, trim: Trim = without_managed_fields) -> Informer:
        """The informer of a type."""
        return self.informers.of(resource, trim)

    async def create(self, resource: ApiResource, manifest: Mapping[str, Any]) -> Object:
        """The object as stored, known to the informer already."""
        made = await self.client.create(resource, manifest, field_manager=FIELD_MANAGER)
        return self.informers.of(resource).put(made)

    async def replace(self, resource: ApiResource, manifest: Mapping[str, Any], subresource: str = "") -> Object:
        """The object as stored, known to the informer already; ConflictError where what we knew was old."""
        made = await self.client.replace(resource, manifest, subresource=subresource, field_manager=FIELD_MANAGER)
        return self.informers.of(resource).put(made)

    async def write_status(
        self, resource: ApiResource, item: Mapping[str, Any], status: Mapping[str, Any], *, unless_same: bool = True
    ) -> Object:
        """The object with that status; nothing is sent where it has it already."""
        if unless_same and item.get("status", {}) == status:
            return dict(item)
        return await self.replace(resource, {**item, "status": status}, subresource="status")

    async def delete(
        self, resource: ApiResource, item: Mapping[str, Any], propagation: Propagation | None = None
    ) -> bool:
        """Asks for the end of that very object; whether it was still there."""
        metadata = item["metadata"]
        try:
            answer = await self.client.delete(
                resource,
                metadata["name"],
                metadata.get("namespace") or "",
                uid=metadata["uid"],
                propagation=propagation,
            )
        except NotFoundError:
            self.informers.of(resource).remove(dict(item))
            return False
        informer = self.informers.of(resource)
        if answer is None or answer.get("kind") == "Status":
            informer.remove(dict(item))
        elif informer.by_uid(metadata["uid"]) is not None:
            informer.put(_terminating(answer, self.timestamp()))
        return True


def _terminating(answer: Object, now: str) -> Object:
    # What is ended at once comes back as it was; until the watch says so, everybody should see that it is on its way.
    if answer["metadata"].get("deletionTimestamp"):
        return answer
    return {**answer, "metadata": {**answer["metadata"], "deletionTimestamp": now}}
