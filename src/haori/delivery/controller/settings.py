"""What the engine is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from haori.delivery.apply.steps import ApplySettings
from haori.delivery.controller.lease import LeaseSettings
from haori.delivery.controller.metering.server import MetricsSettings
from haori.resources import argo


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSettings:
    """How much at once, and how soon."""

    workers: int = 8
    """Applications looked at together; each waits for cluster and Git most of its time."""
    settle_seconds: float = 0.05
    """How long changes of live objects are gathered before their application is looked at: a rollout changes dozens."""
    renders_at_once: int = 2
    """Renders under way together; Helm and Kustomize are processes and want a core each."""
    render_seconds: float = 60.0
    """The longest that Helm or Kustomize may take for one source; what takes longer is stopped and said to be so."""
    resync_seconds: float = 600.0
    """Every application is compared again after so long even if nothing was heard, jitter of a tenth included; 0: never."""


POLL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSettings:
    """How repositories are watched."""

    poll_seconds: float | None = None
    """Pause between two looks at a repository, with jitter; 0: never; None: as `timeout.reconciliation` of argocd-cm says, else
    POLL_SECONDS. A push that is told of is looked at once."""
    fetches_at_once: int = 4
    """Repositories fetched together."""
    repository_bytes: int = 2 << 30
    """The most that one repository may weigh, with its history; a larger one is refused while it is fetched."""


class Mode(StrEnum):
    """Whether an engine may write."""

    AUTO = "auto"
    """It leads, unless another controller reconciles the Applications: then it observes."""
    OBSERVE = "observe"
    LEAD = "lead"
    """Whatever else runs there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """One engine. `data_dir` is its own folder (`D/engine`): instance key, mirrors, render cache, listener's address."""

    data_dir: Path
    kubeconfig: Path | None = None
    """The cluster's kubeconfig; None: KUBECONFIG, the user's own, or the Pod's service account, as kubectl finds it."""
    context: str | None = None
    """Context of the kubeconfig; None: its current one."""
    namespace: str = argo.CONTROL_NAMESPACE
    """The control namespace: projects, settings, repository Secrets, Lease, and the Applications by default."""
    application_namespaces: tuple[str, ...] = ()
    """Globs of further namespaces whose Applications count, where their project permits it; others are not looked at."""
    mode: Mode = Mode.AUTO
    """Whether it leads or observes; decided once, when it starts."""
    allow_file_repositories: bool = False
    """Whether file:// repositories are read; off, since whoever may create an Application could read this disk."""
    allow_loopback: bool = False
    """Whether chart repositories, registries and value files may be on this machine; off, since its listeners are not theirs."""
    allow_exec_credentials: bool = False
    """Whether programs that cluster Secrets name (execProviderConfig) are run; off, since they run as the engine does."""
    listener_host: str = "127.0.0.1"
    """Where the internal listener answers; empty: there is none."""
    listener_port: int = 0
    """Its port; 0: any free one, written to listener.json."""
    listener_url: str = ""
    """Where servers on other machines reach it, said on the Lease; empty: only who may read listener.json does."""
    listener_token: Path | None = None
    """A file with the token that those servers have too; None: one that is made at each start."""
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    work: WorkSettings = field(default_factory=WorkSettings)
    git: GitSettings = field(default_factory=GitSettings)
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    apply: ApplySettings = field(default_factory=ApplySettings)

    @property
    def mirrors(self) -> Path:
        """Where repositories are mirrored."""
        return self.data_dir / "mirrors"

    @property
    def charts(self) -> Path:
        """Where charts are kept."""
        return self.data_dir / "charts"

    @property
    def cache(self) -> Path:
        """Where sealed renders are kept."""
        return self.data_dir / "cache"

    @property
    def instance_key(self) -> Path:
        """The key that hashes Secret values and seals the cache; made at the first start."""
        return self.data_dir / "instance.key"

    @property
    def metrics_file(self) -> Path:
        """Where the address of the metrics is written: {"url"}."""
        return self.data_dir / "metrics.json"

    @property
    def listener(self) -> Path:
        """Where the listener writes {"url", "token"}."""
        return self.data_dir / "listener.json"
