"""The index of a chart repository: which versions of which charts there are, and where.

An index may hold tens of megabytes of which we need little, so it is read event by event and only that is kept; a large
one is read in the jail, by this module as a program, since it would hold everyone else up.
An alias, which could stand for a billion nodes, is not opened.
see: Helm `pkg/repo/index.go`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import orjson
import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

Index = dict[str, list[tuple[str, str, str]]]
"""By chart: (version, URL of the archive, its sha256 or empty), in the order of the file."""
LARGE_BYTES = 256 << 10
_LOADER = getattr(yaml, "CLoader", yaml.Loader)


class IndexUnreadableError(Exception):
    """The text is no index. Never leaves the room."""


def read_index(file: IO[bytes]) -> Index:
    """The charts of an index file. Raises IndexUnreadableError."""
    try:
        return _Reader(yaml.parse(file, Loader=_LOADER)).read()
    except (yaml.YAMLError, ValueError, StopIteration) as error:
        raise IndexUnreadableError(str(error)[:300]) from error


class _Reader:
    """Walks the events of one document."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events

    def read(self) -> Index:
        index: Index = {}
        for _ in range(2):  # Stream and document begin.
            next(self._events)
        self._mapping(next(self._events), {"entries": lambda event: self._mapping_of_all(event, index)})
        return index

    def _mapping(self, start: Event, wanted: dict[str, Callable[[Event], None]]) -> None:
        if not isinstance(start, MappingStartEvent):
            raise IndexUnreadableError("a mapping was expected")
        for key, value in self._pairs():
            wanted.get(key, self._skip)(value)

    def _mapping_of_all(self, start: Event, index: Index) -> None:
        if not isinstance(start, MappingStartEvent):
            return self._skip(start)
        for name, value in self._pairs():
            index[name] = list(self._versions(value))
        return None

    def _pairs(self) -> Iterator[tuple[str, Event]]:
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise IndexUnreadableError("a key is no text")
            yield event.value, next(self._events)

    def _versions(self, start: Event) -> Iterator[tuple[str, str, str]]:
        if not isinstance(start, SequenceStartEvent):
            self._skip(start)
            return
        while not isinstance(event := next(self._events), SequenceEndEvent):
            facts: dict[str, str] = {}
            self._mapping(
                event,
                {
                    "version": self._keeper(facts, "version"),
                    "digest": self._keeper(facts, "digest"),
                    "urls": lambda value, facts=facts: self._first(value, facts),  # type: ignore[misc]
                },
            )
            if facts.get("version") and facts.get("url"):
                yield facts["version"], facts["url"], facts.get("digest", "").removeprefix("sha256:").lower()

    def _keeper(self, facts: dict[str, str], name: str) -> Callable[[Event], None]:
        def keep(event: Event) -> None:
            if isinstance(event, ScalarEvent):
                facts[name] = event.value[:500]
            else:
                self._skip(event)

        return keep

    def _first(self, start: Event, facts: dict[str, str]) -> None:
        if not isinstance(start, SequenceStartEvent):
            return self._skip(start)
        while not isinstance(event := next(self._events), SequenceEndEvent):
            if isinstance(event, ScalarEvent):
                facts.setdefault("url", event.value[:2000])
            else:
                self._skip(event)
        return None

    def _skip(self, event: Event) -> None:
        if isinstance(event, AliasEvent):
            raise IndexUnreadableError("it uses aliases")
        depth = isinstance(event, MappingStartEvent | SequenceStartEvent)
        count = int(depth)
        while count:
            event = next(self._events)
            count += isinstance(event, MappingStartEvent | SequenceStartEvent)
            count -= isinstance(event, MappingEndEvent | SequenceEndEvent)


def main(modules: Mapping[str, Any]) -> int:
    """Prints the charts of the index on stdin as JSON; 1, and the reason on stderr, where it is none."""
    try:
        index: Any = read_index(sys.stdin.buffer)
    except IndexUnreadableError as error:
        sys.stderr.write(str(error))
        return 1
    sys.stdout.buffer.write(orjson.dumps(index))
    sys.stdout.buffer.flush()
    return 0
