"""What an instance was asked to run, kept in its data folder so that restarted processes are given the same."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from haori.cli.instance import Instance, InstanceError, read_json, write_json

STORE_URL = "HAORI_STORE_URL"
"""The environment's name for the URL of a PostgreSQL server, where the instance is to run none of its own."""
STORE_WAIT_SECONDS = 5.0
"""That a request waits for a connection to the store: others wait for the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSettings:
    """The choices of the first `up`; later ones may change them, ports stay."""

    platform: str | None = None
    """Folder the served repository was seeded from; None: no repository is served."""
    kubeconfig: str | None = None
    """The cluster to drive; None: the instance's own sandbox."""
    context: str | None = None
    """The context of `kubeconfig`; None: its current one."""
    run_processes: bool = False
    """Whether Pods that ask for it run as real processes on this machine."""
    engine: bool = True
    """Whether the delivery engine runs; off where `haori sandbox start` made the instance."""
    api_port: int = 0
    """Port of the sandbox's API as asked for; 0: chosen free once."""
    git_port: int = 0
    """Port of the Git server, chosen free once so that clone URLs survive a restart."""

    @property
    def uses_sandbox(self) -> bool:
        """Whether the instance brings its own cluster."""
        return self.kubeconfig is None and self.context is None

    def save(self, instance: Instance) -> None:
        """Writes the settings into the data folder."""
        write_json(instance.settings, asdict(self))


def load_settings(instance: Instance) -> InstanceSettings | None:
    """The settings of the last `up`, or None where none ran. Raises InstanceError on a file it cannot read."""
    value = read_json(instance.settings)
    if not value:
        return None
    try:
        return InstanceSettings(**value)
    except TypeError as error:
        raise InstanceError("state-file-unreadable", path=str(instance.settings), reason=str(error)) from error


def free_port() -> int:
    """A port on loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resolve_kubeconfig(path: str | None) -> str | None:
    """`path` made absolute; raises InstanceError where it is no file."""
    if path is None:
        return None
    found = Path(path).expanduser().resolve()
    if not found.is_file():
        raise InstanceError("kubeconfig-missing", path=str(found))
    return str(found)
