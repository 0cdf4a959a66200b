"""What one step asks of the cluster and what came of it, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from haori.delivery.model.operation import ResourceResult
from haori.delivery.model.options import SyncOptions
from haori.delivery.plan.types import Action as Planned
from haori.delivery.plan.types import Step
from haori.errors import HaoriError
from haori.objects import Manifest, ResourceKey, key_of, parse_api_version
from haori.resources.argo import HookType, SyncPhase
from haori.resources.haori import FIELD_MANAGER


class Action(StrEnum):
    """What is done to one object."""

    APPLY = "apply"
    CREATE = "create"
    REPLACE = "replace"
    PRUNE = "prune"
    SKIP_PRUNE = "skip-prune"
    DELETE_HOOK = "delete-hook"
    KEEP = "keep"
    """Nothing is sent; the object still gets its row."""


_ACTIONS = {
    Planned.CREATE_NAMESPACE: Action.CREATE,
    Planned.CREATE: Action.APPLY,
    Planned.CONFIGURE: Action.APPLY,
    Planned.REPLACE: Action.REPLACE,
    Planned.KEEP: Action.KEEP,
    Planned.PRUNE: Action.PRUNE,
    Planned.HOOK: Action.APPLY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step on one object. `desired` is what is written; `live` what was there when it was planned, if anything."""

    action: Action
    desired: Manifest | None = None
    live: Manifest | None = None
    phase: SyncPhase = SyncPhase.SYNC
    wave: int = 0
    options: SyncOptions = field(default_factory=SyncOptions)
    hook_type: HookType | None = None

    @classmethod
    def of(cls, step: Step, live: Manifest | None = None) -> Task:
        """The task that carries out a planned step; `live` is the cached object, trimmed or whole."""
        action = _ACTIONS[step.action]
        if step.action is Planned.CREATE_NAMESPACE and set(step.manifest.get("metadata") or {}) - {"name"}:
            action = Action.APPLY
        is_prune = action is Action.PRUNE
        known = live if live is not None or not step.is_live else step.manifest
        return cls(
            action=action,
            desired=None if is_prune else step.manifest,
            live=step.manifest if is_prune and live is None else known,
            phase=step.phase,
            wave=step.wave,
            options=step.options,
            hook_type=step.hook_type,
        )

    @classmethod
    def delete_hook(cls, step: Step, live: Manifest) -> Task:
        """The task that removes a hook's object, whatever finalizer of ours it holds."""
        return cls(
            action=Action.DELETE_HOOK,
            live=live,
            phase=step.phase,
            wave=step.wave,
            options=step.options,
            hook_type=step.hook_type,
        )

    @property
    def manifest(self) -> Manifest:
        """The object the step is about."""
        manifest = self.desired if self.desired is not None else self.live
        assert manifest is not None, "a step without an object"
        return manifest

    @property
    def key(self) -> ResourceKey:
        """The object's key."""
        return key_of(self.manifest)

    @property
    def version(self) -> str:
        """The API version the object is written in."""
        return parse_api_version(str(self.manifest.get("apiVersion") or ""))[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one task: Argo's row, the object as the cluster gave it back, the error behind a failure."""

    task: Task
    result: ResourceResult
    live: dict[str, Any] | None = None
    error: HaoriError | None = None

    @property
    def is_failed(self) -> bool:
        """Whether the step did not do what it should."""
        return self.error is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySettings:
    """How steps are carried out."""

    field_manager: str = FIELD_MANAGER
    """Under which name we own fields; comparing reads ownership by the same name."""
    dry_run: bool = False
    """Ask the server, change nothing."""
    force: bool = False
    """The operation's force: an object that cannot be changed is deleted and created again."""
    parallel: int = 8
    """Requests of one application at once; the client's flow control bounds all together."""
    wave_delay_seconds: float = 0.0
    """Pause between two waves. 0: none, since what was written is judged by its own new version (Argo CD: 2 s)."""
    establish_seconds: float = 10.0
    """How long a CustomResourceDefinition may take to be served."""
    recreate_seconds: float = 30.0
    """How long an object may take to go away before it is created again."""
    taken_over: frozenset[tuple[str, str]] = frozenset(
        {
            ("kubectl-client-side-apply", "Update"),
            ("kubectl-create", "Update"),
            ("argocd-controller", "Update"),
            ("argocd-controller", "Apply"),
        }
    )
    """Managers and their operation whose fields become ours on the first server-side apply."""
