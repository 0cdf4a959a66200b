"""What this machine lets a node do for its processes, tried once at start: own root, own user, where files may lie."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from haori.sandbox.node.process_run import LaunchPlan, start_process

PROBE_SECONDS = 10.0
FIRST_UID = 700_000_000
"""Users nobody has; each Pod is one of its own, so Pods cannot read each other's Secrets."""
SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """How real processes are kept apart here."""

    own_root: bool
    """Each container sees the system's folders and its own mounts at their true paths, nothing else."""
    drops_privileges: bool
    """We are root, the processes are not."""
    files: Path
    """Below it lie the files that Pods see."""

    @property
    def label(self) -> str:
        """For the Node's annotation."""
        return "mount-namespace" if self.own_root else "folder"

    def uid_for(self, offset: int) -> int | None:
        """The user of the Pod with this number."""
        return FIRST_UID + offset if self.drops_privileges else None


def interpreter_mounts() -> list[tuple[str, str, bool]]:
    """This interpreter's folders, where they are not the system's: `python3` runs in every container."""
    folders = {str(Path(sys.base_prefix).resolve()), str(Path(sys.executable).absolute().parent.parent), sys.prefix}
    system = ("/usr", "/bin", "/lib", "/opt", "/etc")
    return [(each, each, True) for each in sorted(folders) if each != "/" and not each.startswith(system)]


def search_path() -> str:
    """PATH of every container: this interpreter's folder, then the system's."""
    return ":".join(dict.fromkeys((str(Path(sys.executable).absolute().parent), *SYSTEM_PATH)))


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def find_isolation(data_files: Path) -> Isolation:
    """What works here. `data_files` is used for the Pods' files where whoever runs them can reach it."""
    root = os.geteuid() == 0
    if await _own_root_works(data_files):
        return Isolation(own_root=True, drops_privileges=root, files=data_files)
    if not root:
        return Isolation(own_root=False, drops_privileges=False, files=data_files)
    # An unprivileged user cannot come through a private data folder, and without a root of its own it has to.
    digest = hashlib.sha256(str(data_files).encode()).hexdigest()[:12]
    outside = Path(tempfile.gettempdir()) / f"haori-node-{digest}"
    outside.mkdir(mode=0o711, exist_ok=True)
    status = outside.lstat()
    if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
        # Somebody else had the name first, in a folder where everybody may write.
        outside = Path(tempfile.mkdtemp(prefix=f"haori-node-{digest}-"))
        outside.chmod(0o711)
    shutil.rmtree(outside / "pods", ignore_errors=True)
    return Isolation(own_root=False, drops_privileges=True, files=outside)


async def _own_root_works(folder: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=_make(folder), ignore_cleanup_errors=True) as place:
        root = _make(Path(place) / "root")
        plan = LaunchPlan(
            command=["python3", "-I", "-S", "-c", "pass"],
            environment={"PATH": search_path()},
            working_folder="/",
            error_file=Path(place) / "error",
            root=root,
            mounts=interpreter_mounts(),
            uid=FIRST_UID if os.geteuid() == 0 else None,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                run = await start_process(plan, lambda stream, content: None)
                try:
                    return (await run.wait()).exit_code == 0
                finally:
                    await run.stop(0)
    return False
