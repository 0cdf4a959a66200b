"""What makes a cluster move: Deployments become Pods, Pods get nodes, what lost its owner goes.

Takes a `KubernetesClient`, watches every type once and keeps writing until the cluster is as its objects ask, with
the states, conditions and words of Kubernetes 1.37. It starts no process (that is the node's) and stores nothing of its own:
everything is read again from the API, so that a restart, a lost event or a doubled one changes nothing in the end.
"""

from haori.sandbox.controllers.run import run_controllers
from haori.sandbox.controllers.settings import ControllerSettings

__all__ = ["ControllerSettings", "run_controllers"]
