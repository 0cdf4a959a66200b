"""The store: what is acknowledged is on disk, revisions only grow, watches miss nothing."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from haori.cluster import EventType
from haori.sandbox.api.store import (
    WATCH_QUEUE_LIMIT,
    RevisionConflictError,
    RevisionExpiredError,
    Store,
    StoreFailedError,
    StoreKey,
    open_store,
)


def key(name: str, namespace: str = "shop", type_name: str = "configmaps") -> StoreKey:
    return StoreKey(type_name, namespace, name)


def manifest(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data}


async def take(store: Store, count: int, *, after: int, namespace: str = "") -> list[tuple[EventType, str]]:
    events: list[tuple[EventType, str]] = []
    async with asyncio.timeout(10):
        async for change in store.watch("configmaps", namespace, after=after):
            events.append((change.type, change.key.name))
            if len(events) == count:
                break
    return events


async def test_an_object_is_read_back_with_its_revision(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        given = manifest("a", color="red")
        stored = await store.write(key("a"), given, expected=None)

        found = store.get(key("a"))
        assert found == stored
        assert stored.decode() == {**given, "metadata": {**given["metadata"], "resourceVersion": str(stored.revision)}}
        assert "resourceVersion" not in given["metadata"]


@pytest.mark.parametrize(
    ("exists", "expected"),
    [
        pytest.param(True, None, id="create-over-existing"),
        pytest.param(True, 999, id="update-from-another-revision"),
        pytest.param(False, 1, id="update-of-nothing"),
    ],
)
async def test_a_write_from_a_stale_reading_is_refused(tmp_path: Path, exists: bool, expected: int | None) -> None:
    async with open_store(tmp_path / "state.db") as store:
        before = await store.write(key("a"), manifest("a"), expected=None) if exists else None

        with pytest.raises(RevisionConflictError) as caught:
            await store.write(key("a"), manifest("a", color="blue"), expected=expected)

        assert caught.value.found == (before.revision if before else None)
        assert store.get(key("a")) == before


async def test_of_concurrent_updates_from_one_reading_exactly_one_wins(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        first = await store.write(key("a"), manifest("a"), expected=None)
        results = await asyncio.gather(
            *(store.write(key("a"), manifest("a", n=str(n)), expected=first.revision) for n in range(20)),
            return_exceptions=True,
        )

        assert sum(isinstance(result, RevisionConflictError) for result in results) == 19
        assert store.revision == first.revision + 1


async def test_deleting_what_is_not_there_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        with pytest.raises(RevisionConflictError):
            await store.write(key("a"), None, expected=None)


async def test_objects_log_and_revision_survive_a_restart(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        kept = await store.write(key("a"), manifest("a"), expected=None)
        gone = await store.write(key("b"), manifest("b"), expected=None)
        await store.write(key("b"), None, expected=gone.revision)
        revision = store.revision

    async with open_store(tmp_path / "state.db") as again:
        assert again.revision == revision
        assert [place.name for place, _ in again.objects_of("configmaps")] == ["a"]
        assert again.get(key("a")) == kept
        assert await take(again, 2, after=kept.revision) == [(EventType.ADDED, "b"), (EventType.DELETED, "b")]
        assert (await again.write(key("c"), manifest("c"), expected=None)).revision > revision


async def test_a_watch_goes_from_the_log_to_live_without_a_gap(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        first = await store.write(key("a"), manifest("a"), expected=None)
        watch = store.watch("configmaps", after=0)
        assert (await anext(watch)).type is EventType.ADDED
        second = await store.write(key("a"), manifest("a", color="red"), expected=first.revision)
        await store.write(StoreKey("secrets", "shop", "x"), manifest("x"), expected=None)
        await store.write(key("a"), None, expected=second.revision)

        assert [(await anext(watch)).type for _ in range(2)] == [EventType.MODIFIED, EventType.DELETED]
        await watch.aclose()
        assert store.statistics()["watchers"] == 0


async def test_a_watch_of_one_namespace_sees_only_that_one(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        await store.write(key("other", "admin"), manifest("other"), expected=None)
        await store.write(key("mine"), manifest("mine"), expected=None)

        assert await take(store, 1, after=0, namespace="shop") == [(EventType.ADDED, "mine")]


async def test_a_watch_from_before_the_log_is_told_so(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db", log_limit=3) as store:
        for n in range(6):
            await store.write(key(str(n)), manifest(str(n)), expected=None)

        with pytest.raises(RevisionExpiredError):
            await take(store, 1, after=2)
        assert await take(store, 3, after=3) == [(EventType.ADDED, name) for name in "345"]


async def test_a_watcher_that_never_reads_is_dropped(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        await store.write(key("first"), manifest("first"), expected=None)
        watch = store.watch("configmaps", after=0)
        await anext(watch)
        total = WATCH_QUEUE_LIMIT + 5
        await asyncio.gather(*(store.write(key(str(n)), manifest(str(n)), expected=None) for n in range(total)))

        async with asyncio.timeout(10):
            assert len([change async for change in watch]) == WATCH_QUEUE_LIMIT


async def test_a_full_disk_refuses_the_whole_batch_and_changes_nothing(tmp_path: Path) -> None:
    async with open_store(tmp_path / "state.db") as store:
        kept = await store.write(key("a"), manifest("a"), expected=None)
        database = store._database
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        results = await asyncio.gather(
            store.write(key("small"), manifest("small"), expected=None),
            store.write(key("big"), manifest("big", text="x" * 500_000), expected=None),
            return_exceptions=True,
        )

        assert [type(result) for result in results] == [StoreFailedError, StoreFailedError]
        assert store.revision == kept.revision
        assert [place.name for place, _ in store.objects_of("configmaps")] == ["a"]
        database.execute("PRAGMA max_page_count = 1000000")
        assert (await store.write(key("small"), manifest("small"), expected=None)).revision == kept.revision + 1


async def test_the_file_is_private_and_synced_in_full(tmp_path: Path) -> None:
    path = tmp_path / "sandbox" / "state.db"
    async with open_store(path) as store:
        assert path.stat().st_mode & 0o777 == 0o600
        assert store._database.execute("PRAGMA synchronous").fetchone() == (2,)


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from haori.sandbox.api.store import StoreKey, open_store

    async def main() -> None:
        async with open_store(Path(sys.argv[1])) as store:
            async def write(lane: int) -> None:
                for number in range(1_000_000):
                    name = f"{lane}-{number}"
                    key = StoreKey("configmaps", "shop", name)
                    stored = await store.write(key, {"metadata": {"name": name}}, expected=None)
                    print(stored.revision, name, flush=True)
            await asyncio.gather(*(write(lane) for lane in range(8)))

    asyncio.run(main())
"""


async def test_no_acknowledged_write_is_lost_to_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    acknowledged: dict[str, int] = {}
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:  # noqa: ASYNC220 - nothing else runs
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.endswith("\n"):
                revision, name = line.split()
                acknowledged[name] = int(revision)
            if len(acknowledged) == 500:
                writer.send_signal(signal.SIGKILL)

    async with open_store(path) as store:
        found = {place.name: stored.revision for place, stored in store.objects_of("configmaps")}
        assert acknowledged.items() <= found.items()
        assert store.revision >= max(acknowledged.values())
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
