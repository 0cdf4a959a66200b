"""Objects on disk: what an API server needs of etcd, in one SQLite file.

Every object is one row; every change is one more row in a bounded log that watches resume from. One task forms batches:
while a batch is being synced to disk the next one gathers, so that concurrent writers share the cost of the sync (group
commit). A write is acknowledged, and becomes readable, only after SQLite has synced it; where the commit fails nothing of
the batch happened. The resourceVersion is one integer that grows with every change of any object and is read back from
the file on start. Reads and watches are answered from memory, which holds each object as its JSON bytes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from haori.cluster import EventType
from haori.errors import InternalError, PeerError
from haori.objects import Manifest

LOG_LIMIT = 5_000
"""Changes kept for watches to resume from; older resourceVersions are answered with 410."""
LOG_LIMIT_BYTES = 7 << 20
"""Of the bodies of those changes. Each also holds on to the body before it, most often another change's: about 14 MB."""
BATCH_LIMIT = 500
"""Changes that share one commit."""
WATCH_QUEUE_LIMIT = 2_000
"""Events a slow watcher may fall behind before it is dropped (its client resumes)."""


class StoreKey(NamedTuple):
    """One object: `type_name` is `plural.group` (the plural alone in the core group), whatever the version."""

    type_name: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is on disk; `body` is its JSON with the resourceVersion in it."""

    revision: int
    body: bytes

    def decode(self) -> dict[str, Any]:
        """The object, as the caller's own copy."""
        value: dict[str, Any] = orjson.loads(self.body)
        return value


@dataclass(frozen=True, slots=True)
class Change:
    """One change in the order it happened; of a deleted object `body` is the last state, at the deletion's revision."""

    revision: int
    type: EventType
    key: StoreKey
    body: bytes
    previous: bytes | None = None
    """What the object was before; None where it was not there, or that is no longer known (the log begins after it)."""


class RevisionConflictError(PeerError):
    """`sandbox-revision-conflict`: the object is not at the revision the writer read (`found` is None: it is gone)."""

    def __init__(self, key: StoreKey, found: int | None) -> None:
        super().__init__("sandbox-revision-conflict", object=f"{key.type_name} {key.namespace}/{key.name}")
        self.found = found


class RevisionExpiredError(PeerError):
    """`sandbox-revision-expired`: the log no longer reaches back to the revision a watch asked for."""


class StoreFailedError(InternalError):
    """`sandbox-store-failed`: SQLite could not commit (full disk, broken file); nothing of the write happened."""


@dataclass(slots=True)
class _Write:
    key: StoreKey
    manifest: Manifest | None
    expected: int | None
    done: asyncio.Future[Stored]


@dataclass(eq=False, slots=True)
class _Watcher:
    type_name: str
    namespace: str
    queue: asyncio.Queue[Change | None] = field(default_factory=lambda: asyncio.Queue(WATCH_QUEUE_LIMIT))
    dropped: bool = False

    def wants(self, key: StoreKey) -> bool:
        return key.type_name == self.type_name and self.namespace in ("", key.namespace)


@asynccontextmanager
async def open_store(
    path: Path, *, log_limit: int = LOG_LIMIT, log_limit_bytes: int = LOG_LIMIT_BYTES
) -> AsyncIterator[Store]:
    """The store of the file at `path`, made where it lacks; on leaving, writes not yet acknowledged are refused."""
    store = Store(_open_database(path), log_limit, log_limit_bytes)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(store._write_batches(), name="sandbox store writer")
        try:
            yield store
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            store._close()


class Store:
    """Made by `open_store`; belongs to one event loop."""

    def __init__(self, database: sqlite3.Connection, log_limit: int, log_limit_bytes: int) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox-store")
        self._log_limit = log_limit
        self._log_limit_bytes = log_limit_bytes
        self._objects: dict[str, dict[tuple[str, str], Stored]] = {}
        self._log: deque[Change] = deque()
        self._pending: deque[_Write] = deque()
        self._wakeup = asyncio.Event()
        self._watchers: set[_Watcher] = set()
        self.revision, self._expired = _load(database, self._objects, self._log)
        self._log_bytes = sum(len(change.body) for change in self._log)

    def get(self, key: StoreKey) -> Stored | None:
        """The object, or None."""
        return self._objects.get(key.type_name, {}).get((key.namespace, key.name))

    def objects_of(self, type_name: str, namespace: str = "") -> list[tuple[StoreKey, Stored]]:
        """All objects of a type ("" is every namespace), by namespace and name, at `revision`."""
        rows = self._objects.get(type_name, {})
        return [(StoreKey(type_name, *place), rows[place]) for place in sorted(rows) if namespace in ("", place[0])]

    def objects_at(self, type_name: str, namespace: str, revision: int) -> list[tuple[StoreKey, Stored]]:
        """The same as it was at an earlier `revision`. Raises RevisionExpiredError where the log no longer tells."""
        if revision >= self.revision:
            return self.objects_of(type_name, namespace)
        self._require(revision)
        rows = dict(self._objects.get(type_name, {}))
        for change in reversed(self._log):
            if change.revision <= revision:
                break
            if change.key.type_name != type_name:
                continue
            place = (change.key.namespace, change.key.name)
            if change.type is EventType.ADDED:
                rows.pop(place, None)
            elif change.previous is None:
                raise RevisionExpiredError("sandbox-revision-expired", revision=revision, oldest=change.revision)
            else:
                rows[place] = Stored(revision, change.previous)
        return [(StoreKey(type_name, *place), rows[place]) for place in sorted(rows) if namespace in ("", place[0])]

    def reaches_back_to(self, revision: int) -> bool:
        """Whether a watch can go on after `revision`."""
        return revision >= self._expired

    def types(self) -> list[str]:
        """The type names that have objects."""
        return [name for name, rows in self._objects.items() if rows]

    def _require(self, revision: int) -> None:
        if revision < self._expired:
            raise RevisionExpiredError("sandbox-revision-expired", revision=revision, oldest=self._expired)

    async def write(self, key: StoreKey, manifest: Manifest | None, *, expected: int | None) -> Stored:
        """Puts `manifest` (None: deletes) where the object is at revision `expected` (None: where it does not exist).

        Returns once it is on disk: the object with its new resourceVersion, of a deletion the last state. Raises
        RevisionConflictError and StoreFailedError.
        """
        done: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._pending.append(_Write(key, manifest, expected, done))
        self._wakeup.set()
        return await done

    async def watch(self, type_name: str, namespace: str = "", *, after: int) -> AsyncGenerator[Change, None]:
        """Changes after revision `after`, in order; ends when the reader falls too far behind.

        Raises RevisionExpiredError where the log does not reach back that far.
        """
        self._require(after)
        watcher = _Watcher(type_name, namespace)
        # Both in one step without an await: no change is missed between the log and the queue, none is seen twice.
        missed = [change for change in self._log if change.revision > after and watcher.wants(change.key)]
        self._watchers.add(watcher)
        try:
            for change in missed:
                yield change
            while not (watcher.dropped and watcher.queue.empty()):
                if (following := await watcher.queue.get()) is None:
                    return
                yield following
        finally:
            self._watchers.discard(watcher)

    def end_watches(self, type_name: str) -> None:
        """Ends the watches of a type that is served no longer; what they have not read yet is still told."""
        for watcher in self._watchers:
            if watcher.type_name == type_name and not watcher.dropped:
                watcher.dropped = True
                if watcher.queue.empty():
                    watcher.queue.put_nowait(None)

    def statistics(self) -> dict[str, int]:
        """Objects, log rows, watchers and the revision now."""
        return {
            "objects": sum(map(len, self._objects.values())),
            "log": len(self._log),
            "log_bytes": self._log_bytes,
            "watchers": len(self._watchers),
            "revision": self.revision,
        }

    async def _write_batches(self) -> None:
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            while self._pending:
                batch = [self._pending.popleft() for _ in range(min(BATCH_LIMIT, len(self._pending)))]
                try:
                    await self._commit_batch(batch)
                finally:
                    for write in batch:
                        if not write.done.done():
                            write.done.set_exception(StoreFailedError("sandbox-store-failed", reason="stopping"))

    async def _commit_batch(self, batch: list[_Write]) -> None:
        admitted, refused = self._admit(batch)
        try:
            if admitted:
                await self._commit_admitted(admitted)
        finally:
            # Only now: who was refused for a write of this very batch reads again, and must find what that write made.
            for write, error in refused:
                if not write.done.done():
                    write.done.set_exception(error)

    async def _commit_admitted(self, admitted: list[tuple[_Write, Change]]) -> None:
        changes = [change for _, change in admitted]
        oldest = self._oldest_kept(changes)
        loop = asyncio.get_running_loop()
        # Shielded: a commit under way is finished and its writers are told what happened.
        committed = asyncio.ensure_future(loop.run_in_executor(self._thread, _commit, self._database, changes, oldest))
        try:
            await asyncio.shield(committed)
        except asyncio.CancelledError:
            await committed
            self._publish(admitted, oldest)
            raise
        except sqlite3.Error as error:
            for write, _ in admitted:
                if not write.done.done():
                    write.done.set_exception(StoreFailedError("sandbox-store-failed", reason=str(error)))
            return
        self._publish(admitted, oldest)

    def _oldest_kept(self, changes: list[Change]) -> int:
        """The revision up to which the log is cut when `changes` have joined it, by count and by bytes."""
        oldest = max(changes[-1].revision - self._log_limit, self._expired)
        excess = self._log_bytes + sum(len(change.body) for change in changes) - self._log_limit_bytes
        for change in self._log:
            if excess <= 0 and change.revision > oldest:
                break
            excess -= len(change.body)
            oldest = max(oldest, change.revision)
        return oldest

    def _admit(
        self, batch: list[_Write]
    ) -> tuple[list[tuple[_Write, Change]], list[tuple[_Write, RevisionConflictError]]]:
        """(the writes whose expectation holds, each with its change; the others, each with why not)."""
        seen: dict[StoreKey, Stored | None] = {}
        admitted: list[tuple[_Write, Change]] = []
        refused: list[tuple[_Write, RevisionConflictError]] = []
        revision = self.revision
        for write in batch:
            if write.done.done():
                continue
            found = seen[write.key] if write.key in seen else self.get(write.key)
            if (found.revision if found else None) != write.expected or (write.manifest is None and found is None):
                refused.append((write, RevisionConflictError(write.key, found.revision if found else None)))
                continue
            revision += 1
            body = _with_revision(found.decode() if write.manifest is None and found else write.manifest, revision)
            change = EventType.MODIFIED if found else EventType.ADDED
            event = EventType.DELETED if write.manifest is None else change
            seen[write.key] = None if write.manifest is None else Stored(revision, body)
            admitted.append((write, Change(revision, event, write.key, body, found.body if found else None)))
        return admitted, refused

    def _publish(self, admitted: list[tuple[_Write, Change]], oldest: int) -> None:
        for write, change in admitted:
            rows = self._objects.setdefault(change.key.type_name, {})
            place = (change.key.namespace, change.key.name)
            stored = Stored(change.revision, change.body)
            if change.type is EventType.DELETED:
                rows.pop(place, None)
            else:
                rows[place] = stored
            self.revision = change.revision
            self._log.append(change)
            self._log_bytes += len(change.body)
            for watcher in self._watchers:
                _hand_over(watcher, change)
            if not write.done.done():
                write.done.set_result(stored)
        self._expired = oldest
        while self._log and self._log[0].revision <= oldest:
            self._log_bytes -= len(self._log.popleft().body)

    def _close(self) -> None:
        while self._pending:
            write = self._pending.popleft()
            if not write.done.done():
                write.done.set_exception(StoreFailedError("sandbox-store-failed", reason="stopping"))
        self._thread.shutdown(wait=True)
        self._database.close()


def _hand_over(watcher: _Watcher, change: Change) -> None:
    if watcher.dropped or not watcher.wants(change.key):
        return
    if watcher.queue.full():
        watcher.dropped = True
        return
    watcher.queue.put_nowait(change)


def _with_revision(manifest: Manifest | None, revision: int) -> bytes:
    value = manifest or {}
    return orjson.dumps({**value, "metadata": {**(value.get("metadata") or {}), "resourceVersion": str(revision)}})


def _open_database(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # FULL syncs the write-ahead log at every commit; the default of WAL mode (NORMAL) may lose the last ones at power loss.
    database.executescript(
        """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS objects (
            type_name TEXT, namespace TEXT, name TEXT, revision INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (type_name, namespace, name)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS log (
            revision INTEGER PRIMARY KEY, type TEXT NOT NULL, type_name TEXT NOT NULL, namespace TEXT NOT NULL,
            name TEXT NOT NULL, body BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS state (revision INTEGER NOT NULL, expired INTEGER NOT NULL);
        INSERT INTO state SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM state);
        """
    )
    return database


def _load(
    database: sqlite3.Connection, objects: dict[str, dict[tuple[str, str], Stored]], log: deque[Change]
) -> tuple[int, int]:
    """Fills `objects` and `log` from the file; gives (revision, revision up to which the log was cut)."""
    for type_name, namespace, name, revision, body in database.execute("SELECT * FROM objects"):
        objects.setdefault(type_name, {})[namespace, name] = Stored(revision, body)
    last: dict[StoreKey, bytes] = {}
    for revision, type_, type_name, namespace, name, body in database.execute("SELECT * FROM log ORDER BY revision"):
        key = StoreKey(type_name, namespace, name)
        previous = None if type_ == EventType.ADDED else last.get(key)
        log.append(Change(revision, EventType(type_), key, body, previous))
        last[key] = body
    revision, expired = database.execute("SELECT revision, expired FROM state").fetchone()
    return revision, expired


def _commit(database: sqlite3.Connection, changes: list[Change], oldest: int) -> None:
    """One transaction for all of `changes`; rolled back as a whole where any part fails."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            if change.type is EventType.DELETED:
                database.execute("DELETE FROM objects WHERE type_name = ? AND namespace = ? AND name = ?", change.key)
            else:
                database.execute(
                    "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
                    (*change.key, change.revision, change.body),
                )
            database.execute(
                "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)",
                (change.revision, change.type.value, *change.key, change.body),
            )
        database.execute("DELETE FROM log WHERE revision <= ?", (oldest,))
        database.execute("UPDATE state SET revision = ?, expired = ?", (changes[-1].revision, oldest))
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
