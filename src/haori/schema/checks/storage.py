"""PersistentVolumeClaims and the claims in a StatefulSet.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidatePersistentVolumeClaimSpec (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.objects.quantities import parse_quantity
from haori.schema.checks import words
from haori.schema.checks.common import Problems, part, said, selector
from haori.schema.problems import forbidden, invalid, required, unsupported

_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_FIXED = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def check_claim(manifest: Manifest, old: Manifest | None) -> Problems:
    """A PersistentVolumeClaim, or the change of one."""
    spec = part(manifest, "spec")
    yield from check_claim_spec(spec, "spec")
    if old is not None:
        yield from _change(manifest, old)


def check_claim_spec(spec: Mapping[str, Any], path: str) -> Problems:
    """What is claimed."""
    modes = spec.get("accessModes") or ()
    if not modes:
        yield required(f"{path}.accessModes", "at least 1 access mode is required")
    yield from selector(spec.get("selector"), f"{path}.selector")
    for mode in modes:
        if mode not in _MODES:
            yield unsupported(f"{path}.accessModes", mode, _MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield forbidden(f"{path}.accessModes", "may not use ReadWriteOncePod with other access modes")
    size = part(spec, "resources", "requests").get("storage")
    if size is None:
        yield required(f"{path}.resources[storage]")
    elif parse_quantity(size) <= 0:
        yield invalid(f"{path}.resources[storage]", str(size), "must be greater than zero")
    if class_name := spec.get("storageClassName"):
        yield from said(f"{path}.storageClassName", class_name, words.subdomain(class_name))
    if (mode := spec.get("volumeMode")) is not None and mode not in ("Block", "Filesystem"):
        yield unsupported(f"{path}.volumeMode", mode, ("Block", "Filesystem"))
    # The server copies the older field to the newer one before it looks at both.
    source = spec.get("dataSource")
    for field, given in (("dataSource", source), ("dataSourceRef", spec.get("dataSourceRef") or source)):
        if given is not None:
            yield from _source(given, f"{path}.{field}")


def _source(source: Mapping[str, Any], path: str) -> Problems:
    for field in ("name", "kind"):
        if not source.get(field):
            yield required(f"{path}.{field}")


def _change(manifest: Manifest, old: Manifest) -> Problems:
    new, before = dict(part(manifest, "spec")), dict(part(old, "spec"))
    if not before.get("volumeName"):
        # A claim is bound by writing the volume's name into it; so is the class that it gets afterwards.
        before["volumeName"] = new.get("volumeName")
        if before.get("storageClassName") is None and new.get("storageClassName"):
            before["storageClassName"] = new["storageClassName"]
    is_bound = part(old, "status").get("phase") == "Bound"
    wanted, had = (_requested(spec) for spec in (new, before))
    if is_bound:
        for spec in (new, before):
            spec["resources"] = {key: value for key, value in part(spec, "resources").items() if key != "requests"}
            spec.pop("volumeAttributesClassName", None)
    if _set_fields(new) != _set_fields(before):
        yield forbidden("spec", _FIXED)
        return
    reached = part(manifest, "status", "capacity").get("storage")
    is_smaller = wanted is not None and had is not None and parse_quantity(wanted) < parse_quantity(had)
    if is_smaller and (reached is None or parse_quantity(wanted) <= parse_quantity(reached)):
        yield forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


def _requested(spec: Mapping[str, Any]) -> Any:
    return part(spec, "resources", "requests").get("storage")


def _set_fields(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if value not in (None, {}, [])}
