"""Rows of all applications: told by a reflector, found by index, followed by a cursor.

Of each Application a small row is kept, and the manifest packed, for lists and streams as Argo CD's clients want them.
Every change takes the next number. A cursor is `epoch.number`: who comes with one is told each row that changed since, at
least in its last state, once; what was removed is remembered for a while. A cursor of another process, or older than what
is remembered, has to begin anew.
"""

from __future__ import annotations

import asyncio
import zlib
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from haori.cluster import EventType, WatchEvent
from haori.objects import Manifest
from haori.server.rows import FACETS, Key, Row, key_of_manifest, parse_row

TOMBSTONES = 10_000
"""Removed rows that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One application."""

    row: Row
    packed: bytes
    """The manifest as JSON without managedFields, compressed: about a kilobyte."""

    def manifest(self) -> dict[str, Any]:
        """The manifest, the caller's own."""
        found: dict[str, Any] = orjson.loads(zlib.decompress(self.packed))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened after a cursor."""

    changed: tuple[Kept, ...]
    removed: tuple[Row, ...]
    """As they were last."""
    cursor: str


class Table:
    """All rows."""

    def __init__(self, epoch: str) -> None:
        """`epoch`: a word that no other process has."""
        self._epoch = epoch
        self._kept: dict[Key, Kept] = {}
        self._sorted: list[Key] = []
        """By name, then namespace: the order of lists nobody sorts otherwise."""
        self._index: dict[str, dict[str, set[Key]]] = {facet: {} for facet in FACETS}
        self._order: OrderedDict[Key, int] = OrderedDict()
        """The number of the last change of each row, removed ones included, oldest first."""
        self._gone: OrderedDict[Key, Row] = OrderedDict()
        self._number = 0
        self._forgotten = 0
        """The number of the last removal that is not remembered any more."""
        self._resource_version = ""
        self._waiting: set[asyncio.Event] = set()
        self.problem = "the applications were not listed yet"
        """What keeps the table from being true, empty where nothing does."""
        self.is_listed = False
        """Whether everything was listed once: from then on the table answers, if need be with what it last heard."""

    def observe(self, event: WatchEvent) -> None:
        """Takes in one event of the reflector."""
        key = key_of_manifest(event.object)
        before = self._kept.get(key)
        if event.type is EventType.DELETED:
            if before is None:
                return
            self._remove(key, before.row)
        else:
            self._put(key, event.object, before)
        self._number += 1
        self._order[key] = self._number
        self._order.move_to_end(key)
        self._resource_version = event.resource_version or self._resource_version
        for each in self._waiting:
            each.set()

    def _put(self, key: Key, manifest: Manifest, before: Kept | None) -> None:
        row = parse_row(manifest)
        self._gone.pop(key, None)
        if before is None:
            insort(self._sorted, key, key=_place)
        else:
            self._unindex(key, before.row)
        for facet in FACETS:
            self._index[facet].setdefault(row.facet(facet), set()).add(key)
        self._kept[key] = Kept(row=row, packed=_pack(manifest))

    def _remove(self, key: Key, row: Row) -> None:
        del self._kept[key]
        del self._sorted[bisect_left(self._sorted, _place(key), key=_place)]
        self._unindex(key, row)
        self._gone[key] = row
        while len(self._gone) > TOMBSTONES:
            oldest, _ = self._gone.popitem(last=False)
            self._forgotten = max(self._forgotten, self._order.pop(oldest))

    def _unindex(self, key: Key, row: Row) -> None:
        for facet in FACETS:
            word = row.facet(facet)
            keys = self._index[facet][word]
            keys.discard(key)
            if not keys:
                del self._index[facet][word]

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Kept | None:
        """One, None where there is none."""
        return self._kept.get(key)

    def number_of(self, key: Key) -> int:
        """The number of a row's last change, 0 where nothing is known of it."""
        return self._order.get(key, 0)

    def rows(self) -> Iterator[Row]:
        """All, by name."""
        return (self._kept[key].row for key in self._sorted)

    def all(self) -> list[Kept]:
        """All, by name."""
        return [self._kept[key] for key in self._sorted]

    def having(self, facet: str, words: Iterable[str]) -> set[Key]:
        """The keys of rows whose `facet` is one of the words."""
        index = self._index[facet]
        return set().union(*(index[word] for word in words if word in index))

    def sizes(self, facet: str) -> dict[str, int]:
        """How many rows each word of a facet has."""
        return {word: len(keys) for word, keys in self._index[facet].items()}

    @property
    def resource_version(self) -> str:
        """Of the last change, as Argo CD's lists carry it."""
        return self._resource_version

    @property
    def cursor(self) -> str:
        """Of now."""
        return f"{self._epoch}.{self._number}"

    def since(self, cursor: str) -> Changes | None:
        """What happened after `cursor`, oldest first; None where that is not known any more."""
        epoch, _, number = cursor.rpartition(".")
        if epoch != self._epoch or not number.isdigit() or len(number) > 18:
            return None
        since = int(number)
        if not self._forgotten <= since <= self._number:
            return None
        keys: list[Key] = []
        for key in reversed(self._order):
            if self._order[key] <= since:
                break
            keys.append(key)
        keys.reverse()
        return Changes(
            changed=tuple(self._kept[key] for key in keys if key in self._kept),
            removed=tuple(self._gone[key] for key in keys if key not in self._kept),
            cursor=self.cursor,
        )

    async def wait_changed(self, cursor: str) -> None:
        """Until something happens after `cursor`."""
        await self.wait_until(lambda: self.cursor != cursor)

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Until a change after which `is_so`; at once where it is already."""
        if is_so():
            return
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while not is_so():
                changed.clear()
                await changed.wait()
        finally:
            self._waiting.discard(changed)


def _place(key: Key) -> tuple[str, str]:
    return key[1], key[0]


def _pack(manifest: Manifest) -> bytes:
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    return zlib.compress(orjson.dumps({**manifest, "metadata": metadata}), 1)
