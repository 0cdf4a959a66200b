"""Real processes: started, stopped, never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from haori.sandbox.node import guard, process_run
from haori.sandbox.node.isolation import find_isolation, search_path
from haori.sandbox.node.limits import watch_memory
from haori.sandbox.node.process_run import Guard, LaunchPlan, end_marked, start_process

MARK = f"SANDBOX_NODE=test-{os.getpid()}"


def plan(tmp_path, *command, **more):
    name, _, value = MARK.partition("=")
    return LaunchPlan(
        command=command,
        environment={"PATH": search_path(), name: value, **more.pop("environment", {})},
        working_folder=str(tmp_path),
        error_file=tmp_path / "error",
        record_file=tmp_path / "pid",
        **more,
    )


async def until(holds):
    """Looks again and again; the kernel tells nobody when a process of another is gone."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def finish(the_plan):
    output = {"stdout": b"", "stderr": b""}

    def take(stream, content):
        output[stream] += content

    run = await start_process(the_plan, take)
    return await run.wait(), output


async def started(the_plan, wanted=b"up"):
    """A run that has printed `wanted`."""
    seen = asyncio.Event()

    def take(stream, content):
        if wanted in content:
            seen.set()

    run = await start_process(the_plan, take)
    async with asyncio.timeout(20):
        await seen.wait()
    return run


async def test_a_process_has_the_environment_it_was_given_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLERS_SECRET", "1")
    ended, output = await finish(plan(tmp_path, "env", environment={"A": "b c"}))

    found = dict(line.split("=", 1) for line in output["stdout"].decode().splitlines())
    found.pop("LC_CTYPE", None)
    assert ended.exit_code == 0
    assert found == {"PATH": search_path(), "A": "b c", "SANDBOX_NODE": MARK.partition("=")[2]}


async def test_a_process_inherits_no_descriptor_and_has_a_session_of_its_own(tmp_path):
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    script = "print(sorted(os.listdir('/proc/self/fd')), os.getsid(0) == os.getpid())"
    _, output = await finish(plan(tmp_path, "python3", "-I", "-S", "-c", f"import os; {script}"))
    os.close(reading)
    os.close(writing)

    # The fourth is the listing itself.
    assert output["stdout"] == b"['0', '1', '2', '3'] True\n"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)])
async def test_exit_codes(tmp_path, script, code):
    ended, _ = await finish(plan(tmp_path, "sh", "-c", script))

    assert (ended.exit_code, ended.status_reason) == (code, "Completed" if code == 0 else "Error")


async def test_a_command_that_is_not_there_is_a_start_error(tmp_path):
    ended, _ = await finish(plan(tmp_path, "no-such-command"))

    assert (ended.exit_code, ended.reason) == (128, "StartError")
    assert 'exec: "no-such-command"' in ended.message


async def test_the_launcher_writes_down_who_it_is_before_the_command_runs(tmp_path):
    _, output = await finish(plan(tmp_path, "sh", "-c", "echo $$"))
    record = json.loads((tmp_path / "pid").read_text())

    assert record["pid"] == int(output["stdout"])
    assert record["startTicks"] > 0


async def test_stopping_asks_first_and_then_kills_the_whole_group(tmp_path):
    polite = await started(plan(tmp_path, "sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"))
    await polite.stop(20)
    assert (await polite.wait()).exit_code == 7

    stubborn = await started(
        plan(tmp_path, "sh", "-c", "trap '' TERM; (sleep 1000) & echo up; while :; do sleep 0.05; done")
    )
    await stubborn.stop(0.2)
    assert (await stubborn.wait()).exit_code == 137
    assert guard.find(MARK.encode()) == []


async def test_what_a_process_leaves_behind_ends_with_it(tmp_path):
    ended, _ = await finish(plan(tmp_path, "sh", "-c", "sleep 1000 & exit 0"))

    assert ended.exit_code == 0
    assert guard.find(MARK.encode()) == []


async def test_even_what_left_its_session_is_found_by_its_mark(tmp_path):
    code = """
import os, time
reading, writing = os.pipe()
if os.fork():
    os.read(reading, 1)
    os._exit(0)
os.setsid()
os.write(writing, b'1')
print('up', flush=True)
time.sleep(1000)
"""
    run = await started(plan(tmp_path, "python3", "-I", "-S", "-c", code))
    await run.wait()

    assert len(guard.find(MARK.encode())) == 1
    assert end_marked(MARK) == 1
    async with asyncio.timeout(10):
        await until(lambda: not guard.find(MARK.encode()))


async def test_more_memory_than_allowed_is_oom_killed(tmp_path, monkeypatch):
    from haori.sandbox.node import limits

    monkeypatch.setattr(limits, "CHECK_SECONDS", 0.01)
    code = "import time; kept = bytearray(100 << 20); print('up', flush=True); time.sleep(1000)"
    run = await started(plan(tmp_path, "python3", "-I", "-S", "-c", code))
    await watch_memory(run, 50 << 20)
    ended = await run.wait()

    assert (ended.exit_code, ended.reason) == (137, "OOMKilled")


NODE = """
import asyncio, sys
from pathlib import Path
from haori.sandbox.node.process_run import Guard, LaunchPlan, start_process

async def main():
    guard = Guard(sys.argv[2])
    guard.ensure()
    name, _, value = sys.argv[2].partition("=")
    folder = Path(sys.argv[1])
    command = ["sh", "-c", "setsid sleep 1000 & echo up; exec sleep 1000"]
    plan = LaunchPlan(command=command, environment={"PATH": "/usr/bin:/bin", name: value}, working_folder="/",
                      error_file=folder / "error", record_file=folder / "pid")
    await start_process(plan, lambda stream, content: print(content.decode(), flush=True))
    await asyncio.sleep(1000)

asyncio.run(main())
"""


async def test_nothing_outlives_a_node_that_was_killed(tmp_path):
    """Neither the container's process nor what it started in a session of its own."""
    mark = f"{MARK}-killed"
    node = await asyncio.create_subprocess_exec(sys.executable, "-c", NODE, str(tmp_path), mark, stdout=subprocess.PIPE)
    assert node.stdout is not None
    async with asyncio.timeout(30):
        await node.stdout.readline()
        await until(lambda: len(guard.find(mark.encode())) >= 2)
        node.send_signal(signal.SIGKILL)
        await node.wait()
        await until(lambda: not guard.find(mark.encode()))
    assert node.returncode == -signal.SIGKILL
    node._transport.close()  # type: ignore[attr-defined]


def test_a_guard_ends_with_its_node():
    watcher = Guard(MARK)
    watcher.ensure()
    watcher.close()

    assert watcher._process is None


async def test_isolation_gives_mounts_at_their_true_paths_or_says_that_it_cannot(tmp_path):
    isolation = await find_isolation(tmp_path)
    assert isolation.label in ("mount-namespace", "folder")
    if not isolation.own_root:
        return
    from haori.sandbox.node.isolation import interpreter_mounts

    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "file").write_text("mounted")
    root = tmp_path / "view"
    root.mkdir()
    mounts = [*interpreter_mounts(), (str(volume), "/etc/deep/app", True), (str(volume), "/data", False)]
    script = "cat /etc/deep/app/file; echo; cat /etc/hostname > /dev/null; echo x > /etc/deep/app/new; ls -d /root/.ssh /home/*"
    the_plan = plan(tmp_path, "sh", "-c", script, root=root, mounts=mounts, uid=isolation.uid_for(7))
    _, output = await finish(
        LaunchPlan(**{**{n: getattr(the_plan, n) for n in the_plan.__slots__}, "working_folder": "/"})
    )

    assert output["stdout"].splitlines()[0] == b"mounted"
    assert b"/root" not in output["stdout"]
    assert not (volume / "new").exists()
    assert list(root.iterdir()) == []


def test_the_launcher_and_the_guard_need_nothing_but_the_standard_library():
    folder = Path(process_run.__file__).parent
    for name in ("launcher.py", "guard.py"):
        assert "haori" not in (folder / name).read_text().partition('"""')[2].partition('"""')[2]
