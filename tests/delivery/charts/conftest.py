from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from haori.delivery.charts import Access, ArchiveLimits, Charts, ChartSettings
from haori.outbound import OutboundPolicy
from tests.delivery.charts.server import ChartServer, serve_charts

POLICY = OutboundPolicy(allow_loopback=True, allow_private=True, timeout_seconds=5)
MakeCharts = Callable[..., Charts]


@pytest.fixture
async def server() -> AsyncIterator[ChartServer]:
    async with serve_charts() as serving:
        yield serving


@pytest.fixture
async def other() -> AsyncIterator[ChartServer]:
    """Another host, as far as credentials go: another port."""
    async with serve_charts() as serving:
        yield serving


@pytest.fixture
def make_charts(tmp_path: Path) -> MakeCharts:
    def make(
        access: Access | None = None, limits: ArchiveLimits | None = None, policy: OutboundPolicy = POLICY
    ) -> Charts:
        given = access or Access(is_plain=True)
        settings = ChartSettings(
            folder=tmp_path / "charts", access=lambda url: given, policy=policy, limits=limits or ArchiveLimits()
        )
        return Charts(settings)

    return make


@pytest.fixture
def charts(make_charts: MakeCharts) -> Charts:
    return make_charts()
