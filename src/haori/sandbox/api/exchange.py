"""One HTTP request and its answer, as ASGI gives and takes them: bodies, content types, options, compression."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from haori.cluster import Propagation
from haori.objects import YamlError
from haori.objects.yaml import dump, load
from haori.sandbox.api import errors
from haori.sandbox.api.duplicates import duplicate_fields
from haori.sandbox.api.options import (
    DeleteOptions,
    FieldValidation,
    ListOptions,
    User,
    VersionMatch,
    WatchOptions,
    WriteOptions,
)
from haori.schema.protobuf import ProtobufError, decode_protobuf

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 3 << 20
"""Of a request, as Kubernetes bounds it."""
DEEPEST = 100
"""Levels of nesting in a body; YAML has the same bound."""
BODY_SECONDS = 60.0
"""For the whole body, as Kubernetes bounds a request."""
GZIP_FROM = 128 << 10
"""Answers of this size are compressed for those who take it."""
OFFLOAD_FROM = 1 << 20
"""Answers of this size are compressed in a thread, so that others are served meanwhile."""
NO_HEADERS: Mapping[str, str] = {}
JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
BODY_TYPES = (JSON, YAML, PROTOBUF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The form an answer is wanted in: `as_` is `Table`, `PartialObjectMetadata`, ... or empty."""

    as_: str = ""
    group: str = ""
    version: str = ""
    is_yaml: bool = False


@dataclass(slots=True, kw_only=True)
class Request:
    """A request; its body is read when asked for."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    user: User
    scope: Scope
    receive: Receive
    send: Send
    warnings: list[str] = field(default_factory=list)
    duplicates: tuple[str, ...] = ()
    """Paths of the fields that the value had twice, once it was read."""

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> Request:
        """The request of an ASGI scope; `haori.user` in it says who asks."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        return cls(
            method=scope.get("method", "GET"),
            path=raw.decode("latin-1"),
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            user=scope["haori.user"],
            scope=scope,
            receive=receive,
            send=send,
        )

    async def body(self) -> bytes:
        """The body; 413 beyond the bound, 504 where it does not come."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read_body()
        except TimeoutError as error:
            raise errors.timed_out() from error

    async def _read_body(self) -> bytes:
        chunks, size, more = [], 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the client went before its request was whole")
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > BODY_LIMIT:
                raise errors.too_large(BODY_LIMIT)
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    @property
    def content_type(self) -> str:
        """The body's media type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def value(self) -> Any:
        """The body's value, whichever of the known forms it is written in; 400 and 415."""
        body = await self.body()
        value = parse_body(body, self.content_type or JSON)
        self.duplicates = duplicate_fields(body, value) if self.content_type in ("", JSON) else ()
        return value

    def is_set(self, name: str) -> bool:
        """Whether a boolean parameter is on."""
        return name in self.query and self.query[name].lower() not in ("0", "false")

    def write_options(self) -> WriteOptions:
        """What the query says of a write."""
        validation = self.query.get("fieldValidation") or FieldValidation.WARN
        if validation not in set(FieldValidation):
            raise _unsupported("CreateOptions", "fieldValidation", validation, ("", *sorted(FieldValidation)))
        manager = self.query.get("fieldManager", "")
        if not manager and self.content_type != "application/apply-patch+yaml":
            manager = self.headers.get("user-agent", "").partition("/")[0][:128] or "unknown"
        if "force" in self.query and self.method == "PATCH" and self.content_type != "application/apply-patch+yaml":
            cause = errors.forbidden_field("force", "may not be specified for non-apply patch")
            raise errors.invalid("PatchOptions", "meta.k8s.io", "", [cause])
        return WriteOptions(
            field_manager=manager,
            dry_run=self._is_dry_run(self.query.get("dryRun", "")),
            field_validation=FieldValidation(validation),
            force=self.is_set("force"),
            duplicates=self.duplicates,
            user=self.user,
        )

    def _is_dry_run(self, text: str) -> bool:
        if text not in ("", "All"):
            raise _unsupported("CreateOptions", "dryRun", text, ("All",), is_list=True)
        return text == "All"

    def list_options(self) -> ListOptions:
        """What the query says of a list."""
        match = self.query.get("resourceVersionMatch", "")
        if match not in set(VersionMatch):
            known = (VersionMatch.EXACT, VersionMatch.NOT_OLDER, VersionMatch.ANY)
            raise _unsupported("ListOptions", "resourceVersionMatch", match, known)
        if "sendInitialEvents" in self.query:
            raise _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
        if self.query.get("continue") and self.query.get("resourceVersion", "0") != "0":
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        return ListOptions(
            label_selector=self.query.get("labelSelector", ""),
            field_selector=self.query.get("fieldSelector", ""),
            limit=self._number("limit") or 0,
            continue_=self.query.get("continue", ""),
            resource_version=self.query.get("resourceVersion", ""),
            version_match=VersionMatch(match),
        )

    def watch_options(self) -> WatchOptions:
        """What the query says of a watch."""
        match = self.query.get("resourceVersionMatch", "")
        if self.is_set("sendInitialEvents") and match != VersionMatch.NOT_OLDER:
            problem = f"sendInitialEvents requires setting resourceVersionMatch to {VersionMatch.NOT_OLDER}"
            raise _forbidden("resourceVersionMatch", problem)
        return WatchOptions(
            label_selector=self.query.get("labelSelector", ""),
            field_selector=self.query.get("fieldSelector", ""),
            resource_version=self.query.get("resourceVersion", ""),
            bookmarks=self.is_set("allowWatchBookmarks"),
            initial_events=self.is_set("sendInitialEvents") if "sendInitialEvents" in self.query else None,
            timeout_seconds=float(self._number("timeoutSeconds") or 0) or None,
        )

    async def delete_options(self) -> DeleteOptions:
        """What body and query say of a deletion."""
        body = await self.body()
        value = parse_body(body, self.content_type or JSON) if body.strip() else {}
        if not isinstance(value, Mapping):
            raise errors.bad_request("DeleteOptions must be an object")
        if (kind := str(value.get("kind") or "DeleteOptions")) != "DeleteOptions":
            problem = f'no kind "{kind}" is registered for version "{value.get("apiVersion")}" in scheme'
            raise errors.bad_request(f'{problem} "pkg/runtime/scheme.go:111"')
        return self.delete_options_of(value)

    def delete_options_of(self, value: Mapping[str, Any]) -> DeleteOptions:
        """The DeleteOptions in `value`, or in the query where it does not say."""
        policy = value.get("propagationPolicy") or self.query.get("propagationPolicy") or ""
        if policy and value.get("orphanDependents") is not None:
            message = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
            cause = errors.invalid_field("propagationPolicy", message)
            raise errors.invalid("DeleteOptions", "meta.k8s.io", "", [cause])
        if not policy and value.get("orphanDependents") is not None:
            policy = "Orphan" if value["orphanDependents"] else "Background"
        if policy and policy not in set(Propagation):
            raise _unsupported("DeleteOptions", "propagationPolicy", str(policy), _POLICIES)
        grace = value.get("gracePeriodSeconds")
        preconditions = value.get("preconditions") or {}
        dry_run = value.get("dryRun") or ([self.query["dryRun"]] if self.query.get("dryRun") else [])
        return DeleteOptions(
            propagation=Propagation(policy) if policy else None,
            grace_seconds=self._number("gracePeriodSeconds") if grace is None else int(grace),
            uid=str(preconditions.get("uid") or ""),
            resource_version=str(preconditions.get("resourceVersion") or ""),
            dry_run=any(self._is_dry_run(str(each)) for each in dry_run),
        )

    def _number(self, name: str) -> int | None:
        text = self.query.get(name, "")
        if not text:
            return None
        if not text.isdecimal() or len(text) > 12:
            raise errors.bad_request(f'strconv.ParseInt: parsing "{text[:64]}": invalid syntax')
        return int(text)

    def accepted(self, forms: Iterable[str] = ()) -> Accepted:
        """The first form of the Accept header that can be given; 406 where there is none."""
        header = self.headers.get("accept", "")
        if not header or header == JSON:
            return Accepted()
        for part in header.split(","):
            media, *pairs = (piece.strip() for piece in part.split(";"))
            parameters = dict(pair.partition("=")[::2] for pair in pairs)
            as_ = parameters.get("as", "")
            if as_ and as_ not in forms:
                continue
            if media in (JSON, "*/*", "application/*", YAML):
                return Accepted(
                    as_=as_,
                    group=parameters.get("g", ""),
                    version=parameters.get("v", ""),
                    is_yaml=media == YAML,
                )
        raise errors.ApiStatusError(
            406, "NotAcceptable", f"only the following media types are accepted: {JSON}, {YAML}, {PROTOBUF}"
        )

    async def answer(self, value: Any, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Sends a value (bytes: JSON as it is)."""
        accept = self.headers.get("accept", "")
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        media = JSON
        if accept.startswith(YAML):
            body, media = dump(orjson.loads(body)).encode(), YAML
        await self.send_body(body, media, status, headers)

    async def send_body(
        self, body: bytes, media: str, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """Sends bytes, compressed where they are many and the client takes it."""
        pairs = [(b"content-type", media.encode())]
        if len(body) >= GZIP_FROM and "gzip" in self.headers.get("accept-encoding", ""):
            if len(body) >= OFFLOAD_FROM:
                body = await asyncio.to_thread(gzip.compress, body, 1)
            else:
                body = gzip.compress(body, 1)
            pairs += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        pairs.append((b"content-length", str(len(body)).encode()))
        pairs += [(name.encode(), text.encode("latin-1", "replace")) for name, text in headers.items()]
        pairs += [(b"warning", _warning(text)) for text in self.warnings]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def stream(self, lines: AsyncGenerator[bytes, None], media: str = JSON) -> None:
        """Sends lines as they come, no faster than the client reads, until they end or the client goes."""
        headers = [(b"content-type", media.encode()), (b"cache-control", b"no-cache, private")]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.ensure_future(self._send_lines(lines))
        leaving = asyncio.ensure_future(self._wait_gone())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Also where this task itself is cancelled: neither part may outlive the request.
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await lines.aclose()
        if sending.done() and not sending.cancelled() and (error := sending.exception()):
            raise error
        await self.send({"type": "http.response.body", "body": b""})

    async def _send_lines(self, lines: AsyncGenerator[bytes, None]) -> None:
        # An empty chunk sends the head at once: clients wait for it before they believe in the watch.
        await self.send({"type": "http.response.body", "body": b"", "more_body": True})
        async for line in lines:
            await self.send({"type": "http.response.body", "body": line, "more_body": True})

    async def _wait_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def parse_body(body: bytes, content_type: str) -> Any:
    """The value of a body; 400 for what cannot be read, 415 for another form."""
    match content_type:
        case "application/json" | "text/json" | "text/plain":
            try:
                return bounded(orjson.loads(body))
            except orjson.JSONDecodeError as error:
                raise errors.bad_request(f"error decoding JSON: {error}") from error
        case "application/yaml" | "application/x-yaml" | "text/yaml" | "application/apply-patch+yaml":
            try:
                return load(body)
            except YamlError as error:
                raise errors.bad_request(f"error decoding YAML: {error}") from error
        case "application/vnd.kubernetes.protobuf":
            try:
                return bounded(decode_protobuf(body))
            except ProtobufError as error:
                raise errors.bad_request(f"error decoding protobuf: {error}") from error
        case _ if content_type.endswith("+json"):
            return parse_body(body, JSON)
        case _:
            raise errors.unsupported_media_type(content_type, BODY_TYPES)


def bounded(value: Any) -> Any:
    """`value`, where it is not nested deeper than what can be stored and compared; 400 otherwise."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return value
    raise errors.bad_request(f"the body is nested deeper than {DEEPEST} levels")


_POLICIES = (*sorted((Propagation.FOREGROUND, Propagation.BACKGROUND), reverse=True), Propagation.ORPHAN, "nil")


def _forbidden(field: str, problem: str) -> errors.ApiStatusError:
    return errors.invalid("ListOptions", "meta.k8s.io", "", [errors.forbidden_field(field, problem)])


def _unsupported(
    options: str, field: str, found: str, known: Iterable[str], *, is_list: bool = False
) -> errors.ApiStatusError:
    shown = ", ".join(f'"{each}"' for each in known)
    value = f'["{found[:64]}"]' if is_list else f'"{found[:64]}"'
    message = f"Unsupported value: {value}: supported values: {shown}"
    cause = errors.Cause(reason="FieldValueNotSupported", field=field, message=message)
    return errors.invalid(options, "meta.k8s.io", "", [cause])


def _warning(text: str) -> bytes:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'299 - "{escaped}"'.encode("latin-1", "replace")
