"""A live object to its health, with the reason.

Takes manifests, gives `Health`: Argo CD's six words and a sentence. Rules are data: `rules` for Kubernetes'
own kinds, `kinds` for those of other projects, `conditions` for what speaks by conditions. No network, no files, no clock.
Scripts that users wrote (Lua) come before all of them and are run by `delivery.scripts`, not here.
"""

from haori.delivery.health.assess import HealthOptions, assess, is_going
from haori.delivery.health.rollup import Culprit, roll_up
from haori.delivery.health.rules import assess_child_application, is_built_in
from haori.delivery.health.types import Health, worst

__all__ = [
    "Culprit",
    "Health",
    "HealthOptions",
    "assess",
    "assess_child_application",
    "is_built_in",
    "is_going",
    "roll_up",
    "worst",
]
