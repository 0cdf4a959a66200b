"""The total order of steps: phase, wave, kind rank, name, then namespace, group and kind to break ties.

After sorting, a Namespace moves in front of the first step that lives in it and a CustomResourceDefinition before the
first object of its type; both take over that step's phase and wave. The order of arrival plays no part.
see: argoproj/argo-cd `gitops-engine/pkg/sync/sync_tasks.go` (3.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from haori.delivery.plan.types import Action, Step, Wave
from haori.objects import nested_text
from haori.resources.argo import SyncPhase

KIND_ORDER = (
    "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget",
    "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
    "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding", "ClusterRoleBindingList",
    "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod", "ReplicationController", "ReplicaSet",
    "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
)  # fmt: skip
_KIND_RANK = {kind: rank for rank, kind in enumerate(KIND_ORDER)}
_PHASE_RANK = {phase: rank for rank, phase in enumerate(SyncPhase)}


def kind_rank(kind: str) -> int:
    """The place of a kind; kinds that are not listed come last."""
    return _KIND_RANK.get(kind, len(KIND_ORDER))


def order_key(step: Step) -> tuple[int, int, int, str, str, str, str]:
    """What steps are sorted by."""
    key = step.key
    return _PHASE_RANK[step.phase], step.wave, kind_rank(key.kind), key.name, key.namespace, key.group, key.kind


def order_steps(steps: Iterable[Step]) -> list[Step]:
    """The steps in the order they run."""
    ordered = sorted(steps, key=order_key)
    for step in [step for step in ordered if _carries(step)]:
        first = next((other for other in ordered if other is not step and _needs(other, step)), None)
        if first is not None and order_key(first)[:2] < order_key(step)[:2]:
            ordered.remove(step)
            ordered.insert(ordered.index(first), replace(step, phase=first.phase, wave=first.wave))
        elif first is not None and ordered.index(first) < ordered.index(step):
            ordered.remove(step)
            ordered.insert(ordered.index(first), step)
    return ordered


def group_waves(steps: Iterable[Step]) -> tuple[Wave, ...]:
    """Ordered steps as waves."""
    grouped = groupby(steps, key=lambda step: (step.phase, step.wave))
    return tuple(Wave(phase=phase, number=number, steps=tuple(group)) for (phase, number), group in grouped)


def reverse_prunes(steps: Iterable[Step]) -> list[Step]:
    """Prunes in the mirrored order of their own waves; PruneLast goes behind the last Sync wave."""
    given = list(steps)
    waves = sorted({step.wave for step in given if step.action is Action.PRUNE and not step.options.prune_last})
    mirror = dict(zip(waves, reversed(waves), strict=True))
    last = max((step.wave for step in given if step.phase is SyncPhase.SYNC), default=0) + 1
    turned = []
    for step in given:
        if step.action is Action.PRUNE:
            turned.append(replace(step, wave=last if step.options.prune_last else mirror[step.wave]))
        else:
            turned.append(step)
    return turned


def _carries(step: Step) -> bool:
    if step.action is Action.PRUNE:
        return False
    kind, group = step.key.kind, step.key.group
    return (kind, group) in (("Namespace", ""), ("CustomResourceDefinition", "apiextensions.k8s.io"))


def _needs(other: Step, step: Step) -> bool:
    if other.action is Action.PRUNE:
        return False
    if step.key.kind == "Namespace":
        return other.key.namespace == step.key.name
    group = nested_text(step.manifest, "spec", "group")
    return (other.key.group, other.key.kind) == (group, nested_text(step.manifest, "spec", "names", "kind"))
