"""Rules about whole objects: names, labels, what may not change, what Pods need, in the words of the API server.

They follow pkg/apis/*/validation of Kubernetes 1.37 for what users meet most; the rest of a type is `validate`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from haori.objects import Manifest, nested_list, nested_mapping
from haori.schema.catalog import Schemas
from haori.schema.problems import FieldProblem, duplicate, forbidden, invalid, not_found, required, unsupported
from haori.schema.validate import validate

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DNS_LABEL = re.compile(_LABEL)
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_PATH_KINDS = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
_LABEL_KINDS = frozenset({"Namespace", "Service"})
_SELECTING = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})
_IMMUTABLE = "field is immutable"
_TEMPLATES = {
    **dict.fromkeys((*_SELECTING, "Job", "ReplicationController"), ("spec", "template", "spec")),
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_STATEFUL = frozenset({
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
})  # fmt: skip


def validate_object(schemas: Schemas, manifest: Manifest, old: Manifest | None = None) -> tuple[FieldProblem, ...]:
    """Everything wrong with an object that already has its defaults; with `old`, also changes that are not allowed."""
    schema = schemas.type_for(str(manifest.get("apiVersion", "")), str(manifest.get("kind", "")))
    problems = list(validate(schema, manifest, old=old)) if schema is not None else []
    kind = str(manifest.get("kind", "")) if schema is not None and schema.name else ""
    rules = [_metadata(manifest, kind)]
    if kind in _TEMPLATES:
        path = _TEMPLATES[kind]
        rules.append(_pod(nested_mapping(manifest, *path), ".".join(path), kind))
    if kind in _SELECTING:
        rules.append(_selector(manifest))
    if old is not None:
        rules.append(_unchanged(kind, manifest, old))
    seen = {(problem.path, problem.reason) for problem in problems}
    for rule in rules:
        problems += [problem for problem in rule if (problem.path, problem.reason) not in seen]
    return tuple(problems)


def _metadata(manifest: Manifest, kind: str) -> Iterator[FieldProblem]:
    metadata = nested_mapping(manifest, "metadata")
    name = metadata.get("name") or ""
    if not name:
        if not metadata.get("generateName"):
            yield required("metadata.name", "name or generateName is required")
    elif isinstance(name, str):
        yield from _name(name, kind)
    for key, value in nested_mapping(metadata, "labels").items():
        yield from _qualified_key(key, "metadata.labels")
        if not isinstance(value, str) or len(value) > 63 or not _VALUE.fullmatch(value):
            yield invalid("metadata.labels", value, _VALUE_WORDS)
    for key in nested_mapping(metadata, "annotations"):
        yield from _qualified_key(key.lower(), "metadata.annotations")


_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def _name(name: str, kind: str) -> Iterator[FieldProblem]:
    if kind in _PATH_KINDS:
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid("metadata.name", name, "may not contain '/' or '%'")
    elif kind in _LABEL_KINDS:
        if len(name) > 63 or not _DNS_LABEL.fullmatch(name):
            yield invalid("metadata.name", name, _LABEL_WORDS)
    elif len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        yield invalid("metadata.name", name, _SUBDOMAIN_WORDS)


def _qualified_key(key: str, path: str) -> Iterator[FieldProblem]:
    prefix, slash, name = key.rpartition("/")
    if len(name) > 63 or not _QUALIFIED.fullmatch(name) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
        yield invalid(
            path, key,
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        )  # fmt: skip


def _pod(spec: Mapping[str, Any], path: str, kind: str) -> Iterator[FieldProblem]:
    volumes = {v.get("name") for v in nested_list(spec, "volumes") if isinstance(v, Mapping)}
    policy = spec.get("restartPolicy")
    if kind in ("Job", "CronJob") and policy not in ("OnFailure", "Never"):
        yield required(f"{path}.restartPolicy", 'valid values: "OnFailure", "Never"')
    elif kind in _SELECTING and policy not in ("Always", None):
        yield unsupported(f"{path}.restartPolicy", policy, ("Always",))
    if not nested_list(spec, "containers"):
        yield required(f"{path}.containers")
    names: set[Any] = set()
    for field in ("initContainers", "containers"):
        for position, container in enumerate(nested_list(spec, field)):
            if not isinstance(container, Mapping):
                continue
            place, name = f"{path}.{field}[{position}]", container.get("name")
            if not name:
                yield required(f"{place}.name")
            elif name in names:
                yield duplicate(f"{place}.name", name)
            elif not _DNS_LABEL.fullmatch(str(name)):
                yield invalid(f"{place}.name", name, _LABEL_WORDS)
            names.add(name)
            if not container.get("image"):
                yield required(f"{place}.image")
            if kind != "StatefulSet":
                for index, mount in enumerate(nested_list(container, "volumeMounts")):
                    if isinstance(mount, Mapping) and mount.get("name") not in volumes:
                        yield not_found(f"{place}.volumeMounts[{index}].name", mount.get("name"))


def _selector(manifest: Manifest) -> Iterator[FieldProblem]:
    wanted = nested_mapping(manifest, "spec", "selector", "matchLabels")
    labels = nested_mapping(manifest, "spec", "template", "metadata", "labels")
    if any(labels.get(key) != value for key, value in wanted.items()):
        yield invalid(
            "spec.template.metadata.labels", dict(labels), "`selector` does not match template `labels`"
        )  # fmt: skip


def _unchanged(kind: str, manifest: Manifest, old: Manifest) -> Iterator[FieldProblem]:
    new_spec, old_spec = nested_mapping(manifest, "spec"), nested_mapping(old, "spec")
    if kind in ("Deployment", "ReplicaSet", "DaemonSet") and new_spec.get("selector") != old_spec.get("selector"):
        yield invalid("spec.selector", new_spec.get("selector"), _IMMUTABLE)
    if kind == "StatefulSet":
        changed = {key for key in {*new_spec, *old_spec} - _STATEFUL if new_spec.get(key) != old_spec.get(key)}
        if changed:
            yield forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
            )
    if kind == "Job":
        for field in ("selector", "template", "completionMode"):
            if new_spec.get(field) != old_spec.get(field):
                yield invalid(f"spec.{field}", new_spec.get(field), _IMMUTABLE)
    address, before = new_spec.get("clusterIP"), old_spec.get("clusterIP")
    named = "ExternalName" in (new_spec.get("type"), old_spec.get("type"))
    if kind == "Service" and before and not named and address != before:
        yield invalid("spec.clusterIPs[0]", [address or ""], "may not change once set")
    if kind == "PersistentVolumeClaim" and old_spec.get("volumeName"):
        free = {"resources", "volumeAttributesClassName"}
        if any(new_spec.get(key) != old_spec.get(key) for key in {*new_spec, *old_spec} - free):
            yield forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and "
                "volumeAttributesClassName for bound claims",
            )
    if kind == "Secret" and manifest.get("type") != old.get("type"):
        yield invalid("type", manifest.get("type"), _IMMUTABLE)
    if kind in ("Secret", "ConfigMap") and old.get("immutable"):
        if not manifest.get("immutable"):
            yield forbidden("immutable", "field is immutable when `immutable` is set")
        for field in ("data", "binaryData"):
            if manifest.get(field) != old.get(field):
                yield forbidden(field, "field is immutable when `immutable` is set")
    if kind in ("RoleBinding", "ClusterRoleBinding") and manifest.get("roleRef") != old.get("roleRef"):
        yield invalid("roleRef", manifest.get("roleRef"), "cannot change roleRef")
