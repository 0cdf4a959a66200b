"""Becomes a container's process. Run as a script: `python -I -S launcher.py PLAN`, PLAN being JSON (`LaunchPlan`).

Standard library only, no package import: it starts for each container. It is in a session of its own with the container's
environment already; it writes down who it is, then builds the container's view of the files where it may, gives up
privileges, and executes the command, so the pid stays. The parent-death signal is set twice, because a change of
credentials clears it. Exit code 125 with a text in the plan's error file says that the command was never run.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import stat
import sys

NOT_STARTED = 125

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt", "proc", "sys")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """A function of the C library that answers 0; OSError otherwise."""
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def die_with_parent(expected: int) -> None:
    """Ends with the node, also where it ended a moment ago."""
    call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if expected and os.getppid() != expected:
        os._exit(NOT_STARTED)


def record(path: str) -> None:
    """Writes {"pid", "startTicks"} before anything else happens."""
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    with open(f"{path}.new", "w") as file:
        json.dump({"pid": os.getpid(), "startTicks": ticks}, file)
    os.rename(f"{path}.new", path)


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    encoded = [text.encode() if text is not None else None for text in (source, target, kind)]
    call("mount", *encoded, ctypes.c_ulong(flags), options.encode() if options else None)


def bind(source: str, target: str, *, read_only: bool) -> None:
    """Shows a file or folder at another place as well."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "a").close()
    mount(source, target, None, _MS_BIND | _MS_REC)
    if read_only:
        protect(target)


def protect(target: str) -> None:
    """Makes a mount read-only."""
    mount(target, target, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _locked_flags(target))


def show(path: str, root: str, targets: set[str]) -> None:
    """Shows a part of the system below `root`; a folder that something is mounted in is put together entry by entry."""
    if path in targets or not os.path.lexists(path):
        return
    if os.path.islink(path):
        os.symlink(os.readlink(path), root + path)
    elif os.path.isdir(path) and any(target.startswith(f"{path}/") for target in targets):
        os.makedirs(root + path)
        for name in os.listdir(path):
            show(f"{path}/{name}", root, targets)
    else:
        bind(path, root + path, read_only=not path.startswith(("/proc", "/sys")))


def make_devices(folder: str) -> None:
    """The devices that every container has; terminals and shared memory of its own."""
    os.makedirs(folder)
    for name in _DEVICES:
        if os.path.exists(f"/dev/{name}"):
            bind(f"/dev/{name}", f"{folder}/{name}", read_only=False)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{folder}/{name}")
    os.symlink("pts/ptmx", f"{folder}/ptmx")
    for name in ("pts", "shm"):
        os.makedirs(f"{folder}/{name}")
    mount("devpts", f"{folder}/pts", "devpts", _MS_NOSUID, "newinstance,ptmxmode=0666,mode=0620")
    mount("tmpfs", f"{folder}/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777,size=64m")


def _locked_flags(path: str) -> int:
    """Flags that a user namespace may not take away when it mounts anew."""
    return os.statvfs(path).f_flag & (_MS_NODEV | 8 | 1024 | 2048)


def enter_root(plan: dict[str, object]) -> None:
    """A mount namespace whose root holds the system's folders and this container's mounts, and nothing else."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        call("unshare", _CLONE_NEWNS)
    else:
        call("unshare", _CLONE_NEWNS | _CLONE_NEWUSER)
        for name, value in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(value)
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    root = str(plan["root"])
    mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    mounts = plan["mounts"]
    assert isinstance(mounts, list)
    targets = {os.path.normpath(target) for _, target, _ in mounts}
    for name in _SYSTEM:
        show(f"/{name}", root, targets)
    make_devices(f"{root}/dev")
    # Targets are looked up inside of the new root, so that no link in a volume leads out of it.
    unfollowed = plan["unfollowed"]
    assert isinstance(unfollowed, list)
    sources = [
        open_unfollowed(source) if source in unfollowed else os.open(source, os.O_PATH | os.O_CLOEXEC)
        for source, _, _ in mounts
    ]
    os.chroot(root)
    os.chdir("/")
    for source, (_, target, _) in zip(sources, mounts, strict=True):
        bind(f"/proc/self/fd/{source}", target, read_only=False)
        os.close(source)
    for _, target, read_only in mounts:
        if read_only:  # Last: until then a mount may be put into another.
            protect(target)


def open_unfollowed(path: str) -> int:
    """A descriptor of what stands at an absolute path; OSError where a link is on the way or at its end."""
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    place = os.open("/", flags | os.O_DIRECTORY)
    names = [name for name in path.split("/") if name]
    for index, name in enumerate(names):
        is_last = index == len(names) - 1
        below = os.open(name, flags if is_last else flags | os.O_DIRECTORY, dir_fd=place)
        os.close(place)
        place = below
    if stat.S_ISLNK(os.fstat(place).st_mode):
        raise OSError(errno.ELOOP, "a link where a mount begins")
    return place


def drop_privileges(uid: int) -> None:
    """Becomes `uid` (user and group alike) for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)


def limit(plan: dict[str, object]) -> None:
    """The limits that are the kernel's to keep: no core files, a bounded number of descriptors and processes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = int(str(plan["openFiles"]))
    value = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (value, value))
    if processes := plan.get("processes"):
        # Counted for the user that the process is about to become.
        resource.setrlimit(resource.RLIMIT_NPROC, (int(str(processes)), int(str(processes))))
    cgroups = plan["cgroups"]
    assert isinstance(cgroups, list)
    for folder in cgroups:
        with open(f"{folder}/cgroup.procs", "w") as file:
            file.write("0")


def become(command: list[str]) -> None:
    """Executes the command, looked for along PATH as a shell would; OSError where it is nowhere.

    Not `os.execvpe`, which imports a module at this moment: the interpreter's own folder may be out of reach by now.
    """
    name = command[0]
    folders = [""] if "/" in name else os.environ.get("PATH", "").split(":")
    problem: OSError = FileNotFoundError(2, "executable file not found in $PATH")
    for folder in folders:
        try:
            os.execve(f"{folder}/{name}" if folder else name, command, dict(os.environ))  # noqa: S606  # what it is for
        except (FileNotFoundError, NotADirectoryError) as error:
            if "/" in name:
                problem = error
        except PermissionError as error:
            problem = error
    raise problem


def run(plan: dict[str, object]) -> None:
    """Does what the plan says; returns never, or with an OSError."""
    parent = int(str(plan["parent"]))
    die_with_parent(parent)
    if path := plan.get("record"):
        record(str(path))
    limit(plan)
    if plan.get("root"):
        enter_root(plan)
    uid = plan.get("uid")
    os.umask(0o022)
    if isinstance(uid, int):
        drop_privileges(uid)
    die_with_parent(0)
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if parent and os.getppid() not in (parent, 0):
        os._exit(NOT_STARTED)
    os.chdir(str(plan["cwd"]))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    command = plan["command"]
    assert isinstance(command, list)
    become(command)


if __name__ == "__main__":
    the_plan = json.loads(sys.argv[1])
    failures = os.open(the_plan["error"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        run(the_plan)
    except (OSError, ValueError) as error:
        os.write(failures, f"{error}".encode()[:2000])
    os._exit(NOT_STARTED)
