"""The numbers of a moment for people: what an operations page shows. Everything here is a metric as well (`families`)."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping
from typing import Any

from haori.delivery.controller.metering.lag import LAG
from haori.delivery.controller.metering.snapshot import ClusterNumbers, Snapshot
from haori.observe import MEASURES, Histogram
from haori.observe.measures import Tally

RENDERS, RECONCILES = "haori_render_duration_seconds", "argocd_app_reconcile"
WAITS, WORK = "workqueue_queue_duration_seconds", "workqueue_work_duration_seconds"


def build_figures(snapshot: Snapshot) -> dict[str, Any]:
    """{leading, ready, term, isolation, queue, looks, render, scripts, clusters, slow, noisy, settings, lag, memoryBytes}.

    Times are {count, mean, p50, p99} in seconds; quantiles are upper bounds of buckets, None beyond the last.
    """
    return {
        "leading": snapshot.is_leading,
        "ready": snapshot.is_ready,
        "term": snapshot.term,
        "isolation": snapshot.isolation,
        "applications": len(snapshot.applications),
        "queue": {**snapshot.queue, "waits": _times(WAITS), "work": _times(WORK)},
        "looks": _times(RECONCILES),
        "render": {**snapshot.render, "times": _by_label(RENDERS)},
        "scripts": dict(snapshot.scripts),
        "clusters": [_cluster(each) for each in snapshot.clusters],
        "slow": [{"namespace": each[0], "name": each[1], "seconds": round(each[2], 4)} for each in snapshot.slow],
        "noisy": [noisy for each in snapshot.clusters for noisy in _noisy(each)],
        "settings": [{"path": each.path, "reason": each.sentence.to_json()} for each in snapshot.settings],
        "lag": summarise(LAG.bounds, LAG.values.values()),
        "memoryBytes": _resident_bytes(),
    }


def _cluster(numbers: ClusterNumbers) -> dict[str, Any]:
    flow = numbers.flow
    return {
        "server": numbers.server,
        "name": numbers.name,
        "version": numbers.kube_version,
        "up": numbers.is_up,
        "objects": numbers.objects,
        "types": numbers.types,
        "events": sum(numbers.events.values()),
        "window": int(flow.get("window", 0)),
        "inFlight": int(flow.get("in_flight", 0)),
        "waiting": int(flow.get("waiting", 0)),
        "throttled": int(flow.get("throttled", 0)),
        "usualSeconds": round(flow.get("usual_seconds", 0), 4),
    }


def _noisy(numbers: ClusterNumbers) -> list[dict[str, Any]]:
    names = ("group", "kind", "namespace", "name")
    return [
        {"server": numbers.server, **dict(zip(names, key, strict=True)), "changes": count}
        for key, count in numbers.noisy
    ]


def _histogram(name: str) -> Histogram | None:
    found = MEASURES.get(name)
    return found if isinstance(found, Histogram) else None


def _times(name: str) -> dict[str, Any]:
    found = _histogram(name)
    return summarise(found.bounds, found.values.values()) if found is not None else summarise((), ())


def _by_label(name: str) -> dict[str, Any]:
    found = _histogram(name)
    values: Mapping[tuple[str, ...], Tally] = found.values if found is not None else {}
    return {labels[0]: summarise(found.bounds, (tally,)) for labels, tally in values.items() if found is not None}


def summarise(bounds: tuple[float, ...], tallies: Iterable[Tally]) -> dict[str, Any]:
    """Several tallies of the same buckets as one."""
    tallies = list(tallies)
    counts = [sum(column) for column in zip(*(each.counts for each in tallies), strict=True)]
    count, total = sum(counts), sum(each.total for each in tallies)
    return {
        "count": count,
        "mean": round(total / count, 6) if count else 0,
        "p50": _quantile(bounds, counts, 0.5),
        "p99": _quantile(bounds, counts, 0.99),
    }


def _quantile(bounds: tuple[float, ...], counts: list[int], quantile: float) -> float | None:
    wanted, sum_ = sum(counts) * quantile, 0
    if not wanted:
        return 0.0
    for bound, count in zip(bounds, counts, strict=False):
        sum_ += count
        if sum_ >= wanted:
            return bound
    return None


def _resident_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
