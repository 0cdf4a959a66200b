"""Metadata, generation and status: what the API decides itself when an object is created or changed.

Everything here takes a manifest that is the caller's own and changes it in place. see: Kubernetes
`staging/src/k8s.io/apiserver/pkg/registry/rest/{create,update,meta}.go`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from haori.objects import Manifest, annotations_of, nested_list, nested_mapping
from haori.objects.times import format_time
from haori.sandbox.api.errors import ApiStatusError, Cause, bad_request, forbidden_field, invalid, invalid_field
from haori.sandbox.api.registry import ServedType
from haori.schema import builtin_resources

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_GENERATE_LIMIT = 58
_EXCERPT = 30
_BODY_SHOWN = 4096
"""Of a body that is no object, in the answer: more would be a copy of what was sent."""
_WITH_GENERATION = frozenset(
    {
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "replicationcontrollers",
        "jobs.batch",
        "cronjobs.batch",
        "poddisruptionbudgets.policy",
        "ingresses.networking.k8s.io",
        "networkpolicies.networking.k8s.io",
        "pods",
        "endpointslices.discovery.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "horizontalpodautoscalers.autoscaling",
        "ingressclasses.networking.k8s.io",
        "podtemplates",
        "priorityclasses.scheduling.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    }
)
_STATUS_KEPT_ON_CREATE = frozenset({"nodes"})
_STATUS_WRITES_METADATA = frozenset(
    {"pods", "nodes", "services", "namespaces", "persistentvolumes", "persistentvolumeclaims"}
)
"""Types whose status subresource also takes labels and annotations."""
_COUNTS_ANNOTATIONS = ("apps", "Deployment")
"""The type whose generation counts changes of annotations, unless its status subresource brings them (the rollout's revision).

see: kubernetes/kubernetes `pkg/registry/apps/deployment/strategy.go` (1.37).
"""
_OWN_METADATA = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
)


def check_type(type_: ServedType, manifest: dict[str, Any]) -> None:
    """Fills in apiVersion and kind. Raises a 400 where the manifest says it is something else, or a custom one nothing."""
    if type_.is_custom and not (manifest.get("apiVersion") and manifest.get("kind")):
        what = "Kind" if not manifest.get("kind") else "apiVersion"
        body = orjson.dumps(manifest).decode()
        start = body if len(body) <= _EXCERPT else f"{body[:_EXCERPT]} ..."
        raise bad_request(
            f"the object provided is unrecognized (must be of type {type_.kind}): "
            f"Object '{what}' is missing in '{body[:_BODY_SHOWN]}' ({start})"
        )
    if not type_.is_custom and (problem := other_kind(type_, manifest)):
        raise bad_request(problem)
    for name, found, wanted in (
        ("API version", manifest.get("apiVersion"), type_.api_version),
        ("kind", manifest.get("kind"), type_.kind),
    ):
        if found and found != wanted:
            what = "the API version in the data" if name == "API version" else "the kind in the data"
            raise bad_request(f"{what} ({found}) does not match the expected {name} ({wanted})")
    manifest["apiVersion"], manifest["kind"] = type_.api_version, type_.kind
    if not isinstance(manifest.get("metadata"), Mapping):
        if manifest.get("metadata") is not None:
            raise bad_request("metadata is not an object")
        manifest["metadata"] = {}


def other_kind(type_: ServedType, manifest: Manifest) -> str:
    """Why something that says it is of another type is none of this built-in one; empty where it says no such thing."""
    version = str(manifest.get("apiVersion") or type_.api_version)
    kind = str(manifest.get("kind") or type_.kind)
    if (version, kind) == (type_.api_version, type_.kind):
        return ""
    short = version.rpartition("/")[2]
    what = f'{kind} in version "{short}" cannot be handled as a {type_.kind}'
    return f"{what}: {conversion_problem(type_, manifest)}"


def conversion_problem(type_: ServedType, manifest: Manifest) -> str:
    """The reason alone."""
    version, kind = str(manifest.get("apiVersion") or ""), str(manifest.get("kind") or "")
    group, _, short = version.rpartition("/")
    if any((each.group, each.version, each.kind) == (group, short, kind) for each in builtin_resources()):
        internal = type_.group.partition(".")[0] or "core"
        return f"converting ({short}.{kind}) to ({internal}.{type_.kind}): unknown conversion"
    return f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'


def place_in(type_: ServedType, metadata: dict[str, Any], namespace: str) -> None:
    """Sets the namespace of the request. Raises a 400 where the manifest names another one."""
    if not type_.namespaced:
        metadata.pop("namespace", None)
        return
    if (found := metadata.get("namespace")) and found != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace


def random_suffix(length: int = 5) -> str:
    """Letters for a generated name, none of which make words."""
    return "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(length))


def begin(type_: ServedType, manifest: dict[str, Any], now: datetime) -> None:
    """Gives a new object its name, uid, creationTimestamp and generation, and takes what it may not bring."""
    metadata: dict[str, Any] = manifest["metadata"]
    if metadata.get("resourceVersion"):
        # The server says so in a plain error, which is none of its Statuses' reasons.
        raise ApiStatusError(500, "", "resourceVersion should not be set on objects to be created")
    for name in (*_OWN_METADATA, "resourceVersion"):
        # A type that does not count takes whatever number it is sent, for good.
        if name != "generation" or has_generation(type_):
            metadata.pop(name, None)
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            cause = Cause(
                reason="FieldValueRequired",
                field="metadata.name",
                message="Required value: name or generateName is required",
            )
            raise invalid(type_.kind, type_.group, "", [cause])
        metadata["name"] = str(metadata["generateName"])[:_GENERATE_LIMIT] + random_suffix()
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = format_time(now)
    if has_generation(type_):
        metadata["generation"] = 1
    if type_.has_status and type_.storage not in _STATUS_KEPT_ON_CREATE:
        manifest.pop("status", None)


def has_generation(type_: ServedType) -> bool:
    """Whether the type counts changes of what is wanted."""
    return type_.is_custom or type_.storage in _WITH_GENERATION


def keep_own(type_: ServedType, old: Manifest, new: dict[str, Any], subresource: str) -> None:
    """Puts back what an update may not change, and of a status update everything but the status."""
    found = nested_mapping(old, "metadata")
    metadata: dict[str, Any] = new["metadata"]
    problems = []
    if metadata.get("uid") and metadata["uid"] != found.get("uid"):
        problems.append(invalid_field("metadata.uid", f'Invalid value: "{metadata["uid"]}": field is immutable'))
    if problems:
        raise invalid(type_.kind, type_.group, str(found.get("name")), problems)
    if metadata.get("name") not in (None, "", found.get("name")):
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({found.get('name')})"
        )
    for name in (*_OWN_METADATA, "name", "namespace", "resourceVersion", "generateName"):
        if name in found:
            metadata[name] = found[name]
        else:
            metadata.pop(name, None)
    if not metadata.get("managedFields") and metadata.get("managedFields") != [] and "managedFields" in found:
        metadata["managedFields"] = found["managedFields"]
    if subresource == "status":
        _keep_all_but_status(type_, old, new)
    elif type_.has_status and subresource != "binding":
        _restore(new, old, "status")
    if "deletionTimestamp" in found:
        _refuse_new_finalizers(type_, found, metadata)


def _keep_all_but_status(type_: ServedType, old: Manifest, new: dict[str, Any]) -> None:
    for name in {*old, *new} - {"status", "metadata", "apiVersion", "kind"}:
        _restore(new, old, name)
    metadata: dict[str, Any] = new["metadata"]
    found = nested_mapping(old, "metadata")
    free = {"managedFields"}
    if type_.storage in _STATUS_WRITES_METADATA:
        free |= {"labels", "annotations"}
    if (type_.group, type_.kind) == _COUNTS_ANNOTATIONS:
        free |= {"annotations"}
    for name in {*metadata, *found} - free:
        _restore(metadata, found, name)


def _restore(new: dict[str, Any], old: Mapping[str, Any], name: str) -> None:
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


def _refuse_new_finalizers(type_: ServedType, found: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    added = [name for name in nested_list(metadata, "finalizers") if name not in nested_list(found, "finalizers")]
    if added:
        problem = forbidden_field(
            "metadata.finalizers",
            f"no new finalizers can be added if the object is being deleted, found new finalizers "
            f"[]string{{{', '.join(f'{chr(34)}{name}{chr(34)}' for name in added)}}}",
        )
        raise invalid(type_.kind, type_.group, str(found.get("name")), [problem])


def count_generation(type_: ServedType, old: Manifest, new: dict[str, Any], subresource: str = "") -> None:
    """One generation more where anything but metadata and status changed; of a Deployment annotations count too."""
    if not has_generation(type_):
        return
    ignored = {"metadata", "apiVersion", "kind"} | ({"status"} if type_.has_status or not type_.is_custom else set())
    is_changed = any(old.get(name) != new.get(name) for name in {*old, *new} - ignored)
    if (type_.group, type_.kind) == _COUNTS_ANNOTATIONS and not subresource:
        is_changed = is_changed or annotations_of(old) != annotations_of(new)
    if is_changed:
        new["metadata"]["generation"] = int(nested_mapping(old, "metadata").get("generation") or 0) + 1
