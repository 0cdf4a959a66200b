"""PreDelete and PostDelete hooks: which of them are to be made, waited for, made anew.

PreDelete hooks must all be healthy before anything is deleted, PostDelete hooks before the Application goes. Finalizers on
the Application, Argo CD's own, hold it for them: one until the hooks have ended, one (`…/cleanup`) until those are gone
that go. see: argoproj/argo-cd `controller/hook.go` (3.6). Where we differ: hooks run by waves, one that failed stays for
its reason to be read and is made anew when Git has another definition of it or its object is deleted (Argo CD deletes
and makes it again at once, without end), and PostDelete hooks that ended go unless they ask to stay with HookFailed
alone, since nobody would ever look after them. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from haori.delivery.plan.hooks import hook_info, hook_step, name_generated
from haori.delivery.plan.next import HOOK_PHASES, Observed
from haori.delivery.plan.ordering import group_waves, order_steps
from haori.delivery.plan.timeouts import timed_out, timeout_of
from haori.delivery.plan.types import Step
from haori.objects import Manifest, ResourceKey
from haori.resources import argo
from haori.resources.argo import HookDeletePolicy, OperationPhase, SyncPhase

FINALIZERS = {SyncPhase.PRE_DELETE: argo.PRE_DELETE_FINALIZER, SyncPhase.POST_DELETE: argo.POST_DELETE_FINALIZER}


def cleanup_of(phase: SyncPhase) -> str:
    """The finalizer that holds the Application until the hooks of a phase are gone that go."""
    return f"{FINALIZERS[phase]}/cleanup"


def finalizers_for(present: Sequence[str], phases: Iterable[SyncPhase]) -> list[str] | None:
    """The finalizers of an Application whose desired state has hooks in these phases; None where it has them already."""
    wanted = [name for phase in FINALIZERS if phase in set(phases) for name in (FINALIZERS[phase], cleanup_of(phase))]
    ours = {name for phase in FINALIZERS for name in (FINALIZERS[phase], cleanup_of(phase))}
    kept = [name for name in present if name not in ours or name in wanted]
    found = [*kept, *(name for name in wanted if name not in kept)]
    return None if found == list(present) else found


def deletion_phases(manifests: Iterable[Manifest]) -> frozenset[SyncPhase]:
    """The deletion phases that hooks among these objects ask for."""
    infos = (hook_info(manifest) for manifest in manifests)
    return frozenset(phase for info in infos if info is not None for phase in info.phases if phase in FINALIZERS)


def named(generated: Iterable[Manifest], phase: SyncPhase, revision: str, deleted_at: datetime) -> list[Manifest]:
    """Hooks with generateName under the names that they have in this deletion."""
    return [name_generated(manifest, revision, phase, deleted_at) for manifest in generated]


def deletion_steps(targets: Mapping[ResourceKey, Manifest], phase: SyncPhase, default: float | None) -> list[Step]:
    """The hooks of one phase in their order; `default` is the application's time-out."""
    steps = []
    for key in sorted(targets):
        info = hook_info(targets[key])
        if info is None or phase not in info.phases:
            continue
        step = hook_step(key, targets[key], info, phase)
        steps.append(replace(step, timeout_seconds=timeout_of(targets[key], default)))
    return order_steps(steps)


def hook_mark(step: Step, deletion_id: str) -> str:
    """The operation id of a deletion's hook: which deletion made it, from which definition."""
    content = orjson.dumps(step.manifest, option=orjson.OPT_SORT_KEYS)
    return f"{deletion_id}-{hashlib.sha256(content).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDecision:
    """What to do now for the hooks of one phase; all empty: they have all succeeded."""

    create: tuple[Step, ...] = ()
    remake: tuple[Step, ...] = ()
    """Their old objects go first."""
    waiting_for: tuple[Step, ...] = ()
    failed: tuple[tuple[Step, str], ...] = ()
    look_at: datetime | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        return not (self.create or self.remake or self.waiting_for or self.failed)


def decide_deletion_hooks(
    steps: Sequence[Step],
    live: Mapping[ResourceKey, Observed],
    deletion_id: str,
    *,
    now: datetime,
    created: Mapping[ResourceKey, datetime],
) -> HookDecision:
    """The decision about the first wave that has not succeeded; `created`: when the live objects were made."""
    for wave in group_waves(steps):
        create: list[Step] = []
        remake: list[Step] = []
        waiting: list[Step] = []
        failed: list[tuple[Step, str]] = []
        for step in wave.steps:
            observed = live.get(step.key)
            if observed is None:
                create.append(step)
            elif observed.is_terminating:
                waiting.append(step)
            elif not observed.operation_id.startswith(f"{deletion_id}-"):
                old = HookDeletePolicy.BEFORE_CREATION in step.delete_policies
                (remake if old else create).append(step)
            elif (reason := _failure(step, observed, now, created.get(step.key))) is not None:
                is_same = observed.operation_id == hook_mark(step, deletion_id)
                failed.extend([(step, reason)] if is_same else [])
                remake.extend([] if is_same else [step])
            elif _phase(observed) is OperationPhase.RUNNING:
                waiting.append(step)
        if create or remake or waiting or failed:
            due = [at for step in waiting if (at := _due(step, created.get(step.key))) is not None and at > now]
            return HookDecision(
                create=tuple(create),
                remake=tuple(remake),
                waiting_for=tuple(waiting),
                failed=tuple(failed),
                look_at=min(due, default=None),
            )
    return HookDecision()


def goes_at_the_end(manifest: Manifest, phase: SyncPhase) -> bool:
    """Whether a hook that succeeded is deleted when its phase is over."""
    info = hook_info(manifest)
    policies = info.policies if info is not None else ()
    is_default = phase is SyncPhase.POST_DELETE and HookDeletePolicy.BEFORE_CREATION in policies
    return is_default or HookDeletePolicy.SUCCEEDED in policies


def _phase(observed: Observed) -> OperationPhase:
    return OperationPhase.SUCCEEDED if observed.health is None else HOOK_PHASES[observed.health.status]


def _failure(step: Step, observed: Observed, now: datetime, created: datetime | None) -> str | None:
    phase = _phase(observed)
    message = observed.reason or (observed.health.message if observed.health is not None else "")
    if phase is OperationPhase.FAILED:
        return message or "-"
    due = _due(step, created)
    if phase is OperationPhase.RUNNING and due is not None and now >= due:
        return timed_out(step, message or "-")
    return None


def _due(step: Step, created: datetime | None) -> datetime | None:
    if step.timeout_seconds is None or created is None:
        return None
    return created + timedelta(seconds=step.timeout_seconds)
