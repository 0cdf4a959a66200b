"""From comparisons and policy to a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from haori.delivery.compare import Comparison
from haori.delivery.model import Operation, Project, Refusal, SyncPolicy
from haori.delivery.model.options import Permission, object_options
from haori.delivery.model.problems import word_of
from haori.delivery.plan.hooks import hook_info, hook_step, is_hook, name_generated, wave_of
from haori.delivery.plan.ordering import group_waves, order_steps, reverse_prunes
from haori.delivery.plan.timeouts import timeout_of
from haori.delivery.plan.types import Action, Plan, Skipped, SkipReason, Step
from haori.objects import (
    GroupKind,
    GroupVersionKind,
    Manifest,
    ResourceKey,
    annotations_of,
    gvk_of,
    key_of,
    nested_list,
    nested_text,
)
from haori.resources import haori
from haori.resources.argo import HookType, SyncPhase
from haori.words import Sentence

_FAILURE_PHASES = (SyncPhase.SYNC_FAIL,)
_DELETION_PHASES = (SyncPhase.PRE_DELETE, SyncPhase.POST_DELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything a plan depends on."""

    desired: Mapping[ResourceKey, Manifest]
    """Cleaned, marked targets, hooks included."""
    live: Mapping[ResourceKey, Manifest]
    """Live objects that carry the application's mark, and those under a target's key."""
    owned: frozenset[ResourceKey]
    """Keys of `live` that carry the mark: only these may be pruned."""
    comparisons: Mapping[ResourceKey, Comparison]
    project: Project
    policy: SyncPolicy
    operation: Operation
    namespaced: Callable[[GroupKind], bool | None]
    """None: the cluster does not know the kind."""
    served_version: Callable[[GroupVersionKind], str | None] = lambda gvk: gvk.version
    """The version in which the cluster serves a kind: the one asked for where it does; None: it does not know the kind."""
    generated: Sequence[Manifest] = ()
    """Hooks with generateName."""
    server: str = ""
    cluster_name: str = ""
    namespace: str = ""
    """The destination's."""
    namespace_exists: bool = True
    namespace_differs: bool = False
    """Whether managedNamespaceMetadata is not yet on the live namespace."""
    revision: str = ""
    started_at: datetime | None = None
    approved_at: datetime | None = None
    """When pruning was confirmed."""
    operation_id: str = ""
    waits_for_last: bool = False
    prune: bool | None = None
    """None: what the operation says."""
    begun: frozenset[ResourceKey] = frozenset()
    """Objects that this operation has written: they keep their steps though they are in sync by now."""
    default_timeout: float | None = None
    """Seconds a step may take that says nothing itself."""
    itself: ResourceKey | None = None
    """The Application's own key: never pruned by its own sync."""
    extra_options: tuple[str, ...] = field(default=())


def plan_sync(request: PlanRequest) -> Plan:
    """The plan of one sync: the same for the same request, in whatever order its mappings were filled."""
    texts = (*request.policy.option_texts, *request.extra_options, *request.operation.option_texts)
    skipped: list[Skipped] = []
    steps: list[Step] = []
    for key in sorted(request.desired):
        steps.extend(_desired_steps(request, key, texts, skipped))
    for manifest in request.generated:
        steps.extend(_generated_steps(request, manifest, texts))
    for key in sorted(set(request.live) - set(request.desired)):
        step = _prune_step(request, key, texts, skipped)
        steps.extend([step] if step is not None else [])
    limited = [replace(step, timeout_seconds=timeout_of(step.manifest, request.default_timeout)) for step in steps]
    ordered = order_steps(reverse_prunes(limited))
    namespace = _namespace_step(request, texts)
    return Plan(
        waves=group_waves(step for step in ordered if step.phase not in _FAILURE_PHASES),
        on_failure=group_waves(step for step in ordered if step.phase in _FAILURE_PHASES),
        namespace=namespace,
        refusals=tuple(_refusals(request, (*((namespace,) if namespace is not None else ()), *ordered))),
        invalid=tuple(_invalid(request, ordered)),
        skipped=tuple(sorted(skipped, key=lambda item: item.key)),
        is_dry_run=request.operation.dry_run,
        waits_for_last=request.waits_for_last,
        operation_id=request.operation_id,
    )


def plan_of_live_hooks(live: Mapping[ResourceKey, Manifest], operation_id: str) -> Plan:
    """What can be said of an operation by its hooks alone, where its plan cannot be made anew: enough to end it."""
    steps = []
    for key in sorted(live):
        notes, hook = annotations_of(live[key]), hook_info(live[key])
        phase = word_of(SyncPhase, notes.get(haori.HOOK_PHASE))
        if hook is None or phase is None or notes.get(haori.OPERATION_ID) != operation_id:
            continue
        step = hook_step(key, live[key], hook, phase)
        steps.append(replace(step, hook_type=HookType(phase.value), is_live=True))
    return Plan(waves=group_waves(order_steps(steps)), operation_id=operation_id)


def is_selected(operation: Operation, key: ResourceKey) -> bool:
    """Whether an operation speaks of an object."""
    return not operation.resources or any(ref.matches(key) for ref in operation.resources)


def _desired_steps(
    request: PlanRequest, key: ResourceKey, texts: tuple[str, ...], skipped: list[Skipped]
) -> Iterator[Step]:
    manifest, live = request.desired[key], request.live.get(key)
    hook = hook_info(manifest)
    if hook is not None:
        if not hook.phases or not request.operation.runs_hooks:
            reason = SkipReason.HOOKS_OFF if hook.phases else SkipReason.HOOK_SKIPPED
            skipped.append(Skipped(key=key, reason=reason, manifest=manifest))
            return
        yield from _hook_steps(key, manifest, texts, live is not None)
        return
    if not is_selected(request.operation, key):
        skipped.append(Skipped(key=key, reason=SkipReason.NOT_SELECTED, manifest=manifest))
        return
    options = object_options(texts, manifest)
    if live is not None:
        # Replace and Force may also be asked for on the live object, so that one stuck object can be freed by hand.
        spoken = object_options((), live)
        options = replace(options, replace=options.replace or spoken.replace, force=options.force or spoken.force)
    if request.operation.force:
        options = replace(options, force=True)
    comparison = request.comparisons.get(key)
    is_synced = comparison is not None and comparison.is_synced
    if is_synced and options.apply_out_of_sync_only and key not in request.begun:
        skipped.append(Skipped(key=key, reason=SkipReason.IN_SYNC, manifest=manifest))
        return
    yield Step(
        key=key,
        phase=SyncPhase.SYNC,
        wave=wave_of(manifest),
        action=_action(live is not None, is_synced, options.replace),
        manifest=manifest,
        options=options,
        differences=comparison.differences if comparison else (),
        needs_dry_run=comparison.needs_dry_run if comparison else False,
        is_live=live is not None,
    )


def _action(is_live: bool, is_synced: bool, replaces: bool) -> Action:
    if not is_live:
        return Action.CREATE
    if is_synced:
        return Action.KEEP
    return Action.REPLACE if replaces else Action.CONFIGURE


def _hook_steps(key: ResourceKey, manifest: Manifest, texts: tuple[str, ...], is_live: bool) -> Iterator[Step]:
    hook = hook_info(manifest)
    for phase in hook.phases if hook else ():
        if phase in _DELETION_PHASES or hook is None:
            continue
        yield replace(
            hook_step(key, manifest, hook, phase),
            options=object_options(texts, manifest),
            hook_type=HookType(phase.value),
            is_live=is_live,
        )


def _generated_steps(request: PlanRequest, manifest: Manifest, texts: tuple[str, ...]) -> Iterator[Step]:
    hook = hook_info(manifest)
    if hook is None or not request.operation.runs_hooks or request.started_at is None:
        return
    for phase in hook.phases:
        named = name_generated(manifest, request.revision, phase, request.started_at)
        key = key_of(named)
        yield from (step for step in _hook_steps(key, named, texts, key in request.live) if step.phase is phase)


def _prune_step(request: PlanRequest, key: ResourceKey, texts: tuple[str, ...], skipped: list[Skipped]) -> Step | None:
    live = request.live[key]
    if key not in request.owned or nested_list(live, "metadata", "ownerReferences") or is_hook(live):
        return None
    if key == request.itself or not is_selected(request.operation, key):
        return None
    options = object_options(texts, live)
    prunes = request.operation.prune if request.prune is None else request.prune
    if options.prune is Permission.NEVER or not prunes:
        reason = SkipReason.PRUNE_FORBIDDEN if options.prune is Permission.NEVER else SkipReason.PRUNE_OFF
        skipped.append(Skipped(key=key, reason=reason, manifest=live))
        return None
    started, approved = request.started_at, request.approved_at
    is_approved = approved is not None and (started is None or approved >= started.replace(microsecond=0))
    return Step(
        key=key,
        phase=SyncPhase.SYNC,
        wave=wave_of(live),
        action=Action.PRUNE,
        manifest=live,
        options=options,
        is_live=True,
        needs_approval=options.prune is Permission.CONFIRM and not is_approved,
    )


def _namespace_step(request: PlanRequest, texts: tuple[str, ...]) -> Step | None:
    options = object_options(texts)
    key = ResourceKey("", "Namespace", "", request.namespace)
    if not options.create_namespace or not request.namespace or key in request.desired:
        return None
    if request.namespace_exists and not request.namespace_differs:
        return None
    metadata: dict[str, Any] = {"name": request.namespace}
    if request.policy.namespace_labels:
        metadata["labels"] = dict(request.policy.namespace_labels)
    if request.policy.namespace_annotations:
        metadata["annotations"] = dict(request.policy.namespace_annotations)
    return Step(
        key=key,
        phase=SyncPhase.PRE_SYNC,
        wave=0,
        action=Action.CREATE_NAMESPACE,
        manifest={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        options=options,
        is_live=request.namespace_exists,
    )


def _refusals(request: PlanRequest, steps: Sequence[Step]) -> Iterator[Refusal]:
    for step in steps:
        namespaced = request.namespaced(step.key.group_kind)
        if namespaced is None:
            namespaced = bool(step.key.namespace)
        refusal = request.project.refuse_object(step.key, request.server, request.cluster_name, namespaced=namespaced)
        if refusal is not None:
            yield refusal


def _invalid(request: PlanRequest, steps: Sequence[Step]) -> Iterator[tuple[ResourceKey, Sentence]]:
    coming = {
        (nested_text(step.manifest, "spec", "group"), nested_text(step.manifest, "spec", "names", "kind"))
        for step in steps
        if step.key.kind == "CustomResourceDefinition" and step.action is not Action.PRUNE
    }
    for step in steps:
        key = step.key
        if step.action is Action.PRUNE or step.options.skip_dry_run_on_missing or tuple(key.group_kind) in coming:
            continue
        served = None
        if request.namespaced(key.group_kind) is not None:
            served = request.served_version(gvk_of(step.manifest))
        if served is None:
            yield key, Sentence(code="kind-unknown", parameters=key._asdict())
        elif served != step.version:
            parameters = {**key._asdict(), "version": step.version, "served": served}
            yield key, Sentence(code="version-unknown", parameters=parameters)
