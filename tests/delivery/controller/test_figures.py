"""The figures of the operations page: of the same snapshot that the metrics are made of."""

from __future__ import annotations

from haori.delivery.controller.metering.figures import build_figures, summarise
from haori.delivery.controller.metering.snapshot import ClusterNumbers, Snapshot
from haori.objects import ResourceKey
from haori.observe.measures import Tally

FLOW = {"window": 12.7, "in_flight": 3, "waiting": 1, "throttled": 2, "usual_seconds": 0.0125}
CLUSTER = ClusterNumbers(
    server="https://a.example", name="a", kube_version="1.37.2", is_up=True, objects=7, types=3,
    events={("", "Pod"): 5, ("apps", "Deployment"): 2}, flow=FLOW,
    noisy=[(ResourceKey("", "Pod", "shop", "web"), 40)],
)  # fmt: skip


def test_a_cluster_is_told_with_its_budget_of_requests():
    (told,) = build_figures(Snapshot(clusters=(CLUSTER,)))["clusters"]
    assert (told["events"], told["window"], told["waiting"], told["throttled"]) == (7, 12, 1, 2)


def test_slow_applications_and_noisy_objects_are_named():
    told = build_figures(Snapshot(clusters=(CLUSTER,), slow=[("argocd", "shop", 1.25)]))
    assert told["slow"] == [{"namespace": "argocd", "name": "shop", "seconds": 1.25}]
    assert told["noisy"] == [
        {"server": "https://a.example", "group": "", "kind": "Pod", "namespace": "shop", "name": "web", "changes": 40}
    ]


def test_quantiles_are_bounds_of_buckets():
    tally = Tally([98, 1, 1], total=3.0)
    assert summarise((0.1, 1.0), (tally,)) == {"count": 100, "mean": 0.03, "p50": 0.1, "p99": 1.0}
    assert summarise((0.1, 1.0), (Tally([0, 0, 5], total=20.0),))["p50"] is None
    assert summarise((0.1, 1.0), ()) == {"count": 0, "mean": 0, "p50": 0.0, "p99": 0.0}
