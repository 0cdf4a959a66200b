"""What the deletion of an application deletes: one wave at a time, the highest first.

Spared: every CustomResourceDefinition, objects with Delete=false (their own word, then the application's), with Helm's
`resource-policy: keep`, owned by others, and the application itself. see: argoproj/argo-cd `controller/sort_delete.go`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from haori.delivery.model.options import Permission, object_options
from haori.delivery.plan.hooks import wave_of
from haori.objects import Manifest, ResourceKey, annotations_of, nested, nested_list
from haori.objects.times import parse_time
from haori.resources import argo


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPlan:
    """`waves`: keys by wave, highest first; `next_wave` is what to delete now, empty while something is terminating."""

    waves: tuple[tuple[ResourceKey, ...], ...]
    spared: tuple[ResourceKey, ...]
    next_wave: tuple[ResourceKey, ...]
    awaiting_approval: tuple[ResourceKey, ...] = ()
    terminating: tuple[ResourceKey, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to delete or to wait for."""
        return not self.waves


def plan_deletion(
    live: Mapping[ResourceKey, Manifest],
    *,
    itself: ResourceKey,
    option_texts: tuple[str, ...] = (),
    approved_at: datetime | None = None,
    deleted_at: datetime | None = None,
) -> DeletionPlan:
    """The plan for the application's `live` objects; hooks' objects are among them."""
    waves: dict[int, list[ResourceKey]] = defaultdict(list)
    spared: list[ResourceKey] = []
    unconfirmed: set[ResourceKey] = set()
    is_approved = approved_at is not None and (deleted_at is None or approved_at >= deleted_at.replace(microsecond=0))
    for key in sorted(live):
        manifest = live[key]
        options = object_options(option_texts, manifest)
        if key == itself or nested_list(manifest, "metadata", "ownerReferences"):
            continue
        if _is_spared(key, manifest) or options.delete is Permission.NEVER:
            spared.append(key)
            continue
        waves[wave_of(manifest)].append(key)
        if options.delete is Permission.CONFIRM and not is_approved:
            unconfirmed.add(key)
    ordered = tuple(tuple(waves[number]) for number in sorted(waves, reverse=True))
    terminating = tuple(
        key for wave in ordered for key in wave if parse_time(nested(live[key], "metadata", "deletionTimestamp"))
    )
    first = ordered[0] if ordered else ()
    waiting = tuple(key for key in first if key in unconfirmed)
    left = () if waiting else tuple(key for key in first if key not in terminating)
    is_blocked = any(key not in first for key in terminating)
    return DeletionPlan(
        waves=ordered,
        spared=tuple(spared),
        next_wave=() if is_blocked else left,
        awaiting_approval=waiting,
        terminating=terminating,
    )


def _is_spared(key: ResourceKey, manifest: Manifest) -> bool:
    is_definition = (key.group, key.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition")
    return is_definition or annotations_of(manifest).get(argo.HELM_RESOURCE_POLICY) == "keep"
