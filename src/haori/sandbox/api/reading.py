"""Lists: selection, pages that hang together, resourceVersions.

A list without selectors hands out the stored bytes as they are. A page's continue token carries the revision of the
first page and the key of the last object shown; the following pages are made from the store as it was then, so that
objects created, changed or deleted meanwhile neither appear twice nor go missing. Once the log no longer reaches back,
the token has expired (410), as in etcd after a compaction.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right

import orjson

from haori.objects import Manifest
from haori.sandbox.api.errors import ApiStatusError, bad_request, expired, forbidden_field, invalid
from haori.sandbox.api.fields import matcher, parse_selectors
from haori.sandbox.api.options import ListOptions, Page, VersionMatch
from haori.sandbox.api.registry import ServedType
from haori.sandbox.api.store import RevisionExpiredError, Store, Stored, StoreKey


def list_page(store: Store, type_: ServedType, namespace: str, options: ListOptions) -> Page:
    """One page of a list. Raises ApiStatusError: 400 for what is not understood, 410 for what is no longer known."""
    labels, fields = parse_selectors(type_, options.label_selector, options.field_selector)
    matches = matcher(labels, fields)
    revision, start = _start(store, options)
    try:
        rows = store.objects_at(type_.storage, namespace, revision)
    except RevisionExpiredError as error:
        raise _expired_token() if start else _expired_revision(store, options) from error
    if start:
        rows = rows[bisect_right(rows, start, key=lambda row: (row[0].namespace, row[0].name)) :]
    if matches is None:
        limit = options.limit or len(rows)
        kept, has_more = rows[:limit], len(rows) > limit
        remaining = len(rows) - limit if has_more else None
    else:
        kept, has_more = [], False
        for row in rows:
            if matches(row[1].decode()):
                if options.limit and len(kept) == options.limit:
                    has_more = True
                    break
                kept.append(row)
        remaining = None
    return Page(
        items=[present(type_, stored) for _, stored in kept],
        resource_version=str(revision),
        continue_=_token(revision, kept[-1][0]) if has_more else "",
        remaining=remaining,
    )


def present(type_: ServedType, stored: Stored) -> Stored:
    """A stored object in the version it was asked for in. Custom resources know no conversion but the version's name."""
    if not type_.has_other_versions:
        return stored
    manifest = stored.decode()
    if manifest.get("apiVersion") == type_.api_version:
        return stored
    return Stored(stored.revision, orjson.dumps(convert(type_, manifest)))


def convert(type_: ServedType, manifest: Manifest) -> dict[str, object]:
    """A manifest under the type's own apiVersion; Events are also renamed between their two groups."""
    value = {**manifest, "apiVersion": type_.api_version}
    if type_.storage == "events":
        names = _EVENT_FIELDS if type_.group else {new: old for old, new in _EVENT_FIELDS.items()}
        value = {names.get(key, key): item for key, item in value.items()}
        for key in ("reportingController", "reportingInstance"):
            if type_.group and value.get(key) == "":
                del value[key]
    return value


_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "reportingComponent": "reportingController",
}
"""Core v1 Event to events.k8s.io/v1."""


def _start(store: Store, options: ListOptions) -> tuple[int, tuple[str, str] | None]:
    """(revision to list at, key to go on after)."""
    if options.continue_:
        return _read_token(options.continue_)
    if not options.resource_version or options.resource_version == "0":
        if options.version_match is VersionMatch.EXACT:
            problem = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            if options.resource_version:
                problem = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            raise _bad_match(problem)
        return store.revision, None
    wanted = parse_revision(options.resource_version)
    if wanted > store.revision:
        raise too_new(wanted, store.revision)
    is_exact = options.version_match is VersionMatch.EXACT or (
        options.version_match is VersionMatch.ANY and options.limit > 0
    )
    return (wanted if is_exact else store.revision), None


def parse_revision(text: str) -> int:
    """The number of a resourceVersion. Raises a 400."""
    if not text.isdecimal() or len(text) > 19:
        shown = text[:64]
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{shown}": '
            f'strconv.ParseUint: parsing "{shown}": invalid syntax'
        )
    return int(text)


def too_new(wanted: int, now: int) -> ApiStatusError:
    """504: that resourceVersion lies in the future (another server's, or a store that was reset)."""
    details = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
    message = f"Timeout: Too large resource version: {wanted}, current: {now}"
    return ApiStatusError(504, "Timeout", message, {**details, "retryAfterSeconds": 1})


def _bad_match(problem: str) -> ApiStatusError:
    return invalid("ListOptions", "meta.k8s.io", "", [forbidden_field("resourceVersionMatch", problem)])


def _token(revision: int, last: StoreKey) -> str:
    value = orjson.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": [last.namespace, last.name]})
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = value["start"]
        return int(value["rv"]), (str(namespace), str(name))
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise bad_request("invalid continue token: continue key is not valid") from error


def _expired_token() -> ApiStatusError:
    return expired(
        "The provided continue parameter is too old to display a consistent list result. You must start a new list "
        "without the continue parameter."
    )


def _expired_revision(store: Store, options: ListOptions) -> ApiStatusError:
    return expired(
        f"The resourceVersion for the provided list is too old: {options.resource_version} ({store.revision})"
    )
