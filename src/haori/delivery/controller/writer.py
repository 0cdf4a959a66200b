"""Writes Applications: one merge patch at a time, through the door, made anew where somebody else was quicker.

Every patch carries the resourceVersion it was made from and our term. So a leader of an earlier term that does not know
yet cannot write over what its successor wrote: it meets a conflict, reads, sees a higher term than its own, and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from haori.cluster import ConflictError, KubernetesClient, NotFoundError, PatchType
from haori.cluster.well_known import APPLICATIONS
from haori.delivery.apply import WriteDoor
from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.controller.declared import Declared, term_of
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.status import build_status_patch
from haori.delivery.model import Application
from haori.objects import nested_text
from haori.observe import Counter
from haori.resources import haori

TRIES = 6
CONFLICTS = Counter(
    "haori_application_patch_conflicts", "Patches of Applications that met a newer version and were made anew."
)

Build = Callable[[Application], Mapping[str, Any] | None]
"""A patch made for the version handed in; None: nothing to write."""


class ApplicationWriter:
    """The only writer of Applications in the engine."""

    def __init__(
        self, client: KubernetesClient, door: WriteDoor, declared: Declared, *, clock: Callable[[], datetime]
    ) -> None:
        self._client, self._door, self._declared, self._clock = client, door, declared, clock

    async def write_status(
        self,
        key: ApplicationKey,
        status: Callable[[Application], Mapping[str, Any]],
        *,
        takes_operation: bool = False,
        finalizers: Callable[[Application], Sequence[str] | None] | None = None,
    ) -> Application | None:
        """Makes the status what `status` gives for the newest version; the application as it is then, None if gone.

        `finalizers` gives those it shall have, None where they stay.
        """

        def build(application: Application) -> Mapping[str, Any] | None:
            takes = takes_operation and application.operation is not None
            return build_status_patch(
                application,
                status(application),
                now=self._clock(),
                term=self._door.term,
                takes_operation=takes,
                finalizers=finalizers(application) if finalizers is not None else None,
            )

        return await self.write(key, build)

    async def write(self, key: ApplicationKey, build: Build) -> Application | None:
        """Sends the patch that `build` makes; on a conflict from the version that is there then."""
        for attempt in range(TRIES):
            application = self._declared.applications.get(key)
            if application is None:
                return None
            if (other := term_of(application.manifest)) > self._door.term:
                raise LostLeadershipError("leadership-superseded", term=self._door.term, other=other)
            patch = build(application)
            if patch is None:
                return application
            try:
                return await self._patch(key, self._stamped(application, patch))
            except NotFoundError:
                return None
            except ConflictError:
                CONFLICTS.add()
                if attempt == TRIES - 1:
                    raise
                if not await self._read_again(key):
                    return None
        return None

    def _stamped(self, application: Application, patch: Mapping[str, Any]) -> dict[str, Any]:
        metadata = dict(patch.get("metadata") or {})
        annotations = {**(metadata.get("annotations") or {}), haori.TERM: str(self._door.term)}
        metadata |= {"annotations": annotations}
        if version := nested_text(application.manifest, "metadata", "resourceVersion"):
            metadata["resourceVersion"] = version
        return {**patch, "metadata": metadata}

    async def _patch(self, key: ApplicationKey, patch: Mapping[str, Any]) -> Application:
        async def send() -> dict[str, Any]:
            return await self._client.patch(
                APPLICATIONS,
                key.name,
                key.namespace,
                patch,
                patch_type=PatchType.MERGE,
                field_manager=haori.FIELD_MANAGER,
            )

        return self._declared.put(await self._door.write(send), is_own=True)

    async def _read_again(self, key: ApplicationKey) -> bool:
        try:
            self._declared.put(await self._client.get(APPLICATIONS, key.name, key.namespace))
        except NotFoundError:
            return False
        return True
