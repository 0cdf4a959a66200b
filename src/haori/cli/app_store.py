"""Applications as the cluster holds them, for the commands: read, written, waited for; and who asks."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from haori.cluster import (
    AlreadyExistsError,
    EventType,
    GoneError,
    NotFoundError,
    PatchType,
)
from haori.cluster.well_known import APPLICATIONS
from haori.errors import UserError
from haori.objects import Manifest, nested_mapping, nested_text
from haori.words import text

if TYPE_CHECKING:  # It loads a whole HTTP library, and some commands need none.
    from haori.cluster import HttpClient

Application = dict[str, Any]


class ApplicationError(UserError):
    """`application-not-found`, `application-exists`, `operation-in-progress`, `operation-none`."""


class Applications:
    """The Applications of one cluster."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def get(self, namespace: str, name: str) -> Application:
        """One. Raises ApplicationError where there is none."""
        try:
            return await self._client.get(APPLICATIONS, name, namespace)
        except NotFoundError as error:
            raise ApplicationError("application-not-found", application=name) from error

    async def find(self, namespace: str, selector: str = "") -> list[Application]:
        """All of a namespace that match, by name."""
        listed = await self._client.list(APPLICATIONS, namespace, label_selector=selector)
        return sorted(listed.items, key=lambda item: str(item["metadata"]["name"]))

    async def create(self, manifest: Manifest) -> Application:
        """As stored. Raises ApplicationError where one of the name is there."""
        try:
            return await self._client.create(APPLICATIONS, manifest, field_manager=MANAGER)
        except AlreadyExistsError as error:
            raise ApplicationError(
                "application-exists", application=nested_text(manifest, "metadata", "name")
            ) from error

    async def patch(self, application: Manifest, body: Mapping[str, Any]) -> Application:
        """The application after a merge patch."""
        metadata = nested_mapping(application, "metadata")
        return await self._client.patch(
            APPLICATIONS, str(metadata["name"]), str(metadata["namespace"]), dict(body),
            patch_type=PatchType.MERGE, field_manager=MANAGER,
        )  # fmt: skip

    async def delete(self, application: Manifest) -> None:
        """Asks for its deletion; what its finalizer says happens first."""
        metadata = nested_mapping(application, "metadata")
        await self._client.delete(
            APPLICATIONS, str(metadata["name"]), str(metadata["namespace"]), uid=str(metadata.get("uid") or "")
        )  # fmt: skip

    async def wait(
        self, namespace: str, name: str, is_done: Callable[[Application | None], bool], *, seconds: float
    ) -> tuple[bool, Application | None]:
        """(whether it came to be, the application as last seen); None is one that is gone. 0 seconds: no limit."""
        seen: Application | None = None
        try:
            async with asyncio.timeout(seconds or None):
                while True:
                    try:
                        seen = await self._client.get(APPLICATIONS, name, namespace)
                    except NotFoundError:
                        seen = None
                    if is_done(seen):
                        return True, seen
                    async for after in self._changes(namespace, name, seen):
                        seen = after
                        if is_done(seen):
                            return True, seen
        except TimeoutError:
            return False, seen

    async def _changes(self, namespace: str, name: str, seen: Application | None) -> Any:
        version = nested_text(seen or {}, "metadata", "resourceVersion")
        if not version:
            # Without a version to go on from, a watch tells of the state first; one that is absent may appear.
            await asyncio.sleep(ABSENT_SECONDS)
            return
        try:
            async for event in self._client.watch(
                APPLICATIONS, namespace, resource_version=version, field_selector=f"metadata.name={name}"
            ):
                if event.type is not EventType.BOOKMARK:
                    yield None if event.type is EventType.DELETED else event.object
        except GoneError:
            return


MANAGER = "haori-cli"
ABSENT_SECONDS = 1.0


def username() -> str:
    """Who gives the command, as operations, pins and commits name them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def why_text(application: Manifest) -> str:
    """Why an application is not as wanted, in the reader's language; empty where it is."""
    why = nested_mapping(application, "status", "haori", "why")
    return text(str(why["code"]), nested_mapping(why, "parameters")) if why.get("code") else ""


def sync_word(application: Manifest) -> str:
    """The sync status."""
    return nested_text(application, "status", "sync", "status") or "Unknown"


def health_word(application: Manifest) -> str:
    """The health."""
    return nested_text(application, "status", "health", "status") or "Unknown"


def operation_phase(application: Manifest) -> str:
    """The phase of the operation asked for or last run; "" where there was none."""
    if application.get("operation") is not None:
        return "Running"
    return nested_text(application, "status", "operationState", "phase")


def is_operating(application: Manifest) -> bool:
    """Whether an operation is asked for or under way."""
    return operation_phase(application) in ("Running", "Terminating")
