"""The ConfigMaps, Secrets and claims that Pods refer to: read when needed, and noticed when they change.

One watch on all ConfigMaps and one on all Secrets, metadata only, begun when the first Pod refers to one: enough to wake
whoever waits. What they hold is read at the moment of use and kept by nobody here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from haori.cluster import ApiResource, NotFoundError, Reflector, WatchEvent
from haori.cluster.well_known import CONFIG_MAPS, SECRETS
from haori.objects import nested_mapping, nested_text

if TYPE_CHECKING:
    from haori.cluster import HttpClient

WATCHED = (CONFIG_MAPS, SECRETS)


class ConfigProblem(Exception):
    """A container cannot be made from its spec: `reason` for its waiting state, the text as Kubernetes words it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def missing(resource: ApiResource, name: str) -> ConfigProblem:
    """`configmap "x" not found`, as a kubelet says it."""
    return ConfigProblem("CreateContainerConfigError", f'{resource.singular} "{name}" not found')


def data_of(resource: ApiResource, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The entries of a ConfigMap or a Secret as bytes."""
    if resource is SECRETS:
        return {key: _decode(value) for key, value in nested_mapping(manifest, "data").items()}
    texts = {key: str(value).encode() for key, value in nested_mapping(manifest, "data").items()}
    return texts | {key: _decode(value) for key, value in nested_mapping(manifest, "binaryData").items()}


def _decode(value: object) -> bytes:
    try:
        return base64.b64decode(str(value))
    except binascii.Error:
        return b""


class References:
    """Reads what Pods refer to. `run` keeps the watches; subscribers hear of each change by namespace."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._wanted = asyncio.Event()
        self._subscribers: dict[str, set[Callable[[], None]]] = {}

    async def run(self) -> None:
        """Watch, once somebody refers to something."""
        await self._wanted.wait()
        view = self._client.metadata_only()
        async with asyncio.TaskGroup() as group:
            for resource in WATCHED:
                group.create_task(Reflector(view, resource, self._heard).run())

    def _heard(self, event: WatchEvent) -> None:
        for wake in tuple(self._subscribers.get(nested_text(event.object, "metadata", "namespace"), ())):
            wake()

    def subscribe(self, namespace: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after every change in the namespace; gives what ends that."""
        self._wanted.set()
        self._subscribers.setdefault(namespace, set()).add(wake)

        def end() -> None:
            remaining = self._subscribers.get(namespace, set())
            remaining.discard(wake)
            if not remaining:
                self._subscribers.pop(namespace, None)

        return end

    async def wait_changed(self, namespace: str, *, seconds: float) -> None:
        """Until something changed in the namespace, or for `seconds`."""
        changed = asyncio.Event()
        end = self.subscribe(namespace, changed.set)
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return
        finally:
            end()

    async def data(self, resource: ApiResource, namespace: str, name: str) -> dict[str, bytes] | None:
        """The entries of a ConfigMap or a Secret, None where there is no such object."""
        try:
            return data_of(resource, await self._client.get(resource, name, namespace))
        except NotFoundError:
            return None

    async def get(self, resource: ApiResource, namespace: str, name: str) -> dict[str, Any] | None:
        """Any object, None where it is not there."""
        try:
            return await self._client.get(resource, name, namespace)
        except NotFoundError:
            return None
