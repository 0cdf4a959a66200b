"""Log files of containers: bounded, with a time before each line, as the CRI writes them, and reading them back.

A line is `2026-11-24T05:00:00.123456Z stdout F text`; a piece of a line that was too long has P in place of F. A full file
is renamed to `N.log.1`, so a container never takes more than twice the bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from haori.objects.times import format_micro_time, parse_time

LONGEST_LINE_BYTES = 16 << 10


class LogFile:
    """Takes what one run of a container prints."""

    def __init__(self, path: Path, *, limit_bytes: int) -> None:
        self.path = path
        self._limit = limit_bytes
        self._rest = {"stdout": b"", "stderr": b""}
        self._file: IO[bytes] | None = None
        self._size = 0
        self.grown = asyncio.Event()
        """Set, and replaced, whenever there is more to read."""
        self.is_closed = False
        self.listeners: set[Callable[[str, bytes], None]] = set()
        """Hear of all output as it comes."""

    async def wait_closed(self) -> None:
        """Until the run has ended."""
        while not self.is_closed:
            await self.grown.wait()

    def write(self, stream: str, content: bytes) -> None:
        """What came from `stdout` or `stderr`."""
        *lines, rest = (self._rest[stream] + content).split(b"\n")
        for line in lines:
            self._put(stream, line, whole=True)
        while len(rest) > LONGEST_LINE_BYTES:
            self._put(stream, rest[:LONGEST_LINE_BYTES], whole=False)
            rest = rest[LONGEST_LINE_BYTES:]
        self._rest[stream] = rest
        for listener in tuple(self.listeners):
            listener(stream, content)
        if self._file is not None:
            self._file.flush()
        self._wake()

    def close(self) -> None:
        """The container has ended."""
        for stream, rest in self._rest.items():
            if rest:
                self._put(stream, rest, whole=True)
                self._rest[stream] = b""
        if self._file is not None:
            self._file.close()
            self._file = None
        self.is_closed = True
        self._wake()

    def _wake(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()

    def _put(self, stream: str, line: bytes, *, whole: bool) -> None:
        time = format_micro_time(datetime.now(UTC))
        written = f"{time} {stream} {'F' if whole else 'P'} ".encode() + line + b"\n"
        if self._file is not None and self._size + len(written) > self._limit:
            self._file.close()
            self._file = None
            self.path.rename(self.path.with_name(f"{self.path.name}.1"))
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
            self._size = self._file.tell()
        self._file.write(written)
        self._size += len(written)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What of a log is wanted, as PodLogOptions says it."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since: datetime | None = None
    limit_bytes: int | None = None


def read_options(query: dict[str, str], *, now: datetime) -> LogOptions:
    """The options of a request's query; ValueError for a number that is none."""

    def number(name: str) -> int | None:
        return int(query[name]) if query.get(name) else None

    since = parse_time(query.get("sinceTime"))
    if (seconds := number("sinceSeconds")) is not None:
        since = now - timedelta(seconds=seconds)
    return LogOptions(
        follow=query.get("follow") in ("true", "1"),
        previous=query.get("previous") in ("true", "1"),
        timestamps=query.get("timestamps") in ("true", "1"),
        tail_lines=number("tailLines"),
        since=since,
        limit_bytes=number("limitBytes"),
    )


def shown(raw: bytes, options: LogOptions) -> bytes | None:
    """One line of a file as the reader gets it; None where it is too old."""
    time, _, rest = raw.partition(b" ")
    _, _, rest = rest.partition(b" ")
    mark, _, text = rest.partition(b" ")
    if options.since is not None:
        written = parse_time(time.decode(errors="replace"))
        if written is not None and written < options.since:
            return None
    ending = b"" if mark == b"P" else b"\n"
    return (time + b" " if options.timestamps else b"") + text + ending


def _raw_lines(path: Path) -> Iterator[bytes]:
    for each in (path.with_name(f"{path.name}.1"), path):
        try:
            with each.open("rb") as file:
                yield from (line.rstrip(b"\n") for line in file if line.endswith(b"\n"))
        except FileNotFoundError:
            continue


def tail(path: Path, options: LogOptions) -> list[bytes]:
    """What is in the log now, as wanted. Blocking."""
    lines = [line for raw in _raw_lines(path) if (line := shown(raw, options)) is not None]
    if options.tail_lines is not None:
        lines = lines[-options.tail_lines :] if options.tail_lines > 0 else []
    return lines


async def read_log(path: Path, options: LogOptions, live: LogFile | None) -> AsyncIterator[bytes]:
    """The log in pieces; with `follow` and a container that runs (`live`), until that run ends."""
    left = options.limit_bytes
    following = live if options.follow else None
    grown = following.grown if following else None
    place = _size(path)
    # With a writer beside us what is read and where to go on from must be of one moment.
    lines = tail(path, options) if following else await asyncio.to_thread(tail, path, options)
    for line in lines:
        piece = line if left is None else line[:left]
        if left is not None:
            left -= len(piece)
        yield piece
        if left == 0:
            return
    while following is not None and grown is not None:
        if not following.is_closed:
            await grown.wait()
        ended, grown = following.is_closed, following.grown
        size = _size(path)
        if size < place:  # It was rotated meanwhile.
            place = 0
        for raw in _between(path, place, size):
            if (fresh := shown(raw, options)) is not None:
                yield fresh
        place = size
        if ended:
            return


def _between(path: Path, start: int, end: int) -> list[bytes]:
    if end <= start:
        return []
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start).split(b"\n")[:-1]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
