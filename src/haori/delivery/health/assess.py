"""The health of one live object."""

from __future__ import annotations

from dataclasses import dataclass

from haori.delivery.health.conditions import assess_by_conditions
from haori.delivery.health.kinds import kind_rule
from haori.delivery.health.rules import RULES, assess_child_application, is_built_in
from haori.delivery.health.types import Health, health
from haori.objects import GroupKind, Manifest, annotations_of, gvk_of, nested, nested_list
from haori.resources import argo, haori
from haori.resources.argo import HealthStatus

_CHILD = GroupKind(argo.ARGO_GROUP, argo.APPLICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthOptions:
    """What settings leave open."""

    by_conditions: bool = True
    """Whether kinds without a rule are judged by their conditions."""
    applications: bool = False
    """Whether a child Application is judged at all."""


def assess(manifest: Manifest, options: HealthOptions | None = None) -> Health | None:
    """The health of a live object, None where its kind has no check (that counts as healthy)."""
    options = options or HealthOptions()
    if is_going(manifest):
        return health(HealthStatus.PROGRESSING, "health-terminating")
    type_ = gvk_of(manifest).group_kind
    if type_ == _CHILD:
        return assess_child_application(manifest) if options.applications else None
    rule = RULES.get(type_) or kind_rule(type_)
    if rule is not None:
        return rule(manifest)
    if is_built_in(type_) or not options.by_conditions:
        return None
    is_off = annotations_of(manifest).get(haori.HEALTH_BY_CONDITIONS) == "false"
    return None if is_off else assess_by_conditions(manifest)


def is_going(manifest: Manifest) -> bool:
    """Whether an object is being deleted and nothing else of it counts.

    One that only our hook finalizer holds is judged as usual, because a hook's outcome must still be read.
    """
    if not nested(manifest, "metadata", "deletionTimestamp"):
        return False
    return argo.HOOK_FINALIZER not in nested_list(manifest, "metadata", "finalizers")
