"""What some kinds need beyond their schema when they are created, changed or deleted: the API server's own admission.

Each rule takes the object as it will be stored and changes it in place. They look at other objects through `Objects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from haori.objects import nested, nested_list, nested_mapping
from haori.objects.masking import fold_string_data
from haori.objects.times import format_time
from haori.sandbox.api import errors
from haori.sandbox.api.definitions import accept_definition
from haori.sandbox.api.options import WriteOptions
from haori.sandbox.api.pod_admission import admit_pod
from haori.sandbox.api.registry import ServedType
from haori.sandbox.api.services import allocate


class Objects(Protocol):
    """What rules may look at."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""
        ...

    def find(self, storage: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object, or None."""
        ...

    def all_of(self, storage: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a type."""
        ...


SERIAL = frozenset({"services"})
"""Types whose rules choose what no sibling has; their writes go one after the other."""
PROTECTED_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})


def settle(type_: ServedType, old: Mapping[str, Any] | None, new: dict[str, Any]) -> None:
    """What reading an object adds to it before anybody owns its fields."""
    rule = _SETTLE.get(type_.storage)
    if rule is not None:
        rule(old, new)


def on_create(objects: Objects, type_: ServedType, manifest: dict[str, Any], options: WriteOptions) -> None:
    """The rules of a new object."""
    rule = _CREATE.get(type_.storage)
    if rule is not None:
        rule(objects, manifest)


def on_update(
    objects: Objects,
    type_: ServedType,
    old: Mapping[str, Any],
    new: dict[str, Any],
    options: WriteOptions,
    subresource: str,
) -> None:
    """The rules of a changed object."""
    rule = _UPDATE.get(type_.storage)
    if rule is not None:
        rule(objects, old, new, subresource)


def check_deletion(type_: ServedType, name: str) -> None:
    """Raises a 403 for what must stay."""
    if type_.storage == "namespaces" and name in PROTECTED_NAMESPACES:
        raise errors.forbidden(type_.plural, type_.group, name, "this namespace may not be deleted")


def _new_namespace(objects: Objects, manifest: dict[str, Any]) -> None:
    spec = dict(nested_mapping(manifest, "spec"))
    found = list(nested_list(spec, "finalizers"))
    spec["finalizers"] = found if "kubernetes" in found else [*found, "kubernetes"]
    manifest["spec"] = spec
    manifest["status"] = {"phase": "Active"}


def _label_namespace(old: Mapping[str, Any] | None, manifest: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}


def _changed_namespace(objects: Objects, old: Mapping[str, Any], new: dict[str, Any], subresource: str) -> None:
    if subresource != "finalize":
        new["spec"] = {**nested_mapping(new, "spec"), "finalizers": list(nested_list(old, "spec", "finalizers"))}
        if not new["spec"]["finalizers"]:
            del new["spec"]["finalizers"]


def _new_definition(objects: Objects, manifest: dict[str, Any]) -> None:
    accept_definition(objects.now(), objects.all_of("customresourcedefinitions.apiextensions.k8s.io"), None, manifest)


def _changed_definition(objects: Objects, old: Mapping[str, Any], new: dict[str, Any], subresource: str) -> None:
    accept_definition(objects.now(), objects.all_of("customresourcedefinitions.apiextensions.k8s.io"), old, new)


def _new_service(objects: Objects, manifest: dict[str, Any]) -> None:
    allocate(objects.all_of("services"), None, manifest)


def _changed_service(objects: Objects, old: Mapping[str, Any], new: dict[str, Any], subresource: str) -> None:
    if not subresource:
        allocate(objects.all_of("services"), old, new)
    elif nested_mapping(new, "spec").get("type") != "LoadBalancer" and nested_list(new, *_INGRESS):
        problem = "may only be used when `spec.type` is 'LoadBalancer'"
        cause = errors.forbidden_field(".".join(_INGRESS), problem)
        raise errors.invalid("Service", "", str(new["metadata"]["name"]), [cause])


def _new_pod(objects: Objects, manifest: dict[str, Any]) -> None:
    admit_pod(objects.find, lambda: objects.all_of("priorityclasses.scheduling.k8s.io"), manifest)


def _fold_secret(old: Mapping[str, Any] | None, manifest: dict[str, Any]) -> None:
    folded = fold_string_data(manifest)
    manifest.clear()
    manifest.update(folded)


def _count_templates(old: Mapping[str, Any] | None, manifest: dict[str, Any]) -> None:
    """A DaemonSet counts the changes of its template in an annotation, where its structure of old had a field."""
    count = 1
    if old is not None:
        text = str(nested_mapping(old, "metadata", "annotations").get(_TEMPLATES) or "")
        is_same = nested(old, "spec", "template") == nested(manifest, "spec", "template")
        count = (int(text) if text.isdecimal() else 0) + (0 if is_same else 1)
    metadata = manifest["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), _TEMPLATES: str(count)}


def _changed_class(objects: Objects, old: Mapping[str, Any], new: dict[str, Any], subresource: str) -> None:
    """A StorageClass keeps what it says of its volumes."""
    fixed = ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
    problem = "Invalid value: null: field is immutable"
    causes = [errors.invalid_field(name, problem) for name in fixed if old.get(name) != new.get(name)]
    if causes:
        raise errors.invalid("StorageClass", "storage.k8s.io", str(new["metadata"]["name"]), causes)


def _new_job(objects: Objects, manifest: dict[str, Any]) -> None:
    """The labels and the selector by which a Job knows its Pods, unless its author chose them.

    see: Kubernetes `pkg/registry/batch/job/strategy.go`, generateSelector.
    """
    spec = dict(nested_mapping(manifest, "spec"))
    if spec.get("manualSelector"):
        return
    uid, name = manifest["metadata"]["uid"], manifest["metadata"]["name"]
    template = dict(nested_mapping(spec, "template"))
    metadata = dict(nested_mapping(template, "metadata"))
    own = {"controller-uid": uid, "job-name": name}
    prefixed = {f"batch.kubernetes.io/{key}": value for key, value in own.items()}
    metadata["labels"] = {**nested_mapping(metadata, "labels"), **prefixed, **own}
    template["metadata"] = metadata
    spec["template"] = template
    selector = dict(nested_mapping(spec, "selector"))
    selector["matchLabels"] = {
        **nested_mapping(selector, "matchLabels"),
        "batch.kubernetes.io/controller-uid": uid,
    }
    spec["selector"] = selector
    manifest["spec"] = spec
    if not manifest["metadata"].get("labels"):
        manifest["metadata"]["labels"] = dict(metadata["labels"])


def _changed_job(objects: Objects, old: Mapping[str, Any], new: dict[str, Any], subresource: str) -> None:
    """A client that sends its manifest again without what the API added keeps that."""
    if not nested_mapping(new, "spec", "selector") and nested(old, "spec", "selector"):
        new["spec"] = {**nested_mapping(new, "spec"), "selector": nested(old, "spec", "selector")}


def _new_claim(objects: Objects, manifest: dict[str, Any]) -> None:
    """A claim that names no class gets the default one, where there is one."""
    manifest["status"] = {"phase": "Pending"}
    if "storageClassName" in nested_mapping(manifest, "spec"):
        return
    for found in objects.all_of("storageclasses.storage.k8s.io"):
        annotations = nested_mapping(found, "metadata", "annotations")
        if annotations.get("storageclass.kubernetes.io/is-default-class") == "true":
            manifest["spec"] = {**nested_mapping(manifest, "spec"), "storageClassName": found["metadata"]["name"]}
            return


def _new_volume(objects: Objects, manifest: dict[str, Any]) -> None:
    manifest["status"] = {"phase": "Pending", "lastPhaseTransitionTime": format_time(objects.now())}


_INGRESS = ("status", "loadBalancer", "ingress")
_TEMPLATES = "deprecated.daemonset.template.generation"
_SETTLE: Mapping[str, Callable[[Mapping[str, Any] | None, dict[str, Any]], None]] = {
    "daemonsets.apps": _count_templates,
    "namespaces": _label_namespace,
    "secrets": _fold_secret,
}
_CREATE: Mapping[str, Callable[[Objects, dict[str, Any]], None]] = {
    "namespaces": _new_namespace,
    "services": _new_service,
    "pods": _new_pod,
    "jobs.batch": _new_job,
    "persistentvolumeclaims": _new_claim,
    "persistentvolumes": _new_volume,
    "customresourcedefinitions.apiextensions.k8s.io": _new_definition,
}
_UPDATE: Mapping[str, Callable[[Objects, Mapping[str, Any], dict[str, Any], str], None]] = {
    "namespaces": _changed_namespace,
    "services": _changed_service,
    "storageclasses.storage.k8s.io": _changed_class,
    "jobs.batch": _changed_job,
    "customresourcedefinitions.apiextensions.k8s.io": _changed_definition,
}
