"""The supervisor keeps real processes running and stops them in order."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from haori.cli.instance import Instance, InstanceError, write_json
from haori.cli.process import ProcessRecord, start_ticks, stop_process
from haori.cli.supervisor import ProcessSpec, Supervisor, hold_lock, keep_log_short, last_words

LIVE = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).open('a').write('start\\n'); signal.pause()"
END = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write('start\\n')"


class Told:
    """What the supervisor said, and a way to wait for the next sentence."""

    def __init__(self):
        self.sentences = []
        self.event = asyncio.Event()

    def __call__(self, sentence):
        self.sentences.append(sentence)
        self.event.set()


@pytest.fixture
def instance(tmp_path):
    made = Instance(tmp_path / "data")
    made.create()
    return made


def command(script: str, mark: Path):
    return lambda name: [sys.executable, "-c", script, str(mark)]


async def until(condition, deadline_seconds=20):
    async with asyncio.timeout(deadline_seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0)


async def test_a_process_that_ends_is_started_again_and_it_is_said(instance, tmp_path):
    mark = tmp_path / "mark"
    told = Told()
    supervisor = Supervisor(instance, [ProcessSpec(name="part")], say=told, command=command(END, mark))
    task = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        await told.event.wait()
    await until(lambda: mark.read_text().count("start") >= 2)
    supervisor.stop()
    await task
    assert told.sentences[0].code == "process-ended"
    assert told.sentences[0].parameters["process"] == "part"


async def test_a_job_that_ends_well_is_not_started_again(instance, tmp_path):
    mark = tmp_path / "mark"
    specs = [ProcessSpec(name="job", is_job=True)]
    supervisor = Supervisor(instance, specs, say=lambda _: None, command=command(END, mark))
    task = asyncio.create_task(supervisor.run())
    await until(lambda: mark.exists() and supervisor.is_done("job"))
    supervisor.stop()
    await task
    assert mark.read_text() == "start\n"


async def test_stopping_ends_every_process(instance, tmp_path):
    mark = tmp_path / "mark"
    specs = [ProcessSpec(name="one"), ProcessSpec(name="two")]
    supervisor = Supervisor(instance, specs, say=lambda _: None, command=command(LIVE, mark))
    task = asyncio.create_task(supervisor.run())
    await until(lambda: mark.exists() and mark.read_text().count("start") == 2 and len(supervisor.pids()) == 2)
    pids = supervisor.pids()
    supervisor.stop()
    await task
    assert [start_ticks(pid) for pid in pids] == [0, 0]


async def test_a_process_left_over_is_ended_before_its_place_is_taken(instance, tmp_path):
    left = await asyncio.create_subprocess_exec(sys.executable, "-c", LIVE, str(tmp_path / "left"))
    await until((tmp_path / "left").exists)
    record = {"pid": left.pid, "startTicks": start_ticks(left.pid), "ready": True}
    write_json(instance.run / "part.json", record)
    mark = tmp_path / "mark"
    supervisor = Supervisor(instance, [ProcessSpec(name="part")], say=lambda _: None, command=command(LIVE, mark))
    task = asyncio.create_task(supervisor.run())
    await until(mark.exists)
    supervisor.stop()
    await task
    assert await left.wait() < 0


def test_one_data_folder_has_one_supervisor(instance):
    with hold_lock(instance), pytest.raises(InstanceError) as raised, hold_lock(instance):
        pass
    assert raised.value.code == "already-running"


def test_a_reused_pid_is_not_ours():
    record = ProcessRecord(name="part", pid=os.getpid(), start_ticks=1, ready=True)
    assert not record.is_alive
    assert stop_process(record, grace_seconds=0)


def test_a_long_log_is_moved_aside(tmp_path):
    log = tmp_path / "part.log"
    log.write_bytes(b"x" * 20)
    keep_log_short(log, limit=10)
    assert log.read_bytes() == b""
    assert (tmp_path / "part.log.1").read_bytes() == b"x" * 20


async def test_what_a_process_said_last_is_told(instance, tmp_path):
    told = Told()
    script = "import sys; sys.exit('Error: the port 1 is taken\\nchoose another')"
    supervisor = Supervisor(instance, [ProcessSpec(name="part")], say=told, command=command(script, tmp_path))
    task = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        await told.event.wait()
    supervisor.stop()
    await task
    assert told.sentences[0].code == "process-ended-saying"
    assert told.sentences[0].parameters["said"] == "Error: the port 1 is taken choose another"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, ""),
        ("", ""),
        ('{"event": "ready"}\n', ""),
        ('old\n{"event": "ready"}\nError: full\n\n', "Error: full"),
        ("a\nb\nc\nd\n", "b c d"),
        ("x" * 9000, "x" * 500),
    ],
)
def test_last_words_are_those_for_people(tmp_path, text, said):
    log = tmp_path / "part.log"
    if text is not None:
        log.write_text(text)
    assert last_words(log) == said
