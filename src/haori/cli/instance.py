"""Where one instance keeps its things.

An instance is what `haori up` runs: one data folder (mode 0700) that holds every key, database, mirror and log. The
layout is known here and nowhere else, so that commands find a running instance by its folder alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haori.errors import UserError

CONSOLE_HOST = "haori.localhost"
"""The console's name on this machine: no workload has it, and cookies ignore ports."""
OWN_NAMES = ("kubeconfig", "sandbox", "node", "git", "engine", "server", "store", "logs", "run", "instance.json")
"""What Haori makes in a data folder, in the order it is deleted: nothing else there is ever touched."""
_NOT_CONTENT = ("lost+found",)


class InstanceError(UserError):
    """The data folder cannot be used, or nothing runs in it."""


@dataclass(frozen=True, slots=True)
class Instance:
    """The paths of one data folder; nothing is created by naming them."""

    data_dir: Path

    @property
    def kubeconfig(self) -> Path:
        """Credentials of the cluster the instance drives."""
        return self.data_dir / "kubeconfig"

    @property
    def node_kubeconfig(self) -> Path:
        """What the sandbox's own node may, which is less."""
        return self.data_dir / "sandbox" / "pki" / "node.kubeconfig"

    @property
    def settings(self) -> Path:
        """What `up` was asked to run, kept so that a restarted process is given the same."""
        return self.data_dir / "instance.json"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.data_dir / "logs"

    @property
    def run(self) -> Path:
        """One record a process: pid, start ticks, whether it is ready."""
        return self.data_dir / "run"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.run / "supervisor.lock"

    @property
    def image_rules(self) -> Path:
        """Which images the sandbox's node takes for existing."""
        return self.data_dir / "node" / "images.yaml"

    @property
    def listener(self) -> Path:
        """Where the engine's internal listener is, and its token."""
        return self.data_dir / "engine" / "listener.json"

    @property
    def metrics(self) -> Path:
        """Where the engine tells its numbers."""
        return self.data_dir / "engine" / "metrics.json"

    @property
    def server(self) -> Path:
        """Where the HTTP API is, and the owner's token."""
        return self.data_dir / "server" / "server.json"

    @property
    def store(self) -> Path:
        """PostgreSQL's, where no URL is given."""
        return self.data_dir / "store"

    @property
    def git_server(self) -> Path:
        """Where the Git server is; the clone URL carries its token."""
        return self.data_dir / "git" / "server.json"

    @property
    def sandbox_server(self) -> Path:
        """Where the sandbox's API is."""
        return self.data_dir / "sandbox" / "server.json"

    def create(self) -> None:
        """Makes the folder, private to its owner, and marks it as Haori's by an empty `instance.json`.

        Raises InstanceError where that fails, and for a folder that holds something but no `instance.json`: it is
        somebody else's, and `reset` would delete from it.
        """
        if not self.settings.exists():
            if names := self._foreign_names():
                raise InstanceError("data-folder-foreign", path=str(self.data_dir), names=names)
            self._make_folders(self.data_dir)
            write_json(self.settings, {})
        self._make_folders(self.data_dir, self.logs, self.run)

    def _foreign_names(self, most: int = 3) -> list[str]:
        try:
            found = sorted(path.name for path in self.data_dir.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InstanceError("instance-folder-unusable", path=str(self.data_dir), reason=error.strerror) from error
        unfinished = f".{self.settings.name}."
        return [name for name in found if name not in _NOT_CONTENT and not name.startswith(unfinished)][:most]

    def _make_folders(self, *folders: Path) -> None:
        try:
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.data_dir.chmod(0o700)
        except OSError as error:
            raise InstanceError("instance-folder-unusable", path=str(self.data_dir), reason=error.strerror) from error


def default_data_dir() -> Path:
    """HAORI_DATA_DIR, else `haori` under the XDG data home."""
    if given := os.environ.get("HAORI_DATA_DIR"):
        return Path(given)
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(home) / "haori"


def read_json(path: Path) -> dict[str, Any]:
    """The mapping a small state file holds; an absent file is empty, a broken one raises InstanceError."""
    import json

    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InstanceError("state-file-unreadable", path=str(path), reason=str(error)) from error
    if not isinstance(value, dict):
        raise InstanceError("state-file-unreadable", path=str(path), reason=type(value).__name__)
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces `path` by `value` in one step, readable by its owner only."""
    import json

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InstanceError("state-file-unwritable", path=str(path), reason=error.strerror) from error
