"""Charts from repositories over HTTP and from OCI registries, and value files at URLs, for a renderer without network.

Takes a repository's URL, a chart and a version or range; gives the version that is meant and its files as a tree that reads
like a commit. Everything goes through `outbound`, within bounds, with digests checked. It renders nothing.
"""

from haori.delivery.charts.access import Access
from haori.delivery.charts.archive import ArchiveLimits
from haori.delivery.charts.charts import PLACE, SCHEME, Charts, ChartSettings
from haori.delivery.charts.errors import ChartError, ChartRefusedError, ChartUnreachableError
from haori.delivery.charts.semver import parse_range, parse_version

__all__ = [
    "PLACE",
    "SCHEME",
    "Access",
    "ArchiveLimits",
    "ChartError",
    "ChartRefusedError",
    "ChartSettings",
    "ChartUnreachableError",
    "Charts",
    "parse_range",
    "parse_version",
]
