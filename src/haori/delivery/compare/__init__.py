"""Desired and live to differences and sync status.

By ownership: an object we applied is in sync when the fields we want have the values we want and our manager owns
nothing else. Takes manifests, gives `Comparison` values; sends nothing. No network, no files, no clock.
"""

from haori.delivery.compare.compare import compare, compare_all
from haori.delivery.compare.targets import Targets, clean_targets
from haori.delivery.compare.trim import trim
from haori.delivery.compare.types import CompareOptions, Comparison, Difference, Strategy, sync_status

__all__ = [
    "CompareOptions",
    "Comparison",
    "Difference",
    "Strategy",
    "Targets",
    "clean_targets",
    "compare",
    "compare_all",
    "sync_status",
    "trim",
]
