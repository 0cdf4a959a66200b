"""Field selectors: which fields of which types they may name.

see: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/#list-of-supported-fields
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.objects import SelectorError, labels_of, nested
from haori.objects.selectors import FieldSelector, LabelSelector, parse_field_selector, parse_label_selector
from haori.sandbox.api.errors import bad_request
from haori.sandbox.api.registry import ServedType

_COMMON = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        }
    ),
    "events": frozenset(
        {
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    ),
    "secrets": frozenset({"type"}),
    "namespaces": frozenset({"status.phase"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
    "certificatesigningrequests.certificates.k8s.io": frozenset({"spec.signerName"}),
}


def _unknown_field(type_: ServedType, path: str) -> str:
    """Types that know fields of their own have words of their own."""
    if type_.storage in _FIELDS or type_.field_paths:
        return f"field label not supported: {path}"
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'


Matches = Callable[[Mapping[str, Any]], bool]


def parse_selectors(type_: ServedType, labels: str, fields: str) -> tuple[LabelSelector, FieldSelector]:
    """Both selectors of a request. Raises a 400 for texts and fields that are not understood."""
    try:
        label_selector, field_selector = parse_label_selector(labels), parse_field_selector(fields)
    except SelectorError as error:
        raise bad_request(f"unable to parse requirement: {error.parameters.get('problem')}") from error
    known = _COMMON | _FIELDS.get(type_.storage, frozenset()) | set(type_.field_paths)
    for path, _, _ in field_selector.terms:
        if path not in known:
            raise bad_request(_unknown_field(type_, path))
    return label_selector, field_selector


def matcher(labels: LabelSelector, fields: FieldSelector) -> Matches | None:
    """Whether a decoded object is selected; None where every object is."""
    if not labels.requirements and not fields.terms:
        return None

    def matches(manifest: Mapping[str, Any]) -> bool:
        return labels.matches(labels_of(manifest)) and fields.matches(lambda path: _field_text(manifest, path))

    return matches


def _field_text(manifest: Mapping[str, Any], path: str) -> str:
    if path == "source" and "involvedObject" in manifest:
        path = "source.component"
    if path == "status.successful":
        path = "status.succeeded"
    value = nested(manifest, *path.split("."))
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return {"spec.unschedulable": "false", "spec.hostNetwork": "false", "status.replicas": "0"}.get(path, "")
    return str(value)
