"""The columns of what surrounds Pods: the network, storage, nodes, rights, events.

see: Kubernetes `pkg/printers/internalversion/printers.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haori.objects import labels_of, nested, nested_list, nested_mapping, nested_text
from haori.sandbox.api.cells import (
    NONE,
    UNSET,
    Cell,
    Header,
    Layout,
    age_cell,
    count_at,
    layout,
    name_cell,
    number_at,
    selector_at,
    since,
    text_at,
)


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


def _role(manifest: Mapping[str, Any], now: datetime) -> str:
    return f"{nested_text(manifest, 'roleRef', 'kind')}/{nested_text(manifest, 'roleRef', 'name')}"


def _subjects(kind: str) -> Cell:
    def cell(manifest: Mapping[str, Any], now: datetime) -> str:
        found = [each for each in nested_list(manifest, "subjects") if each.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{each.get('namespace', '')}/{each.get('name')}" for each in found)
        return ", ".join(str(each.get("name")) for each in found)

    return cell


_BOUND_WIDE = (
    ("Users", _subjects("User")),
    ("Groups", _subjects("Group")),
    ("ServiceAccounts", _subjects("ServiceAccount")),
)
CLUSTER: Mapping[str, Layout] = {
    "services": layout(
        ("Type", text_at("spec", "type")),
        ("Cluster-IP", text_at("spec", "clusterIP", empty=NONE)),
        ("External-IP", _external_address),
        ("Port(s)", _service_ports),
        wide=[("Selector", selector_at("spec", "selector"))],
    ),
    "endpoints": layout(("Endpoints", _endpoints)),
    "endpointslices.discovery.k8s.io": layout(
        ("AddressType", text_at("addressType")), ("Ports", _slice_ports), ("Endpoints", _slice_addresses)
    ),
    "ingresses.networking.k8s.io": layout(
        ("Class", text_at("spec", "ingressClassName", empty=NONE)),
        ("Hosts", _ingress_hosts),
        ("Address", lambda manifest, now: ",".join(_balanced(manifest))),
        ("Ports", lambda manifest, now: "80, 443" if nested_list(manifest, "spec", "tls") else "80"),
    ),
    "ingressclasses.networking.k8s.io": layout(("Controller", text_at("spec", "controller"))),
    "networkpolicies.networking.k8s.io": layout(("Pod-Selector", selector_at("spec", "podSelector"))),
    "configmaps": layout(("Data", count_at("data"))),
    "secrets": layout(("Type", text_at("type")), ("Data", count_at("data"))),
    "serviceaccounts": layout(("Secrets#", count_at("secrets"))),
    "namespaces": layout(("Status", text_at("status", "phase"))),
    "nodes": layout(
        ("Status", _node_status),
        ("Roles", _node_roles),
        ("Age", age_cell),
        ("Version", text_at("status", "nodeInfo", "kubeletVersion")),
        wide=[
            ("Internal-IP", _node_address("InternalIP")),
            ("External-IP", _node_address("ExternalIP")),
            ("OS-Image", text_at("status", "nodeInfo", "osImage", empty="<unknown>")),
            ("Kernel-Version", text_at("status", "nodeInfo", "kernelVersion", empty="<unknown>")),
            ("Container-Runtime", text_at("status", "nodeInfo", "containerRuntimeVersion", empty="<unknown>")),
        ],
        age=False,
    ),
    "persistentvolumeclaims": layout(
        ("Status", _claim_status),
        ("Volume", text_at("spec", "volumeName")),
        ("Capacity", text_at("status", "capacity", "storage")),
        ("Access Modes", _modes),
        ("StorageClass", text_at("spec", "storageClassName")),
        ("VolumeAttributesClass", text_at("spec", "volumeAttributesClassName", empty=UNSET)),
        wide=[("VolumeMode", text_at("spec", "volumeMode", empty=UNSET))],
    ),
    "persistentvolumes": layout(
        ("Capacity", text_at("spec", "capacity", "storage")),
        ("Access Modes", _modes),
        ("Reclaim Policy", text_at("spec", "persistentVolumeReclaimPolicy")),
        ("Status", _claim_status),
        ("Claim", _claim),
        ("StorageClass", text_at("spec", "storageClassName")),
        ("Reason", text_at("status", "reason")),
        wide=[("VolumeMode", text_at("spec", "volumeMode", empty=UNSET))],
    ),
    "storageclasses.storage.k8s.io": layout(
        ("Provisioner", text_at("provisioner")),
        ("ReclaimPolicy", text_at("reclaimPolicy", empty="Delete")),
        ("VolumeBindingMode", text_at("volumeBindingMode", empty="Immediate")),
        ("AllowVolumeExpansion", lambda manifest, now: "true" if manifest.get("allowVolumeExpansion") else "false"),
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
            text_at("type"),
            text_at("reason"),
            _event_object,
            text_at("involvedObject", "fieldPath"),
            _event_source,
            _event_message,
            lambda manifest, now: since(manifest.get("firstTimestamp") or manifest.get("eventTime"), now),
            _event_count,
            name_cell,
        ),
    ),
    "leases.coordination.k8s.io": layout(("Holder", text_at("spec", "holderIdentity"))),
    "rolebindings.rbac.authorization.k8s.io": layout(("Role", _role), ("Age", age_cell), wide=_BOUND_WIDE, age=False),
    "clusterrolebindings.rbac.authorization.k8s.io": layout(
        ("Role", _role), ("Age", age_cell), wide=_BOUND_WIDE, age=False
    ),
    "roles.rbac.authorization.k8s.io": layout(("Created At", text_at("metadata", "creationTimestamp")), age=False),
    "clusterroles.rbac.authorization.k8s.io": layout(
        ("Created At", text_at("metadata", "creationTimestamp")), age=False
    ),
    "customresourcedefinitions.apiextensions.k8s.io": layout(
        ("Created At", text_at("metadata", "creationTimestamp")), age=False
    ),
    "priorityclasses.scheduling.k8s.io": layout(
        ("Value#", number_at("value")),
        ("Global-Default", lambda manifest, now: "true" if manifest.get("globalDefault") else "false"),
        ("Age", age_cell),
        ("PreemptionPolicy", text_at("preemptionPolicy")),
        age=False,
    ),
    "resourcequotas": layout(),
}
"""By the storage name of the type."""
