"""What a process of a Pod can reach: its own mounts, devices and message, and nothing of the node or of other Pods."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from haori.sandbox.node.isolation import FIRST_UID, Isolation, find_isolation, search_path
from haori.sandbox.node.pod_files import PodFiles
from haori.sandbox.node.process_run import LaunchPlan, start_process
from haori.sandbox.node.references import ConfigProblem
from haori.sandbox.node.volumes import VolumeFile, make_empty, write_files

PYTHON = ("python3", "-I", "-S", "-c")


class Pod:
    """A Pod's folders and a container of it."""

    def __init__(self, isolation: Isolation, uid: str, number: int) -> None:
        self.files = PodFiles(
            uid, pods_folder=isolation.files / "pods", isolation=isolation, owner=isolation.uid_for(number)
        )
        self.files.make()
        self.sources: dict[str, Path] = {}

    def empty(self, name):
        self.sources[name] = self.files.volume(name)
        make_empty(self.sources[name], uid=self.files.owner)
        return self.sources[name]

    def configuration(self, name, **files):
        self.sources[name] = self.files.volume(name)
        written = {key: VolumeFile(content=text.encode(), mode=0o600) for key, text in files.items()}
        write_files(self.sources[name], written, uid=self.files.owner)

    async def run(self, code, *mounts, **more):
        """(exit code, standard output) of Python code in the container; `mounts` are volumeMounts."""
        container = {"name": "main", "volumeMounts": list(mounts), **more}
        view = self.files.view(container, self.sources, {}, read_only=set(more.pop("read_only", ())))
        plan = LaunchPlan(
            command=[*PYTHON, code],
            environment={"PATH": search_path(), "SANDBOX_ROOT": view.sandbox_root},
            working_folder=view.working_folder,
            error_file=self.files.run_file("main", "error"),
            root=view.root,
            mounts=view.mounts,
            unfollowed=view.unfollowed,
            uid=self.files.owner,
        )
        output: list[bytes] = []
        run = await start_process(plan, lambda stream, content: output.append(content))
        ended = await run.wait()
        return ended.exit_code, b"".join(output).decode() + ended.message


def mount(name, path, **more):
    return {"name": name, "mountPath": path, **more}


@pytest.fixture
async def isolation(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    return await find_isolation(data)


@pytest.fixture
def pod(isolation):
    return Pod(isolation, "one", 1)


def own_root(isolation):
    if not isolation.own_root:
        pytest.skip("this machine gives a process no root of its own")


def own_users(isolation):
    if not isolation.drops_privileges:
        pytest.skip("only root can make each Pod a user of its own")


async def test_configuration_is_read_only_and_another_mount_may_lie_in_it(pod, isolation):
    own_root(isolation)
    pod.configuration("settings", level="info")
    pod.configuration("keys", key="secret")
    code = """
import os
print(open('/etc/app/level').read(), open('/etc/app/keys/key').read())
for path in ('/etc/app/level', '/etc/app/new', '/etc/app/keys/new'):
    try: open(path, 'w')
    except OSError as problem: print(problem.strerror)
"""
    given = mount("settings", "/etc/app"), mount("keys", "/etc/app/keys")
    ended, output = await pod.run(code, *given, read_only=("settings", "keys"))

    assert output.splitlines() == ["info secret", *["Read-only file system"] * 3]
    assert ended == 0


async def test_devices_are_few_and_shared_memory_is_the_containers_own(pod, isolation):
    own_root(isolation)
    code = """
import os
print(sorted(os.listdir('/dev')), os.listdir('/dev/shm'))
open('/dev/shm/mine', 'w').close(); open('/dev/null', 'w').write('x'); print(len(os.urandom(4)), os.openpty()[0] > 0)
"""
    ended, output = await pod.run(code)

    assert ended == 0, output
    devices = {
        "fd",
        "full",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
        "zero",
    }
    assert output.startswith(f"{sorted(devices)} []")
    assert output.splitlines()[1] == "4 True"
    assert "mine" not in os.listdir("/dev/shm")


@pytest.mark.parametrize("path", ["/dev/termination-log", "/data/deep/message"])
async def test_what_a_container_writes_at_its_end_is_read(pod, path):
    pod.empty("data")
    code = f"import os; open(os.environ['SANDBOX_ROOT'] + '{path}', 'w').write('the disk is full' + 'x' * 9000)"
    ended, output = await pod.run(code, mount("data", "/data"), terminationMessagePath=path)

    assert ended == 0, output
    assert pod.files.message("main") == ("the disk is full" + "x" * 9000)[:4096]
    await pod.run("pass", mount("data", "/data"), terminationMessagePath=path)
    assert pod.files.message("main") == ""


async def test_a_message_that_became_something_else_is_none(pod):
    await pod.run("pass", terminationMessagePath="/dev/termination-log")
    pod.files.message_file("main").unlink()

    assert pod.files.message("main") == ""


@pytest.mark.parametrize("path", ["/../../../escaped", "/data/link/escaped", "../../escaped"])
async def test_no_mount_leads_out_of_the_container(pod, tmp_path, path):
    """Neither by its path nor by a link that a process left in a volume."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    (pod.empty("data") / "link").symlink_to(outside)
    pod.empty("more")
    before = sorted(each for each in tmp_path.rglob("escaped"))
    try:
        await pod.run("pass", mount("data", "/data"), mount("more", path))
    except ConfigProblem as problem:
        assert "leaves its volume" in str(problem)  # noqa: PT017  # where there is no root of its own it is refused

    assert before == []
    assert list(outside.iterdir()) == []
    found = [each for each in tmp_path.rglob("escaped") if "roots" not in each.parts]
    assert found == []


def test_a_sub_path_that_leaves_its_volume_is_refused_before_anything_is_made(pod, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (pod.empty("data") / "link").symlink_to(outside)
    container = {"name": "main", "volumeMounts": [mount("data", "/data", subPath="link/new")]}

    with pytest.raises(ConfigProblem, match="leaves the volume"):
        pod.files.view(container, pod.sources, {})
    assert list(outside.iterdir()) == []


def test_a_link_in_a_pods_home_is_not_followed_by_the_node(pod, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    home = pod.files.seen / "homes" / "main"
    make_empty(home, uid=None)
    (home / ".working").symlink_to(outside)
    pod.files.view({"name": "main", "workingDir": "/absent"}, {}, {})

    assert outside.stat().st_mode & 0o777 == 0o700


def test_links_of_a_configuration_volume_are_the_nodes_own(pod, isolation, tmp_path):
    own_users(isolation)
    pod.configuration("settings", level="info")
    folder = pod.sources["settings"]

    assert {each.lstat().st_uid for each in (folder, folder / "..data", (folder / "..data").resolve())} == {0}
    assert (folder / "level").stat().st_uid == pod.files.owner


def test_what_a_link_names_outside_of_the_volume_is_not_removed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "..data").symlink_to(precious)
    write_files(folder, {"a": VolumeFile(content=b"1", mode=0o644)}, uid=None)

    assert precious.is_dir()
    assert (folder / "a").read_text() == "1"


INSPECT = """
import json, os, subprocess, sys
def link(path):
    try: return os.readlink(path)
    except FileNotFoundError: return ''  # The listing's own descriptor.
def state(pid):
    place = f'/proc/{pid}/'
    return {
        'environment': open(place + 'environ').read().split('\\0'),
        'cwd': os.readlink(place + 'cwd'),
        'fds': [target for each in os.listdir(place + 'fd') if (target := link(place + 'fd/' + each))],
    }
own = state(os.getpid())
child = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'input()'], stdin=subprocess.PIPE)
own['groups'] = os.getgroups()
own['ids'] = [*os.getresuid(), *os.getresgid()]
capabilities = ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')
own['capabilities'] = [line.split()[1] for line in open('/proc/self/status') if line.startswith(capabilities)]
own['noNewPrivileges'] = [line.split()[1] for line in open('/proc/self/status') if line.startswith('NoNewPrivs')]
own['child'] = state(child.pid)
child.kill()
print(json.dumps(own))
"""
STARTER = """
import asyncio, json, os, sys
from pathlib import Path
from haori.sandbox.node.isolation import find_isolation, search_path
from haori.sandbox.node.pod_files import PodFiles
from haori.sandbox.node.process_run import LaunchPlan, start_process

async def main():
    folder, code = Path(sys.argv[1]), sys.argv[2]
    isolation = await find_isolation(folder)
    files = PodFiles('uid', pods_folder=folder / 'pods', isolation=isolation, owner=isolation.uid_for(9))
    files.make()
    view = files.view({'name': 'main'}, {}, {})
    plan = LaunchPlan(command=['python3', '-I', '-S', '-c', code], environment={'PATH': search_path(), 'OWN': '1'},
                      working_folder=view.working_folder, error_file=folder / 'error', root=view.root,
                      mounts=view.mounts, uid=files.owner)
    run = await start_process(plan, lambda stream, content: os.write(1, content))
    await run.wait()

asyncio.run(main())
"""
POISON = {
    "AWS_ACCESS_KEY_ID": "poison-1",
    "AWS_SESSION_TOKEN": "poison-2",
    "SSH_AUTH_SOCK": "/tmp/poison-3",
    "HAORI_TOKEN": "poison-4",
    "KUBECONFIG": "/tmp/poison-5",
    "LD_LIBRARY_PATH": "/tmp/poison-6",
    "PYTHONSTARTUP": "/tmp/poison-7",
    "PYTHONBREAKPOINT": "poison-8",
    "HTTPS_PROXY": "http://poison-9:1",
    "GIT_ASKPASS": "/tmp/poison-10",
    "HOME": "/tmp/poison-11",
    "BASH_ENV": "/tmp/poison-12",
}


def test_nothing_of_the_caller_reaches_a_process_or_its_children(tmp_path):
    """Not by the environment, the working folder, an open file or a group."""
    secret = tmp_path / "callers-secret"
    secret.write_text("x")
    with secret.open() as held:
        os.set_inheritable(held.fileno(), True)
        # LD_PRELOAD of a library that is not there is told on standard error by whoever gets it.
        environment = {**os.environ, **POISON, "LD_PRELOAD": "/tmp/poison-13.so"}
        groups: dict[str, Any] = {"extra_groups": [4, 20]} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [sys.executable, "-c", STARTER, str(tmp_path), INSPECT],
            env=environment,
            close_fds=False,
            capture_output=True,
            check=True,
            cwd=tmp_path,
            **groups,
        )
    found = json.loads(done.stdout)
    everything = json.dumps(found)

    assert "poison" not in everything
    assert "callers-secret" not in everything
    for each in (found, found["child"]):
        names = {text.partition("=")[0] for text in each["environment"] if text}
        assert names - {"LC_CTYPE"} == {"PATH", "OWN"}
        assert each["cwd"] in ("/home/pod", str(tmp_path / "pods/uid/homes/main"))
        assert not any(str(tmp_path) in name for name in each["fds"])
    if os.geteuid() == 0:
        assert found["groups"] == []
        assert set(found["ids"]) == {FIRST_UID + 9}
        assert {int(value, 16) for value in found["capabilities"]} == {0}
    assert found["noNewPrivileges"] == ["1"]


REACH = """
import ctypes, os, signal, sys
def told(action):
    try: action()
    except OSError as problem: return type(problem).__name__
    return 'done'
libc = ctypes.CDLL(None, use_errno=True)
def attach(pid):
    if libc.ptrace(16, pid, None, None) != 0: raise OSError(ctypes.get_errno(), '')
node, other, *paths = sys.argv[1:] if len(sys.argv) > 2 else ARGUMENTS
print('environ', told(lambda: open(f'/proc/{node}/environ').read()))
print('memory', told(lambda: open(f'/proc/{node}/mem', 'rb').read(1)))
print('root', told(lambda: os.listdir(f'/proc/{node}/root/')))
print('cwd', told(lambda: os.listdir(f'/proc/{node}/cwd/')))
print('fd', told(lambda: os.listdir(f'/proc/{node}/fd')))
print('ptrace', told(lambda: attach(int(node))))
print('kill', told(lambda: os.kill(int(node), signal.SIGTERM)))
print('other environ', told(lambda: open(f'/proc/{other}/environ').read()))
print('other root', told(lambda: os.listdir(f'/proc/{other}/root/')))
print('other kill', told(lambda: os.kill(int(other), 0)))
for path in paths:
    print('path', told(lambda: os.listdir(path) if not path.endswith('key') else open(path).read()))
"""


async def test_neither_the_node_nor_its_data_nor_another_pod_can_be_reached(isolation, tmp_path):
    own_users(isolation)
    first, second = Pod(isolation, "one", 1), Pod(isolation, "two", 2)
    second.configuration("keys", key="secret")
    other = await asyncio.create_subprocess_exec(
        "sleep", "1000", user=FIRST_UID + 2, group=FIRST_UID + 2, extra_groups=[]
    )
    try:
        paths = [
            str(tmp_path / "data"),
            str(second.files.volume("keys") / "key"),
            "/root/.ssh",
            str(second.files.folder),
        ]
        arguments = [str(os.getpid()), str(other.pid), *paths]
        _, output = await first.run(f"ARGUMENTS = {arguments!r}\n{REACH}")
    finally:
        other.kill()
        await other.wait()
    answers = [line.split()[-1] for line in output.splitlines()]

    assert len(answers) == 14, output
    assert set(answers) <= {"PermissionError", "FileNotFoundError"}, output
