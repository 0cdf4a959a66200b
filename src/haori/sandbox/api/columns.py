"""The columns of built-in kinds, as Kubernetes prints them.

see: Kubernetes `pkg/printers/internalversion/printers.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.objects import SelectorError, labels_of, nested, nested_list, nested_mapping, nested_text
from haori.objects.selectors import label_selector_of
from haori.objects.times import parse_time
from haori.sandbox.api.durations import human_duration
from haori.sandbox.api.pod_columns import pod_ready, pod_restarts, pod_status

NONE = "<none>"
UNSET = "<unset>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One column; wide ones are shown with `-o wide` alone."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    is_wide: bool = False


Cell = Callable[[Mapping[str, Any], datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of one kind."""

    headers: tuple[Header, ...]
    makers: tuple[Cell, ...]

    def cells(self, manifest: Mapping[str, Any], now: datetime) -> list[Any]:
        """One row."""
        return [make(manifest, now) for make in self.makers]


NAME = Header(name="Name", format="name", description="Name must be unique within a namespace.")


def _layout(*columns: tuple[str, Cell], wide: Sequence[tuple[str, Cell]] = (), age: bool = True) -> Layout:
    """Name, the columns, age, and the wide ones; a column whose name ends in `#` holds integers."""
    shown = [("Name", _name), *columns, *([("Age", _age)] if age else [])]
    headers = [_header(name, is_wide=False) for name, _ in shown] + [_header(name, is_wide=True) for name, _ in wide]
    return Layout(headers=tuple(headers), makers=tuple(make for _, make in (*shown, *wide)))


def _header(name: str, *, is_wide: bool) -> Header:
    if name == "Name":
        return NAME
    type_ = "integer" if name.endswith("#") else "string"
    return Header(name=name.rstrip("#"), type=type_, is_wide=is_wide)


def _name(manifest: Mapping[str, Any], now: datetime) -> Any:
    return nested_text(manifest, "metadata", "name")


def _age(manifest: Mapping[str, Any], now: datetime) -> str:
    return since(nested(manifest, "metadata", "creationTimestamp"), now)


def since(moment: object, now: datetime) -> str:
    """How long ago a moment was."""
    found = parse_time(moment)
    return human_duration(now - found) if found else "<unknown>"


def _text(*path: str, empty: str = "") -> Cell:
    def cell(manifest: Mapping[str, Any], now: datetime) -> Any:
        value = nested(manifest, *path)
        return empty if value in (None, "") else str(value)

    return cell


def _number(*path: str) -> Cell:
    return lambda manifest, now: int(nested(manifest, *path) or 0)


def _count(*path: str) -> Cell:
    def cell(manifest: Mapping[str, Any], now: datetime) -> Any:
        value = nested(manifest, *path)
        return len(value) if isinstance(value, (list, dict)) else 0

    return cell


def _ready_of(ready: tuple[str, ...], wanted: tuple[str, ...]) -> Cell:
    return lambda manifest, now: f"{int(nested(manifest, *ready) or 0)}/{int(nested(manifest, *wanted) or 0)}"


def _containers(field: str) -> Cell:
    return lambda manifest, now: ",".join(
        str(each.get(field, "")) for each in nested_list(manifest, "spec", "template", "spec", "containers")
    )


def _job_containers(field: str) -> Cell:
    return lambda manifest, now: ",".join(
        str(each.get(field, ""))
        for each in nested_list(manifest, "spec", "jobTemplate", "spec", "template", "spec", "containers")
    )


def _selector(*path: str) -> Cell:
    def cell(manifest: Mapping[str, Any], now: datetime) -> str:
        found = nested_mapping(manifest, *path)
        whole = found if not found or "matchLabels" in found or "matchExpressions" in found else {"matchLabels": found}
        try:
            return label_selector_of(whole).to_text() or NONE
        except SelectorError:
            return NONE

    return cell


def _service_ports(manifest: Mapping[str, Any], now: datetime) -> str:
    ports = []
    for port in nested_list(manifest, "spec", "ports"):
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port.get('port')}{node}/{port.get('protocol') or 'TCP'}")
    return ",".join(ports) or NONE


def _external_address(manifest: Mapping[str, Any], now: datetime) -> str:
    spec = nested_mapping(manifest, "spec")
    given = list(nested_list(spec, "externalIPs"))
    match spec.get("type"):
        case "ExternalName":
            return nested_text(spec, "externalName")
        case "LoadBalancer":
            balanced = _balanced(manifest)
            return ",".join([*balanced, *given]) or "<pending>"
        case _:
            return ",".join(given) or NONE


def _balanced(manifest: Mapping[str, Any]) -> list[str]:
    entries = nested_list(manifest, "status", "loadBalancer", "ingress")
    return [str(each.get("ip") or each.get("hostname") or "") for each in entries]


def _ingress_hosts(manifest: Mapping[str, Any], now: datetime) -> str:
    hosts = [str(rule["host"]) for rule in nested_list(manifest, "spec", "rules") if rule.get("host")]
    return ",".join(hosts[:3]) + (f" + {len(hosts) - 3} more..." if len(hosts) > 3 else "") or "*"


def _endpoints(manifest: Mapping[str, Any], now: datetime) -> str:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in nested_list(manifest, "subsets")
        for port in nested_list(subset, "ports")
        for address in subset.get("addresses") or ()
    ]
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if len(found) > 3 else "") or NONE


def _slice_ports(manifest: Mapping[str, Any], now: datetime) -> str:
    return ",".join(str(each.get("port", "*")) for each in nested_list(manifest, "ports")) or UNSET


def _slice_addresses(manifest: Mapping[str, Any], now: datetime) -> str:
    found = [str(address) for each in nested_list(manifest, "endpoints") for address in each.get("addresses") or ()]
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if len(found) > 3 else "") or UNSET


def _job_status(manifest: Mapping[str, Any], now: datetime) -> str:
    for condition in nested_list(manifest, "status", "conditions"):
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed", "Suspended"):
            return str(condition["type"])
    if "deletionTimestamp" in nested_mapping(manifest, "metadata"):
        return "Terminating"
    return "Running"


def _job_completions(manifest: Mapping[str, Any], now: datetime) -> str:
    succeeded = int(nested(manifest, "status", "succeeded") or 0)
    wanted = nested(manifest, "spec", "completions")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    parallelism = int(nested(manifest, "spec", "parallelism") or 1)
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(manifest: Mapping[str, Any], now: datetime) -> str:
    began = parse_time(nested(manifest, "status", "startTime"))
    if began is None:
        return ""
    return human_duration((parse_time(nested(manifest, "status", "completionTime")) or now) - began)


def _last_schedule(manifest: Mapping[str, Any], now: datetime) -> str:
    moment = nested(manifest, "status", "lastScheduleTime")
    return since(moment, now) if moment else NONE


def _bool_of(*path: str) -> Cell:
    return lambda manifest, now: str(bool(nested(manifest, *path)))


def _node_status(manifest: Mapping[str, Any], now: datetime) -> str:
    ready = next((each for each in nested_list(manifest, "status", "conditions") if each.get("type") == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if nested(manifest, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(manifest: Mapping[str, Any], now: datetime) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in labels_of(manifest) if key.startswith(prefix)]
    return ",".join(sorted(roles)) or NONE


def _node_address(kind: str) -> Cell:
    return lambda manifest, now: next(
        (str(each["address"]) for each in nested_list(manifest, "status", "addresses") if each.get("type") == kind),
        NONE,
    )


def _pod_address(manifest: Mapping[str, Any], now: datetime) -> str:
    return nested_text(manifest, "status", "podIP") or NONE


def _gates(manifest: Mapping[str, Any], now: datetime) -> str:
    gates = nested_list(manifest, "spec", "readinessGates")
    if not gates:
        return NONE
    true = {each.get("type") for each in nested_list(manifest, "status", "conditions") if each.get("status") == "True"}
    return f"{sum(gate.get('conditionType') in true for gate in gates)}/{len(gates)}"


def _event_object(manifest: Mapping[str, Any], now: datetime) -> str:
    about = nested_mapping(manifest, "involvedObject") or nested_mapping(manifest, "regarding")
    kind = nested_text(about, "kind").lower()
    return f"{kind}/{nested_text(about, 'name')}" if kind else nested_text(about, "name")


def _event_seen(manifest: Mapping[str, Any], now: datetime) -> str:
    last = (
        nested(manifest, "series", "lastObservedTime")
        or nested(manifest, "lastTimestamp")
        or nested(manifest, "deprecatedLastTimestamp")
        or nested(manifest, "eventTime")
    )
    return since(last, now)


def _event_message(manifest: Mapping[str, Any], now: datetime) -> str:
    return (nested_text(manifest, "message") or nested_text(manifest, "note")).strip()


def _event_source(manifest: Mapping[str, Any], now: datetime) -> str:
    component = nested_text(manifest, "source", "component") or nested_text(manifest, "reportingComponent")
    host = nested_text(manifest, "source", "host")
    return f"{component}, {host}" if host else component


def _event_count(manifest: Mapping[str, Any], now: datetime) -> int:
    return int(nested(manifest, "series", "count") or nested(manifest, "count") or 1)


def _modes(manifest: Mapping[str, Any], now: datetime) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    modes = nested_list(manifest, "status", "accessModes") or nested_list(manifest, "spec", "accessModes")
    return ",".join(short.get(str(each), str(each)) for each in modes)


def _claim(manifest: Mapping[str, Any], now: datetime) -> str:
    reference = nested_mapping(manifest, "spec", "claimRef")
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


def _claim_status(manifest: Mapping[str, Any], now: datetime) -> str:
    if "deletionTimestamp" in nested_mapping(manifest, "metadata"):
        return "Terminating"
    return nested_text(manifest, "status", "phase")


def _owner(manifest: Mapping[str, Any], now: datetime) -> str:
    for owner in nested_list(manifest, "metadata", "ownerReferences"):
        if owner.get("controller"):
            kind, _, group = str(owner.get("kind")).lower(), None, str(owner.get("apiVersion")).rpartition("/")[0]
            return f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return NONE


def _role(manifest: Mapping[str, Any], now: datetime) -> str:
    return f"{nested_text(manifest, 'roleRef', 'kind')}/{nested_text(manifest, 'roleRef', 'name')}"


def _subjects(kind: str) -> Cell:
    def cell(manifest: Mapping[str, Any], now: datetime) -> str:
        found = [each for each in nested_list(manifest, "subjects") if each.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{each.get('namespace', '')}/{each.get('name')}" for each in found)
        return ", ".join(str(each.get("name")) for each in found)

    return cell


def _targets(manifest: Mapping[str, Any], now: datetime) -> str:
    current = {_metric_key(each): each for each in nested_list(manifest, "status", "currentMetrics")}
    texts = []
    for metric in nested_list(manifest, "spec", "metrics"):
        source = nested_mapping(metric, _metric_field(metric))
        found = nested_mapping(current.get(_metric_key(metric)), _metric_field(metric), "current")
        name = nested_text(source, "name")
        target = nested_mapping(source, "target")
        if target.get("averageUtilization") is not None:
            now_text = f"{found['averageUtilization']}%" if "averageUtilization" in found else "<unknown>"
            texts.append(f"{name}: {now_text}/{target['averageUtilization']}%")
        else:
            now_text = str(found.get("averageValue") or found.get("value") or "<unknown>")
            texts.append(f"{now_text}/{target.get('averageValue') or target.get('value')}")
    return ", ".join(texts[:2]) + (f" + {len(texts) - 2} more..." if len(texts) > 2 else "") or NONE


def _metric_field(metric: Mapping[str, Any]) -> str:
    kind = str(metric.get("type") or "Resource")
    return kind[0].lower() + kind[1:]


def _metric_key(metric: Mapping[str, Any]) -> tuple[str, str]:
    return _metric_field(metric), nested_text(metric, _metric_field(metric), "name")


def _reference(manifest: Mapping[str, Any], now: datetime) -> str:
    target = nested_mapping(manifest, "spec", "scaleTargetRef")
    return f"{target.get('kind')}/{target.get('name')}"


_TEMPLATE_WIDE = (("Containers", _containers("name")), ("Images", _containers("image")))
_BOUND_WIDE = (
    ("Users", _subjects("User")),
    ("Groups", _subjects("Group")),
    ("ServiceAccounts", _subjects("ServiceAccount")),
)
DEFAULT = _layout()
LAYOUTS: Mapping[str, Layout] = {
    "pods": _layout(
        ("Ready", pod_ready),
        ("Status", pod_status),
        ("Restarts", pod_restarts),
        ("Age", _age),
        wide=[
            ("IP", _pod_address),
            ("Node", _text("spec", "nodeName", empty=NONE)),
            ("Nominated Node", _text("status", "nominatedNodeName", empty=NONE)),
            ("Readiness Gates", _gates),
        ],
        age=False,
    ),
    "deployments.apps": _layout(
        ("Ready", _ready_of(("status", "readyReplicas"), ("spec", "replicas"))),
        ("Up-to-date", _text("status", "updatedReplicas", empty="0")),
        ("Available", _text("status", "availableReplicas", empty="0")),
        wide=[*_TEMPLATE_WIDE, ("Selector", _selector("spec", "selector"))],
    ),
    "replicasets.apps": _layout(
        ("Desired#", _number("spec", "replicas")),
        ("Current#", _number("status", "replicas")),
        ("Ready#", _number("status", "readyReplicas")),
        wide=[*_TEMPLATE_WIDE, ("Selector", _selector("spec", "selector"))],
    ),
    "replicationcontrollers": _layout(
        ("Desired#", _number("spec", "replicas")),
        ("Current#", _number("status", "replicas")),
        ("Ready#", _number("status", "readyReplicas")),
        wide=[*_TEMPLATE_WIDE, ("Selector", _selector("spec", "selector"))],
    ),
    "statefulsets.apps": _layout(
        ("Ready", _ready_of(("status", "readyReplicas"), ("spec", "replicas"))), wide=_TEMPLATE_WIDE
    ),
    "daemonsets.apps": _layout(
        ("Desired#", _number("status", "desiredNumberScheduled")),
        ("Current#", _number("status", "currentNumberScheduled")),
        ("Ready#", _number("status", "numberReady")),
        ("Up-to-date#", _number("status", "updatedNumberScheduled")),
        ("Available#", _number("status", "numberAvailable")),
        ("Node Selector", _selector("spec", "template", "spec", "nodeSelector")),
        wide=[*_TEMPLATE_WIDE, ("Selector", _selector("spec", "selector"))],
    ),
    "controllerrevisions.apps": _layout(("Controller", _owner), ("Revision#", _number("revision"))),
    "jobs.batch": _layout(
        ("Status", _job_status),
        ("Completions", _job_completions),
        ("Duration", _job_duration),
        wide=[*_TEMPLATE_WIDE, ("Selector", _selector("spec", "selector"))],
    ),
    "cronjobs.batch": _layout(
        ("Schedule", _text("spec", "schedule")),
        ("Timezone", _text("spec", "timeZone", empty=NONE)),
        ("Suspend", _bool_of("spec", "suspend")),
        ("Active#", _count("status", "active")),
        ("Last Schedule", _last_schedule),
        wide=[("Containers", _job_containers("name")), ("Images", _job_containers("image"))],
    ),
    "services": _layout(
        ("Type", _text("spec", "type")),
        ("Cluster-IP", _text("spec", "clusterIP", empty=NONE)),
        ("External-IP", _external_address),
        ("Port(s)", _service_ports),
        wide=[("Selector", _selector("spec", "selector"))],
    ),
    "endpoints": _layout(("Endpoints", _endpoints)),
    "endpointslices.discovery.k8s.io": _layout(
        ("AddressType", _text("addressType")), ("Ports", _slice_ports), ("Endpoints", _slice_addresses)
    ),
    "ingresses.networking.k8s.io": _layout(
        ("Class", _text("spec", "ingressClassName", empty=NONE)),
        ("Hosts", _ingress_hosts),
        ("Address", lambda manifest, now: ",".join(_balanced(manifest))),
        ("Ports", lambda manifest, now: "80, 443" if nested_list(manifest, "spec", "tls") else "80"),
    ),
    "ingressclasses.networking.k8s.io": _layout(("Controller", _text("spec", "controller"))),
    "networkpolicies.networking.k8s.io": _layout(("Pod-Selector", _selector("spec", "podSelector"))),
    "configmaps": _layout(("Data#", _count("data"))),
    "secrets": _layout(("Type", _text("type")), ("Data#", _count("data"))),
    "serviceaccounts": _layout(("Secrets#", _count("secrets"))),
    "namespaces": _layout(("Status", _text("status", "phase"))),
    "nodes": _layout(
        ("Status", _node_status),
        ("Roles", _node_roles),
        ("Age", _age),
        ("Version", _text("status", "nodeInfo", "kubeletVersion")),
        wide=[
            ("Internal-IP", _node_address("InternalIP")),
            ("External-IP", _node_address("ExternalIP")),
            ("OS-Image", _text("status", "nodeInfo", "osImage", empty="<unknown>")),
            ("Kernel-Version", _text("status", "nodeInfo", "kernelVersion", empty="<unknown>")),
            ("Container-Runtime", _text("status", "nodeInfo", "containerRuntimeVersion", empty="<unknown>")),
        ],
        age=False,
    ),
    "persistentvolumeclaims": _layout(
        ("Status", _claim_status),
        ("Volume", _text("spec", "volumeName")),
        ("Capacity", _text("status", "capacity", "storage")),
        ("Access Modes", _modes),
        ("StorageClass", _text("spec", "storageClassName")),
        ("VolumeAttributesClass", _text("spec", "volumeAttributesClassName", empty=UNSET)),
        wide=[("VolumeMode", _text("spec", "volumeMode", empty=UNSET))],
    ),
    "persistentvolumes": _layout(
        ("Capacity", _text("spec", "capacity", "storage")),
        ("Access Modes", _modes),
        ("Reclaim Policy", _text("spec", "persistentVolumeReclaimPolicy")),
        ("Status", _claim_status),
        ("Claim", _claim),
        ("StorageClass", _text("spec", "storageClassName")),
        ("Reason", _text("status", "reason")),
        wide=[("VolumeMode", _text("spec", "volumeMode", empty=UNSET))],
    ),
    "storageclasses.storage.k8s.io": _layout(
        ("Provisioner", _text("provisioner")),
        ("ReclaimPolicy", _text("reclaimPolicy", empty="Delete")),
        ("VolumeBindingMode", _text("volumeBindingMode", empty="Immediate")),
        ("AllowVolumeExpansion", lambda manifest, now: "true" if manifest.get("allowVolumeExpansion") else "false"),
    ),
    "poddisruptionbudgets.policy": _layout(
        ("Min Available", _text("spec", "minAvailable", empty="N/A")),
        ("Max Unavailable", _text("spec", "maxUnavailable", empty="N/A")),
        ("Allowed Disruptions#", _number("status", "disruptionsAllowed")),
    ),
    "horizontalpodautoscalers.autoscaling": _layout(
        ("Reference", _reference),
        ("Targets", _targets),
        ("MinPods", _text("spec", "minReplicas", empty=UNSET)),
        ("MaxPods#", _number("spec", "maxReplicas")),
        ("Replicas#", _number("status", "currentReplicas")),
    ),
    "events": Layout(
        headers=tuple(
            Header(name=name, is_wide=name in ("Subobject", "Source", "First Seen", "Count", "Name"))
            for name in (
                "Last Seen",
                "Type",
                "Reason",
                "Object",
                "Subobject",
                "Source",
                "Message",
                "First Seen",
                "Count",
                "Name",
            )
        ),
        makers=(
            _event_seen,
            _text("type"),
            _text("reason"),
            _event_object,
            _text("involvedObject", "fieldPath"),
            _event_source,
            _event_message,
            lambda manifest, now: since(manifest.get("firstTimestamp") or manifest.get("eventTime"), now),
            _event_count,
            _name,
        ),
    ),
    "leases.coordination.k8s.io": _layout(("Holder", _text("spec", "holderIdentity"))),
    "rolebindings.rbac.authorization.k8s.io": _layout(("Role", _role), ("Age", _age), wide=_BOUND_WIDE, age=False),
    "clusterrolebindings.rbac.authorization.k8s.io": _layout(
        ("Role", _role), ("Age", _age), wide=_BOUND_WIDE, age=False
    ),
    "roles.rbac.authorization.k8s.io": _layout(("Created At", _text("metadata", "creationTimestamp")), age=False),
    "clusterroles.rbac.authorization.k8s.io": _layout(
        ("Created At", _text("metadata", "creationTimestamp")), age=False
    ),
    "customresourcedefinitions.apiextensions.k8s.io": _layout(
        ("Created At", _text("metadata", "creationTimestamp")), age=False
    ),
    "priorityclasses.scheduling.k8s.io": _layout(
        ("Value#", _number("value")),
        ("Global-Default", lambda manifest, now: "true" if manifest.get("globalDefault") else "false"),
        ("Age", _age),
        ("PreemptionPolicy", _text("preemptionPolicy")),
        age=False,
    ),
    "resourcequotas": _layout(),
}
