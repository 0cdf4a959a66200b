"""What the server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from haori.resources import argo
from haori.store.settings import StoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """One server. `data_dir` is its own folder (`D/server`), where its address is written."""

    data_dir: Path
    kubeconfig: Path | None = None
    """The cluster's kubeconfig; None: as kubectl finds it, or the Pod's service account."""
    context: str | None = None
    """Context of the kubeconfig; None: its current one."""
    namespace: str = argo.CONTROL_NAMESPACE
    """The control namespace."""
    application_namespaces: tuple[str, ...] = ()
    """Globs of further namespaces whose Applications count, beside those that the settings in the cluster name."""
    engine: Path | None = None
    """The file in which the engine says where its listener is ({"url", "token"}); None: there is none to ask."""
    engine_token: Path | None = None
    """The file with the token of engines in other Pods, whose leader says in its Lease where it is; wins over `engine`."""
    host: str = "127.0.0.1"
    """The address to listen on: loopback unless told otherwise."""
    port: int = 0
    """0: the one of the last run where it is free, else any."""
    names: tuple[str, ...] = ("haori.localhost",)
    """Names beside the address that a request's Host may say."""
    console: Path | None = None
    """The folder of the console's built files; None: only the API is served."""
    allow_exec_credentials: bool = False
    """Whether programs that cluster Secrets name are run to reach those clusters."""
    allow_file_repositories: bool = False
    """Whether repositories on the disk of an engine that reads them may be registered; off, as whoever may add repositories
    could read that disk."""

    store: StoreSettings | None = field(default=None, repr=False)
    """Where sessions, tokens with scopes, links and the audit log are kept; None: there are none of them."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose word counts for where a request came from (X-Forwarded-For); none: the peer is the sender."""

    @property
    def address_file(self) -> Path:
        """Where {"url", "port", "token"} is written while it answers, for its owner only."""
        return self.data_dir / "server.json"
