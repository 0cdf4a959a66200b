"""The folders of one Pod, and what its containers see of them.

volumes/<name>/             what a volume holds
roots/<container>/          $SANDBOX_ROOT where there is no root of its own: links from mount paths to volumes
homes/<container>/  tmp/<container>/  working/<container>/
messages/<container>        what stands at its terminationMessagePath
view/<container>/           where the container's own root is put together (empty from outside)
run/<container>.pid|.error  what the launcher wrote
logs/<container>/N.log
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from haori.objects import nested_list, nested_text
from haori.sandbox.node.environment import expand
from haori.sandbox.node.isolation import Isolation, interpreter_mounts
from haori.sandbox.node.references import ConfigProblem
from haori.sandbox.node.volumes import make_empty

HOME = "/home/pod"
LONGEST_MESSAGE_BYTES = 4096
"""Of a termination message. see: kubernetes pkg/kubelet/container `MaxContainerTerminationMessageLength`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """How one container sees files."""

    sandbox_root: str
    """What `SANDBOX_ROOT` is; a mount path after it is where the mount appears."""
    home: str
    temporary: str
    working_folder: str
    root: Path | None
    mounts: tuple[tuple[str, str, bool], ...]
    unfollowed: frozenset[str] = frozenset()
    """Sources of mounts that lie in what a Pod may write; no link on the way there is to be followed."""


class PodFiles:
    """The folders of the Pod `uid`."""

    def __init__(self, uid: str, *, pods_folder: Path, isolation: Isolation, owner: int | None) -> None:
        self.folder = pods_folder / uid
        self.seen = isolation.files / "pods" / uid
        """Below it lies what the Pod's processes see; another place than `folder` only where they could not reach it."""
        self.owner = owner
        self._isolation = isolation

    def log_file(self, container: str, attempt: int) -> Path:
        """The log of one run."""
        return self.folder / "logs" / container / f"{attempt}.log"

    def volume(self, name: str) -> Path:
        """A volume's folder."""
        return self.seen / "volumes" / name

    def run_file(self, container: str, suffix: str) -> Path:
        """`run/<container>.<suffix>`."""
        return self.folder / "run" / f"{container}.{suffix}"

    def message_file(self, container: str) -> Path:
        """What the container writes to its terminationMessagePath."""
        return self.seen / "messages" / container

    def message(self, container: str) -> str:
        """What the last run wrote there, cut as a kubelet cuts it; empty where it said nothing. Blocking."""
        try:
            with self.message_file(container).open("rb") as file:
                return file.read(LONGEST_MESSAGE_BYTES).decode(errors="replace")
        except OSError:
            return ""

    def _empty_message(self, container: str) -> None:
        path = self.message_file(container)
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if self.owner is not None:
            os.chown(path, self.owner, self.owner)

    def make(self) -> None:
        """The folders that every Pod has. Blocking."""
        for folder in (self.folder, self.seen, self.seen / "volumes"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o711)
        (self.folder / "run").mkdir(exist_ok=True)

    def remove(self) -> None:
        """Everything of the Pod goes. Blocking."""
        for folder in (self.folder, self.seen):
            shutil.rmtree(folder, ignore_errors=True)

    def view(
        self,
        container: Mapping[str, Any],
        sources: Mapping[str, Path],
        environment: Mapping[str, str],
        *,
        read_only: Collection[str] = (),
    ) -> ContainerView:
        """Makes and gives what the container sees; `sources` are the folders of volumes by name. Blocking.

        `read_only` names volumes that nobody may write in.

        ConfigProblem where a mount names no volume or leaves it.
        """
        name = str(container["name"])
        home, temporary = self.seen / "homes" / name, self.seen / "tmp" / name
        for folder in (home, temporary):
            make_empty(folder, uid=self.owner)
        found = [
            (_source(each, sources, environment, is_configuration=str(each["name"]) in read_only), each)
            for each in nested_list(container, "volumeMounts")
        ]
        unfollowed = frozenset(
            str(source)
            for source, each in found
            if str(each["name"]) not in read_only and source != sources[str(each["name"])]
        )
        mounts = [
            (
                str(source),
                _inside(str(each["mountPath"])),
                bool(each.get("readOnly")) or str(each["name"]) in read_only,
            )
            for source, each in found
        ]
        if path := nested_text(container, "terminationMessagePath"):
            self._empty_message(name)
            mounts.append((str(self.message_file(name)), _inside(path), False))
        mounts.sort(key=lambda mount: len(PurePosixPath(mount[1]).parts))
        working = nested_text(container, "workingDir")
        working = _inside(working) if working else ""
        if self._isolation.own_root:
            return replace(self._own_root(name, mounts, home, temporary, working), unfollowed=unfollowed)
        return self._linked(name, mounts, home, temporary, working)

    def _own_root(
        self, name: str, mounts: list[tuple[str, str, bool]], home: Path, temporary: Path, working: str
    ) -> ContainerView:
        root = self.seen / "view" / name
        root.mkdir(parents=True, exist_ok=True)
        own = [(str(home), HOME, False), (str(temporary), "/tmp", False)]  # noqa: S108  # the container's own
        if working and not any(_is_below(working, target) for _, target, _ in mounts) and not os.path.isdir(working):
            place = self.seen / "working" / name
            make_empty(place, uid=self.owner)
            own.append((str(place), working, False))
        return ContainerView(
            sandbox_root="",
            home=HOME,
            temporary="/tmp",  # noqa: S108  # the container's own
            working_folder=working or HOME,
            root=root,
            mounts=_with_interpreter([*own, *mounts]),
        )

    def _linked(
        self, name: str, mounts: list[tuple[str, str, bool]], home: Path, temporary: Path, working: str
    ) -> ContainerView:
        root = self.seen / "roots" / name
        shutil.rmtree(root, ignore_errors=True)
        make_empty(root, uid=self.owner)
        for source, target, _ in mounts:
            link = root / target.strip("/")
            # What is mounted below a volume is put into it; a link there must not lead us elsewhere.
            places = (root, *(Path(each) for each, _, _ in mounts))
            if not any(link.parent.resolve().is_relative_to(place.resolve()) for place in places):
                raise ConfigProblem("CreateContainerConfigError", f"mount path {target} leaves its volume")
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(source)
        folder = home
        if working:
            folder = root / working.strip("/")
            if folder.resolve().is_relative_to(root.resolve()):
                folder.mkdir(parents=True, exist_ok=True)
        return ContainerView(
            sandbox_root=str(root),
            home=str(home),
            temporary=str(temporary),
            working_folder=str(folder),
            root=None,
            mounts=(),
        )


def _inside(path: str) -> str:
    """A path in a container without `..`, which would lead out of it."""
    return os.path.normpath(f"/{path.lstrip('/')}")


def _with_interpreter(mounts: list[tuple[str, str, bool]]) -> tuple[tuple[str, str, bool], ...]:
    """The mounts with the interpreter's folders: first, but behind what would cover them (a checkout below /tmp)."""
    targets = {target for _, target, _ in mounts}
    own = interpreter_mounts()
    covered = [each for each in own if any(each[1] != target and _is_below(each[1], target) for target in targets)]
    return (*(each for each in own if each not in covered), *mounts, *covered)


def _is_below(path: str, parent: str) -> bool:
    return PurePosixPath(path).is_relative_to(PurePosixPath(parent))


def _source(
    mount: Mapping[str, Any],
    sources: Mapping[str, Path],
    environment: Mapping[str, str],
    *,
    is_configuration: bool,
) -> Path:
    name = str(mount.get("name"))
    if name not in sources:
        raise ConfigProblem("CreateContainerConfigError", f'volume mount "{name}" names no volume of the pod')
    source = sources[name]
    below = nested_text(mount, "subPath") or expand(nested_text(mount, "subPathExpr"), environment)
    if not below:
        return source
    path = PurePosixPath(below)
    if path.is_absolute() or ".." in path.parts:
        raise ConfigProblem("CreateContainerConfigError", f"subPath {below} of volume {name} leaves the volume")
    base, wanted = source.resolve(), (source / path).resolve()
    if not wanted.is_relative_to(base):
        raise ConfigProblem("CreateContainerConfigError", f"subPath {below} of volume {name} leaves the volume")
    if is_configuration:
        return source / path  # Its links are the node's own, and follow what the API says.
    try:
        _make_below(base, wanted.relative_to(base).parts)
    except OSError as error:
        text = f"subPath {below} of volume {name} cannot be made: {error.strerror}"
        raise ConfigProblem("CreateContainerConfigError", text) from error
    return wanted


def _make_below(base: Path, names: tuple[str, ...]) -> None:
    """Makes the folders that are missing. No link is followed: whoever may write in `base` may change it meanwhile."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    place = os.open(base, flags)
    try:
        owner = os.fstat(place)
        for index, name in enumerate(names):
            is_new = False
            try:
                found = os.stat(name, dir_fd=place, follow_symlinks=False)
                if index == len(names) - 1 and stat.S_ISREG(found.st_mode):
                    return
            except FileNotFoundError:
                os.mkdir(name, 0o700, dir_fd=place)
                is_new = True
            below = os.open(name, flags, dir_fd=place)
            os.close(place)
            place = below
            if is_new:
                os.fchown(place, owner.st_uid, owner.st_gid)
                os.fchmod(place, 0o777)
    finally:
        os.close(place)
