"""A live object to its health, with the reason.

Takes manifests, gives `Health`: Argo CD's six words and a sentence. Rules are data: one function a kind in `rules`. No
network, no files, no clock. User scripts (Lua) come first and are run by the shell through `jail`, not here.
"""

from haori.delivery.health.assess import assess
from haori.delivery.health.rollup import Culprit, roll_up
from haori.delivery.health.types import Health, worst

__all__ = ["Culprit", "Health", "assess", "roll_up", "worst"]
