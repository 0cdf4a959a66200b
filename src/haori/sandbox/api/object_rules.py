"""Rules about whole objects: how names may be written, what must fit together, what may never change.

Pure. `schema` checks values against their types; these are the rules people meet beyond that, in the API server's words.
see: Kubernetes `pkg/apis/{core,apps,batch,rbac}/validation` and apimachinery `pkg/util/validation` (1.37).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from haori.objects import Manifest, SelectorError, nested, nested_list, nested_mapping, nested_text
from haori.objects.selectors import label_selector_of
from haori.sandbox.api.errors import Cause, forbidden_field, invalid_field
from haori.sandbox.api.registry import ServedType

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
    f"with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    f"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_DNS_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
    f"with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{_DNS_1035}')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_LABEL_VALUE}')"
)
_POD_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_STATEFUL_TEXT = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_STATEFUL_FREE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_SELECTING = frozenset({"deployments.apps", "replicasets.apps", "daemonsets.apps", "statefulsets.apps"})
_IMMUTABLE = "field is immutable"


def object_problems(type_: ServedType, manifest: Manifest, old: Manifest | None, subresource: str) -> Iterator[Cause]:
    """What is wrong with an object that is created (`old` is None) or changed."""
    if old is None:
        yield from _name_problems(type_, nested_text(manifest, "metadata", "name"))
    if old is None or nested(old, "metadata", "labels") != nested(manifest, "metadata", "labels"):
        yield from _label_problems(nested_mapping(manifest, "metadata", "labels"), "metadata.labels")
    if subresource:
        return
    if type_.storage in _SELECTING or type_.storage == "jobs.batch":
        yield from _template_problems(type_, manifest)
    rule = _CHANGES.get(type_.storage)
    if old is not None and rule is not None:
        yield from rule(old, manifest)


def _name_problems(type_: ServedType, name: str) -> Iterator[Cause]:
    pattern, text, limit = _SUBDOMAIN, _SUBDOMAIN_TEXT, 253
    if type_.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid_field(
                "metadata.name", f'Invalid value: "{name}": may not be "." or ".." or contain "/" or "%"'
            )
        return
    if type_.storage == "namespaces":
        pattern, text, limit = _LABEL, _LABEL_TEXT, 63
    elif type_.storage == "services":
        pattern, text, limit = _DNS_1035, _DNS_1035_TEXT, 63
    if re.fullmatch(pattern, name) is None:
        yield invalid_field("metadata.name", f"Invalid value: {_shown(name)}: {text}")
    if len(name) > limit:
        yield invalid_field("metadata.name", f"Invalid value: {_shown(name)}: must be no more than {limit} bytes")


def _label_problems(labels: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for value in labels.values():
        if not isinstance(value, str):
            continue
        if len(value) > 63:
            yield invalid_field(path, f"Invalid value: {_shown(value)}: must be no more than 63 bytes")
        if re.fullmatch(_LABEL_VALUE, value) is None:
            yield invalid_field(path, f"Invalid value: {_shown(value)}: {_LABEL_VALUE_TEXT}")


def _template_problems(type_: ServedType, manifest: Manifest) -> Iterator[Cause]:
    policy = nested(manifest, "spec", "template", "spec", "restartPolicy")
    allowed = ("OnFailure", "Never") if type_.storage == "jobs.batch" else ("Always",)
    if policy is not None and policy not in allowed:
        shown = ", ".join(f'"{each}"' for each in allowed)
        yield Cause(
            reason="FieldValueNotSupported",
            field="spec.template.spec.restartPolicy",
            message=f"Unsupported value: {_shown(policy)}: supported values: {shown}",
        )
    if type_.storage == "jobs.batch":
        return
    labels = nested_mapping(manifest, "spec", "template", "metadata", "labels")
    try:
        selects = label_selector_of(nested_mapping(manifest, "spec", "selector")).matches(labels)
    except SelectorError as error:
        yield invalid_field("spec.selector", f"Invalid value: {error.parameters.get('problem')}")
        return
    if not selects:
        problem = f"Invalid value: {_shown(labels or None)}: `selector` does not match template `labels`"
        yield invalid_field("spec.template.metadata.labels", problem)


def _selector_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    yield from _kept(old, new, "spec", "selector")


def _kept(old: Manifest, new: Manifest, *path: str) -> Iterator[Cause]:
    before, after = nested(old, *path), nested(new, *path)
    if before != after:
        yield invalid_field(".".join(path), f"Invalid value: {_shown(after)}: {_IMMUTABLE}")


def _stateful_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    before, after = (
        {key: value for key, value in nested_mapping(each, "spec").items() if key not in _STATEFUL_FREE}
        for each in (old, new)
    )
    if before != after:
        yield forbidden_field("spec", _STATEFUL_TEXT)


def _job_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    yield from _kept(old, new, "spec", "selector")
    if not nested(old, "spec", "suspend"):
        yield from _kept(old, new, "spec", "template")
    if nested(new, "spec", "completionMode") != "Indexed":
        yield from _kept(old, new, "spec", "completions")


def _pod_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    if _fixed(old) != _fixed(new):
        yield forbidden_field("spec", _POD_TEXT)


def _fixed(pod: Manifest) -> dict[str, Any]:
    """The spec without what may change in a Pod's life."""
    free = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")
    spec = {key: value for key, value in nested_mapping(pod, "spec").items() if key not in free}
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{**each, "image": ""} for each in nested_list(spec, field)]
    return spec


def _data_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    if nested(old, "immutable") is not True:
        return
    if nested(new, "immutable") is not True:
        yield forbidden_field("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if nested(old, field) != nested(new, field):
            yield forbidden_field(field, "field is immutable when `immutable` is set")


def _secret_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    yield from _kept(old, new, "type")
    yield from _data_kept(old, new)


def _role_kept(old: Manifest, new: Manifest) -> Iterator[Cause]:
    if nested(old, "roleRef") != nested(new, "roleRef"):
        yield invalid_field("roleRef", f"Invalid value: {_shown(nested(new, 'roleRef'))}: cannot change roleRef")


def _shown(value: Any) -> str:
    return orjson.dumps(value).decode()[:1024]


_CHANGES: Mapping[str, Callable[[Manifest, Manifest], Iterator[Cause]]] = {
    "deployments.apps": _selector_kept,
    "replicasets.apps": _selector_kept,
    "daemonsets.apps": _selector_kept,
    "statefulsets.apps": _stateful_kept,
    "jobs.batch": _job_kept,
    "pods": _pod_kept,
    "configmaps": _data_kept,
    "secrets": _secret_kept,
    "rolebindings.rbac.authorization.k8s.io": _role_kept,
    "clusterrolebindings.rbac.authorization.k8s.io": _role_kept,
}
