"""Whether the server lives and is ready, its numbers, its version."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.responses import PlainTextResponse, Response

from haori import __version__
from haori.delivery.controller.metering.readiness import Check, format_checks
from haori.server.answering import answer_bytes, answer_json
from haori.server.asking import Ask
from haori.server.routing import Open, Query, Route

COMPATIBLE = "v3.6.0"
"""The Argo CD whose REST API this is; clients compare it."""


async def _livez(ask: Ask) -> Response:
    return _told(ask, "livez", [Check(name="loop", is_well=True)])


async def _readyz(ask: Ask) -> Response:
    # A cluster that is away for a moment makes no server unready: all would be, and lists still answer.
    table = ask.context.table
    return _told(ask, "readyz", [Check(name="applications", is_well=table.is_listed, note=table.problem)])


def _told(ask: Ask, endpoint: str, checks: list[Check]) -> Response:
    passed = all(each.is_well for each in checks)
    is_brief = passed and not any(name == "verbose" for name, _ in ask.query)
    return PlainTextResponse(
        "ok" if is_brief else format_checks(endpoint, checks), status_code=200 if passed else 503
    )  # fmt: skip


async def _metrics(ask: Ask) -> Response:
    gauges = {
        "haori_server_applications": ("Applications in the server's table.", len(ask.context.table)),
        "haori_server_audit_waiting": ("Changes that wait for the store to be kept.", ask.context.trail.waiting),
        "haori_server_store_open": ("Whether the store answers.", float(ask.context.entrance.store.is_open)),
        "haori_server_streams": ("Streams that are open.", ask.context.streams.open),
    }
    body = await asyncio.to_thread(_exposition, [(name, *told) for name, told in gauges.items()])
    return await answer_bytes(ask.request, body, media_type="text/plain; version=0.0.4; charset=utf-8")


def _exposition(gauges: Iterable[tuple[str, str, float]]) -> bytes:
    # Imported by the first who looks: a server that nobody looks at does without.
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector

    from haori.delivery.controller.metering.families import process_families

    class Families(Collector):
        def collect(self) -> list[Metric]:
            own = [GaugeMetricFamily(name, about, value=value) for name, about, value in gauges]
            return [*own, *process_families()]

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    return generate_latest(registry)


async def _version(ask: Ask) -> Response:
    return await answer_json(ask.request, {"Version": f"{COMPATIBLE}+haori.{__version__}"})


_VERBOSE = (Query(name="verbose", help="Lists the checks."),)
ROUTES = (
    Route(method="GET", path="/livez", handler=_livez, access=Open.PUBLIC, summary="Lives", query=_VERBOSE),
    Route(method="GET", path="/readyz", handler=_readyz, access=Open.PUBLIC, summary="Is ready", query=_VERBOSE),
    Route(method="GET", path="/metrics", handler=_metrics, access=Open.PUBLIC, summary="Numbers for Prometheus"),
    Route(method="GET", path="/api/version", handler=_version, access=Open.PUBLIC, summary="Version"),
    Route(method="GET", path="/api/v1/version", handler=_version, access=Open.PUBLIC, summary="Version"),
)
