"""The health of an application: the worst of its objects, with Argo CD's exceptions.

One missing object does not make the application Missing (it is merely OutOfSync), all of them missing do. A child
Application that is Missing or Unknown does not count. `argocd.argoproj.io/ignore-healthcheck: "true"` on the live
object leaves it out. see: argoproj/argo-cd `controller/health.go` (3.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from haori.delivery.health.types import HEALTHY, Health, health, is_worse
from haori.objects import GroupKind, Manifest, ResourceKey, annotations_of
from haori.resources import argo
from haori.resources.argo import HealthStatus

_CHILD = GroupKind(argo.ARGO_GROUP, argo.APPLICATION)
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """One managed object as the roll-up sees it; `health` is None where the kind has no check."""

    key: ResourceKey
    health: Health | None
    is_live: bool = True
    is_ignored: bool = False


def is_health_ignored(live: Manifest) -> bool:
    """Whether the object asks to be left out."""
    return annotations_of(live).get(argo.IGNORE_HEALTH) == "true"


def roll_up(objects: Iterable[Culprit], *, itself: ResourceKey | None = None) -> Health:
    """The application's health over its managed, non-hook objects; `itself` is the application's own key.

    The sentence names up to three objects that have the worst health, in order of their keys.
    """
    managed = list(objects)
    if managed and not any(item.is_live for item in managed):
        return health(HealthStatus.MISSING, "health-nothing-live", count=len(managed))
    counted = [item for item in managed if item.key != itself and not item.is_ignored]
    status, culprits = HealthStatus.HEALTHY, []
    for item in sorted(counted, key=lambda item: item.key):
        if not item.is_live or item.health is None:
            continue
        if item.key.group_kind == _CHILD and item.health.status in (HealthStatus.MISSING, HealthStatus.UNKNOWN):
            continue
        if is_worse(item.health.status, status):
            status, culprits = item.health.status, [item]
        elif item.health.status is status:
            culprits.append(item)
    if status is HealthStatus.HEALTHY:
        return HEALTHY
    return _named(status, culprits)


def _named(status: HealthStatus, culprits: list[Culprit]) -> Health:
    first = culprits[0]
    reason = first.health.sentence if first.health is not None and first.health.sentence is not None else ""
    parameters = {"object": str(first.key), "reason": reason, "status": status.value}
    if len(culprits) == 1:
        return health(status, "health-one-object", **parameters)
    others = [str(item.key) for item in culprits[1:_NAMED]]
    return health(status, "health-many-objects", others=others, count=len(culprits), **parameters)
