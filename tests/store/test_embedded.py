"""A server of the instance's own: made, killed, opened again, shared, gone."""

import asyncio
import contextlib
import os
import signal
import stat
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haori.store import (
    Event,
    StoreDataError,
    StoreMissingError,
    StoreSettings,
    StoreUnavailableError,
    Stream,
    open_store,
    run_embedded,
    serve_embedded,
)
from haori.store.binaries import find_binaries, known_folders
from haori.store.embedded import _Place

EVENT = Event(stream=Stream.TIMELINE, at=datetime(2026, 1, 1, tzinfo=UTC), code="already-running")


def kill(server):
    os.killpg(server.pid, signal.SIGKILL)


async def append_until_it_fails(store, numbers):
    """A process that serves a connection lives on until it hears that its parent is gone: what it took meanwhile counts."""
    async with asyncio.timeout(60):
        while True:
            numbers += await store.events.append([EVENT])


async def test_what_was_acknowledged_outlives_a_kill(tmp_path, wheel):
    async with run_embedded(tmp_path / "store", wheel) as server:
        settings = StoreSettings(url=server.url, wait_seconds=2)
        async with open_store(settings) as store:
            numbers = await store.events.append([EVENT])
            kill(server)
            with pytest.raises(StoreUnavailableError) as caught:
                await append_until_it_fails(store, numbers)
    assert caught.value.transient
    assert str(tmp_path / "store" / "socket") in str(caught.value)
    async with run_embedded(tmp_path / "store", wheel) as server, open_store(StoreSettings(url=server.url)) as store:
        assert {stored.id for stored in await store.events.read(Stream.TIMELINE, limit=len(numbers) + 1)} >= set(
            numbers
        )


async def test_an_open_store_goes_on_when_its_server_is_back(tmp_path, wheel):
    async with run_embedded(tmp_path, wheel) as server:
        url = server.url
        async with open_store(StoreSettings(url=url, wait_seconds=2)) as store:
            await store.events.append([EVENT])
            kill(server)
            with pytest.raises(StoreUnavailableError):
                async with store.transaction() as connection:
                    await connection.execute("SELECT pg_sleep(60)")
            async with run_again(tmp_path, wheel):
                await store.events.append([EVENT])
                assert len(await store.events.read(Stream.TIMELINE)) == 2


def run_again(folder, binaries):
    """The server of the folder once more, within the lock of the one that was killed."""
    from haori.store import embedded

    class Again:
        async def __aenter__(self):
            self.child = await embedded._start(embedded._Place(folder), binaries)

        async def __aexit__(self, *_):
            await embedded._stop(self.child)

    return Again()


ANOTHER = """
import asyncio, sys
from pathlib import Path
from haori.store import run_embedded
from haori.store.binaries import find_binaries, wheel_folders

async def main():
    async with run_embedded(Path(sys.argv[1]), find_binaries(folders=wheel_folders())):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_server_of_a_killed_process_ends_and_the_folder_opens_again(tmp_path, wheel):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANOTHER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    async with run_embedded(tmp_path, wheel) as server:
        assert server.pid is None, "the other one runs it"
    process.kill()
    await process.wait()
    async with run_embedded(tmp_path, wheel) as server, open_store(StoreSettings(url=server.url)) as store:
        assert server.pid is not None
        assert await store.events.read(Stream.TIMELINE) == []


async def test_a_server_of_another_that_never_answers_is_named(tmp_path, wheel, monkeypatch):
    monkeypatch.setattr("haori.store.embedded.START_SECONDS", 0.2)
    with _Place(tmp_path).owned() as is_ours:
        assert is_ours
        with pytest.raises(StoreUnavailableError, match=str(tmp_path)):
            async with run_embedded(tmp_path, wheel):
                pass


async def test_the_second_who_opens_uses_the_firsts_server(tmp_path, wheel):
    async with run_embedded(tmp_path, wheel) as first:
        async with run_embedded(tmp_path, wheel) as second:
            assert second.url == first.url
            assert second.pid is None
        async with open_store(StoreSettings(url=first.url)) as store:
            assert await store.events.read(Stream.TIMELINE) == []


async def test_nothing_is_open_to_others(tmp_path, wheel):
    async with run_embedded(tmp_path / "store", wheel) as server:
        with pytest.raises(StoreUnavailableError) as caught:
            async with open_store(StoreSettings(url=server.url.replace("password=", "password=x"), wait_seconds=1)):
                pass
        assert server.url.split("password=")[1].split()[0] not in str(caught.value) + repr(server)
        modes = [stat.S_IMODE((tmp_path / "store" / name).stat().st_mode) for name in (".", "socket", "data")]
        assert modes == [0o700] * 3
        assert stat.S_IMODE((tmp_path / "store" / "password").stat().st_mode) == 0o600
        assert listening_sockets(server.pid) == []
    assert not (tmp_path / "store" / "data" / "postmaster.pid").exists(), "stopped in good order"


def listening_sockets(pid):
    """Inodes of TCP sockets that the process listens on."""
    links = (os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd"))
    own = {link[8:-1] for link in links if link.startswith("socket:[")}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()
    ]
    return [fields[9] for fields in lines if fields[3] == "0A" and fields[9] in own]


async def test_a_folder_whose_path_is_too_long_for_a_socket(tmp_path, wheel, monkeypatch):
    folder = tmp_path / ("x" * 120)
    with tempfile.TemporaryDirectory(prefix="h", dir="/tmp") as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        async with run_embedded(folder, wheel) as server, open_store(StoreSettings(url=server.url)) as store:
            assert await store.events.read(Stream.TIMELINE) == []


async def test_no_place_for_a_socket_is_said_at_once(tmp_path, wheel, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("y" * 120)))
    with pytest.raises(StoreDataError, match="too long"):
        async with run_embedded(tmp_path / ("x" * 120), wheel):
            pass


async def test_a_server_that_is_not_there_is_named_without_its_password():
    with pytest.raises(StoreUnavailableError) as caught:
        async with open_store(StoreSettings(url="postgresql://u:hush@127.0.0.1:1/shop", wait_seconds=1)):
            pass
    assert "127.0.0.1:1/shop" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_a_url_that_is_none_is_not_repeated():
    with pytest.raises(StoreDataError) as caught:
        async with open_store(StoreSettings(url="postgresql://u:hush@[/shop")):
            pass
    assert caught.value.code == "store-url-unreadable"
    assert caught.value.__cause__ is None


class TestBinaries:
    def test_the_first_that_runs_is_taken(self, tmp_path, wheel):
        assert find_binaries(folders=iter([tmp_path, wheel.folder])) == wheel

    def test_none_is_said(self, tmp_path):
        with pytest.raises(StoreMissingError):
            find_binaries(folders=iter([tmp_path]))

    def test_the_data_decide_the_version(self, tmp_path):
        found = list(known_folders())
        (tmp_path / "PG_VERSION").write_text("16\n")
        assert find_binaries(tmp_path, iter(found)).major == 16, "the wheel has it, whatever the machine has"

    def test_data_of_a_version_that_is_not_there_are_refused(self, tmp_path, wheel):
        (tmp_path / "PG_VERSION").write_text("9\n")
        with pytest.raises(StoreDataError) as caught:
            find_binaries(tmp_path, iter([wheel.folder]))
        assert caught.value.code == "store-data-version"


async def started(folder):
    """The server of the folder as a process has it, and the task that runs it."""
    ready = asyncio.Event()
    task = asyncio.create_task(serve_embedded(folder, ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert not task.done(), task.exception()
    return task


async def test_who_joins_waits_for_the_one_that_runs_it_and_starts_none(tmp_path):
    settings = StoreSettings(folder=tmp_path, joins=True, wait_seconds=0.2)
    with pytest.raises(StoreUnavailableError, match=str(tmp_path)):
        async with open_store(settings):
            pass
    assert not (tmp_path / "data").exists()

    opening = asyncio.create_task(read_once(replace(settings, wait_seconds=60)))
    task = await started(tmp_path)
    assert await opening == []
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def read_once(settings):
    async with open_store(settings) as store:
        return await store.events.read(Stream.TIMELINE)


async def test_a_server_that_ends_ends_the_process_that_runs_it(tmp_path):
    task = await started(tmp_path)
    with pytest.raises(StoreDataError) as elsewhere:
        await serve_embedded(tmp_path, ready=lambda: None)
    assert elsewhere.value.code == "store-run-elsewhere"

    os.kill(int((tmp_path / "data/postmaster.pid").read_text().split()[0]), signal.SIGQUIT)

    with pytest.raises(StoreUnavailableError) as ended:
        await task
    assert ended.value.code == "store-ended"
