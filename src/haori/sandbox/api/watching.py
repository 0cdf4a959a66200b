"""Watches: the store's changes as the events a client of Kubernetes expects.

An event's object is the bytes as stored, shared by everybody who watches. With selectors an object that begins to match
is ADDED, one that ceases to match is DELETED; what it was before stands with the change. Where that is no longer known
(the first changes after a restart) a MODIFIED or DELETED too many is sent, which no client minds, never one too few.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson

from haori.cluster import EventType
from haori.sandbox.api.errors import ApiStatusError, expired
from haori.sandbox.api.fields import Matches, matcher, parse_selectors
from haori.sandbox.api.options import WatchItem, WatchOptions
from haori.sandbox.api.reading import parse_revision, present, too_new
from haori.sandbox.api.registry import ServedType
from haori.sandbox.api.store import Change, RevisionExpiredError, Store, Stored

BOOKMARK_SECONDS = 60.0
"""A quiet watch that asked for bookmarks gets one this often."""
LIMIT_SECONDS = 3600.0
"""The longest a watch lasts."""


async def watch_type(
    store: Store, type_: ServedType, namespace: str, options: WatchOptions
) -> AsyncGenerator[WatchItem, None]:
    """Events until the time is up or the reader falls too far behind.

    Raises ApiStatusError before the first event: 400 for what is not understood, 410 where the log does not reach back.
    """
    labels, fields = parse_selectors(type_, options.label_selector, options.field_selector)
    matches = matcher(labels, fields)
    after, initial = _start(store, options)
    bookmark = _Bookmark(type_)
    deadline = asyncio.get_running_loop().time() + min(options.timeout_seconds or LIMIT_SECONDS, LIMIT_SECONDS)
    # The rows and the place to go on from are taken in one step: nothing is missed in between.
    rows = store.objects_of(type_.storage, namespace) if initial else []
    changes = store.watch(type_.storage, namespace, after=after)
    try:
        for _, stored in rows:
            if matches is None or matches(stored.decode()):
                yield WatchItem(EventType.ADDED, present(type_, stored).body)
        del rows
        if initial and options.initial_events and options.bookmarks:
            yield bookmark.at(after, ends_initial=True)
        sent = after
        async for change in _until(changes, deadline, store, with_bookmarks=options.bookmarks):
            if isinstance(change, int):
                if change > sent:
                    yield bookmark.at(change)
                    sent = change
                continue
            event = change.type if matches is None else _transition(change, matches)
            if event is not None:
                yield WatchItem(event, present(type_, Stored(change.revision, _body(change, event))).body)
                sent = change.revision
    except RevisionExpiredError as error:
        raise expired(f"too old resource version: {options.resource_version} ({store.revision})") from error
    finally:
        await changes.aclose()


def _start(store: Store, options: WatchOptions) -> tuple[int, bool]:
    """(revision to go on after, whether the objects of now come first)."""
    text = options.resource_version
    wanted = _revision(text) if text else 0
    if wanted > store.revision:
        raise too_new(wanted, store.revision)
    if options.initial_events is None:
        return (store.revision, True) if wanted == 0 else (wanted, False)
    if options.initial_events:
        return store.revision, True
    return (wanted or store.revision), False


def _revision(text: str) -> int:
    """A watch meets a malformed version in the server's store, which knows no reasons."""
    try:
        return parse_revision(text)
    except ApiStatusError as error:
        raise ApiStatusError(500, "", error.message.removeprefix("invalid resource version: ")) from error


def _transition(change: Change, matches: Matches) -> EventType | None:
    is_selected = matches(orjson.loads(change.body))
    if change.type is EventType.ADDED:
        return EventType.ADDED if is_selected else None
    was_selected = None if change.previous is None else matches(orjson.loads(change.previous))
    if change.type is EventType.DELETED:
        return EventType.DELETED if was_selected or (was_selected is None and is_selected) else None
    if is_selected:
        return EventType.ADDED if was_selected is False else EventType.MODIFIED
    return EventType.DELETED if was_selected or was_selected is None else None


def _body(change: Change, event: EventType) -> bytes:
    """What is shown; an object that ceased to match is shown as it was, at the revision of the change."""
    if event is not EventType.DELETED or change.type is EventType.DELETED or change.previous is None:
        return change.body
    manifest: dict[str, Any] = orjson.loads(change.previous)
    manifest["metadata"]["resourceVersion"] = str(change.revision)
    return orjson.dumps(manifest)


async def _until(
    changes: AsyncGenerator[Change, None], deadline: float, store: Store, *, with_bookmarks: bool
) -> AsyncGenerator[Change | int, None]:
    """Changes, and between them the store's revision when a bookmark is due; ends at the deadline."""
    loop = asyncio.get_running_loop()
    pending: asyncio.Future[Change] | None = None
    next_bookmark = loop.time() + BOOKMARK_SECONDS
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(changes))
            until = min(deadline, next_bookmark) if with_bookmarks else deadline
            # A change's revision is published before it is handed over: what is not pending now is at or before this.
            done, _ = await asyncio.wait((pending,), timeout=max(0.0, until - loop.time()))
            if done:
                try:
                    change = pending.result()
                except StopAsyncIteration:
                    return
                finally:
                    pending = None
                yield change
                continue
            now = loop.time()
            if with_bookmarks:
                next_bookmark = now + BOOKMARK_SECONDS
                if not pending.done():
                    yield store.revision
            if now >= deadline:
                return
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait((pending,))


class _Bookmark:
    """Bookmarks of one type: an object with nothing but its resourceVersion."""

    def __init__(self, type_: ServedType) -> None:
        self._type = type_

    def at(self, revision: int, *, ends_initial: bool = False) -> WatchItem:
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if ends_initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        body = {"kind": self._type.kind, "apiVersion": self._type.api_version, "metadata": metadata}
        return WatchItem(EventType.BOOKMARK, orjson.dumps(body))


def check_watch(store: Store, type_: ServedType, options: WatchOptions) -> None:
    """Raises at once what `watch_type` would raise before its first event."""
    parse_selectors(type_, options.label_selector, options.field_selector)
    after, _ = _start(store, options)
    if not store.reaches_back_to(after):
        raise expired(f"too old resource version: {options.resource_version} ({store.revision})")
