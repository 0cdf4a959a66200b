"""The columns of built-in kinds, as Kubernetes prints them."""

from __future__ import annotations

from collections.abc import Mapping

from haori.sandbox.api.cells import NAME, Header, Layout, layout
from haori.sandbox.api.cluster_columns import CLUSTER
from haori.sandbox.api.workload_columns import WORKLOADS

__all__ = ["DEFAULT", "LAYOUTS", "NAME", "Header"]

DEFAULT = layout()
"""Of kinds without columns of their own."""
LAYOUTS: Mapping[str, Layout] = {**WORKLOADS, **CLUSTER}
"""By the storage name of the type."""
