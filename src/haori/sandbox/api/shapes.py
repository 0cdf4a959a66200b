"""The forms an object, a list or an event can be asked for in: itself, its metadata, a table.

Whoever wants the objects themselves gets the stored bytes, joined but never decoded.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from haori.cluster import EventType
from haori.sandbox.api.exchange import Accepted
from haori.sandbox.api.options import Page, WatchItem
from haori.sandbox.api.registry import ServedType
from haori.sandbox.api.store import Stored
from haori.sandbox.api.table import build_table

TABLE = "Table"
METADATA = "PartialObjectMetadata"
METADATA_LIST = "PartialObjectMetadataList"
FORMS = (TABLE, METADATA, METADATA_LIST)
META = "meta.k8s.io/v1"


def shape_object(
    type_: ServedType, body: bytes, accepted: Accepted, include: str, now: datetime
) -> bytes | dict[str, Any]:
    """One object in the form that was asked for."""
    match accepted.as_:
        case "Table":
            manifest = orjson.loads(body)
            return build_table(type_, [manifest], include, now, manifest["metadata"].get("resourceVersion", ""))
        case "PartialObjectMetadata":
            return partial(orjson.loads(body))
        case _:
            return body


def partial(manifest: dict[str, Any]) -> dict[str, Any]:
    """The metadata alone."""
    return {"kind": METADATA, "apiVersion": META, "metadata": manifest["metadata"]}


def shape_page(
    type_: ServedType, page: Page, accepted: Accepted, include: str, now: datetime
) -> bytes | dict[str, Any]:
    """A list in the form that was asked for."""
    metadata: dict[str, Any] = {"resourceVersion": page.resource_version}
    if page.continue_:
        metadata["continue"] = page.continue_
    if page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    if accepted.as_ == TABLE:
        table = build_table(type_, [each.decode() for each in page.items], include, now, page.resource_version)
        return table | {"metadata": metadata}
    if accepted.as_ in (METADATA_LIST, METADATA):
        items = [partial(each.decode()) for each in page.items]
        return {"kind": METADATA_LIST, "apiVersion": META, "metadata": metadata, "items": items}
    head = {"kind": type_.list_kind, "apiVersion": type_.api_version, "metadata": metadata}
    bodies = [each.body for each in page.items] if type_.is_custom else _without_type(type_, page.items)
    return orjson.dumps(head)[:-1] + b',"items":[' + b",".join(bodies) + b"]}"


def _without_type(type_: ServedType, items: Iterable[Stored]) -> list[bytes]:
    """Objects of a built-in type as a list shows them: what they are stands in its head."""
    start = orjson.dumps({"apiVersion": type_.api_version, "kind": type_.kind})[:-1] + b","
    return [
        b"{" + each.body[len(start) :] if each.body.startswith(start) else _decoded_without_type(each.body)
        for each in items
    ]


def _decoded_without_type(body: bytes) -> bytes:
    manifest = orjson.loads(body)
    return orjson.dumps({key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")})


async def select_events(
    events: AsyncGenerator[WatchItem, None], is_shown: Callable[[Mapping[str, Any]], bool]
) -> AsyncGenerator[WatchItem, None]:
    """The events of a watch that may be shown, and its bookmarks."""
    try:
        async for event in events:
            if event.type is EventType.BOOKMARK or is_shown(orjson.loads(event.body)):
                yield event
    finally:
        await events.aclose()


async def shape_events(
    type_: ServedType,
    events: AsyncGenerator[WatchItem, None],
    accepted: Accepted,
    include: str,
    now: Callable[[], datetime],
) -> AsyncGenerator[bytes, None]:
    """A watch's lines."""
    is_first = True
    try:
        async for event in events:
            body = event.body
            if accepted.as_:
                manifest = orjson.loads(body)
                if accepted.as_ == TABLE:
                    body = orjson.dumps(_event_table(type_, manifest, event, include, now(), is_first=is_first))
                    is_first = False
                else:
                    body = orjson.dumps(partial(manifest))
            yield b'{"type":"' + event.type.encode() + b'","object":' + body + b"}\n"
    finally:
        await events.aclose()


def _event_table(
    type_: ServedType, manifest: dict[str, Any], event: WatchItem, include: str, now: datetime, *, is_first: bool
) -> dict[str, Any]:
    revision = manifest["metadata"].get("resourceVersion", "")
    rows = [] if event.type is EventType.BOOKMARK else [manifest]
    table = build_table(type_, rows, include, now, revision)
    if event.type is EventType.BOOKMARK:
        table["rows"] = [{"cells": [], "object": partial(manifest)}]
    return table if is_first else table | {"columnDefinitions": None}
