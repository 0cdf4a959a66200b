"""A render that never ends holds up nobody for longer than a moment."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile

import pytest

from haori.delivery.render import renderer as renderer_module
from haori.delivery.render.errors import RenderDiskError
from haori.delivery.render.lanes import PATIENCE_SECONDS, Lanes
from tests.delivery.render.conftest import Library

pytestmark = pytest.mark.looptime


async def done() -> str:
    return "done"


class Endless:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.begun, self.end = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.begun.set()
        await self.end.wait()


async def test_a_slow_render_gives_its_place_back() -> None:
    lanes, slow = Lanes(1), Endless()
    task = asyncio.create_task(lanes.run("slow", slow))
    await slow.begun.wait()
    began = asyncio.get_running_loop().time()
    assert await lanes.run("quick", done) == "done"
    assert asyncio.get_running_loop().time() - began == pytest.approx(PATIENCE_SECONDS)
    assert not task.done()
    slow.end.set()
    await task


async def test_a_place_in_the_slow_lane_that_comes_free_is_taken() -> None:
    lanes, one, two = Lanes(1), Endless(), Endless()
    first = asyncio.create_task(lanes.run("one", one))
    await one.begun.wait()
    second = asyncio.create_task(lanes.run("two", two))
    await two.begun.wait()
    third = asyncio.create_task(lanes.run("three", done))
    await asyncio.sleep(2 * PATIENCE_SECONDS)
    assert not third.done()
    one.end.set()
    await first
    assert await third == "done"
    assert not second.done()
    two.end.set()
    await second


async def test_what_was_stopped_once_waits_among_its_own_kind_until_it_comes_out_well() -> None:
    lanes, slow, again = Lanes(1), Endless(), Endless()
    lanes.note("bad", was_stopped=True)
    task = asyncio.create_task(lanes.run("bad", slow))
    await slow.begun.wait()
    assert await lanes.run("good", done) == "done"
    waiting = asyncio.create_task(lanes.run("bad", again))
    assert await lanes.run("good", done) == "done"
    assert not again.begun.is_set()
    slow.end.set()
    again.end.set()
    await asyncio.gather(task, waiting)

    lanes.note("bad", was_stopped=False)
    mended = Endless()
    last = asyncio.create_task(lanes.run("bad", mended))
    await mended.begun.wait()
    queued = asyncio.create_task(lanes.run("good", done))
    await asyncio.sleep(0)
    assert not queued.done()
    mended.end.set()
    await asyncio.gather(last, queued)


async def test_places_come_back_from_what_fails_and_what_is_cancelled() -> None:
    lanes = Lanes(1)

    async def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await lanes.run("a", fail)
    slow = Endless()
    task = asyncio.create_task(lanes.run("b", slow))
    await slow.begun.wait()
    await asyncio.sleep(PATIENCE_SECONDS + 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tuple(await asyncio.gather(lanes.run("c", done), lanes.run("d", done))) == ("done", "done")


@pytest.mark.looptime(False)
async def test_a_full_disk_is_said_and_passes(library: Library, make_renderer, monkeypatch) -> None:
    made = make_renderer()
    files = {"a/x.jsonnet": '{apiVersion: "v1", kind: "ConfigMap", metadata: {name: "x"}}'}
    request = await library.request(await library.commit(files), path="a")

    async def export(*arguments) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(renderer_module, "_export", export)
    with pytest.raises(RenderDiskError):
        await made.render(request)
    monkeypatch.undo()
    assert len((await made.render(request)).manifests) == 1
    await made.aclose()


@pytest.mark.looptime(False)
async def test_what_a_killed_engine_left_of_its_renders_is_gone_at_the_next_start(
    make_renderer, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    left = tmp_path / f"haori-render-{gone.pid}-abc" / "work"
    left.mkdir(parents=True)
    (left / "half.yaml").write_text("x")
    mine = tmp_path / f"haori-render-{os.getpid()}-abc"
    mine.mkdir()

    made = make_renderer()

    assert (left.exists(), mine.exists()) == (False, True)
    await made.aclose()
