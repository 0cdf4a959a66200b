"""Pods and the Pods of templates: the spec as a whole, and what may change in a Pod's life.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidatePodSpec and ValidatePodUpdate (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.objects import Manifest, nested_list
from haori.schema.checks import words
from haori.schema.checks.common import Problems, annotation_map, entries, label_map, one_of, part, said
from haori.schema.checks.containers import check_containers, user_number
from haori.schema.checks.placement import check_placement
from haori.schema.checks.volumes import check_volumes, volume_names
from haori.schema.problems import forbidden, invalid, required

_INT32 = 2**31 - 1
_UPDATE_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_POLICIES = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")


def check_pod(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Pod, or the change of one."""
    spec = part(manifest, "spec")
    found = list(check_pod_spec(spec, "spec"))
    yield from found
    yield from _padded_images(spec)
    if old is not None:
        yield from _change(spec, part(old, "spec"), is_sound=not found)


def check_template(template: Mapping[str, Any], path: str, *, claims: frozenset[str] = frozenset()) -> Problems:
    """A Pod template; `claims` are the volumes that a StatefulSet's claim templates give it besides its own."""
    yield from label_map(part(template, "metadata", "labels"), f"{path}.labels")
    yield from annotation_map(part(template, "metadata", "annotations"), f"{path}.annotations")
    yield from check_pod_spec(part(template, "spec"), f"{path}.spec", claims=claims)


def check_pod_spec(spec: Mapping[str, Any], path: str, *, claims: frozenset[str] = frozenset()) -> Problems:
    """What runs in the Pod, where, and with what."""
    yield from check_volumes(spec, f"{path}.volumes")
    yield from check_containers(spec, path, volume_names(spec) | claims)
    yield from one_of(f"{path}.restartPolicy", spec.get("restartPolicy") or "Always", _POLICIES)
    yield from one_of(f"{path}.dnsPolicy", spec.get("dnsPolicy") or "ClusterFirst", _DNS)
    yield from label_map(part(spec, "nodeSelector"), f"{path}.nodeSelector")
    yield from check_placement(spec, path)
    yield from _security(part(spec, "securityContext"), f"{path}.securityContext")
    yield from _names(spec, path)
    yield from _gates(spec, path)
    for position, server in enumerate(part(spec, "dnsConfig").get("nameservers") or ()):
        yield from said(f"{path}.dnsConfig.nameservers[{position}]", server, words.address(server))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _INT32:
        yield invalid(f"{path}.activeDeadlineSeconds", deadline, f"must be between 1 and {_INT32}, inclusive")
    if spec.get("dnsPolicy") == "None" and not part(spec, "dnsConfig").get("nameservers"):
        if spec.get("dnsConfig") is None:
            yield required(f"{path}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
        else:
            needed = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield required(f"{path}.dnsConfig.nameservers", needed)


def _names(spec: Mapping[str, Any], path: str) -> Problems:
    for field in ("hostname", "subdomain"):
        if text := spec.get(field):
            yield from said(f"{path}.{field}", text, words.label(text))
    for field in ("serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"):
        if text := spec.get(field):
            yield from said(f"{path}.{field}", text, words.subdomain(text))
    for position, alias in entries(spec, "hostAliases"):
        text = alias.get("ip") or ""
        yield from said(f"{path}.hostAliases[{position}].ip", text, words.address(text))
        for index, name in enumerate(nested_list(alias, "hostnames")):
            yield from said(f"{path}.hostAliases[{position}].hostnames[{index}]", name, words.subdomain(name))


def _security(context: Mapping[str, Any], path: str) -> Problems:
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        yield from user_number(context.get(field), f"{path}.{field}")


def _gates(spec: Mapping[str, Any], path: str) -> Problems:
    for field, name in (("schedulingGates", "name"), ("readinessGates", "conditionType")):
        for position, gate in entries(spec, field):
            place = f"{path}.{field}[{position}]" + (".conditionType" if name == "conditionType" else "")
            yield from said(place, gate.get(name) or "", words.qualified_name(gate.get(name) or ""))


def _change(new: Mapping[str, Any], old: Mapping[str, Any], *, is_sound: bool) -> Problems:
    for field in ("containers", "initContainers"):
        if len(nested_list(new, field)) != len(nested_list(old, field)):
            yield forbidden(f"spec.{field}", "pod updates may not add or remove containers")
            return
    deadline = list(_deadline(new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")))
    yield from deadline
    tolerations = list(_tolerations(nested_list(new, "tolerations"), nested_list(old, "tolerations")))
    yield from tolerations
    if is_sound and not (deadline or tolerations) and _fixed(new, old) != _fixed(old, old):
        yield forbidden("spec", _UPDATE_TEXT)


def _padded_images(spec: Mapping[str, Any]) -> Problems:
    """A rule for Pods only: templates have always been taken with such images."""
    for field in ("containers", "initContainers"):
        for position, container in entries(spec, field):
            image = container.get("image") or ""
            if image != image.strip():
                detail = "must not have leading or trailing whitespace"
                yield invalid(f"spec.{field}[{position}].image", image, detail)


def _deadline(new: int | None, old: int | None) -> Problems:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is not None:
            yield invalid(path, None, "must not update from a positive integer to nil value")
    elif not 0 <= new <= _INT32:
        yield invalid(path, new, f"must be between 0 and {_INT32}, inclusive")
    elif old is not None and old < new:
        yield invalid(path, new, "must be less than or equal to previous value")


def _tolerations(new: Sequence[Any], old: Sequence[Any]) -> Problems:
    def without_seconds(toleration: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [without_seconds(each) for each in new]
    if any(without_seconds(each) not in kept for each in old):
        yield forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")


def _fixed(pod: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The spec without what may change."""
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    before = old.get("terminationGracePeriodSeconds")
    if before is not None and before < 0 and pod.get("terminationGracePeriodSeconds") in (before, 1):
        free.append("terminationGracePeriodSeconds")
    spec = {key: value for key, value in pod.items() if key not in free}
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{**each, "image": ""} for each in nested_list(spec, field)]
    return spec
