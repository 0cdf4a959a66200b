"""What the controllers are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """How the controllers of one cluster behave; the defaults are those of Kubernetes' own."""

    ca_certificate: str = ""
    """PEM text of ConfigMap `kube-root-ca.crt` in every namespace; empty: no such ConfigMap is written."""
    load_balancer_address: str = "127.0.0.1"
    """The address that Services of type LoadBalancer and Ingresses report; empty: they report none."""
    storage_class: str = "standard"
    """The default StorageClass, made at the start and bound at once; empty: none is made."""
    node_stale_seconds: float = 40.0
    """How old a node's last heartbeat may be before its Ready condition becomes Unknown."""
    event_seconds: float = 3600.0
    """How long an Event is kept after it was last seen."""
    terminated_pods: int = 500
    """How many ended Pods without a living owner are kept; the oldest go first (12500 in Kubernetes, which has room)."""
    backoff_seconds: float = 10.0
    """The first pause of a Job after a failed Pod; it doubles up to ten minutes."""
    now: Callable[[], datetime] = utc_now
    """The clock: aware, UTC."""
