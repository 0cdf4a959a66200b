"""Control groups: where ours may lie, what is written in them, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from haori.sandbox.node import guard
from haori.sandbox.node.cgroups import (
    Cgroups,
    Controller,
    Group,
    Hierarchy,
    find_cgroups,
    may_divide,
    own_groups,
    remove_group,
    settings_of,
)
from haori.sandbox.node.isolation import search_path
from haori.sandbox.node.limits import ContainerLimits, kept_limits
from haori.sandbox.node.process_run import LaunchPlan, start_process

DIGEST = f"test{os.getpid()}"
V1 = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /jobs /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
"""
V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.mark.parametrize(
    ("cgroup", "mounts", "name", "folder", "is_top"),
    [
        ("5:memory:/jobs/one\n3:cpu,cpuacct:/\n", V1, "cpu", "/sys/fs/cgroup/cpu,cpuacct", True),
        ("5:memory:/jobs/one\n3:cpu,cpuacct:/\n", V1, "memory", "/sys/fs/cgroup/memory/one", False),
        ("5:memory:/jobs\n", V1, "memory", "/sys/fs/cgroup/memory", True),
        ("0::/user.slice/session-1.scope\n", V2, "", "/sys/fs/cgroup/user.slice/session-1.scope", False),
        ("0::/\n", V2, "", "/sys/fs/cgroup", True),
    ],
)
def test_our_own_group_is_found_in_either_version(cgroup, mounts, name, folder, is_top):
    found = own_groups(cgroup, mounts)[name]

    assert (found.folder, found.is_top) == (Path(folder), is_top)


def test_a_group_outside_of_what_is_mounted_is_none_of_ours():
    assert "memory" not in own_groups("5:memory:/elsewhere\n", V1)
    assert own_groups("", "") == {}


def test_a_group_that_somebody_else_manages_is_left_alone(tmp_path, monkeypatch):
    own = own_groups("0::/a.scope\n", f"1 1 0:1 / {tmp_path} rw - cgroup2 cgroup2 rw\n")[""]
    assert not may_divide(own)

    monkeypatch.setattr(os, "getxattr", lambda path, name: b"1" if name == "user.delegate" else b"")
    assert may_divide(own)


LIMITS = ContainerLimits(memory_bytes=50 << 20, cpu_limit_millis=250, cpu_request_millis=100)


@pytest.mark.parametrize(
    ("controller", "version", "expected"),
    [
        (Controller.MEMORY, 1, {"memory.limit_in_bytes": "52428800", "memory.memsw.limit_in_bytes": "52428800"}),
        (Controller.MEMORY, 2, {"memory.max": "52428800", "memory.swap.max": "0", "memory.oom.group": "1"}),
        (Controller.CPU, 1, {"cpu.shares": "102", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "25000"}),
        (Controller.CPU, 2, {"cpu.weight": "4", "cpu.max": "25000 100000"}),
        (Controller.PIDS, 1, {"pids.max": "1024"}),
        (Controller.PIDS, 2, {"pids.max": "1024"}),
    ],
)
def test_what_is_written_for_limits(controller, version, expected):
    assert {name: value for name, value, _ in settings_of(controller, version, LIMITS)} == expected


def test_a_container_without_limits_has_only_the_number_of_processes_and_the_least_share():
    none = ContainerLimits.of({})
    written = {name: value for each in Controller for name, value, _ in settings_of(each, 2, none)}

    assert written == {"pids.max": "1024", "cpu.weight": "1"}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"limits": {"cpu": "1500m", "memory": "1Gi"}}, (1 << 30, 1500, 1500)),
        ({"limits": {"cpu": 2}, "requests": {"cpu": "100m"}}, (None, 2000, 100)),
        ({"requests": {"cpu": "20m", "memory": "1Gi"}}, (None, None, 20)),
    ],
)
def test_limits_of_a_container(resources, expected):
    found = ContainerLimits.of({"resources": resources})

    assert (found.memory_bytes, found.cpu_limit_millis, found.cpu_request_millis) == expected


@pytest.mark.parametrize(
    ("by_groups", "own_users", "expected"),
    [
        ({"memory", "pids", "cpu"}, True, {"memory": "cgroup", "pids": "cgroup", "cpu": "cgroup"}),
        ({"pids"}, True, {"memory": "watch", "pids": "cgroup", "cpu": "none"}),
        (set(), True, {"memory": "watch", "pids": "rlimit", "cpu": "none"}),
        (set(), False, {"memory": "watch", "pids": "none", "cpu": "none"}),
    ],
)
def test_what_keeps_a_limit_is_said(by_groups, own_users, expected):
    assert kept_limits(by_groups=frozenset(by_groups), own_users=own_users) == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 1\n", True),
        ("memory.events", "low 0\noom 0\noom_kill 0\n", False),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        ("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n", False),
        ("other", "", False),
    ],
)
async def test_a_process_is_oom_killed_when_the_group_counted_it(tmp_path, file, text, expected):
    (tmp_path / file).write_text(text)
    group = Group(folders={Controller.MEMORY: tmp_path}, limits_memory=True)
    plan = LaunchPlan(
        command=["sh", "-c", "kill -9 $$"],
        environment={"PATH": search_path()},
        working_folder="/",
        error_file=tmp_path / "error",
        is_out_of_memory=group.was_out_of_memory,
    )
    run = await start_process(plan, lambda stream, content: None)
    ended = await run.wait()

    assert (ended.exit_code, ended.status_reason) == (137, "OOMKilled" if expected else "Error")


def test_a_group_that_does_not_go_is_told_and_given_up(tmp_path, caplog):
    (tmp_path / "group" / "held").mkdir(parents=True)
    (tmp_path / "group" / "cgroup.procs").write_text("41\n42\n")
    killed = []
    gone = remove_group(tmp_path / "group", kill=lambda pid, number: killed.append(pid), rounds=2, pause=0)

    assert not gone
    assert killed == [41, 42, 41, 42]
    assert "control group not removed" in caplog.text


def test_a_guard_takes_empty_groups_away(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "haori-x" / name).mkdir(parents=True)
    guard.remove_groups(str(tmp_path / "haori-x"))
    guard.remove_groups(str(tmp_path / "absent"))

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def real():
    """The control groups of this machine; their folders are gone afterwards."""
    found = find_cgroups(DIGEST)
    yield found
    found.clear()
    assert not any(base.exists() for base in found.bases)


async def run_in(found: Cgroups, tmp_path: Path, script: str, limits: ContainerLimits):
    group = found.make("uid.main.0", limits)
    plan = LaunchPlan(
        command=["python3", "-I", "-S", "-c", script],
        environment={"PATH": search_path()},
        working_folder="/",
        error_file=tmp_path / "error",
        cgroups=group.places,
        is_out_of_memory=group.was_out_of_memory,
    )
    output: list[bytes] = []
    run = await start_process(plan, lambda stream, content: output.append(content))
    try:
        async with asyncio.timeout(60):
            ended = await run.wait()
    finally:
        await asyncio.to_thread(group.remove)
    assert not any(place.exists() for place in group.places)
    return ended, b"".join(output)


async def test_no_more_processes_than_allowed(real: Cgroups, tmp_path):
    if Controller.PIDS not in real.hierarchies:
        pytest.skip("this machine lets us have no control group for processes")
    script = """
import os
made = 0
try:
    while made < 100:
        if os.fork() == 0:
            os.setsid(); import time; time.sleep(1000)
        made += 1
except BlockingIOError:
    pass
print(made)
"""
    ended, output = await run_in(real, tmp_path, script, ContainerLimits(processes=20))

    assert ended.exit_code == 0, output
    assert output.strip() == b"19"


async def test_the_processor_is_rationed(real: Cgroups, tmp_path):
    if Controller.CPU not in real.hierarchies:
        pytest.skip("this machine lets us have no control group for the processor")
    group = real.make("uid.main.0", LIMITS)
    hierarchy = real.hierarchies[Controller.CPU]
    file, expected = ("cpu.max", "25000 100000") if hierarchy.version == 2 else ("cpu.cfs_quota_us", "25000")

    assert (group.folders[Controller.CPU] / file).read_text().strip() == expected
    group.remove()


async def test_more_memory_than_allowed_ends_as_the_kernel_says(real: Cgroups, tmp_path):
    if Controller.MEMORY not in real.hierarchies:
        pytest.skip("this machine lets us have no control group for memory")
    script = "kept = bytearray(200 << 20); kept[::4096] = b'1' * len(kept[::4096])"
    ended, _ = await run_in(real, tmp_path, script, ContainerLimits(memory_bytes=50 << 20))

    assert (ended.exit_code, ended.reason) == (137, "OOMKilled")


def test_what_an_earlier_run_left_is_ended_and_removed(real: Cgroups):
    group = real.make("uid.main.0", ContainerLimits())
    again = real.make("uid.main.0", ContainerLimits())
    assert again.places == group.places

    real.clear()
    assert not any(base.exists() for base in real.bases)


async def test_the_number_of_processes_by_rlimit(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("an rlimit counts all processes of a user; only root can give each Pod one")
    script = """
import os
made = 0
try:
    while made < 50:
        if os.fork() == 0:
            import time; time.sleep(1000)
        made += 1
except BlockingIOError:
    pass
print(made)
"""
    output: list[bytes] = []
    plan = LaunchPlan(
        command=["python3", "-I", "-S", "-c", script],
        environment={"PATH": search_path()},
        working_folder="/",
        error_file=tmp_path / "error",
        uid=700_000_000 + os.getpid(),
        most_processes=10,
    )
    run = await start_process(plan, lambda stream, content: output.append(content))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            await run.wait()

    assert b"".join(output).strip() == b"9"


def test_hierarchies_of_one_version_two_mount_share_a_folder(tmp_path):
    base = tmp_path / "haori-x"
    both = {each: Hierarchy(version=2, base=base) for each in Controller}

    assert Cgroups(hierarchies=both).bases == (base,)
