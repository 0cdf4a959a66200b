"""Untrusted work is kept from the network, from our environment and from taking more than its share."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from haori.jail import Finished, Isolation, JailFailedError, JailLimitError, Limits, isolation, run, run_program
from haori.jail.zygote import ZYGOTE

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


async def works(using: Isolation, folder: Path) -> bool:
    try:
        return (await run(["true"], cwd=folder, env={}, using=using)).exit_code == 0
    except JailFailedError:
        return False


@pytest.fixture(params=[Isolation.NAMESPACE, Isolation.SECCOMP])
async def using(request, tmp_path):
    if not await works(request.param, tmp_path):
        pytest.skip(f"this machine refuses {request.param}")
    return request.param


async def python(script: str, folder: Path, using: Isolation, *, arguments: Sequence[str] = (), **options) -> Finished:
    return await run([PYTHON, "-I", "-c", script, *arguments], cwd=folder, env={}, using=using, **options)


async def test_no_address_can_be_reached(using, tmp_path):
    script = """
import socket
for family in (socket.AF_INET, socket.AF_INET6):
    try:
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.connect(("127.0.0.1", 53) if family == socket.AF_INET else ("::1", 53))
        opened.send(b"x")
        print("reached")
    except OSError:
        print("refused")
"""
    assert (await python(script, tmp_path, using)).stdout == b"refused\nrefused\n"


async def test_a_server_on_loopback_cannot_be_reached(using, tmp_path):
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        done = await python(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)", tmp_path, using)
    assert done.exit_code == 1
    assert b"Error" in done.stderr


async def test_unix_sockets_still_work(using, tmp_path):
    assert (await python("import socket; socket.socketpair(); print('ok')", tmp_path, using)).stdout == b"ok\n"


async def test_nothing_of_our_environment_is_seen(using, tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY", "planted")
    done = await python("import os; print(sorted(os.environ.items()))", tmp_path, using)
    assert b"planted" not in done.stdout


async def test_no_descriptor_of_ours_is_inherited(using, tmp_path):
    with socket.socket() as ours:
        os.set_inheritable(ours.fileno(), True)
        done = await python("import os; print(len(os.listdir('/proc/self/fd')))", tmp_path, using)
    # Standard input, output, error, and the listing's own.
    assert int(done.stdout) <= 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
async def test_root_becomes_nobody_and_cannot_come_back(using, tmp_path):
    script = """
import os
print(os.getuid(), os.getgid(), os.getgroups())
try:
    os.setuid(0)
    print("root again")
except OSError:
    print("stays")
"""
    assert (await python(script, tmp_path, using)).stdout == b"65534 65534 []\nstays\n"


@pytest.fixture
def folder():
    """A folder that others may reach; pytest keeps its own to their owner."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


async def test_it_may_write_its_own_folder(using, folder):
    done = await python("open('made', 'w').write('x'); print('ok')", folder, using)
    assert done == Finished(exit_code=0, stdout=b"ok\n", stderr=b"")


async def test_what_comes_in_on_standard_input(using, tmp_path):
    done = await python("import sys; print(len(sys.stdin.buffer.read()))", tmp_path, using, stdin=b"x" * 200_000)
    assert done.stdout == b"200000\n"


async def test_a_command_that_does_not_read_its_input_is_no_failure(using, tmp_path):
    assert (await run(["true"], cwd=tmp_path, env={}, using=using, stdin=b"x" * 500_000)).exit_code == 0


async def test_a_failure_is_its_exit_code(using, tmp_path):
    done = await python("import sys; sys.stderr.write('why'); sys.exit(3)", tmp_path, using)
    assert done == Finished(exit_code=3, stdout=b"", stderr=b"why")


@pytest.mark.parametrize(
    ("script", "limits", "code"),
    [
        pytest.param("import signal; signal.pause()", Limits(seconds=0.5), "jail-too-slow", id="never-ends"),
        pytest.param("while True: print('x' * 1000)", Limits(output_bytes=10_000), "jail-too-much-output", id="chatty"),
        pytest.param(
            "held = bytearray(300 << 20); import signal; signal.pause()",
            Limits(memory_bytes=100 << 20, seconds=20),
            "jail-too-much-memory",
            id="greedy",
        ),
    ],
)
async def test_a_limit_ends_the_work(using, tmp_path, script, limits, code):
    with pytest.raises(JailLimitError) as raised:
        await python(script, tmp_path, using, limits=limits)
    assert raised.value.code == code


async def test_nothing_the_work_started_outlives_it(using, tmp_path):
    mark = f"mark-{os.getpid()}-{using}"
    script = f"import os, signal  # {mark}\nif os.fork() == 0: signal.pause()"
    # Where no process namespace ends the orphan, it holds standard output open until the deadline.
    with contextlib.suppress(JailLimitError):
        await python(script, tmp_path, using, limits=Limits(seconds=1))
    # The kernel ends a killed process in its own time; what must not happen is that one stays.
    async with asyncio.timeout(10):
        while any(mark in line for line in command_lines()):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0)


def command_lines():
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                yield (process / "cmdline").read_text()


async def test_a_file_cannot_grow_beyond_its_limit(using, folder):
    done = await python("open('big', 'wb').write(b'x' * 10_000)", folder, using, limits=Limits(file_bytes=1000))
    assert done.exit_code != 0


async def test_a_missing_command_is_named(tmp_path):
    with pytest.raises(JailFailedError) as raised:
        await run(["no-such-command-anywhere"], cwd=tmp_path, env={})
    assert raised.value.code == "jail-no-such-command"


async def test_the_machine_s_isolation_is_one_that_works(tmp_path):
    found = await isolation()
    assert found is Isolation.NONE or await works(found, tmp_path)


PROGRAM = """
import json, socket, sys

def main(modules):
    try:
        socket.socket().connect(("127.0.0.1", {port}))
        reached = True
    except OSError:
        reached = False
    sys.stdout.write(json.dumps([reached, sys.stdin.read(), sorted(modules)]))
    return 7
"""


async def test_a_program_of_ours_works_on_untrusted_bytes_confined(using, tmp_path):
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("{port}", str(server.sockets[0].getsockname()[1])))
    async with server:
        done = await run_program(program, stdin=b"bytes", using=using)
    assert (done.exit_code, json.loads(done.stdout)) == (7, [False, "bytes", []])


async def test_an_extension_module_is_loaded_after_confinement_wherever_it_lies(using, tmp_path):
    """A namespace is entered by a single thread, and the unprivileged user may not reach this interpreter's folder."""
    extension = pytest.importorskip("_gojsonnet").__file__
    program = tmp_path / "program.py"
    program.write_text(
        "def main(modules):\n    print(modules['_gojsonnet'].evaluate_snippet('x', '1 + 1'))\n    return 0\n"
    )
    done = await run_program(program, using=using, late={"_gojsonnet": Path(extension)})
    assert (done.exit_code, done.stdout.split(), done.stderr) == (0, [b"2"], b"")


async def test_a_program_that_fails_is_not_taken_for_one_that_could_not_be_confined(using, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("def main(modules):\n    raise FileNotFoundError('gone')\n")
    done = await run_program(program, using=using)
    assert (done.exit_code, done.stderr) == (1, b"gone\n")


@pytest.fixture
def quick(monkeypatch):
    """A launcher that stands still is noticed soon."""
    monkeypatch.setattr("haori.jail.zygote.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("haori.jail.runner.END_SECONDS", 0.5)


async def test_work_whose_launcher_was_killed_is_begun_once_more_by_another(using, folder):
    running = folder / "running"
    os.mkfifo(running)
    script = f"import os, signal; open({str(running)!r}, 'w').write(str(os.getsid(0))); signal.pause()"
    work = asyncio.create_task(python(script, folder, using))
    async with asyncio.timeout(60):
        for _ in range(2):
            await asyncio.to_thread(running.read_bytes)
            os.kill(ZYGOTE.pid, signal.SIGKILL)
        with pytest.raises(JailFailedError) as raised:
            await work
        assert raised.value.code == "jail-launcher-lost"
        assert (await run(["true"], cwd=folder, env={}, using=using)).exit_code == 0


async def test_a_launcher_that_stands_still_is_replaced(using, folder, quick):
    await run(["true"], cwd=folder, env={}, using=using)
    stopped = ZYGOTE.pid
    os.kill(stopped, signal.SIGSTOP)
    async with asyncio.timeout(60):
        done = await asyncio.gather(*(run(["true"], cwd=folder, env={}, using=using) for _ in range(5)))
    assert [each.exit_code for each in done] == [0] * 5
    assert ZYGOTE.pid != stopped
    assert str(stopped) not in os.listdir("/proc")


async def test_a_limit_holds_though_the_launcher_stands_still(using, folder, quick):
    running = folder / "running"
    os.mkfifo(running)
    script = f"import signal; open({str(running)!r}, 'w').close(); signal.pause()"
    work = asyncio.create_task(python(script, folder, using, limits=Limits(seconds=1)))
    async with asyncio.timeout(60):
        await asyncio.to_thread(running.read_bytes)
        os.kill(ZYGOTE.pid, signal.SIGSTOP)
        with pytest.raises(JailLimitError):
            await work
        assert (await run(["true"], cwd=folder, env={}, using=using)).exit_code == 0


@pytest.mark.parametrize("descriptors", [pytest.param(5, id="to-take-it"), pytest.param(7, id="to-watch-it")])
async def test_a_launcher_without_room_for_a_child_refuses_that_one_alone(using, folder, descriptors):
    await run(["true"], cwd=folder, env={}, using=using)
    launcher = ZYGOTE.pid
    before = resource.prlimit(launcher, resource.RLIMIT_NOFILE)
    resource.prlimit(launcher, resource.RLIMIT_NOFILE, (descriptors, before[1]))
    try:
        with pytest.raises(JailFailedError) as raised:
            await run(["true"], cwd=folder, env={}, using=using)
    finally:
        resource.prlimit(launcher, resource.RLIMIT_NOFILE, before)
    assert raised.value.code == "jail-cannot-confine"
    assert (await run(["true"], cwd=folder, env={}, using=using)).exit_code == 0
    assert ZYGOTE.pid == launcher
    async with asyncio.timeout(10):
        while len(os.listdir(f"/proc/{launcher}/fd")) > 3:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0)


UNPRIVILEGED = """
import asyncio, sys
from pathlib import Path
from haori.jail import Isolation, run

LOOK = '''
import os
launcher = os.getppid()
engine = open(f"/proc/{launcher}/stat").read().split()[3]
for pid in (launcher, engine):
    for name in ("mem", "environ"):
        try:
            open(f"/proc/{pid}/{name}", "rb").read(1)
            print("open")
        except OSError as error:
            print(type(error).__name__)
'''

async def main():
    done = await run([sys.argv[1], "-I", "-c", LOOK], cwd=Path("/"), env={}, using=Isolation.SECCOMP)
    sys.stdout.buffer.write(done.stdout)
    sys.stderr.buffer.write(done.stderr)

asyncio.run(main())
"""


async def test_who_is_confined_by_the_filter_alone_sees_nothing_of_the_engine_it_shares_a_user_with(tmp_path):
    if not await works(Isolation.SECCOMP, tmp_path):
        pytest.skip("this machine refuses the filter")
    paths = os.pathsep.join(path for path in sys.path if path)

    def look(interpreter: str) -> subprocess.CompletedProcess[str]:
        is_root = os.geteuid() == 0
        return subprocess.run(
            [interpreter, "-c", UNPRIVILEGED, PYTHON], env={"PYTHONPATH": paths}, cwd="/",
            capture_output=True, text=True, timeout=60, check=False,
            user=65533 if is_root else None, group=65533 if is_root else None, extra_groups=[] if is_root else None,
        )  # fmt: skip

    for interpreter in (sys.executable, PYTHON):  # An unprivileged user may not reach the first.
        with contextlib.suppress(PermissionError):
            done = await asyncio.to_thread(look, interpreter)
            break
    else:
        pytest.skip("no interpreter that an unprivileged user may start")
    assert (done.stdout.split(), done.stderr) == (["PermissionError"] * 4, "")


async def test_a_plan_larger_than_a_socket_holds_arrives_whole(using, tmp_path):
    words = [f"{number:07d}" for number in range(100_000)]
    found = await python("import sys; print(len(sys.argv), sys.argv[-1])", tmp_path, using, arguments=words)
    assert found.stdout == b"100001 0099999\n"
