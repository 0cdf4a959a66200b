"""Application, AppProject and settings as read from the cluster, as frozen values.

Takes manifests, gives typed values and the list of everything wrong with them, each with its path. Fields it does not
know stay in the manifest and are listed, so that none is silently without effect. No network, no files, no clock.
"""

from haori.delivery.model.application import (
    Application,
    ApplicationSpec,
    Automated,
    Destination,
    IgnoreRule,
    Retry,
    Source,
    SyncPolicy,
    parse_application,
)
from haori.delivery.model.operation import HistoryEntry, Operation, OperationState, ResourceRef, ResourceResult
from haori.delivery.model.options import SyncOptions, parse_sync_options
from haori.delivery.model.pin import Pin, format_pin, parse_pin
from haori.delivery.model.problems import Condition, Problem
from haori.delivery.model.project import Project, Refusal, parse_project
from haori.delivery.model.settings import HealthScript, Settings, parse_settings
from haori.delivery.model.tracking import Tracking, TrackingMethod, build_tracking_id, parse_tracking_id

__all__ = [
    "Application",
    "ApplicationSpec",
    "Automated",
    "Condition",
    "Destination",
    "HealthScript",
    "HistoryEntry",
    "IgnoreRule",
    "Operation",
    "OperationState",
    "Pin",
    "Problem",
    "Project",
    "Refusal",
    "ResourceRef",
    "ResourceResult",
    "Retry",
    "Settings",
    "Source",
    "SyncOptions",
    "SyncPolicy",
    "Tracking",
    "TrackingMethod",
    "build_tracking_id",
    "format_pin",
    "parse_application",
    "parse_pin",
    "parse_project",
    "parse_settings",
    "parse_sync_options",
    "parse_tracking_id",
]
