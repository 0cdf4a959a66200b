"""How `haori run engine` and `haori run server` are told what they need in a Pod: by its environment, as `deploy/` sets it.

A Pod shares no folder with the others, so the engine says in its Lease where it is, and engines and servers have one token
from a Secret. The cluster is reached by the Pod's service account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from haori.cli.instance import Instance
from haori.cli.settings import STORE_URL, STORE_WAIT_SECONDS

if TYPE_CHECKING:
    from haori.delivery.controller.settings import EngineSettings
    from haori.server.settings import ServerSettings

NAMESPACE, POD_IP, LISTEN, ENGINE_TOKEN, NAMES = (
    "HAORI_NAMESPACE", "HAORI_POD_IP", "HAORI_LISTEN_HOST", "HAORI_ENGINE_TOKEN_FILE", "HAORI_SERVER_NAMES",
)  # fmt: skip
TRUSTED_PROXIES = "HAORI_TRUSTED_PROXIES"
SERVER_PORT, METRICS_PORT, LISTENER_PORT = 8080, 8082, 8083
SERVICE = "haori"
"""Name of the servers' Service in `deploy/`."""
SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "argocd"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """One Pod."""

    namespace: str
    """The control namespace."""
    pod_ip: str
    """Under which the other Pods reach this one; empty: they do not."""
    host: str
    """What to listen on."""
    engine_token: Path | None
    """The file with the token of the engines' listeners."""
    names: tuple[str, ...]
    """Names beside the Service's under which people reach the servers."""
    store_url: str = field(default="", repr=False)
    """The PostgreSQL server; empty: there is none, and who needs it is told so."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the proxies in front, whose word counts for where a request came from."""


def read_pod(environ: Mapping[str, str], namespace_file: Path = SERVICE_ACCOUNT_NAMESPACE) -> PodSettings | None:
    """What the environment says, None where this is no Pod."""
    if not environ.get("KUBERNETES_SERVICE_HOST"):
        return None
    pod_ip, token = environ.get(POD_IP, ""), environ.get(ENGINE_TOKEN, "")
    everything = "::" if ":" in pod_ip else "0.0.0.0"  # noqa: S104 - a Pod's own network; NetworkPolicies say who comes in
    return PodSettings(
        namespace=environ.get(NAMESPACE) or _own_namespace(namespace_file),
        pod_ip=pod_ip,
        host=environ.get(LISTEN) or everything,
        engine_token=Path(token) if token else None,
        names=_listed(environ.get(NAMES, "")),
        store_url=environ.get(STORE_URL, ""),
        trusted_proxies=_listed(environ.get(TRUSTED_PROXIES, "")),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name for each in text.split(",") if (name := each.strip()))


def _own_namespace(path: Path) -> str:
    try:
        return path.read_text().strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE


def engine_settings(instance: Instance, pod: PodSettings) -> EngineSettings:
    """Of an engine in a Pod. Without a token its listener is for this Pod alone."""
    from haori.delivery.controller.metering import MetricsSettings
    from haori.delivery.controller.settings import EngineSettings

    is_shared = pod.engine_token is not None and bool(pod.pod_ip)
    host = f"[{pod.pod_ip}]" if ":" in pod.pod_ip else pod.pod_ip
    return EngineSettings(
        data_dir=instance.data_dir / "engine",
        namespace=pod.namespace,
        listener_host=pod.host if is_shared else "127.0.0.1",
        listener_port=LISTENER_PORT,
        listener_url=f"http://{host}:{LISTENER_PORT}" if is_shared else "",
        listener_token=pod.engine_token if is_shared else None,
        metrics=MetricsSettings(host=pod.host, port=METRICS_PORT),
    )


def server_settings(instance: Instance, pod: PodSettings) -> ServerSettings:
    """Of a server in a Pod."""
    from haori.server.built import built_console
    from haori.server.settings import ServerSettings
    from haori.store.settings import StoreSettings

    inside = (SERVICE, f"{SERVICE}.{pod.namespace}", f"{SERVICE}.{pod.namespace}.svc")
    return ServerSettings(
        data_dir=instance.data_dir / "server",
        namespace=pod.namespace,
        engine_token=pod.engine_token,
        host=pod.host,
        port=SERVER_PORT,
        names=("haori.localhost", *inside, f"{inside[-1]}.cluster.local", *pod.names),
        console=built_console(),
        store=StoreSettings(url=pod.store_url, wait_seconds=STORE_WAIT_SECONDS) if pod.store_url else None,
        trusted_proxies=pod.trusted_proxies,
    )
