"""Hooks and waves as annotations say them, Argo CD's first, Helm's where there is no valid one of Argo's.

see: argoproj/argo-cd `gitops-engine/pkg/sync/hook` and `syncwaves/waves.go` (3.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from haori.delivery.model.problems import word_of
from haori.delivery.plan.types import Action, Step
from haori.objects import Manifest, ResourceKey, annotations_of, copy_manifest
from haori.resources import argo
from haori.resources.argo import HookDeletePolicy, HookType, SyncPhase

_Item = TypeVar("_Item")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")

_HELM_TYPES = {
    "pre-install": HookType.PRE_SYNC,
    "pre-upgrade": HookType.PRE_SYNC,
    "post-install": HookType.POST_SYNC,
    "post-upgrade": HookType.POST_SYNC,
    "pre-delete": HookType.PRE_DELETE,
    "post-delete": HookType.POST_DELETE,
}
_HELM_POLICIES = {
    "before-hook-creation": HookDeletePolicy.BEFORE_CREATION,
    "hook-succeeded": HookDeletePolicy.SUCCEEDED,
    "hook-failed": HookDeletePolicy.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookInfo:
    """What an object is besides a plain one; a hook without types is never applied and never counted."""

    types: tuple[HookType, ...] = ()
    policies: tuple[HookDeletePolicy, ...] = ()
    is_skipped: bool = False

    @property
    def phases(self) -> tuple[SyncPhase, ...]:
        """The phases it runs in, one task each."""
        return tuple(SyncPhase(type_.value) for type_ in self.types if type_ is not HookType.SKIP)


def hook_info(manifest: Manifest) -> HookInfo | None:
    """How an object is a hook, None for a plain object."""
    annotations = annotations_of(manifest)
    words, helm = annotations.get(argo.HOOK), annotations.get(argo.HELM_HOOK)
    if words is None and helm is None:
        return None
    types = _unique(word_of(HookType, word) for word in _words(words))
    if types == (HookType.SKIP,):
        return HookInfo(is_skipped=True)
    if not types:
        types = _unique(_HELM_TYPES.get(word) for word in _words(helm))
    policies = _unique(word_of(HookDeletePolicy, word) for word in _words(annotations.get(argo.HOOK_DELETE_POLICY)))
    policies += _unique(_HELM_POLICIES.get(word) for word in _words(annotations.get(argo.HELM_HOOK_DELETE_POLICY)))
    types = tuple(type_ for type_ in types if type_ is not HookType.SKIP)
    return HookInfo(types=types, policies=tuple(dict.fromkeys(policies)) or (HookDeletePolicy.BEFORE_CREATION,))


def is_hook(manifest: Manifest) -> bool:
    """Whether an object is a hook of any kind, skipped and unknown ones included."""
    return hook_info(manifest) is not None


def wave_of(manifest: Manifest) -> int:
    """The sync wave: the annotation, else Helm's weight, else 0; what is no integer to Go's Atoi falls through."""
    annotations = annotations_of(manifest)
    for name in (argo.SYNC_WAVE, argo.HELM_HOOK_WEIGHT):
        text = str(annotations.get(name, ""))
        # Python's int() takes more: blanks, underscores, other scripts' digits, numbers beyond what a status may hold.
        if _INTEGER.fullmatch(text) and -(1 << 63) <= int(text) < 1 << 63:
            return int(text)
    return 0


def name_generated(manifest: Manifest, revision: str, phase: SyncPhase, started_at: datetime) -> dict[str, Any]:
    """A hook that gives only generateName, with a name that is the same in every pass of one operation."""
    named: dict[str, Any] = copy_manifest(manifest)
    prefix = named["metadata"].pop("generateName")
    named["metadata"]["name"] = f"{prefix}{revision[:7]}-{phase.value}-{int(started_at.timestamp())}".lower()
    return named


def hook_step(key: ResourceKey, manifest: Manifest, hook: HookInfo, phase: SyncPhase) -> Step:
    """The step of a hook in one of its phases, as its object says it."""
    return Step(
        key=key,
        phase=phase,
        wave=wave_of(manifest),
        action=Action.HOOK,
        manifest=manifest,
        delete_policies=hook.policies,
    )


def _words(text: object) -> list[str]:
    return [word.strip() for word in str(text or "").split(",") if word.strip()]


def _unique(items: Iterable[_Item | None]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(item for item in items if item is not None))
