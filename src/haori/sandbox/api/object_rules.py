"""What may change in a Pod by which of its subresources; what may change by the Pod itself is `schema`'s.

By `resize`: the containers' cpu and memory. By `ephemeralcontainers`:
containers for a look inside are added. What a request changes beyond its subresource is dropped, as Kubernetes does.
see: Kubernetes `pkg/apis/core/validation/validation.go` (ValidatePodResize,
ValidatePodEphemeralContainersUpdate) and `pkg/registry/core/pod/strategy.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from haori.objects import Manifest, nested_list, nested_mapping, nested_text
from haori.sandbox.api.errors import Cause, forbidden_field
from haori.sandbox.api.pod_admission import quality_of_service

_RESIZED = frozenset({"cpu", "memory"})
_NOT_EPHEMERAL = (
    "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "resizePolicy",
    "restartPolicy",
)  # fmt: skip


def keep_to_subresource(old: Manifest, new: dict[str, Any], subresource: str) -> None:
    """Puts back what a Pod's `resize` and `ephemeralcontainers` do not change."""
    keep = _KEEP.get(subresource)
    if keep is None:
        return
    spec = keep(nested_mapping(old, "spec"), nested_mapping(new, "spec"))
    owners = nested_list(new, "metadata", "managedFields")
    new["metadata"] = dict(nested_mapping(old, "metadata"))
    if owners:
        new["metadata"]["managedFields"] = owners
    new["spec"] = spec


def _keep_ephemeral(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    added = {"ephemeralContainers": new["ephemeralContainers"]} if "ephemeralContainers" in new else {}
    return {key: value for key, value in old.items() if key != "ephemeralContainers"} | added


def _keep_resized(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    spec = dict(old)
    for field in ("containers", "initContainers"):
        wanted = {each.get("name"): each for each in nested_list(new, field)}
        if field in old:
            spec[field] = [_resized(each, wanted.get(each.get("name"), each)) for each in nested_list(old, field)]
    return spec


def _resized(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    container = {key: value for key, value in old.items() if key not in ("resources", "resizePolicy")}
    return container | {key: new[key] for key in ("resources", "resizePolicy") if key in new}


_KEEP: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "ephemeralcontainers": _keep_ephemeral,
    "resize": _keep_resized,
}


def pod_problems(old: Manifest, new: Manifest, subresource: str) -> list[Cause]:
    """The problems of a change of a Pod by one of its subresources."""
    match subresource:
        case "resize":
            return list(_resize_problems(nested_mapping(old, "spec"), nested_mapping(new, "spec")))
        case "ephemeralcontainers":
            return list(_ephemeral_problems(nested_mapping(old, "spec"), nested_mapping(new, "spec")))
        case _:
            return []


def _resize_problems(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    if quality_of_service(old) != quality_of_service(new):
        message = f'Invalid value: "{quality_of_service(new)}": Pod QOS Class may not change as a result of resizing'
        yield Cause(reason="FieldValueInvalid", field="spec", message=message)
    if _unresizable(old) != _unresizable(new):
        yield forbidden_field("spec", "only cpu and memory resources are mutable")
    for index, (before, after) in enumerate(
        zip(nested_list(old, "containers"), nested_list(new, "containers"), strict=True)
    ):
        for kind in ("limits", "requests"):
            gone = set(nested_mapping(before, "resources", kind)) - set(nested_mapping(after, "resources", kind))
            if gone & _RESIZED:
                yield forbidden_field(
                    f"spec.containers[{index}].resources.{kind}", f"resource {kind} cannot be removed"
                )


def _unresizable(spec: Mapping[str, Any]) -> list[Any]:
    """Every amount but those of cpu and memory."""
    return [
        [
            (kind, name, amount)
            for kind in ("limits", "requests")
            for name, amount in sorted(nested_mapping(each, "resources", kind).items())
            if name not in _RESIZED
        ]
        for field in ("containers", "initContainers")
        for each in nested_list(spec, field)
    ]


def _ephemeral_problems(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    wanted = {nested_text(each, "name"): each for each in nested_list(new, "ephemeralContainers")}
    for before in nested_list(old, "ephemeralContainers"):
        name = nested_text(before, "name")
        if name not in wanted:
            yield forbidden_field(
                "spec.ephemeralContainers", f'existing ephemeral containers "{name}" may not be removed'
            )
        elif wanted[name] != before:
            yield forbidden_field(
                "spec.ephemeralContainers", f'existing ephemeral containers "{name}" may not be changed'
            )
    others = {
        nested_text(each, "name") for field in ("containers", "initContainers") for each in nested_list(new, field)
    }
    taken: set[str] = set()
    for index, each in enumerate(nested_list(new, "ephemeralContainers")):
        path, name = f"spec.ephemeralContainers[{index}]", nested_text(each, "name")
        if name in taken | others:
            yield Cause(reason="FieldValueDuplicate", field=f"{path}.name", message=f'Duplicate value: "{name}"')
        taken.add(name)
        for field, value in (("name", name), ("image", nested_text(each, "image"))):
            if not value:
                yield Cause(reason="FieldValueRequired", field=f"{path}.{field}", message="Required value")
        target = nested_text(each, "targetContainerName")
        if target and target not in others:
            yield Cause(
                reason="FieldValueNotFound", field=f"{path}.targetContainerName", message=f'Not found: "{target}"'
            )
        for field in _NOT_EPHEMERAL:
            if each.get(field):
                yield forbidden_field(f"{path}.{field}", "cannot be set for an Ephemeral Container")
