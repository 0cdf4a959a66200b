"""Confines itself, then becomes the untrusted command. Run as a script: `python -I -S launcher.py CONFIG COMMAND…`.

CONFIG is a mapping, marshalled by the same interpreter and written in hexadecimal, as reading JSON would need imports that
take as long as all the rest: {"isolation", "uid", "cpuSeconds", "fileBytes", "openFiles"}. Standard library only and no package
import, because an interpreter without `site` starts in a third of the time and the jail starts one for each render.

Instead of a command it may run a program of ours, which reads what is untrusted: `python -I -S launcher.py CONFIG`, where
CONFIG has also {"program", "paths", "late"}. The program's imports happen before confinement, since afterwards neither the
standard library nor the packages may be reachable; extension modules that start threads (Go's) are loaded after it, out of
memory, since a namespace can be entered by a single thread only.

The order matters. The binary is opened first, since the unprivileged user may not reach its folder; then privileges are
dropped; then the namespaces are entered or the filter is set; the parent-death signal comes last, because a change of
credentials clears it. Exit code 125 says that confinement failed and the command was never run.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import signal
import struct
import sys
from types import ModuleType

CONFINEMENT_FAILED = 125

_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
# AUDIT_ARCH_* and the numbers of socket(2) and io_uring_setup(2), which could open sockets behind the filter's back.
_MACHINES = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}
_X32_BIT = 0x40000000
FIRST_KEPT = 200
"""Descriptors from here on are programs that the command may start: it reaches them as /proc/self/fd/N."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def limit_resources(config: dict[str, int]) -> None:
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


def die_with_parent() -> None:
    """Ends this process at once when its parent does."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


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


def run(config: dict[str, object], command: list[str]) -> int:
    """Confines and executes; returns for a program of ours and for the process that waits for one in a namespace."""
    given = config.get("program")
    program = Program(**given) if isinstance(given, dict) else None
    binary = -1 if program else os.open(command[0], os.O_RDONLY | os.O_CLOEXEC)
    kept = config.get("kept")
    for number, path in enumerate(kept if isinstance(kept, list) else ()):
        os.dup2(os.open(path, os.O_RDONLY | os.O_CLOEXEC), FIRST_KEPT + number)
    limit_resources({name: value for name, value in config.items() if isinstance(value, int)})
    uid = config.get("uid")
    if isinstance(uid, int):
        drop_privileges(uid)
    keep_privileges_away()
    if config["isolation"] == "namespace":
        die_with_parent()
        enter_namespaces()
        # The first child is process 1 of the new namespace: when it ends, the kernel ends all that it started.
        if pid := os.fork():
            return wait_for(pid)
    elif config["isolation"] == "seccomp":
        refuse_sockets()
    die_with_parent()
    if program is not None:
        return program.run()
    os.execve(binary, command, dict(os.environ))  # noqa: S606 - becoming the command is what this script is for


if __name__ == "__main__":
    try:
        config = marshal.loads(bytes.fromhex(sys.argv[1]))  # noqa: S302 - what our own runner wrote
        sys.exit(run(config, sys.argv[2:]))
    except OSError as error:
        os.write(2, f"jail: {error}\n".encode())
        os._exit(CONFINEMENT_FAILED)
