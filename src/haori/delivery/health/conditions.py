"""Kinds that speak by conditions: a table for those we know, one rule for those we do not.

A known kind has an ordered list of (condition, its status, what that means); the first that holds decides, and where none
does its controller has not said enough yet: Progressing. Written after the facts of Argo CD's health scripts (3.6) and of
the projects themselves; where `observedGeneration` shows that the controller has not seen the newest spec the kind is
Progressing, whatever it said of the last one, which most of those scripts do not look at.

The rule for unknown kinds is kstatus's, as far as it needs no guess: an object that says nothing of the kind has no check,
so that it counts as healthy, as in Argo CD. Only words that mean an end are Degraded (Stalled, Failed, Succeeded false); a
condition Ready that is false is Progressing, since it neither fails a wave nor hides that something is still to come. see:
kubernetes-sigs/cli-utils `pkg/kstatus/README.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.delivery.health.types import HEALTHY, Health, health
from haori.objects import Manifest, nested, nested_list
from haori.resources.argo import HealthStatus

P, D, H, S = HealthStatus.PROGRESSING, HealthStatus.DEGRADED, HealthStatus.HEALTHY, HealthStatus.SUSPENDED

Meanings = Sequence[tuple[str, str, HealthStatus]]
"""(condition, status, what it means), the first that holds decides."""

READY: Meanings = (("Ready", "False", D), ("Ready", "True", H))
CERTIFICATE: Meanings = (("Issuing", "True", P), *READY)
SEALED_SECRET: Meanings = (("Synced", "False", D), ("Synced", "True", H))
APPLICATION_SET: Meanings = (
    ("ErrorOccurred", "True", D),
    ("ResourcesUpToDate", "False", D),
    ("RolloutProgressing", "True", P),
    ("ResourcesUpToDate", "True", H),
)
FLUX: Meanings = (("Stalled", "True", D), ("Ready", "False", D), ("Ready", "True", H))
SCALER: Meanings = (("Ready", "False", D), ("Fallback", "True", D), ("Paused", "True", S), ("Ready", "True", H))
KNATIVE: Meanings = (
    ("Ready", "False", D),
    ("ConfigurationsReady", "False", D),
    ("RoutesReady", "False", D),
    ("Ready", "True", H),
)
TASK_RUN: Meanings = (("Succeeded", "False", D), ("Succeeded", "True", H))
CROSSPLANE: Meanings = (
    ("LastAsyncOperation", "False", D),
    ("Synced", "False", D),
    ("Ready", "True", H),
    ("Healthy", "True", H),
    ("Offered", "True", H),
    ("Established", "True", H),
    ("ValidPipeline", "True", H),
    ("RevisionHealthy", "True", H),
)
AWS: Meanings = (
    ("ACK.Terminal", "True", D),
    ("Ready", "False", P),
    ("Ready", "True", H),
    ("ACK.ResourceSynced", "False", P),
    ("ACK.ResourceSynced", "True", H),
)

_UNKNOWN_KIND: Meanings = (
    ("Reconciling", "True", P),
    ("Ready", "True", H),
    ("Ready", "False", P),
    ("Ready", "Unknown", P),
    ("Available", "True", H),
    ("Available", "False", P),
    ("Available", "Unknown", P),
    ("Succeeded", "True", H),
    ("Succeeded", "False", D),
    ("Succeeded", "Unknown", P),
    ("Complete", "True", H),
)
_ENDED: Meanings = (("Stalled", "True", D), ("Failed", "True", D))


def condition_of(manifest: Manifest, type_: str) -> dict[str, Any]:
    """The condition of a type, empty where there is none."""
    return _find(nested_list(manifest, "status", "conditions"), type_)


def is_unobserved(manifest: Manifest) -> bool:
    """Whether `status.observedGeneration` is there and shows that the newest spec was not looked at."""
    observed, generation = nested(manifest, "status", "observedGeneration"), nested(manifest, "metadata", "generation")
    return isinstance(observed, int) and isinstance(generation, int) and observed < generation


def assess_meanings(manifest: Manifest, meanings: Meanings) -> Health:
    """The health of a known kind by what its conditions mean."""
    if is_unobserved(manifest):
        return health(P, "health-not-observed")
    found = first_meaning(nested_list(manifest, "status", "conditions"), meanings)
    return found or health(P, "health-nothing-said")


def assess_by_conditions(manifest: Manifest) -> Health | None:
    """The health of a kind without a rule; None where its conditions say nothing of the kind."""
    conditions = nested_list(manifest, "status", "conditions")
    if (ended := first_meaning(conditions, _ENDED)) is not None:
        return ended
    if is_unobserved(manifest):
        return health(P, "health-not-observed")
    return first_meaning(conditions, _UNKNOWN_KIND)


def first_meaning(conditions: Sequence[Any], meanings: Meanings) -> Health | None:
    """The first meaning that holds; None where none does."""
    for type_, status, meaning in meanings:
        condition = _find(conditions, type_)
        if condition.get("status") == status:
            return HEALTHY if meaning is H else from_condition(meaning, condition)
    return None


def from_condition(status: HealthStatus, condition: Mapping[str, Any]) -> Health:
    """A health with what the condition says of it: its message, else its reason."""
    message = str(condition.get("message") or condition.get("reason") or "")
    type_ = str(condition.get("type") or "")
    if message:
        return health(status, "health-condition", type=type_, message=message)
    return health(status, "health-condition-is", type=type_, status=str(condition.get("status") or ""))


def _find(conditions: Sequence[Any], type_: str) -> dict[str, Any]:
    return next((dict(item) for item in conditions if isinstance(item, Mapping) and item.get("type") == type_), {})
