"""HorizontalPodAutoscalers without metrics: the bounds are kept, and the status says that nothing is measured.

see: Kubernetes `pkg/controller/podautoscaler/horizontal.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.cluster import ApiResource
from haori.cluster.well_known import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, REPLICA_SETS, STATEFUL_SETS
from haori.objects import nested_mapping
from haori.sandbox.controllers.conditions import condition, set_condition
from haori.sandbox.controllers.deployment_rules import observed, replicas_of
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.listening import asks
from haori.sandbox.controllers.ownership import Key, is_deleting, key_of_object
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

COMPONENT = "horizontal-pod-autoscaler"
_GONE = "the server could not find the requested resource"
_TARGETS: Mapping[str, ApiResource] = {each.kind: each for each in (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS)}


class AutoscalerController:
    """Keeps every HorizontalPodAutoscaler's target within its bounds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scalers = world.informer(HORIZONTAL_POD_AUTOSCALERS)
        self.queue: KeyedQueue[Key] = KeyedQueue("autoscaler", self.reconcile)

    def start(self) -> None:
        """Listens to autoscalers and their targets."""
        self._scalers.subscribe(asks(self.queue.ask))
        for kind, resource in _TARGETS.items():
            self._world.informer(resource).subscribe(self._target_changed(kind))

    def _target_changed(self, kind: str) -> Any:
        def listen(before: Object | None, after: Object | None) -> None:
            if before and after and _sizes(before) == _sizes(after):
                return
            item = after or before
            assert item is not None
            for scaler in self._scalers.in_namespace(item["metadata"]["namespace"]):
                reference = scaler["spec"]["scaleTargetRef"]
                if (reference["kind"], reference["name"]) == (kind, item["metadata"]["name"]):
                    self.queue.ask(key_of_object(scaler))

        return listen

    async def reconcile(self, key: Key) -> None:
        """One look at one autoscaler."""
        scaler = self._scalers.get(key[1], key[0])
        if scaler is None or is_deleting(scaler):
            return
        reference = scaler["spec"]["scaleTargetRef"]
        resource = _TARGETS.get(reference["kind"])
        target = self._world.informer(resource).get(reference["name"], key[0]) if resource else None
        if resource is None or target is None:
            await self._write(scaler, observed(scaler, "currentReplicas"), 0, [self._no_scale(reference)])
            return
        wanted = bounded_size(scaler, replicas_of(target))
        conditions = [_fact("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")]  # fmt: skip  # noqa: E501
        if wanted != replicas_of(target):
            await self._world.replace(resource, {**target, "spec": {**target["spec"], "replicas": wanted}})
            side, bound = ("below", "MinReplicas") if wanted > replicas_of(target) else ("above", "MaxReplicas")
            reason = f"Current number of replicas {side} Spec.{bound}"
            text = f"New size: {wanted}; reason: {reason}"
            self._world.events.normal(COMPONENT, scaler, "SuccessfulRescale", text)
            text = f"the HPA controller was able to update the target scale to {wanted}"
            conditions = [_fact("AbleToScale", "True", "SucceededRescale", text)]
        elif wanted == 0:
            text = "scaling is disabled since the replica count of the target is zero"
            conditions.append(_fact("ScalingActive", "False", "ScalingDisabled", text))
        else:
            reason, text = unmeasured(scaler)
            conditions.append(_fact("ScalingActive", "False", reason, text))
            self._world.events.warning(COMPONENT, scaler, reason, text)
        await self._write(scaler, observed(target, "replicas"), wanted, conditions)

    def _no_scale(self, reference: Mapping[str, Any]) -> dict[str, str]:
        plural = f"{reference['kind'].lower()}s"
        group = str(reference.get("apiVersion", "")).rpartition("/")[0]
        subject = f"{plural}.{group}" if group else plural
        text = f'the HPA controller was unable to get the target\'s current scale: {subject} "{reference["name"]}" not found'
        return _fact("AbleToScale", "False", "FailedGetScale", text)

    async def _write(self, scaler: Object, current: int, wanted: int, facts: list[dict[str, str]]) -> None:
        status = dict(scaler.get("status") or {})
        conditions = list(status.get("conditions") or ())
        for fact in facts:
            known = next((each for each in conditions if each["type"] == fact["type"]), None)
            if known is None or any(known.get(name) != fact[name] for name in ("status", "reason", "message")):
                said = condition(fact["type"], fact["status"], fact["reason"], fact["message"], self._world.now())
                conditions = set_condition(conditions, said)
        status |= {"currentReplicas": current, "desiredReplicas": wanted, "conditions": conditions}
        status = {key: value for key, value in status.items() if key != "currentReplicas" or value}
        status.setdefault("currentMetrics", None)
        await self._world.write_status(HORIZONTAL_POD_AUTOSCALERS, scaler, status)


def bounded_size(scaler: Mapping[str, Any], size: int) -> int:
    """The target's size within the bounds; a target of size 0 is switched off and stays so."""
    least = scaler["spec"].get("minReplicas", 1)
    return size if size == 0 else int(min(max(size, least), scaler["spec"]["maxReplicas"]))


def unmeasured(scaler: Mapping[str, Any]) -> tuple[str, str]:
    """Reason and message of what cannot be computed, after the first metric asked for."""
    begin = "the HPA was unable to compute the replica count: "
    metrics = scaler["spec"].get("metrics") or [{"type": "Resource", "resource": {"name": "cpu"}}]
    first = metrics[0]
    if first["type"] in ("Resource", "ContainerResource"):
        source = nested_mapping(first, "resource" if first["type"] == "Resource" else "containerResource")
        name = source.get("name", "cpu")
        what = f"failed to get {name} utilization: unable to get metrics for resource {name}: "
        what += f"unable to fetch metrics from resource metrics API: {_GONE} (get pods.metrics.k8s.io)"
        return f"FailedGet{first['type']}Metric", begin + what
    api = "external" if first["type"] == "External" else "custom"
    what = f"unable to get {first['type'].lower()} metric: unable to fetch metrics from {api} metrics API: {_GONE}"
    return f"FailedGet{first['type']}Metric", begin + what


def _fact(type_: str, status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def _sizes(target: Mapping[str, Any]) -> tuple[int, int]:
    return replicas_of(target), observed(target, "replicas")
