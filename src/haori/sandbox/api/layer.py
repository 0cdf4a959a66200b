"""What Kubernetes' API means, over the store and without HTTP.

One `Api` serves the HTTP app and, in the same process, the controllers. It reads from memory and returns the stored
bytes; a write goes: what the caller sent, the type's own rules (`preparing`, `kinds`), defaults and validation
(`checking`), who owns which field, the store with the revision that was read. A write that changes nothing is none.
Refusals are ApiStatusErrors. Authentication and authorization stand before it (`app`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

import orjson

from haori.cluster import ApiResource, PatchType
from haori.objects import Manifest, copy_manifest, nested_mapping, nested_text
from haori.sandbox.api import checking, deletion, errors, kinds, preparing
from haori.sandbox.api.authorization import Authorizer
from haori.sandbox.api.definition_removal import CRDS, release_definition, remove_instances
from haori.sandbox.api.escalation import check_grant
from haori.sandbox.api.housekeeping import EVENTS, ROUND, forget_events
from haori.sandbox.api.object_rules import keep_to_subresource
from haori.sandbox.api.options import (
    Deleted,
    DeleteOptions,
    ListOptions,
    Page,
    WatchItem,
    WatchOptions,
    WriteOptions,
    Written,
)
from haori.sandbox.api.reading import convert, list_page, present
from haori.sandbox.api.registry import Registry, ServedType, builtin_types, custom_types
from haori.sandbox.api.store import RevisionConflictError, Store, Stored, StoreKey
from haori.sandbox.api.watching import check_watch, watch_type
from haori.schema import BuiltinResource, Schemas

ATTEMPTS = 8
"""Times a write that named no resourceVersion is made anew when somebody else was quicker."""

Change = Callable[[dict[str, Any]], dict[str, Any]]
"""From the object as it is (the callee's own copy) to the object as it is wanted."""


def utc_now() -> datetime:
    """The moment, aware."""
    return datetime.now(UTC)


class Api:
    """All requests on objects. Made by `open_api`; belongs to the store's event loop."""

    def __init__(
        self, store: Store, schemas: Schemas, builtin: tuple[BuiltinResource, ...], *, now: Callable[[], datetime]
    ) -> None:
        self.store = store
        self.now = now
        self._builtin_schemas = schemas
        self._builtin = builtin_types(builtin)
        self._locks: WeakValueDictionary[str | StoreKey, asyncio.Lock] = WeakValueDictionary()
        self._forgot_at = now()
        self._authorizer = Authorizer(self)
        self.schemas = schemas
        self.registry = Registry(tuple(self._builtin))
        self.refresh_types()

    def refresh_types(self) -> None:
        """Reads again which types CustomResourceDefinitions add; watches end where a type is not what it was."""
        definitions = [stored.decode() for _, stored in self.store.objects_of(CRDS)]
        custom = [type_ for definition in definitions for type_ in custom_types(definition)]
        self.schemas = self._builtin_schemas.with_crds(definitions) if definitions else self._builtin_schemas
        before, self.registry = self.registry, Registry((*self._builtin, *custom))
        for type_ in before.types:
            if type_.is_custom and not type_.is_served_as(self.registry.at(type_.group, type_.version, type_.plural)):
                self.store.end_watches(type_.storage)

    def resources(self) -> tuple[ApiResource, ...]:
        """The types served now, as discovery shows them."""
        return self.registry.resources()

    def served(self, group: str, version: str, plural: str) -> ServedType:
        """The type of a URL path; 404 where there is none."""
        type_ = self.registry.at(group, version, plural)
        if type_ is None:
            raise errors.no_such_path()
        return type_

    def find(self, storage: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object by the type's storage name (`plural.group`), for rules that look at others."""
        stored = self.store.get(StoreKey(storage, namespace, name))
        return stored.decode() if stored else None

    def all_of(self, storage: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a storage name."""
        return [stored.decode() for _, stored in self.store.objects_of(storage, namespace)]

    def rows_of(self, storage: str, namespace: str = "") -> list[tuple[StoreKey, Stored]]:
        """The same as they are stored, with the revision of each."""
        return self.store.objects_of(storage, namespace)

    # Reading

    def get(self, type_: ServedType, name: str, namespace: str = "") -> Stored:
        """The object; 404 where it is not there."""
        stored = self.store.get(StoreKey(type_.storage, namespace if type_.namespaced else "", name))
        if stored is None:
            raise errors.not_found(type_.plural, type_.group, name)
        return present(type_, stored)

    def objects(self, type_: ServedType, namespace: str = "", options: ListOptions | None = None) -> Page:
        """A page of objects; a namespace of "" is all of them."""
        return list_page(self.store, type_, namespace, options or ListOptions())

    def watch(
        self, type_: ServedType, namespace: str = "", options: WatchOptions | None = None
    ) -> AsyncGenerator[WatchItem, None]:
        """Events, until the time is up or the reader is too slow. Raises what is wrong with the request at once."""
        chosen = options or WatchOptions()
        check_watch(self.store, type_, chosen)
        return watch_type(self.store, type_, namespace, chosen)

    # Writing

    async def create(
        self, type_: ServedType, manifest: Manifest, namespace: str = "", options: WriteOptions | None = None
    ) -> Written:
        """The object as stored. 409 AlreadyExists, 422 with every problem, 404 or 403 for its namespace."""
        chosen = options or WriteOptions()
        value: dict[str, Any] = copy_manifest(manifest)
        preparing.check_type(type_, value)
        preparing.place_in(type_, value["metadata"], namespace)
        async with self._lock(type_, namespace, nested_text(value, "metadata", "name")):
            return await self._create(type_, value, namespace, chosen)

    async def _create(
        self, type_: ServedType, value: dict[str, Any], namespace: str, options: WriteOptions, *, is_apply: bool = False
    ) -> Written:
        preparing.begin(type_, value, self.now())
        value, warnings = checking.read(self.schemas, type_, value, options)
        name = str(value["metadata"]["name"])
        key = StoreKey(type_.storage, namespace if type_.namespaced else "", name)
        if type_.namespaced:
            self._require_namespace(type_, namespace, name)
        value = checking.complete(self.schemas, type_, value)
        checking.check(self.schemas, type_, value)
        kinds.settle(type_, None, value)
        # Who sent a field owns it; what the server gives the object from here on nobody owns.
        if not is_apply:
            value = checking.track(self.schemas, type_, None, value, options, self.now())
        kinds.on_create(self, type_, value, options)
        check_grant(self._authorizer, options.user, type_, None, value)
        warnings += checking.check_whole(self.schemas, type_, value)
        if (found := self.store.get(key)) is not None:
            is_going = "deletionTimestamp" in found.decode()["metadata"]
            raise errors.already_exists(type_.plural, type_.group, name, is_going=is_going)
        if options.dry_run:
            return Written(stored=_unstored(value, 0), is_created=True, warnings=warnings)
        try:
            stored = await self.store.write(key, _to_storage(self.registry, type_, value), expected=None)
        except RevisionConflictError as error:
            raise errors.already_exists(type_.plural, type_.group, name) from error
        self._after_write(type_)
        if type_.storage == EVENTS and (now := self.now()) - self._forgot_at >= ROUND:
            self._forgot_at = now
            await forget_events(self, now)
        return Written(stored=present(type_, stored), is_created=True, warnings=warnings)

    async def replace(
        self,
        type_: ServedType,
        name: str,
        manifest: Manifest,
        namespace: str = "",
        options: WriteOptions | None = None,
        *,
        subresource: str = "",
    ) -> Written:
        """The object as stored; 409 where the manifest's resourceVersion is not the current one."""
        value: dict[str, Any] = copy_manifest(manifest)
        preparing.check_type(type_, value)
        preparing.place_in(type_, value["metadata"], namespace)
        found = value["metadata"].get("name")
        if found and found != name:
            raise errors.bad_request(f"the name of the object ({found}) does not match the name on the URL ({name})")
        value["metadata"]["name"] = name
        wanted = str(value["metadata"].get("resourceVersion") or "")
        if type_.is_custom and not wanted:
            problem = errors.invalid_field(
                "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"
            )
            raise errors.invalid(type_.plural, type_.group, name, [problem])
        if uid := nested_text(value, "metadata", "uid"):
            self._require_uid(type_, name, namespace, uid)
        return await self.update(
            type_, name, namespace, lambda _: copy_manifest(value), options, subresource=subresource, expected=wanted
        )

    def _require_uid(self, type_: ServedType, name: str, namespace: str, uid: str) -> None:
        """Raises a 409, in the words of the server's store, where a replacement is meant for another object."""
        found = nested_text(self.get(type_, name, namespace).decode(), "metadata", "uid")
        if uid != found:
            folder = f"{type_.group}/{type_.plural}" if type_.is_custom else type_.plural
            place = "/".join(part for part in ("/registry", folder, namespace, name) if part)
            problem = (
                f"StorageError: invalid object, Code: 4, Key: {place}, ResourceVersion: 0, AdditionalErrorMsg: "
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {found}"
            )
            raise errors.conflict(type_.plural, type_.group, name, problem)

    async def patch(
        self,
        type_: ServedType,
        name: str,
        body: Any,
        namespace: str = "",
        options: WriteOptions | None = None,
        *,
        patch_type: PatchType,
        subresource: str = "",
    ) -> Written:
        """The object after a patch; server-side apply creates what is not there."""
        chosen = options or WriteOptions()
        if patch_type is PatchType.APPLY:
            return await self._apply(type_, name, body, namespace, chosen, subresource)
        change = checking.patch_change(self.schemas, type_, name, body, patch_type, chosen)
        return await self.update(type_, name, namespace, change, chosen, subresource=subresource)

    async def _apply(
        self, type_: ServedType, name: str, body: Any, namespace: str, options: WriteOptions, subresource: str
    ) -> Written:
        """Creates or updates, whichever fits what is there when it is written: another may create or delete meanwhile."""
        value = checking.read_applied(type_, name, namespace, body, options)
        now = self.now()
        for _ in range(ATTEMPTS):
            is_there = self.store.get(StoreKey(type_.storage, namespace if type_.namespaced else "", name)) is not None
            try:
                if not is_there and not subresource:
                    return await self._create_applied(type_, name, value, namespace, options, now)
                return await self.update(
                    type_,
                    name,
                    namespace,
                    lambda old: checking.apply(self.schemas, type_, old, value, options, now, subresource, namespace),
                    options,
                    subresource=subresource,
                    is_apply=True,
                )
            except errors.ApiStatusError as error:
                was_quicker = error.reason == ("NotFound" if is_there else "AlreadyExists")
                if not was_quicker or subresource:
                    raise
        raise errors.conflict(type_.plural, type_.group, name)

    async def _create_applied(
        self,
        type_: ServedType,
        name: str,
        value: Manifest,
        namespace: str,
        options: WriteOptions,
        now: datetime,
    ) -> Written:
        if uid := nested_text(value, "metadata", "uid"):
            problem = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise errors.conflict(type_.plural, type_.group, name, problem)
        # What is applied stays as it was sent: creating fills in a uid, and the next attempt must not ask for it.
        made = copy_manifest(checking.apply(self.schemas, type_, None, value, options, now, "", namespace))
        async with self._lock(type_, namespace, name):
            return await self._create(type_, made, namespace, options, is_apply=True)

    async def update(
        self,
        type_: ServedType,
        name: str,
        namespace: str,
        change: Change,
        options: WriteOptions | None = None,
        *,
        subresource: str = "",
        expected: str = "",
        is_apply: bool = False,
    ) -> Written:
        """The object after `change`, made anew on what is there now where somebody else was quicker.

        `expected` is a resourceVersion that must be the current one; a change that sets `metadata.resourceVersion` asks
        the same. 404, 409, 422.
        """
        chosen = options or WriteOptions()
        async with self._lock(type_, namespace, name):
            for _ in range(ATTEMPTS):
                stored = self.get(type_, name, namespace)
                if expected and expected != str(stored.revision):
                    raise errors.conflict(type_.plural, type_.group, name)
                old = stored.decode()
                wanted = change(copy_manifest(old))
                asked = str(nested_mapping(wanted, "metadata").get("resourceVersion") or "")
                if asked and asked != str(stored.revision):
                    raise errors.conflict(type_.plural, type_.group, name)
                new, warnings = self._updated(type_, old, wanted, chosen, subresource, is_apply=is_apply)
                if new == old:
                    return Written(stored=stored, warnings=warnings)
                if chosen.dry_run:
                    return Written(stored=_unstored(new, stored.revision), warnings=warnings)
                key = StoreKey(type_.storage, namespace if type_.namespaced else "", name)
                is_finished = deletion.is_finished(type_, new)
                body = None if is_finished else _to_storage(self.registry, type_, new)
                try:
                    written = await self.store.write(key, body, expected=stored.revision)
                except RevisionConflictError as error:
                    if expected or error.found is None:
                        raise self._conflict(type_, name, error) from error
                    continue
                self._after_write(type_)
                if is_finished:
                    await self._after_removal(type_)
                    # Without its last finalizer it went, rather than being written once more.
                    return Written(stored=_unstored(new, stored.revision), warnings=warnings)
                return Written(stored=present(type_, written), warnings=warnings)
        raise errors.conflict(type_.plural, type_.group, name)

    def _updated(
        self,
        type_: ServedType,
        old: dict[str, Any],
        wanted: dict[str, Any],
        options: WriteOptions,
        subresource: str,
        *,
        is_apply: bool,
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        preparing.check_type(type_, wanted)
        new, warnings = checking.read(self.schemas, type_, wanted, options)
        preparing.keep_own(type_, old, new, subresource)
        if type_.storage == "pods":
            keep_to_subresource(old, new, subresource)
        new = checking.complete(self.schemas, type_, new)
        checking.check(self.schemas, type_, new, old=old)
        kinds.settle(type_, old, new)
        if not is_apply and subresource != "binding":  # What is done to a Pod through that is nobody's.
            new = checking.track(self.schemas, type_, old, new, options, self.now(), subresource=subresource)
        if subresource == "scale":
            checking.forget_scale_times(new)
        kinds.on_update(self, type_, old, new, options, subresource)
        check_grant(self._authorizer, options.user, type_, old, new)
        if subresource in checking.WHOLE:
            warnings += checking.check_whole(self.schemas, type_, new, old, subresource=subresource)
        if subresource != "binding":
            preparing.count_generation(type_, old, new, subresource)
        return new, warnings

    # Deleting

    async def delete(
        self, type_: ServedType, name: str, namespace: str = "", options: DeleteOptions | None = None
    ) -> Deleted:
        """The object that went, or that now is terminating. 404, 409 for preconditions."""
        chosen = options or DeleteOptions()
        key = StoreKey(type_.storage, namespace if type_.namespaced else "", name)
        kinds.check_deletion(type_, name)
        async with self._lock(type_, namespace, name):
            deleted = await self._delete(type_, key, chosen)
        if chosen.dry_run:
            return deleted
        if deleted.is_gone:
            await self._after_removal(type_)
        elif type_.storage == CRDS:
            await remove_instances(self, deleted.stored)
        return deleted

    async def _delete(self, type_: ServedType, key: StoreKey, options: DeleteOptions) -> Deleted:
        for _ in range(ATTEMPTS):
            stored = self.get(type_, key.name, key.namespace)
            old = stored.decode()
            deletion.check_preconditions(type_, old, uid=options.uid, resource_version=options.resource_version)
            plan = deletion.plan_deletion(type_, old, options, self.now())
            if plan.manifest == old:
                return Deleted(stored=stored, is_gone=False)
            if options.dry_run:
                shown = stored if plan.manifest is None else _unstored(plan.manifest, stored.revision)
                return Deleted(stored=shown, is_gone=plan.manifest is None)
            body = None if plan.manifest is None else _to_storage(self.registry, type_, plan.manifest)
            try:
                written = await self.store.write(key, body, expected=stored.revision)
            except RevisionConflictError as error:
                if error.found is None:
                    raise self._conflict(type_, key.name, error) from error
                continue
            self._after_write(type_)
            return Deleted(stored=present(type_, written), is_gone=plan.manifest is None)
        raise errors.conflict(type_.plural, type_.group, key.name)

    async def delete_collection(
        self,
        type_: ServedType,
        namespace: str = "",
        selection: ListOptions | None = None,
        options: DeleteOptions | None = None,
    ) -> Page:
        """All objects that were selected, as they were; each is deleted as `delete` does."""
        page = self.objects(type_, namespace, selection)
        for stored in page.items:
            metadata = stored.decode()["metadata"]
            try:
                await self.delete(type_, metadata["name"], metadata.get("namespace", ""), options)
            except errors.ApiStatusError as error:
                if error.status != 404:
                    raise
        return page

    async def _after_removal(self, type_: ServedType) -> None:
        if type_.is_custom and not self.store.objects_of(type_.storage):
            await release_definition(self, type_.storage)

    # Helpers

    def _after_write(self, type_: ServedType) -> None:
        if type_.storage == CRDS:
            self.refresh_types()

    def _lock(self, type_: ServedType, namespace: str, name: str) -> asyncio.Lock:
        """One writer of an object at a time, so that none is overtaken for ever; of a whole type where its rules look
        at the object's siblings (addresses, ports)."""
        key: str | StoreKey = type_.storage
        if type_.storage not in kinds.SERIAL:
            if not name:
                return asyncio.Lock()  # Its name is yet to be made up: nobody else writes it.
            key = StoreKey(type_.storage, namespace if type_.namespaced else "", name)
        return self._locks.setdefault(key, asyncio.Lock())

    def _require_namespace(self, type_: ServedType, namespace: str, name: str) -> None:
        found = self.find("namespaces", namespace)
        if found is None:
            raise errors.not_found("namespaces", "", namespace)
        if "deletionTimestamp" in found["metadata"]:
            problem = f"unable to create new content in namespace {namespace} because it is being terminated"
            error = errors.forbidden(type_.plural, type_.group, name, problem)
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
            error.details = {**(error.details or {}), "causes": [{**cause, "field": "metadata.namespace"}]}
            raise error

    def _conflict(self, type_: ServedType, name: str, error: RevisionConflictError) -> errors.ApiStatusError:
        if error.found is None:
            return errors.not_found(type_.plural, type_.group, name)
        return errors.conflict(type_.plural, type_.group, name)


def _unstored(manifest: Mapping[str, Any], revision: int) -> Stored:
    """What a dry run shows."""
    value = {**manifest, "metadata": {**manifest["metadata"]}}
    if revision:
        value["metadata"]["resourceVersion"] = str(revision)
    return Stored(revision, orjson.dumps(value))


def _to_storage(registry: Registry, type_: ServedType, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    if type_.api_version == type_.storage_api_version:
        # In front, whatever the writer's order: lists cut them off the bytes.
        return {"apiVersion": type_.api_version, "kind": type_.kind, **manifest}
    storage = registry.stored_as(type_.storage)
    return manifest if storage is None else convert(storage, manifest)
