"""Steps to results: the only place where delivery writes to a cluster.

Takes the tasks of one wave, a cluster client and a door that knows the Lease; gives one named outcome a task. It plans
nothing, judges no health, keeps no state between calls: what was done is what the outcomes and the cluster say.
"""

from haori.delivery.apply.door import LostLeadershipError, WriteDoor
from haori.delivery.apply.errors import ApplyError
from haori.delivery.apply.execute import Applier
from haori.delivery.apply.steps import Action, ApplySettings, Outcome, Task

__all__ = ["Action", "Applier", "ApplyError", "ApplySettings", "LostLeadershipError", "Outcome", "Task", "WriteDoor"]
