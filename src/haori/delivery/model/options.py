"""Sync options: `Name=value` texts of an application's `syncOptions` and of an object's annotation.

The object's own word wins over the application's. see: argoproj/argo-cd `docs/user-guide/sync-options.md` (3.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from haori.objects import annotations_of
from haori.resources import argo


class Permission(StrEnum):
    """What `Prune=` and `Delete=` say."""

    ALLOWED = "true"
    NEVER = "false"
    CONFIRM = "confirm"


class Propagation(StrEnum):
    """How a deletion spreads to dependants."""

    FOREGROUND = "foreground"
    BACKGROUND = "background"
    ORPHAN = "orphan"


KNOWN_OPTIONS = frozenset(
    {
        "Validate", "SkipDryRunOnMissingResource", "ApplyOutOfSyncOnly", "PrunePropagationPolicy", "PruneLast", "Prune",
        "Delete", "Replace", "Force", "ServerSideApply", "ClientSideApplyMigration", "FailOnSharedResource",
        "RespectIgnoreDifferences", "CreateNamespace",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """All options of one application or one object; the defaults are Argo CD's."""

    validate: bool = True
    skip_dry_run_on_missing: bool = False
    apply_out_of_sync_only: bool = False
    propagation: Propagation = Propagation.FOREGROUND
    prune_last: bool = False
    prune: Permission = Permission.ALLOWED
    delete: Permission = Permission.ALLOWED
    replace: bool = False
    force: bool = False
    server_side_apply: bool | None = None
    """None: nobody said; we apply server-side."""
    client_side_apply_migration: bool = True
    fail_on_shared: bool = False
    respect_ignore_differences: bool = False
    create_namespace: bool = False
    unknown: tuple[str, ...] = ()


def parse_sync_options(texts: Iterable[str]) -> SyncOptions:
    """The options that `texts` give; of two with one name the last wins, unknown ones are listed."""
    found: dict[str, str] = {}
    unknown: list[str] = []
    for text in texts:
        name, _, value = text.strip().partition("=")
        if name in KNOWN_OPTIONS:
            found[name] = value.strip()
        elif name:
            unknown.append(text.strip())
    ssa = found.get("ServerSideApply")
    return SyncOptions(
        validate=found.get("Validate") != "false",
        skip_dry_run_on_missing=found.get("SkipDryRunOnMissingResource") == "true",
        apply_out_of_sync_only=found.get("ApplyOutOfSyncOnly") == "true",
        propagation=_word(Propagation, found.get("PrunePropagationPolicy"), Propagation.FOREGROUND),
        prune_last=found.get("PruneLast") == "true",
        prune=_word(Permission, found.get("Prune"), Permission.ALLOWED),
        delete=_word(Permission, found.get("Delete"), Permission.ALLOWED),
        replace=found.get("Replace") == "true",
        force=found.get("Force") == "true",
        server_side_apply=None if ssa is None else ssa == "true",
        client_side_apply_migration=found.get("ClientSideApplyMigration") != "false",
        fail_on_shared=found.get("FailOnSharedResource") == "true",
        respect_ignore_differences=found.get("RespectIgnoreDifferences") == "true",
        create_namespace=found.get("CreateNamespace") == "true",
        unknown=tuple(unknown),
    )


def object_options(application: Iterable[str], *manifests: Mapping[str, Any] | None) -> SyncOptions:
    """An object's options: the application's, then the annotations of `manifests` in order, the later ones winning."""
    texts = list(application)
    for manifest in manifests:
        if manifest is not None:
            texts.extend(str(annotations_of(manifest).get(argo.SYNC_OPTIONS, "")).split(","))
    return parse_sync_options(texts)


def _word(enum: Any, text: str | None, default: Any) -> Any:
    return next((word for word in enum if word.value == text), default)
