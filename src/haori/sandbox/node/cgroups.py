"""Control groups for real containers: memory, processes, processor, each where this machine lets us keep it.

Found once at start. Of each controller we use the group that we are in ourselves, so that the limits above it hold on,
and only where that group is ours to divide: the root of the mount (a machine or a container of its own), or one that
systemd delegated (`user.delegate`, `trusted.delegate`). A group that somebody else manages is left alone: its manager
would not know of ours. Version 1 has one hierarchy a controller, version 2 one for all; both may be there at once.

Below `haori-<node>` each run of a container has one folder, `<pod uid>.<container>`, in each hierarchy.
see: kernel Documentation/admin-guide/cgroup-v2.rst, systemd `CGROUP_DELEGATION`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from haori.sandbox.node.limits import ContainerLimits

log = logging.getLogger(__name__)

REST = "haori-rest"
"""Where our own processes go in a delegated group of version 2, which may not hold processes and groups alike."""
PERIOD_MICROSECONDS = 100_000
END_ROUNDS = 50
END_PAUSE_SECONDS = 0.02


class Controller(StrEnum):
    """What is limited, by the kernel's names."""

    MEMORY = "memory"
    PIDS = "pids"
    CPU = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """One controller here: the version of its hierarchy, and the folder that this node's groups lie in."""

    version: int
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The control groups of one run; its folders by controller."""

    folders: Mapping[Controller, Path]
    limits_memory: bool

    @property
    def places(self) -> tuple[Path, ...]:
        """Each folder once."""
        return tuple(dict.fromkeys(self.folders.values()))

    def was_out_of_memory(self) -> bool:
        """Whether the kernel ended a process of the group for its memory."""
        folder = self.folders.get(Controller.MEMORY)
        if folder is None:
            return False
        return any(_counter(folder / name, "oom_kill") > 0 for name in ("memory.events", "memory.oom_control"))

    def remove(self) -> None:
        """Ends what is left in it, and it. Blocking."""
        for folder in self.places:
            remove_group(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroups:
    """What control groups keep for this node; empty where the machine lets us have none."""

    hierarchies: Mapping[Controller, Hierarchy] = field(default_factory=dict)

    def make(self, name: str, limits: ContainerLimits) -> Group:
        """A fresh group with these limits; what an earlier one of the name left is ended. Blocking.

        OSError where the machine does not give it after all.
        """
        folders: dict[Controller, Path] = {}
        for controller, hierarchy in self.hierarchies.items():
            folders[controller] = hierarchy.base / name
        for folder in dict.fromkeys(folders.values()):
            remove_group(folder)
            folder.mkdir(parents=True)
        for controller, folder in folders.items():
            for file, value, is_needed in settings_of(controller, self.hierarchies[controller].version, limits):
                if is_needed or (folder / file).exists():
                    _write(folder / file, value)
        has_memory = Controller.MEMORY in folders and limits.memory_bytes is not None
        return Group(folders=folders, limits_memory=has_memory)

    @property
    def bases(self) -> tuple[Path, ...]:
        """The folders that all of this node's groups lie in."""
        return tuple(dict.fromkeys(each.base for each in self.hierarchies.values()))

    def clear(self) -> None:
        """Ends and removes all groups of this node, and their folder. Blocking."""
        for base in self.bases:
            clear_base(base)


def settings_of(controller: Controller, version: int, limits: ContainerLimits) -> Iterable[tuple[str, str, bool]]:
    """(file, value, whether it has to be there) as a kubelet and its runtime write them.

    see: kubernetes pkg/kubelet/cm/helpers_linux.go, opencontainers/cgroups `ConvertCPUSharesToCgroupV2Value`.
    """
    match controller:
        case Controller.PIDS:
            yield "pids.max", str(limits.processes), True
        case Controller.MEMORY if limits.memory_bytes is not None:
            if version == 2:
                yield "memory.max", str(limits.memory_bytes), True
                yield "memory.swap.max", "0", False
                yield "memory.oom.group", "1", False
            else:
                yield "memory.limit_in_bytes", str(limits.memory_bytes), True
                yield "memory.memsw.limit_in_bytes", str(limits.memory_bytes), False
        case Controller.CPU:
            shares = max(2, min(limits.cpu_request_millis * 1024 // 1000, 262_144))
            if version == 2:
                yield "cpu.weight", str(1 + (shares - 2) * 9999 // 262_142), True
            else:
                yield "cpu.shares", str(shares), True
            if limits.cpu_limit_millis is not None:
                quota = max(1000, limits.cpu_limit_millis * PERIOD_MICROSECONDS // 1000)
                if version == 2:
                    yield "cpu.max", f"{quota} {PERIOD_MICROSECONDS}", True
                else:
                    yield "cpu.cfs_period_us", str(PERIOD_MICROSECONDS), True
                    yield "cpu.cfs_quota_us", str(quota), True
        case _:
            return


def find_cgroups(digest: str, *, process: Path = Path("/proc/self")) -> Cgroups:
    """The controllers that can be used here, tried. `digest` names this node on this machine. Blocking."""
    try:
        own = own_groups((process / "cgroup").read_text(), (process / "mountinfo").read_text())
    except OSError:
        return Cgroups()
    found: dict[Controller, Hierarchy] = {}
    for controller in Controller:
        for version, name in ((1, str(controller)), (2, "")):
            place = own.get(name)
            if place is None or not may_divide(place):
                continue
            hierarchy = Hierarchy(version=version, base=_group_above(place.folder) / f"haori-{digest}")
            try:
                _prepare(hierarchy, controller)
                _try(hierarchy, controller)
            except OSError as problem:
                log.debug("no control group", extra={"controller": str(controller), "problem": str(problem)})
                _remove_folder(hierarchy.base)
                continue
            found[controller] = hierarchy
            break
    return Cgroups(hierarchies=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGroup:
    """The group that we are in."""

    folder: Path
    is_top: bool
    """Whether it is the uppermost that can be seen."""


def own_groups(cgroup: str, mountinfo: str) -> dict[str, OwnGroup]:
    """By controller's name ("" for version 2); from the texts of /proc/PID/cgroup and /proc/PID/mountinfo. Pure."""
    mounts: dict[str, tuple[PurePosixPath, Path]] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or not kind or kind[0] not in ("cgroup", "cgroup2"):
            continue
        names = [""] if kind[0] == "cgroup2" else kind[2].split(",")
        for name in names:
            mounts.setdefault(name, (PurePosixPath(fields[3]), Path(fields[4])))
    found = {}
    for line in cgroup.splitlines():
        _, _, rest = line.partition(":")
        names_text, _, path = rest.partition(":")
        for name in names_text.split(","):
            if name in mounts and PurePosixPath(path).is_relative_to(mounts[name][0]):
                root, point = mounts[name]
                below = PurePosixPath(path).relative_to(root)
                found[name] = OwnGroup(folder=point / below, is_top=str(below) == ".")
    return found


def may_divide(own: OwnGroup) -> bool:
    """Whether the group is ours to make others in; see the module."""
    return own.is_top or is_delegated(_group_above(own.folder))


def is_delegated(folder: Path) -> bool:
    """Whether systemd says that the group was handed over."""
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _group_above(folder: Path) -> Path:
    return folder.parent if folder.name == REST else folder


def _prepare(hierarchy: Hierarchy, controller: Controller) -> None:
    """The node's folder, with the controller handed down to it and below it where the hierarchy wants that said."""
    if hierarchy.version == 2:
        above = hierarchy.base.parent
        try:
            _hand_down(above, controller)
        except OSError:
            if not is_delegated(above):
                raise
            _step_aside(above)
            _hand_down(above, controller)
    hierarchy.base.mkdir(exist_ok=True)
    if hierarchy.version == 2:
        _hand_down(hierarchy.base, controller)


def _hand_down(folder: Path, controller: Controller) -> None:
    if controller not in (folder / "cgroup.subtree_control").read_text().split():
        _write(folder / "cgroup.subtree_control", f"+{controller}")


def _step_aside(folder: Path) -> None:
    """Moves the processes of a delegated group into one below it."""
    rest = folder / REST
    rest.mkdir(exist_ok=True)
    for pid in (folder / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            _write(rest / "cgroup.procs", pid)


def _try(hierarchy: Hierarchy, controller: Controller) -> None:
    limits = ContainerLimits(memory_bytes=1 << 30, cpu_limit_millis=1000, cpu_request_millis=1000)
    made = Cgroups(hierarchies={controller: hierarchy}).make("trial", limits)
    made.remove()


def clear_base(base: Path) -> None:
    """Ends and removes every group in the folder, and the folder; nothing where it is not there. Blocking."""
    if base.is_dir():
        for folder in base.iterdir():
            if folder.is_dir():
                remove_group(folder)
        _remove_folder(base)


def remove_group(
    folder: Path,
    *,
    kill: Callable[[int, int], None] = os.kill,
    rounds: int = END_ROUNDS,
    pause: float = END_PAUSE_SECONDS,
) -> bool:
    """Kills what is in a group, then removes it; whether it is gone. Blocking, for a second at the most."""
    for _ in range(rounds):
        if _remove_folder(folder):
            return True
        for pid in _members(folder):
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        time.sleep(pause)
    log.warning("control group not removed", extra={"folder": str(folder)})
    return False


def _members(folder: Path) -> list[int]:
    try:
        return [int(each) for each in (folder / "cgroup.procs").read_text().split() if each != "0"]
    except OSError:
        return []


def _remove_folder(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _counter(file: Path, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def _write(file: Path, value: str) -> None:
    # Not created where it is missing: a control file that is not there is a control that the kernel does not have.
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
