"""The health of one live object."""

from __future__ import annotations

from haori.delivery.health.rules import BUILT_IN_GROUPS, RULES, assess_generic
from haori.delivery.health.types import Health, health
from haori.objects import Manifest, gvk_of, nested, nested_list
from haori.resources import argo
from haori.resources.argo import HealthStatus


def assess(manifest: Manifest) -> Health | None:
    """The health of a live object, None where its kind has no check (that counts as healthy).

    An object that is being deleted is Progressing, unless only our hook finalizer holds it: then it is judged as usual,
    because a hook's outcome must still be read.
    """
    if nested(manifest, "metadata", "deletionTimestamp"):
        finalizers = nested_list(manifest, "metadata", "finalizers")
        if argo.HOOK_FINALIZER not in finalizers:
            return health(HealthStatus.PROGRESSING, "health-terminating")
    type_ = gvk_of(manifest).group_kind
    rule = RULES.get(type_)
    if rule is not None:
        return rule(manifest)
    return None if type_.group in BUILT_IN_GROUPS else assess_generic(manifest)
