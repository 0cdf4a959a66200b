"""The plan as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from haori.delivery.compare import Difference
from haori.delivery.model import Refusal, SyncOptions
from haori.objects import Manifest, ResourceKey, gvk_of
from haori.resources.argo import HookDeletePolicy, HookType, SyncPhase
from haori.words import Sentence


class Action(StrEnum):
    """What a step does to its object."""

    CREATE_NAMESPACE = "create-namespace"
    CREATE = "create"
    CONFIGURE = "configure"
    REPLACE = "replace"
    KEEP = "keep"
    """In sync: nothing is sent, the object still counts for its wave."""
    PRUNE = "prune"
    HOOK = "hook"


class SkipReason(StrEnum):
    """Why an object that differs has no step."""

    PRUNE_OFF = "prune-off"
    PRUNE_FORBIDDEN = "prune-forbidden"
    NOT_SELECTED = "not-selected"
    IN_SYNC = "in-sync"
    HOOK_SKIPPED = "hook-skipped"
    HOOKS_OFF = "hooks-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object in one phase."""

    key: ResourceKey
    phase: SyncPhase
    wave: int
    action: Action
    manifest: Manifest
    """What is applied; for a prune what is live."""
    options: SyncOptions = field(default_factory=SyncOptions)
    hook_type: HookType | None = None
    delete_policies: tuple[HookDeletePolicy, ...] = ()
    differences: tuple[Difference, ...] = ()
    needs_dry_run: bool = False
    """Whether only a dry run can say that it differs at all."""
    is_live: bool = False
    timeout_seconds: float | None = None
    """How long it may take from the beginning of its wave; None: as long as it wants."""
    needs_approval: bool = False
    """Prune=confirm without an approval: its wave waits."""

    @property
    def version(self) -> str:
        """The API version of the type, for the result's row."""
        return gvk_of(self.manifest).version

    def to_json(self) -> dict[str, Any]:
        """The step without its manifest."""
        return {
            "group": self.key.group,
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "action": self.action.value,
            "hook": self.hook_type.value if self.hook_type else None,
            "needsApproval": self.needs_approval,
            "differences": [difference.to_json() for difference in self.differences],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Steps that run together: prunes first, then kind by kind (those of which none waits for another at once)."""

    phase: SyncPhase
    number: int
    steps: tuple[Step, ...]

    @property
    def prunes(self) -> tuple[Step, ...]:
        """The deletions."""
        return tuple(step for step in self.steps if step.action is Action.PRUNE)

    @property
    def applies(self) -> tuple[Step, ...]:
        """Everything else, in the order it is sent."""
        return tuple(step for step in self.steps if step.action is not Action.PRUNE)

    def to_json(self) -> dict[str, Any]:
        """The wave for printing."""
        steps = [step.to_json() for step in self.steps]
        return {"phase": self.phase.value, "wave": self.number, "steps": steps}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An object without a step."""

    key: ResourceKey
    reason: SkipReason
    manifest: Manifest = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole sync; it may run only if nothing is refused or invalid."""

    waves: tuple[Wave, ...] = ()
    """PreSync, Sync and PostSync, in order."""
    on_failure: tuple[Wave, ...] = ()
    """SyncFail hooks."""
    namespace: Step | None = None
    """The destination namespace that CreateNamespace makes, before everything."""
    refusals: tuple[Refusal, ...] = ()
    invalid: tuple[tuple[ResourceKey, Sentence], ...] = ()
    """Objects of kinds that the cluster does not know."""
    skipped: tuple[Skipped, ...] = ()
    is_dry_run: bool = False
    waits_for_last: bool = False
    operation_id: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps but those on failure, in order."""
        first = (self.namespace,) if self.namespace else ()
        return (*first, *(step for wave in self.waves for step in wave.steps))

    @property
    def is_empty(self) -> bool:
        """Whether running it would send nothing."""
        return all(step.action is Action.KEEP for step in self.steps)

    @property
    def is_repeatable(self) -> bool:
        """Whether running it again from any point of it changes nothing and then all is in sync: one wave of plain applies."""
        leaves = any(item.reason in (SkipReason.PRUNE_OFF, SkipReason.PRUNE_FORBIDDEN) for item in self.skipped)
        is_plain = not (self.on_failure or self.namespace or self.is_dry_run or self.waits_for_last or leaves)
        return is_plain and len(self.waves) <= 1 and all(map(_is_repeatable, self.steps))

    @property
    def is_permitted(self) -> bool:
        """Whether it may run."""
        return not self.refusals and not self.invalid

    def to_json(self) -> dict[str, Any]:
        """The plan for printing, without manifests (which may hold secrets)."""
        return {
            "namespace": self.namespace.key.name if self.namespace else None,
            "waves": [wave.to_json() for wave in self.waves],
            "onFailure": [wave.to_json() for wave in self.on_failure],
            "refusals": [refusal.sentence.to_json() for refusal in self.refusals],
            "invalid": [{"object": str(key), **sentence.to_json()} for key, sentence in self.invalid],
            "skipped": [{"object": str(item.key), "reason": item.reason.value} for item in self.skipped],
            "dryRun": self.is_dry_run,
        }


def _is_repeatable(step: Step) -> bool:
    applies = step.action in (Action.CREATE, Action.CONFIGURE, Action.KEEP) and not step.options.force
    return applies and step.hook_type is None and step.timeout_seconds is None and not step.needs_approval
