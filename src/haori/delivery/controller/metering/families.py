"""A snapshot and the process's measures as Prometheus's families of samples.

Names and labels are Argo CD's where it has them (3.x: `controller/metrics/metrics.go`, `reposerver/metrics/metrics.go`), ours
begin with `haori_`. An application has samples only while somebody looks: nothing is kept of it in between. What Argo CD
counts by application and we do not (requests) has its labels, empty.
"""

from __future__ import annotations

import re
import resource
import socket
import time
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from haori import __version__
from haori.delivery.controller.metering.snapshot import Snapshot
from haori.delivery.model import Application
from haori.git import normalize_url
from haori.objects import labels_of, nested_list, nested_mapping
from haori.observe import MEASURES, Counter, Histogram
from haori.observe.measures import Tally

_APPLICATION = ("namespace", "name", "project")
_INFO = (
    *_APPLICATION, "autosync_enabled", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation",
)  # fmt: skip
_NOT_A_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_WRITES = ("apply", "create", "delete", "patch", "replace")
_BEGAN = time.time()


def families(snapshot: Snapshot, *, labels: Iterable[str] = (), conditions: Iterable[str] = ()) -> Iterator[Metric]:
    """All of them; `labels` and `conditions` of Applications are shown where they are asked for."""
    yield from _applications(snapshot, tuple(labels), tuple(conditions))
    yield from _clusters(snapshot)
    yield from _flows(snapshot)
    yield from _requests(snapshot)
    yield from _outstanding(snapshot)
    yield from _engine(snapshot)
    yield from process_families()


def process_families() -> Iterator[Metric]:
    """What any process of ours tells: its own cost, and everything that was counted in it."""
    yield from _process()
    for measure in list(MEASURES.values()):
        yield (
            _counted(measure.name, measure.help, measure.labels, measure.values)
            if isinstance(measure, Counter)
            else _measured(measure.name, measure.help, measure.labels, measure.bounds, measure.values)
        )


def _counted(name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for found, value in (dict(values) or ({} if labels else {(): 0})).items():
        family.add_metric(found, value)
    return family


def _measured(
    name: str, about: str, labels: tuple[str, ...], bounds: tuple[float, ...], values: Mapping[tuple[str, ...], Tally]
) -> Metric:
    family = HistogramMetricFamily(name, about, labels=labels)
    for found, tally in dict(values).items():
        counts, total = list(tally.counts), tally.total
        steps, sum_ = [], 0
        for bound, count in zip((*map(_bound, bounds), "+Inf"), counts, strict=True):
            sum_ += count
            steps.append((bound, sum_))
        family.add_metric(found, buckets=steps, sum_value=total)
    return family


def _bound(value: float) -> str:
    return f"{value:g}" if value != int(value) else f"{value:.1f}"


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _applications(snapshot: Snapshot, labels: tuple[str, ...], conditions: tuple[str, ...]) -> Iterator[Metric]:
    info = GaugeMetricFamily("argocd_app_info", "One for every Application, told by its labels.", labels=_INFO)
    for each in snapshot.applications:
        info.add_metric(_info(each), 1)
    yield info
    if labels:
        names = [f"label_{_NOT_A_LABEL.sub('_', name)}" for name in labels]
        shown = GaugeMetricFamily("argocd_app_labels", "Labels of Applications.", labels=(*_APPLICATION, *names))
        for each in snapshot.applications:
            found = labels_of(each.manifest)
            shown.add_metric((*_about(each), *(str(found.get(name) or "") for name in labels)), 1)
        yield shown
    if conditions:
        told = GaugeMetricFamily(
            "argocd_app_condition",
            "How many conditions of a type an Application has.",
            labels=(*_APPLICATION, "condition"),
        )
        for each in snapshot.applications:
            found_types = [str(item.get("type")) for item in nested_list(each.manifest, "status", "conditions")]
            for type_ in conditions:
                if count := found_types.count(type_):
                    told.add_metric((*_about(each), type_), count)
        yield told


def _about(application: Application) -> tuple[str, str, str]:
    return application.namespace, application.name, application.spec.project


def _info(application: Application) -> tuple[str, ...]:
    spec = application.spec
    operation = nested_mapping(application.manifest, "operation")
    asked = "delete" if application.is_deleting else "sync" if "sync" in operation else ""
    return (
        *_about(application),
        "true" if spec.sync_policy.automated is not None else "false",
        normalize_url(spec.sources[0].repo_url) if spec.sources else "",
        spec.destination.server,
        spec.destination.namespace,
        application.sync_status.value,
        application.health_status.value,
        asked,
    )


def _clusters(snapshot: Snapshot) -> Iterator[Metric]:
    info = GaugeMetricFamily("argocd_cluster_info", "The clusters.", labels=("server", "k8s_version", "name"))
    up = GaugeMetricFamily(
        "argocd_cluster_connection_status", "Whether the cluster answers.", labels=("server", "k8s_version")
    )
    objects = GaugeMetricFamily(
        "argocd_cluster_api_resource_objects", "Objects that are kept of the cluster.", labels=("server",)
    )
    types = GaugeMetricFamily("argocd_cluster_api_resources", "Types that are watched there.", labels=("server",))
    events = CounterMetricFamily(
        "argocd_cluster_events", "Watch events of the cluster.", labels=("server", "group", "kind")
    )
    for each in snapshot.clusters:
        info.add_metric((each.server, each.kube_version, each.name), 1)
        up.add_metric((each.server, each.kube_version), float(each.is_up))
        objects.add_metric((each.server,), each.objects)
        types.add_metric((each.server,), each.types)
        for (group, kind), count in each.events.items():
            events.add_metric((each.server, group, kind), count)
    yield from (info, up, objects, types, events)


_FLOW = {
    "window": "How many requests at once the cluster is asked at most, by how it answers.",
    "in_flight": "Requests to the cluster that are under way.",
    "waiting": "Requests to the cluster that wait for others to end.",
    "usual_seconds": "What a request to the cluster takes when it has nothing else to do.",
}


def _flows(snapshot: Snapshot) -> Iterator[Metric]:
    for key, about in _FLOW.items():
        told = GaugeMetricFamily(f"haori_kubernetes_{key}", about, labels=("server",))
        for each in snapshot.clusters:
            if key in each.flow:
                told.add_metric((each.server,), each.flow[key])
        yield told


def _outstanding(snapshot: Snapshot) -> Iterator[Metric]:
    """The few that cost most, so that there are never many samples."""
    slow = GaugeMetricFamily(
        "haori_slow_application_seconds",
        "What a look at one of the slowest applications takes.",
        labels=("namespace", "name"),
    )
    for namespace, name, seconds in snapshot.slow:
        slow.add_metric((namespace, name), seconds)
    noisy = GaugeMetricFamily(
        "haori_noisy_object_changes",
        "About how often one of the objects that change most did so.",
        labels=("server", "group", "kind", "object_namespace", "object_name"),
    )
    for each in snapshot.clusters:
        for key, count in each.noisy:
            noisy.add_metric((each.server, *key), count)
    problems = _gauge("haori_settings_problems", "Settings that cannot be read.", len(snapshot.settings))
    yield from (slow, noisy, problems)


def _requests(snapshot: Snapshot) -> Iterator[Metric]:
    """Requests as Argo CD names them: those it sends itself, and those it sends through kubectl."""
    found = MEASURES.get("haori_kubernetes_request_duration_seconds")
    counts = {
        labels: sum(tally.counts)
        for labels, tally in (dict(found.values) if isinstance(found, Histogram) else {}).items()
    }
    sent = CounterMetricFamily(
        "argocd_app_k8s_request",
        "Requests to Kubernetes API servers; not told apart by application.",
        labels=(*_APPLICATION, "server", "response_code", "verb", "resource_kind", "resource_namespace", "dry_run"),
    )
    for (cluster, verb, plural, code), count in counts.items():
        sent.add_metric(("", "", "", cluster, code, verb, plural, "", ""), count)
    yield sent
    host = socket.gethostname()
    executed = CounterMetricFamily(
        "argocd_kubectl_exec", "Writes to clusters, by what they are; no kubectl runs.", labels=("hostname", "command")
    )
    for verb in _WRITES:
        executed.add_metric((host, verb), sum(count for labels, count in counts.items() if labels[1] == verb))
    pending = GaugeMetricFamily(
        "argocd_kubectl_exec_pending", "Requests to clusters that are under way.", labels=("hostname", "command")
    )
    pending.add_metric((host, "all"), snapshot.in_flight)
    yield from (executed, pending)


def _engine(snapshot: Snapshot) -> Iterator[Metric]:
    yield _labelled("haori_info", "The engine.", {"version": __version__, "isolation": snapshot.isolation})
    yield _gauge("haori_lease_held", "Whether this engine leads.", float(snapshot.is_leading))
    yield _gauge("haori_lease_term", "The term of the Lease it holds; 0 where it holds none.", snapshot.term)
    yield _gauge("haori_ready", "Whether /readyz says so.", float(snapshot.is_ready))
    name = {"name": "app_reconciliation_queue"}
    yield _labelled("workqueue_depth", "Keys that wait.", name, snapshot.queue.get("waiting", 0))
    yield _labelled("haori_queue_running", "Keys that are worked on.", name, snapshot.queue.get("running", 0))
    yield _labelled("haori_queue_later", "Keys with a wish for later.", name, snapshot.queue.get("later", 0))
    hits = CounterMetricFamily("haori_render_cache_hits", "Renders that were known.", labels=("where",))
    for where in ("memory", "disk", "error"):
        hits.add_metric((where,), snapshot.render.get(f"{where}_hits", 0))
    yield hits
    for key, about in _RENDER.items():
        yield CounterMetricFamily(f"haori_render_{key}", about, value=snapshot.render.get(key, 0))
    yield _gauge("haori_render_cache_bytes", "Bytes of sealed renders on disk.", snapshot.render.get("bytes", 0))
    yield _gauge("haori_render_cache_entries", "Sealed renders on disk.", snapshot.render.get("entries", 0))
    yield _gauge("haori_render_memory_bytes", "Bytes of renders in memory.", snapshot.render.get("memory_bytes", 0))
    for key, about in _SCRIPTS.items():
        yield CounterMetricFamily(f"haori_scripts_{key}", about, value=snapshot.scripts.get(key, 0))
    yield CounterMetricFamily(
        "haori_kubernetes_throttled", "Answers that said: not so quick.", value=snapshot.throttled
    )


_RENDER = {
    "misses": "Renders that were not known.",
    "errors": "Renders that failed.",
    "evictions": "Sealed renders that made room for others.",
}
_SCRIPTS = {"runs": "Health scripts that were run.", "kills": "Workers of scripts that were ended by force."}


def _labelled(name: str, about: str, labels: Mapping[str, str], value: float = 1) -> Metric:
    family = GaugeMetricFamily(name, about, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _process() -> Iterator[Metric]:
    """What every exporter tells of its process; children are those that ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    yield CounterMetricFamily("process_cpu_seconds", "CPU time of the process.", value=own.ru_utime + own.ru_stime)
    yield CounterMetricFamily(
        "haori_children_cpu_seconds", "CPU time of processes it started.", value=children.ru_utime + children.ru_stime
    )
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[1])
    yield _gauge("process_resident_memory_bytes", "Resident memory.", pages * resource.getpagesize())
    yield _gauge("process_start_time_seconds", "When it began.", _BEGAN)
