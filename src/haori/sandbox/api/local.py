"""The sandbox's API as a `KubernetesClient` in the same process: no HTTP, no copies on a wire, the same answers.

The controllers are written against the client's Protocol and so run over this one or over HTTP. What the API refuses
becomes the very errors that the HTTP client raises. Objects given back are decoded for each caller and are its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from haori.cluster import ApiResource, Discovery, ObjectList, PatchType, Propagation, UnreachableError, WatchEvent
from haori.cluster.errors import error_of_status
from haori.objects import Manifest, nested_text
from haori.sandbox.api import scaling, special
from haori.sandbox.api.errors import ApiStatusError, success_status
from haori.sandbox.api.layer import Api
from haori.sandbox.api.options import (
    SYSTEM,
    DeleteOptions,
    ListOptions,
    User,
    WatchOptions,
    WriteOptions,
    Written,
)
from haori.sandbox.api.registry import Registry, ServedType
from haori.sandbox.api.store import StoreFailedError


class LocalClient:
    """One API; see `KubernetesClient` for the calls. `user` is who writes (admission asks for it, RBAC is not asked)."""

    def __init__(self, api: Api, *, cluster: str = "sandbox", user: User = SYSTEM) -> None:
        self._api = api
        self._cluster = cluster
        self._user = user
        self._registry: Registry | None = None
        self._discovery = Discovery(resources=())

    @property
    def cluster(self) -> str:
        """The name given to it."""
        return self._cluster

    async def discover(self, *, refresh: bool = False) -> Discovery:
        """The types served now; that costs nothing, so `refresh` changes nothing."""
        if self._registry is not self._api.registry:
            self._registry = self._api.registry
            self._discovery = Discovery(resources=self._api.resources())
        return self._discovery

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        """The object, or NotFoundError."""
        with self._translated("get", resource, name, namespace):
            return self._api.get(self._served(resource), name, namespace).decode()

    async def list(
        self,
        resource: ApiResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
    ) -> ObjectList:
        """All objects that match."""
        options = ListOptions(label_selector=label_selector, field_selector=field_selector, limit=limit)
        with self._translated("list", resource, "", namespace):
            page = self._api.objects(self._served(resource), namespace, options)
        items = [stored.decode() for stored in page.items]
        return ObjectList(items=items, resource_version=page.resource_version)

    async def create(
        self, resource: ApiResource, manifest: Manifest, *, field_manager: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        """The object as stored."""
        namespace = nested_text(manifest, "metadata", "namespace")
        with self._translated("create", resource, "", namespace):
            options = self._write_options(field_manager, dry_run)
            if resource.full_name == "bindings":
                # Not an object that is kept: a request to put a Pod on a node.
                pods, name = self._api.served("", "v1", "pods"), nested_text(manifest, "metadata", "name")
                return await special.bind(self._api, pods, name, namespace, manifest, options)
            return _decoded(await self._api.create(self._served(resource), manifest, namespace, options))

    async def replace(
        self,
        resource: ApiResource,
        manifest: Manifest,
        *,
        subresource: str = "",
        field_manager: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """The object as stored."""
        name, namespace = _place(manifest)
        options = self._write_options(field_manager, dry_run)
        with self._translated("replace", resource, name, namespace):
            type_ = self._served(resource)
            if subresource == "scale":
                return await scaling.replace_scale(self._api, type_, name, namespace, manifest, options)
            written = await self._api.replace(type_, name, manifest, namespace, options, subresource=subresource)
            return _decoded(written)

    async def patch(
        self,
        resource: ApiResource,
        name: str,
        namespace: str,
        body: Any,
        *,
        patch_type: PatchType,
        field_manager: str = "",
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
    ) -> dict[str, Any]:
        """The object as stored."""
        options = self._write_options(field_manager, dry_run, force=force)
        verb = "apply" if patch_type is PatchType.APPLY else "patch"
        with self._translated(verb, resource, name, namespace):
            type_ = self._served(resource)
            if subresource == "scale":
                return await scaling.patch_scale(self._api, type_, name, namespace, body, patch_type, options)
            written = await self._api.patch(
                type_, name, body, namespace, options, patch_type=patch_type, subresource=subresource
            )
            return _decoded(written)

    async def apply(
        self,
        resource: ApiResource,
        manifest: Manifest,
        *,
        field_manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
    ) -> dict[str, Any]:
        """The object after server-side apply."""
        name, namespace = _place(manifest)
        return await self.patch(
            resource,
            name,
            namespace,
            manifest,
            patch_type=PatchType.APPLY,
            field_manager=field_manager,
            force=force,
            dry_run=dry_run,
            subresource=subresource,
        )

    async def delete(
        self,
        resource: ApiResource,
        name: str,
        namespace: str = "",
        *,
        propagation: Propagation | None = None,
        uid: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any] | None:
        """What a server would answer: the terminating object, or a Status where it is gone."""
        options = DeleteOptions(propagation=propagation, uid=uid, dry_run=dry_run)
        with self._translated("delete", resource, name, namespace):
            deleted = await self._api.delete(self._served(resource), name, namespace, options)
        manifest = deleted.stored.decode()
        if not deleted.is_gone:
            return manifest
        return success_status(name=name, kind=resource.plural, uid=manifest["metadata"].get("uid"))

    async def watch(
        self,
        resource: ApiResource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = True,
        timeout_seconds: float | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Events until the API ends the watch; GoneError where the resourceVersion is too old."""
        options = WatchOptions(
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
            bookmarks=bookmarks,
            timeout_seconds=timeout_seconds,
        )
        with self._translated("watch", resource, "", namespace):
            items = self._api.watch(self._served(resource), namespace, options)
            try:
                async for item in items:
                    yield WatchEvent(type=item.type, object=orjson.loads(item.body))
            finally:
                await items.aclose()

    def _served(self, resource: ApiResource) -> ServedType:
        return self._api.served(resource.group, resource.version, resource.plural)

    def _write_options(self, field_manager: str, dry_run: bool, *, force: bool = False) -> WriteOptions:
        return WriteOptions(
            field_manager=field_manager or self._user.name, dry_run=dry_run, force=force, user=self._user
        )

    @contextmanager
    def _translated(self, verb: str, resource: ApiResource, name: str, namespace: str) -> Iterator[None]:
        """Turns the API's refusals into the errors of the client's Protocol."""
        try:
            yield
        except ApiStatusError as error:
            raise error_of_status(
                error.status,
                error.to_status(),
                cluster=self._cluster,
                action=f"{verb} {resource.path(name, namespace)}",
                retry_after=float(error.retry_after or 1),
            ) from error
        except StoreFailedError as error:
            action = f"{verb} {resource.path(name, namespace)}"
            raise UnreachableError(cluster=self._cluster, action=action, problem=str(error)) from error


def _decoded(written: Written) -> dict[str, Any]:
    return written.stored.decode()


def _place(manifest: Manifest) -> tuple[str, str]:
    return nested_text(manifest, "metadata", "name"), nested_text(manifest, "metadata", "namespace")
