"""What may change in a Pod's life, which `schema` does not judge: images, tolerations, deadlines, nothing else.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidatePodUpdate (1.37).
"""

from __future__ import annotations

from typing import Any

from haori.objects import Manifest, nested_list, nested_mapping
from haori.sandbox.api.errors import Cause, forbidden_field

_POD_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_problems(old: Manifest, new: Manifest) -> list[Cause]:
    """The problem of an update that changes what is fixed, in a list; an empty one where it does not."""
    return [forbidden_field("spec", _POD_TEXT)] if _fixed(old) != _fixed(new) else []


def _fixed(pod: Manifest) -> dict[str, Any]:
    """The spec without what may change."""
    free = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")
    spec = {key: value for key, value in nested_mapping(pod, "spec").items() if key not in free}
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{**each, "image": ""} for each in nested_list(spec, field)]
    return spec
