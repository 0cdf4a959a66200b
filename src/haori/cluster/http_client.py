"""The HTTP client: `KubernetesClient` over a `Transport`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from haori.cluster.client import EventType, ObjectList, PatchType, Propagation, WatchEvent
from haori.cluster.discovery import ApiResource, Discovery, read_aggregated, read_resource_list
from haori.cluster.errors import ApiError, UnreachableError, error_of_status
from haori.cluster.exec_channels import HEARTBEAT_SECONDS, LARGEST_MESSAGE_BYTES, PROTOCOLS, RemoteCommand
from haori.cluster.kubeconfig import ClusterSettings, load_settings
from haori.cluster.transport import JSON, Answer, Request, Transport
from haori.objects import Manifest

PAGE_SIZE = 500
WATCH_SECONDS = 290.0
"""How long one watch is asked to last; a half-open connection is noticed after this at the latest."""
LINE_LIMIT_BYTES = 64 << 20
_AGGREGATED = f"{JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,{JSON}"
_METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class HttpClient:
    """One cluster over HTTP; see `KubernetesClient` for the calls it shares with others."""

    def __init__(self, transport: Transport, *, metadata_only: bool = False) -> None:
        self._transport = transport
        self._metadata_only = metadata_only
        self._discovery: Discovery | None = None
        self._etags: tuple[str, str] = ("", "")
        self._documents: list[Mapping[str, Any]] = []
        self._discovering = asyncio.Lock()

    @property
    def cluster(self) -> str:
        """The context's name."""
        return self._transport.settings.name

    @property
    def settings(self) -> ClusterSettings:
        """Where the cluster is and who we are there."""
        return self._transport.settings

    def metadata_only(self) -> HttpClient:
        """A view on the same connections whose lists and watches carry nothing but metadata."""
        return HttpClient(self._transport, metadata_only=True)

    def forbid_writes(self) -> None:
        """From now on nothing that may change something is sent, by any view on these connections: ReadOnlyError."""
        self._transport.is_read_only = True

    @property
    def is_read_only(self) -> bool:
        """Whether writes were forbidden."""
        return self._transport.is_read_only

    def use(self, settings: ClusterSettings) -> None:
        """Other settings for the same cluster: see `Transport.use`."""
        self._transport.use(settings)

    async def aclose(self) -> None:
        """Ends all connections; for clients of `open_client`."""
        await self._transport.close()

    def statistics(self) -> dict[str, Any]:
        """See `Transport.statistics`."""
        return self._transport.statistics()

    async def version(self) -> dict[str, Any]:
        """The server's `/version`."""
        return await self._json(Request(verb="get", method="GET", path="/version"))

    @property
    def fence(self) -> Callable[[], None] | None:
        """See `Transport.fence`."""
        return self._transport.fence

    @fence.setter
    def fence(self, fence: Callable[[], None] | None) -> None:
        self._transport.fence = fence

    @property
    def known_discovery(self) -> Discovery | None:
        """The types as they were last asked for; None before the first time."""
        return self._discovery

    async def discover(self, *, refresh: bool = False) -> Discovery:
        """The types served; a refresh costs two conditional requests."""
        if self._discovery is not None and not refresh:
            return self._discovery
        async with self._discovering:
            return await self._discover()

    async def _discover(self) -> Discovery:
        answers = await asyncio.gather(
            *(self._discovery_answer(path, etag) for path, etag in zip(("/api", "/apis"), self._etags, strict=True))
        )
        if self._discovery is not None and all(answer.status == 304 for answer in answers):
            return self._discovery
        documents = [
            self._documents[index] if answer.status == 304 else orjson.loads(answer.body)
            for index, answer in enumerate(answers)
        ]
        if all(document.get("kind") == "APIGroupDiscoveryList" for document in documents):
            self._documents = documents
            self._etags = (answers[0].headers.get("ETag", ""), answers[1].headers.get("ETag", ""))
            self._discovery = read_aggregated(documents)
        else:
            self._discovery = await self._discover_groups(documents[0], documents[1])
        return self._discovery

    async def _discovery_answer(self, path: str, etag: str) -> Answer:
        headers = {"If-None-Match": etag} if etag else None
        request = Request(verb="discover", method="GET", path=path, accept=_AGGREGATED, headers=headers)
        return await self._transport.send(request, accept_statuses=(304,))

    async def _discover_groups(self, core: Mapping[str, Any], groups: Mapping[str, Any]) -> Discovery:
        paths = [f"/api/{version}" for version in core.get("versions") or ()]
        for group in groups.get("groups") or ():
            preferred = (group.get("preferredVersion") or {}).get("groupVersion")
            versions = [str(each["groupVersion"]) for each in group.get("versions") or ()]
            versions.sort(key=lambda version, first=preferred: version != first)  # type: ignore[misc]
            paths += [f"/apis/{version}" for version in versions]
        found = await asyncio.gather(*(self._group_resources(path) for path in paths))
        failed = tuple(path.split("/", 2)[2] for path, each in zip(paths, found, strict=True) if each is None)
        return Discovery(resources=tuple(row for each in found for row in each or ()), failed_groups=failed)

    async def _group_resources(self, path: str) -> list[ApiResource] | None:
        try:
            return read_resource_list(await self._json(Request(verb="discover", method="GET", path=path)))
        except (ApiError, UnreachableError):
            return None  # One aggregated API server that is down must not hide all other types.

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        """The object, or NotFoundError."""
        return await self._json(Request(verb="get", method="GET", path=_path(resource, name, namespace)))

    async def list(
        self,
        resource: ApiResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
    ) -> ObjectList:
        """All objects that match, read in pages; an expired page starts the list anew, whole."""
        params = _selectors(label_selector, field_selector)
        params["limit"] = str(min(limit, PAGE_SIZE) if limit else PAGE_SIZE)
        items: list[dict[str, Any]] = []
        while True:
            request = Request(
                verb="list",
                method="GET",
                path=_path(resource, "", namespace),
                params=params,
                accept=_METADATA_LIST if self._metadata_only else JSON,
            )
            try:
                page = await self._json(request)
            except ApiError as error:
                if error.status != 410 or "continue" not in params:
                    raise
                items = []
                del params["continue"]
                params.pop("limit", None)
                continue
            items += [_typed(resource, item) for item in page.get("items") or ()]
            metadata = page.get("metadata") or {}
            following = metadata.get("continue")
            if not following or (limit and len(items) >= limit):
                return ObjectList(items=items, resource_version=str(metadata.get("resourceVersion") or ""))
            params["continue"] = following

    async def list_bytes(self, resource: ApiResource, namespace: str = "", *, continue_: str = "") -> bytes:
        """One page (500 objects) of a list as it came, for readers that decode elsewhere."""
        params = {"limit": str(PAGE_SIZE)} | ({"continue": continue_} if continue_ else {})
        request = Request(verb="list", method="GET", path=_path(resource, "", namespace), params=params)
        return (await self._transport.send(request)).body

    async def create(
        self, resource: ApiResource, manifest: Manifest, *, field_manager: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        """The object as stored."""
        return await self._write(
            "create", "POST", _path(resource, "", _namespace(manifest)), manifest, _options(field_manager, dry_run)
        )

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
        path = _path(resource, _name(manifest), _namespace(manifest), subresource)
        return await self._write("replace", "PUT", path, manifest, _options(field_manager, dry_run))

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
        params = _options(field_manager, dry_run)
        if force:
            params["force"] = "true"
        path = _path(resource, name, namespace, subresource)
        verb = "apply" if patch_type is PatchType.APPLY else "patch"
        return await self._write(verb, "PATCH", path, body, params, content_type=patch_type.value)

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
        return await self.patch(
            resource,
            _name(manifest),
            _namespace(manifest),
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
        """What the server answered."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if propagation is not None:
            options["propagationPolicy"] = propagation.value
        if uid:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            options["dryRun"] = ["All"]
        return await self._write("delete", "DELETE", _path(resource, name, namespace), options, {})

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
        """Events until the server ends the watch; GoneError where the resourceVersion is too old."""
        seconds = timeout_seconds or WATCH_SECONDS
        params = _selectors(label_selector, field_selector)
        params |= {"watch": "true", "timeoutSeconds": str(max(1, int(seconds)))}
        if resource_version:
            params["resourceVersion"] = resource_version
        if bookmarks:
            params["allowWatchBookmarks"] = "true"
        path = _path(resource, "", namespace)
        accept = _METADATA if self._metadata_only else JSON
        request = Request(verb="watch", method="GET", path=path, params=params, accept=accept)
        async with self._transport.stream(request, seconds=seconds + 15) as content:
            async for line in _lines(content):
                yield self._event(resource, line, path)

    def _event(self, resource: ApiResource, line: bytes, path: str) -> WatchEvent:
        try:
            document = orjson.loads(line)
            object_: dict[str, Any] = document["object"]
            if document["type"] != "ERROR":
                return WatchEvent(type=EventType(document["type"]), object=_typed(resource, object_))
        except (ValueError, KeyError, TypeError) as error:
            raise UnreachableError(cluster=self.cluster, action=f"watch {path}", problem=str(error)[:500]) from error
        object_ = orjson.loads(self._transport.masked(orjson.dumps(object_)))
        raise error_of_status(int(object_.get("code") or 500), object_, cluster=self.cluster, action=f"watch {path}")

    async def logs(
        self,
        name: str,
        namespace: str,
        *,
        container: str = "",
        follow: bool = False,
        tail_lines: int | None = None,
        since_seconds: int | None = None,
        previous: bool = False,
        timestamps: bool = False,
        seconds: float = 3600.0,
    ) -> AsyncIterator[bytes]:
        """A container's log in chunks as they come; with `follow`, for at most `seconds`."""
        flags = {"follow": follow, "previous": previous, "timestamps": timestamps}
        params = {name_: "true" for name_, value in flags.items() if value}
        if container:
            params["container"] = container
        if tail_lines is not None:
            params["tailLines"] = str(tail_lines)
        if since_seconds is not None:
            params["sinceSeconds"] = str(since_seconds)
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}/log"
        request = Request(verb="logs", method="GET", path=path, params=params, accept="*/*")
        async with self._transport.stream(request, seconds=seconds) as content:
            async for chunk in content.iter_any():
                yield chunk

    @asynccontextmanager
    async def execute(
        self, pod: str, namespace: str, container: str, command: Sequence[str], *, terminal: bool = True
    ) -> AsyncIterator[RemoteCommand]:
        """A command in a container, with input, ended when left. Raises what the cluster refuses."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
        flags = {"stdin": True, "stdout": True, "stderr": not terminal, "tty": terminal}
        params = [("container", container), *(("command", word) for word in command)]
        params += [(name, "true") for name, value in flags.items() if value]
        async with self._transport.socket(
            path, params, protocols=PROTOCOLS, limit=LARGEST_MESSAGE_BYTES, heartbeat=HEARTBEAT_SECONDS
        ) as socket:
            yield RemoteCommand(socket)

    async def raw(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = JSON,
        accept: str = "*/*",
    ) -> bytes:
        """The body that any other path of the API answers with."""
        request = Request(
            verb="raw", method=method, path=path, params=params, body=body, content_type=content_type, accept=accept
        )
        return (await self._transport.send(request)).body

    async def _write(
        self, verb: str, method: str, path: str, body: Any, params: Mapping[str, str], *, content_type: str = JSON
    ) -> dict[str, Any]:
        return await self._json(
            Request(
                verb=verb, method=method, path=path, params=params, body=orjson.dumps(body), content_type=content_type
            )
        )

    async def _json(self, request: Request) -> dict[str, Any]:
        answer = await self._transport.send(request)
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            action = f"{request.verb} {request.path}"
            raise UnreachableError(cluster=self.cluster, action=action, problem="the answer is not JSON") from error
        return document if isinstance(document, dict) else {}


def open_client(settings: ClusterSettings, *, timeout_seconds: float = 30.0, user_agent: str = "haori") -> HttpClient:
    """A client that whoever opened it closes; nothing is sent before the first call."""
    return HttpClient(Transport(settings, timeout_seconds=timeout_seconds, user_agent=user_agent))


@asynccontextmanager
async def connect_to(
    settings: ClusterSettings, *, timeout_seconds: float = 30.0, user_agent: str = "haori"
) -> AsyncIterator[HttpClient]:
    """A client for settings that are at hand; nothing is sent before the first call."""
    client = open_client(settings, timeout_seconds=timeout_seconds, user_agent=user_agent)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def connect(
    kubeconfig: Path | str | None = None,
    context: str = "",
    *,
    environ: Mapping[str, str] | None = None,
    timeout_seconds: float = 30.0,
    user_agent: str = "haori",
) -> AsyncIterator[HttpClient]:
    """A client for a kubeconfig's context; see `load_settings` for what is read where nothing is given."""
    settings = load_settings(kubeconfig, context, environ=os.environ if environ is None else environ)
    async with connect_to(settings, timeout_seconds=timeout_seconds, user_agent=user_agent) as client:
        yield client


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines of a stream, however it was cut into chunks."""
    rest = bytearray()
    async for chunk in content.iter_any():
        rest += chunk
        if b"\n" not in chunk:
            if len(rest) > LINE_LIMIT_BYTES:
                raise aiohttp.ClientPayloadError("a line of the watch is too long")
            continue
        *lines, tail = bytes(rest).split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            if line:
                yield line


def _path(resource: ApiResource, name: str, namespace: str, subresource: str = "") -> str:
    return resource.path(quote(name, safe=""), quote(namespace, safe=""), subresource)


def _typed(resource: ApiResource, item: dict[str, Any]) -> dict[str, Any]:
    # Lists of built-in types leave the type out of their items, and metadata-only answers carry their own.
    if item.get("kind") != resource.kind:
        item["apiVersion"], item["kind"] = resource.api_version, resource.kind
    return item


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    pairs = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {name: value for name, value in pairs.items() if value}


def _options(field_manager: str, dry_run: bool) -> dict[str, str]:
    return ({"fieldManager": field_manager} if field_manager else {}) | ({"dryRun": "All"} if dry_run else {})


def _name(manifest: Manifest) -> str:
    return str((manifest.get("metadata") or {}).get("name") or "")


def _namespace(manifest: Manifest) -> str:
    return str((manifest.get("metadata") or {}).get("namespace") or "")
