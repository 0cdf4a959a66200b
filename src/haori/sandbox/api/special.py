"""Subresources that are actions on a Pod: binding and eviction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from haori.objects import SelectorError, labels_of, nested, nested_mapping, nested_text
from haori.objects.selectors import label_selector_of
from haori.objects.times import format_time
from haori.sandbox.api import errors, preparing
from haori.sandbox.api.exchange import Request
from haori.sandbox.api.layer import Api
from haori.sandbox.api.options import DeleteOptions, WriteOptions
from haori.sandbox.api.registry import ServedType
from haori.sandbox.api.routing import ResourcePath

PLAIN = frozenset({"status", "finalize", "approval", "ephemeralcontainers", "resize"})
"""Subresources that are read and written like the object itself."""
DISRUPTION_BUDGETS = "poddisruptionbudgets.policy"

Created = Callable[[Api, ServedType, ResourcePath, Mapping[str, Any], Request], Awaitable[dict[str, Any]]]


def mapping(value: Any) -> Mapping[str, Any]:
    """A body that must be an object; 400 for anything else."""
    if not isinstance(value, Mapping):
        raise errors.bad_request("the object provided is unrecognized (must be of type Object)")
    return value


async def bind(
    api: Api, type_: ServedType, name: str, namespace: str, binding: Mapping[str, Any], options: WriteOptions
) -> dict[str, Any]:
    """Puts a Pod on the node that a Binding names, once; 409 where it is on one already."""
    node = nested_text(binding, "target", "name")
    if not node or nested_text(binding, "target", "kind") not in ("", "Node"):
        cause = errors.Cause(reason="FieldValueRequired", field="target.name", message="Required value")
        raise errors.invalid("Binding", "", name, [cause])

    def bound(pod: dict[str, Any]) -> dict[str, Any]:
        if found := nested_text(pod, "spec", "nodeName"):
            problem = f'pod {name} is already assigned to node "{found}"'
            raise errors.conflict("pods/binding", "", name, problem)
        if "deletionTimestamp" in pod["metadata"]:
            raise errors.conflict(
                "pods/binding", "", name, f"pod {name} is being deleted, cannot be assigned to a host"
            )
        pod["spec"]["nodeName"] = node
        extra = nested_mapping(binding, "metadata", "annotations")
        if extra:
            pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **extra}
        status = pod.setdefault("status", {})
        others = [each for each in status.get("conditions") or () if each.get("type") != "PodScheduled"]
        moment = format_time(api.now())
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": moment}
        status["conditions"] = [*others, scheduled]
        return pod

    await api.update(type_, name, namespace, bound, options, subresource="binding")
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind_named(api: Api, type_: ServedType, namespace: str, value: Any, options: WriteOptions) -> dict[str, Any]:
    """The same by a Binding that is created as an object of its own; it has the Pod's name. Nothing is kept of it."""
    binding: dict[str, Any] = dict(mapping(value))
    preparing.check_type(type_, binding)
    binding["metadata"] = dict(binding["metadata"])
    preparing.place_in(type_, binding["metadata"], namespace)
    name = nested_text(binding, "metadata", "name")
    return await bind(api, api.served("", "v1", "pods"), name, namespace, binding, options)


async def evict(api: Api, type_: ServedType, name: str, namespace: str, options: DeleteOptions) -> dict[str, Any]:
    """Deletes a Pod if the PodDisruptionBudgets over it can spare it; 429 where one cannot.

    see: Kubernetes `pkg/registry/core/pod/storage/eviction.go`
    """
    pod = api.get(type_, name, namespace).decode()
    if nested_text(pod, "status", "phase") not in ("Succeeded", "Failed", "Pending"):
        budgets = [each for each in api.all_of(DISRUPTION_BUDGETS, namespace) if _covers(each, pod)]
        if len(budgets) > 1:
            raise errors.internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            )
        if budgets and not options.dry_run:
            await _spend(api, budgets[0], name, namespace)
    if not options.dry_run and nested_text(pod, "spec", "nodeName"):
        await _mark_disrupted(api, type_, name, namespace)
    await api.delete(type_, name, namespace, options)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def _mark_disrupted(api: Api, type_: ServedType, name: str, namespace: str) -> None:
    """Says in the Pod's conditions why it ends."""

    def marked(pod: dict[str, Any]) -> dict[str, Any]:
        moment = format_time(api.now())
        condition = {"type": "DisruptionTarget", "status": "True", "lastProbeTime": None, "lastTransitionTime": moment}
        condition |= {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
        others = [each for each in nested(pod, "status", "conditions") or () if each.get("type") != "DisruptionTarget"]
        pod["status"] = {**nested_mapping(pod, "status"), "conditions": [*others, condition]}
        return pod

    await api.update(type_, name, namespace, marked, subresource="binding")


_TOO_MANY = "Cannot evict pod as it would violate the pod's disruption budget."


def _covers(budget: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    try:
        selector = nested(budget, "spec", "selector")
        return label_selector_of(selector).matches(labels_of(pod))
    except SelectorError:
        return False


async def _spend(api: Api, budget: Mapping[str, Any], name: str, namespace: str) -> None:
    """Takes one disruption from the budget, so that two evictions at once cannot both have the last one."""
    type_ = api.registry.stored_as(DISRUPTION_BUDGETS)
    if type_ is None:
        return
    budget_name = budget["metadata"]["name"]

    def spent(value: dict[str, Any]) -> dict[str, Any]:
        status = value.setdefault("status", {})
        allowed = int(status.get("disruptionsAllowed") or 0)
        if int(status.get("observedGeneration") or 0) < int(value["metadata"].get("generation") or 0):
            problem = f"The disruption budget {budget_name} is still being processed by the server."
            raise errors.too_many_requests(_TOO_MANY, 10, [errors.Cause(reason="DisruptionBudget", message=problem)])
        if allowed <= 0:
            needed, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
            problem = f"The disruption budget {budget_name} needs {needed} healthy pods and has {healthy} currently"
            raise errors.too_many_requests(_TOO_MANY, 0, [errors.Cause(reason="DisruptionBudget", message=problem)])
        status["disruptionsAllowed"] = allowed - 1
        status["disruptedPods"] = {**(status.get("disruptedPods") or {}), name: format_time(api.now())}
        return value

    await api.update(type_, budget_name, namespace, spent, subresource="status")


async def _create_binding(
    api: Api, type_: ServedType, place: ResourcePath, value: Mapping[str, Any], request: Request
) -> dict[str, Any]:
    return await bind(api, type_, place.name, place.namespace, value, request.write_options())


async def _create_eviction(
    api: Api, type_: ServedType, place: ResourcePath, value: Mapping[str, Any], request: Request
) -> dict[str, Any]:
    options = request.delete_options_of(nested_mapping(value, "deleteOptions"))
    return await evict(api, type_, place.name, place.namespace, options)


CREATED: Mapping[str, Created] = {"binding": _create_binding, "eviction": _create_eviction}
"""Subresources that are created (POST)."""
