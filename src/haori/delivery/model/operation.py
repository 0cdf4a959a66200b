"""The operation that is asked for, its state, its results per object, and the history of what was deployed.

Reading is forgiving (these parts are written by controllers), and every value writes itself back as Argo CD does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from haori.delivery.model.problems import word_of
from haori.objects import ResourceKey, nested, nested_mapping, nested_mappings, nested_text, nested_texts
from haori.objects.times import format_time, parse_time
from haori.resources.argo import HookType, OperationPhase, ResultCode, SyncPhase

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRef:
    """One object named by a selective sync; an empty namespace matches any."""

    group: str
    kind: str
    name: str
    namespace: str = ""

    def matches(self, key: ResourceKey) -> bool:
        """Whether it names `key`."""
        same = (self.group, self.kind, self.name) == (key.group, key.kind, key.name)
        return same and (not self.namespace or self.namespace == key.namespace)

    def to_json(self) -> dict[str, Any]:
        """As `operation.sync.resources[]` holds it."""
        return _present(group=self.group, kind=self.kind, name=self.name, namespace=self.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is asked of one sync; `raw` is the mapping it was read from, written back unchanged."""

    revision: str = ""
    revisions: tuple[str, ...] = ()
    prune: bool = False
    dry_run: bool = False
    apply_only: bool = False
    """Strategy `apply`: no hooks."""
    force: bool = False
    resources: tuple[ResourceRef, ...] = ()
    """Selective sync; empty means everything."""
    option_texts: tuple[str, ...] = ()
    sources: tuple[Raw, ...] = ()
    """Sources that stand in for those of the spec (rollback)."""
    manifests: tuple[str, ...] = ()
    username: str = ""
    automated: bool = False
    self_heal_attempts: int = 0
    retry: Raw | None = None
    raw: Raw = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """Whether it names objects: then no hooks run and no history is written."""
        return bool(self.resources)

    @property
    def runs_hooks(self) -> bool:
        """Whether hooks belong to it."""
        return not self.is_partial and not self.apply_only


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceResult:
    """What became of one object in one phase: a row of `syncResult.resources`."""

    key: ResourceKey
    version: str
    phase: SyncPhase
    status: ResultCode | None = None
    message: str = ""
    hook_type: HookType | None = None
    hook_phase: OperationPhase | None = None
    images: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The row as Argo CD writes it."""
        return _present(
            group=self.key.group, version=self.version, kind=self.key.kind, namespace=self.key.namespace,
            name=self.key.name, status=self.status, message=self.message, hookType=self.hook_type,
            hookPhase=self.hook_phase, syncPhase=self.phase, images=list(self.images),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationState:
    """How far an operation is; Running with `finished_at` set means: waiting for the next retry."""

    operation: Operation
    phase: OperationPhase
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_count: int = 0
    revisions: tuple[str, ...] = ()
    sources: tuple[Raw, ...] = ()
    resources: tuple[ResourceResult, ...] = ()
    has_result: bool = False
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One deployment."""

    id: int
    revisions: tuple[str, ...]
    sources: tuple[Raw, ...]
    has_many: bool = False
    deploy_started_at: datetime | None = None
    deployed_at: datetime | None = None
    username: str = ""
    automated: bool = False

    def to_json(self) -> dict[str, Any]:
        """The entry as `status.history` holds it."""
        entry: dict[str, Any] = {"id": self.id}
        if self.has_many:
            entry |= {"revisions": list(self.revisions), "sources": [dict(source) for source in self.sources]}
        else:
            entry["revision"] = self.revisions[0] if self.revisions else ""
            entry["source"] = dict(self.sources[0]) if self.sources else {}
        if self.deploy_started_at:
            entry["deployStartedAt"] = format_time(self.deploy_started_at)
        if self.deployed_at:
            entry["deployedAt"] = format_time(self.deployed_at)
        entry["initiatedBy"] = _present(username=self.username, automated=self.automated)
        return entry


def parse_operation(raw: Raw) -> Operation:
    """The operation of `operation` or `status.operationState.operation`."""
    sync = nested_mapping(raw, "sync")
    source, sources = sync.get("source"), nested_mappings(sync, "sources")
    strategy = nested_mapping(sync, "syncStrategy")
    word = "apply" if strategy.get("apply") is not None else "hook"
    return Operation(
        revision=nested_text(sync, "revision"),
        revisions=nested_texts(sync, "revisions"),
        prune=sync.get("prune") is True,
        dry_run=sync.get("dryRun") is True,
        apply_only=word == "apply",
        force=nested(strategy, word, "force") is True,
        resources=tuple(
            ResourceRef(
                group=str(item.get("group") or ""),
                kind=str(item.get("kind") or ""),
                name=str(item.get("name") or ""),
                namespace=str(item.get("namespace") or ""),
            )
            for item in nested_mappings(sync, "resources")
        ),
        option_texts=nested_texts(sync, "syncOptions"),
        sources=sources or ((source,) if isinstance(source, Mapping) else ()),
        manifests=nested_texts(sync, "manifests"),
        username=nested_text(raw, "initiatedBy", "username"),
        automated=nested(raw, "initiatedBy", "automated") is True,
        self_heal_attempts=_integer(sync.get("autoHealAttemptsCount") or sync.get("selfHealAttemptsCount")),
        retry=raw.get("retry") if isinstance(raw.get("retry"), Mapping) else None,
        raw=raw,
    )


def parse_operation_state(raw: Raw) -> OperationState:
    """The state in `status.operationState`."""
    result = nested_mapping(raw, "syncResult")
    revision, source = nested_text(result, "revision"), result.get("source")
    phase = nested_text(raw, "phase")
    return OperationState(
        operation=parse_operation(nested_mapping(raw, "operation")),
        phase=word_of(OperationPhase, phase) or OperationPhase.RUNNING,
        message=nested_text(raw, "message"),
        started_at=parse_time(raw.get("startedAt")),
        finished_at=parse_time(raw.get("finishedAt")),
        retry_count=_integer(raw.get("retryCount")),
        revisions=nested_texts(result, "revisions") or ((revision,) if revision else ()),
        sources=nested_mappings(result, "sources") or ((source,) if isinstance(source, Mapping) else ()),
        resources=tuple(parse_result(row) for row in nested_mappings(result, "resources")),
        has_result="syncResult" in raw,
        raw=raw,
    )


def parse_result(row: Raw) -> ResourceResult:
    """One row of `syncResult.resources`."""
    key = ResourceKey(*(str(row.get(name) or "") for name in ("group", "kind", "namespace", "name")))
    return ResourceResult(
        key=key,
        version=nested_text(row, "version"),
        phase=word_of(SyncPhase, row.get("syncPhase")) or SyncPhase.SYNC,
        status=word_of(ResultCode, row.get("status")),
        message=nested_text(row, "message"),
        hook_type=word_of(HookType, row.get("hookType")),
        hook_phase=word_of(OperationPhase, row.get("hookPhase")),
        images=nested_texts(row, "images"),
    )


def parse_history(entries: Sequence[Raw]) -> tuple[HistoryEntry, ...]:
    """The history in the order it is written, oldest first."""
    found = []
    for entry in (each for each in entries if isinstance(each, Mapping)):
        many = nested_texts(entry, "revisions")
        source = entry.get("source")
        found.append(
            HistoryEntry(
                id=_integer(entry.get("id")),
                revisions=many or (nested_text(entry, "revision"),),
                sources=nested_mappings(entry, "sources") or ((source,) if isinstance(source, Mapping) else ()),
                has_many=bool(many),
                deploy_started_at=parse_time(entry.get("deployStartedAt")),
                deployed_at=parse_time(entry.get("deployedAt")),
                username=nested_text(entry, "initiatedBy", "username"),
                automated=nested(entry, "initiatedBy", "automated") is True,
            )
        )
    return tuple(found)


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _present(**fields: Any) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, str) else value for key, value in fields.items() if value}
