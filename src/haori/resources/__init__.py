"""Our and Argo's custom resources: names of fields, annotations, labels and words, and the definitions of the types.

Constants and schemas only; every capability room meets the others through these. No network, no files, no clock.
"""

from haori.resources.argo import ARGO_GROUP, ARGO_VERSION, ConditionType, HealthStatus, OperationPhase, SyncStatus
from haori.resources.crds import crds, default_project

__all__ = [
    "ARGO_GROUP",
    "ARGO_VERSION",
    "ConditionType",
    "HealthStatus",
    "OperationPhase",
    "SyncStatus",
    "crds",
    "default_project",
]
