"""What the engine remembers of each application between two looks: all of it can be worked out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from haori.delivery.compare import CompareOptions, Comparison, Targets
from haori.delivery.health import Health
from haori.delivery.model import Application, Condition, OperationState
from haori.delivery.plan import Plan
from haori.errors import HaoriError
from haori.objects import Manifest, ResourceKey
from haori.resources.argo import HealthStatus, SyncPhase, SyncStatus
from haori.words import Sentence

SMALL_BYTES = 256 << 10
"""Objects that are no larger together are worked on by the event loop: handing them to a thread would cost more."""


class ApplicationKey(NamedTuple):
    """One Application."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


Compared = dict[ResourceKey, tuple[Manifest | None, Manifest | None, CompareOptions, Comparison]]
"""What was compared, how, and what came out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What an application should be at some revisions."""

    revisions: tuple[str, ...]
    """One a source."""
    targets: Targets
    source_types: tuple[str, ...] = ()
    content: str = ""
    """Equal contents mean equal targets, whatever the revisions."""
    size_bytes: int = 0
    """Of what was rendered, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object of an application."""

    key: ResourceKey
    version: str
    health: Health | None = None
    status: SyncStatus | None = None
    """None for hooks, which never count."""
    is_hook: bool = False
    requires_pruning: bool = False
    wave: int = 0

    def to_json(self) -> dict[str, Any]:
        """The row as `status.resources` holds it; the health beside the status, as Argo CD before 3 had it."""
        fields: dict[str, Any] = {
            "group": self.key.group, "version": self.version, "kind": self.key.kind, "namespace": self.key.namespace,
            "name": self.key.name, "status": self.status.value if self.status else "", "hook": self.is_hook,
            "requiresPruning": self.requires_pruning, "syncWave": self.wave,
        }  # fmt: skip
        row = {name: value for name, value in fields.items() if value}
        if self.health is not None:
            row["health"] = self.health.to_json()
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Desired beside live."""

    status: SyncStatus
    health: Health
    rows: tuple[Row, ...] = ()
    comparisons: Mapping[ResourceKey, Comparison] = field(default_factory=dict)
    live: Mapping[ResourceKey, Manifest] = field(default_factory=dict)
    owned: frozenset[ResourceKey] = frozenset()
    conditions: tuple[Condition, ...] = ()
    deletion_phases: frozenset[SyncPhase] = frozenset()
    """PreDelete and PostDelete, where Git has hooks for them."""
    namespace_exists: bool = True
    namespace_differs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What one look found."""

    sync: SyncStatus
    health: HealthStatus
    health_message: str = ""
    revisions: tuple[str, ...] = ()
    assessment: Assessment | None = None
    desired: Desired | None = None
    conditions: tuple[Condition, ...] = ()
    why: Sentence | None = None
    pin: Mapping[str, Any] | None = None
    state: OperationState | None = None
    has_ended: bool = False
    """Whether `state` ended in this look: then history grows."""
    urls: tuple[str, ...] = ()


@dataclass(slots=True)
class Run:
    """An operation under way: its plan, made once so that it does not change while it is carried out."""

    plan: Plan
    operation_id: str
    validated: bool = False
    reasons: dict[ResourceKey, Sentence] = field(default_factory=dict)
    """What objects were last found to wait for, for the sentence of a time-out."""
    setbacks: int = 0
    """How often in a row its writes met trouble that may pass."""
    stopped: set[str] = field(default_factory=set)
    """uids of hooks that took too long and were deleted."""
    ran: tuple[SyncPhase, int] | None = None
    """The wave that ran last, in this process."""
    held_until: datetime | None = None
    """When the next wave may begin, where there is a pause between waves."""
    approved_at: datetime | None = None
    """When pruning was confirmed, as the plan has it."""
    refusal: str = ""
    """Why it may not run at all, in the words of `operationState.message`."""


@dataclass(slots=True)
class Memory:
    """Everything remembered of one application."""

    server: str = ""
    """The cluster that all of this is about."""
    uid: str = ""
    """The Application's: one that is made again under its name is another."""
    git: tuple[str, ...] = ()
    """The revisions that its sources name, by the last refresh."""
    desired: Desired | None = None
    assessment: Assessment | None = None
    failure: HaoriError | None = None
    """Why there is no desired state now."""
    failing_since: float | None = None
    """Loop time."""
    run: Run | None = None
    compared: Compared = field(default_factory=dict)
    confirmed: dict[ResourceKey, tuple[str, int, bool]] = field(default_factory=dict)
    """By object: (resourceVersion, identity of the target, whether a dry run would change it)."""
    unrecorded: OperationState | None = None
    """An operation as it began, while its Application tells nothing of it."""
    found: Application | None = None
    """As this engine found it, until `has_read_record`."""
    has_read_record: bool = False
    """Whether this engine has made sure that an earlier one left no sync without its record."""
    has_ended_pin: bool = False
    """Whether we removed its pin, which is not recorded yet."""
    findings: Findings | None = None
    """What was said last."""
