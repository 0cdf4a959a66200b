"""Confines itself, then becomes the untrusted command. Run as a script: `python -I -S launcher.py`, standard input a socket.

To start an interpreter takes half as long as a render, so one stays and forks (a zygote): for each message on its socket,
which brings four descriptors, it makes a child with the last three as standard input, output and error. The first is a
socket: on it the child reads its plan, and the zygote tells the child's pid (or, negative, the errno for which there is none)
and, when it has ended, its exit code. Whoever asked keeps the other end until the child's pid is of no use to him any more;
when he lets go, the child is killed if it still runs, and reaped. Plans are marshalled, each after its length.

A plan is {"isolation", "uid", "cpuSeconds", "fileBytes", "openFiles", "kept", "command", "cwd", "env"}. Standard library only and
no package import: what starts here has as little in it as can be.

Instead of a command it may run a program of ours, which reads what is untrusted: then the plan has also {"program": {"path",
"paths", "late"}}. The program's imports happen before confinement, since afterwards neither the
standard library nor the packages may be reachable; extension modules that start threads (Go's) are loaded after it, out of
memory, since a namespace can be entered by a single thread only.

The order matters. The binary is opened first, since the unprivileged user may not reach its folder; then privileges are
dropped; then the namespaces are entered or the filter is set; the parent-death signal comes last, because a change of
credentials clears it. Exit code 125 says that confinement failed and the command was never run.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import marshal
import os
import resource
import select
import signal
import socket
import struct
import sys
from types import ModuleType
from typing import Any, NoReturn

CONFINEMENT_FAILED = 125

_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
# AUDIT_ARCH_* and the numbers of socket(2) and io_uring_setup(2), which could open sockets behind the filter's back.
_MACHINES = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}
_X32_BIT = 0x40000000
LENGTH, NUMBER = struct.Struct(">Q"), struct.Struct(">i")
"""Before a plan; a pid and an exit code, negative for the signal that ended it."""
FIRST_KEPT = 200
"""Descriptors from here on are programs that the command may start: it reaches them as /proc/self/fd/N."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def limit_resources(config: dict[str, Any]) -> None:
    """Sets the limits that the kernel keeps for one process; memory is watched from outside, as Go reserves much."""
    for kind, value in (
        (resource.RLIMIT_CPU, config["cpuSeconds"]),
        (resource.RLIMIT_FSIZE, config["fileBytes"]),
        (resource.RLIMIT_NOFILE, config["openFiles"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def drop_privileges(uid: int) -> None:
    """Becomes `uid` (user and group alike) for good, without supplementary groups."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # A change of credentials gives /proc/self to root, and the maps of a user namespace are written there.
    _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)


def hide_memory(*, hides: bool = True) -> None:
    """Keeps other processes of the same user from this one's memory and environment; a program it executes is open again."""
    _call("prctl", _PR_SET_DUMPABLE, 0 if hides else 1, 0, 0, 0)


def keep_privileges_away() -> None:
    """No program that is executed from here on brings privileges back; a filter needs that."""
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def enter_namespaces(further: int = _CLONE_NEWPID) -> None:
    """A user, network, IPC and process namespace of its own: no interface but a loopback that is down."""
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | further)
    for name, value in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(value)


def refuse_sockets() -> None:
    """A filter under which socket(2) succeeds for AF_UNIX only, kept by every descendant."""
    arch, socket_number, uring_number = _MACHINES[os.uname().machine]
    load, jump_equal, jump_set, answer = 0x20, 0x15, 0x45, 0x06
    program = [
        (load, 0, 0, 4),  # the architecture
        (jump_equal, 1, 0, arch),
        (answer, 0, 0, _KILL),
        (load, 0, 0, 0),  # the number of the call
        (jump_set, 6, 0, _X32_BIT if arch == _MACHINES["x86_64"][0] else 1 << 31),
        (jump_equal, 5, 0, uring_number),
        (jump_equal, 1, 0, socket_number),
        (answer, 0, 0, _ALLOW),
        (load, 0, 0, 16),  # the lower half of the first argument: the address family
        (jump_equal, 0, 1, 1),  # AF_UNIX
        (answer, 0, 0, _ALLOW),
        (answer, 0, 0, _REFUSE),
    ]
    set_filter(program)


def set_filter(program: list[tuple[int, int, int, int]]) -> None:
    """Sets a filter on system calls, given as instructions of the kernel's packet filter, for good."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer)))
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(header), 0, 0)


def die_with_parent(parent: int | None = None) -> None:
    """Ends this process at once when its parent does. Raises OSError where `parent` did already, since no signal comes then."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        raise OSError("the launcher ended")


def wait_for(pid: int) -> int:
    """The exit code of the child, 128 + n where signal n ended it, as shells have it."""
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def load_module(name: str, path: str) -> ModuleType:
    """The module in the file at `path`, source or extension, whatever its name."""
    # Wanted by programs of ours alone, the first time before confinement.
    import importlib.machinery
    import importlib.util

    loader: importlib.machinery.SourceFileLoader | importlib.machinery.ExtensionFileLoader
    if path.endswith(".py"):
        loader = importlib.machinery.SourceFileLoader(name, path)
    else:
        loader = importlib.machinery.ExtensionFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise OSError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def copy_to_memory(path: str) -> int:
    """A descriptor of the file's bytes that may be read whoever we become."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        copy = os.memfd_create(os.path.basename(path), os.MFD_CLOEXEC)
        while size > 0 and (sent := os.sendfile(copy, file.fileno(), None, size)):
            size -= sent
    return copy


class Program:
    """A program of ours; made before confinement, run after it."""

    def __init__(self, path: str, paths: list[str], late: dict[str, str]) -> None:
        sys.path[:] = paths
        self._module = load_module("haori_jail_program", path)
        self._late = {name: copy_to_memory(each) for name, each in late.items()}

    def run(self) -> int:
        """Its exit code; it is handed its late modules by name."""
        modules = {name: load_module(name, f"/proc/self/fd/{copy}") for name, copy in self._late.items()}
        try:
            return int(self._module.main(modules))
        except OSError as error:
            # Not to be taken for a failure to confine.
            sys.stderr.write(f"{error}\n")
            return 1


def run(config: dict[str, Any], command: list[str], parent: int) -> int:
    """Confines and executes; returns for a program of ours and for the process that waits for one in a namespace."""
    born_of: int | None = parent
    given = config.get("program")
    program = Program(**given) if given is not None else None
    binary = -1 if program else os.open(command[0], os.O_RDONLY | os.O_CLOEXEC)
    for number, path in enumerate(config.get("kept", ())):
        os.dup2(os.open(path, os.O_RDONLY | os.O_CLOEXEC), FIRST_KEPT + number)
    limit_resources(config)
    if "uid" in config:
        drop_privileges(config["uid"])
    keep_privileges_away()
    if config["isolation"] == "namespace":
        die_with_parent(parent)
        enter_namespaces()
        # The first child is process 1 of the new namespace: when it ends, the kernel ends all that it started.
        if pid := os.fork():
            return wait_for(pid)
        born_of = None  # Processes outside of a namespace have no number in it.
    elif config["isolation"] == "seccomp":
        refuse_sockets()
    die_with_parent(born_of)
    if program is not None:
        return program.run()
    os.execve(binary, command, dict(os.environ))  # noqa: S606 - becoming the command is what this script is for


def read_plan(channel: socket.socket) -> dict[str, Any]:
    """The plan that stands on a child's socket. Raises OSError where whoever wrote it went away."""
    with channel.makefile("rb") as file:
        size = file.read(LENGTH.size)
        content = file.read(LENGTH.unpack(size)[0]) if len(size) == LENGTH.size else b""
    if not content:
        raise OSError("nobody wrote a plan")
    plan: dict[str, Any] = marshal.loads(content)  # noqa: S302 - what our own runner wrote
    return plan


def become(channel: socket.socket, streams: list[int], parent: int) -> NoReturn:
    """What a child of `parent` does, to its end."""
    code = CONFINEMENT_FAILED
    try:
        os.setsid()
        hide_memory(hides=False)  # The maps of a user namespace are written by whom /proc/self belongs to.
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        plan = read_plan(channel)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.chdir(plan["cwd"])
        os.environ.clear()
        os.environ.update(plan["env"])
        code = run(plan, plan["command"], parent)
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        os.write(2, f"jail: {error}\n".encode())
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        os._exit(code)


class Zygote:
    """Forks what it is asked for, until its socket is closed; then it ends, and with it all that it forked."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: dict[int, tuple[int, socket.socket]] = {}
        """By the child's own descriptor: (pid, its socket)."""
        self._channels: dict[int, tuple[int, socket.socket]] = {}
        """By the descriptor of its socket, until whoever asked lets go of the other end: (pid, its socket)."""
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Until whoever started it is gone."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._control.fileno():
                    if not self._start():
                        return
                elif descriptor in self._running:
                    self._tell_end(descriptor)
                elif descriptor in self._channels:
                    self._reap(descriptor)

    def _start(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, 4)
        if not message:
            return False
        if len(descriptors) != 4:
            # There was no room for them here. Whoever asked hears that his socket is closed; the others go on.
            for descriptor in descriptors:
                os.close(descriptor)
            return True
        channel, streams = socket.socket(fileno=descriptors[0]), descriptors[1:]
        try:
            self._fork(channel, streams)
        except OSError as error:
            self._send(channel, -(error.errno or errno.EAGAIN))
            channel.close()
        for stream in streams:
            os.close(stream)
        return True

    def _fork(self, channel: socket.socket, streams: list[int]) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            become(channel, streams, parent)
        try:
            child = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._send(channel, pid)
        self._running[child] = self._channels[channel.fileno()] = (pid, channel)
        # The control socket was registered first and is told first: what a pass closes, no child of this pass is given.
        self._poll.register(child, select.POLLIN)
        self._poll.register(channel, 0)  # That the other end was closed is told unasked.

    def _tell_end(self, descriptor: int) -> None:
        pid, channel = self._running.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if ended is not None and channel.fileno() in self._channels:
            self._send(channel, ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)

    def _reap(self, descriptor: int) -> None:
        pid, channel = self._channels.pop(descriptor)
        self._poll.unregister(descriptor)
        # It may not have got as far as a session of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)  # Not reaped yet, so this pid is nobody else's.
        os.waitpid(pid, 0)
        for child, known in list(self._running.items()):
            if known[0] == pid:
                del self._running[child]
                self._poll.unregister(child)
                os.close(child)
        channel.close()

    @staticmethod
    def _send(channel: socket.socket, number: int) -> None:
        # Whoever asked may have let go, which is heard next.
        with contextlib.suppress(OSError):
            channel.sendall(NUMBER.pack(number))


if __name__ == "__main__":
    hide_memory()
    Zygote(socket.socket(fileno=0)).serve()
