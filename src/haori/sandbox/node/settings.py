"""What a node is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TAINT = "sandbox.haori.dev/node"
"""Keeps other people's Pods away from a node that only simulates (or runs on the operator's own machine)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """One node. Everything it keeps stands under `data_dir/node`."""

    kubeconfig: Path
    """How the API is reached; whoever it names must be allowed what a kubelet is (`system:node` and Secrets)."""
    data_dir: Path
    """The instance's data folder; the node writes below `node/` alone."""
    node_name: str = "sandbox-node"
    context: str = ""
    """The kubeconfig's context; empty: the current one."""
    run_processes: bool = False
    """Whether Pods that name a command for us get a real process; off: they are simulated like all others."""
    image_rules: Path | None = None
    """Which images exist (`images.yaml`); None: `data_dir/node/images.yaml` where it is there, else all do."""
    taint: bool = False
    """Whether the node refuses Pods that do not tolerate `sandbox.haori.dev/node:NoSchedule`."""
    first_back_off_seconds: float = 10.0
    """The first pause before a container that ended is started again, and before an image is asked for again."""
    longest_back_off_seconds: float = 300.0
    """The pause they grow to, doubling."""
    start_seconds: float = 0.2
    """How long a simulated container takes to start."""
    job_seconds: float = 0.5
    """How long the simulated containers of a Pod that is meant to end (restartPolicy Never, OnFailure) run."""
    heartbeat_seconds: float = 10.0
    """Between two renewals of the node's Lease."""
    status_seconds: float = 60.0
    """Between two writes of the Node's status where nothing changed."""
    kubelet_port: int = 0
    """Where logs and exec are served on loopback; 0: a free port, kept in the data folder for the next start."""
    client_authority: Path | None = None
    """PEM of who signs the client certificate that the API server shows us; None: the kubeconfig's authority."""
    log_bytes: int = 1 << 20
    """One log file of a container; when it is full it becomes `N.log.1`, and what was there before is gone."""
    largest_pod_count: int = 500

    @property
    def folder(self) -> Path:
        """The node's own folder."""
        return self.data_dir / "node"

    @property
    def pods_folder(self) -> Path:
        """One folder a Pod, named by its uid."""
        return self.folder / "pods"

    @property
    def image_rules_file(self) -> Path:
        """The file that says which images exist; it need not be there."""
        return self.image_rules or self.folder / "images.yaml"
