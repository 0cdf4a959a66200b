"""Desired manifests brought into the form in which they are compared and applied.

Cluster-scoped kinds lose a namespace, namespaced ones without one get the destination's; of two with one key the last
stays; excluded kinds fall out. Each of these is said by a condition, as Argo CD says it (`controller/state.go`, 3.6). The
status of an Application, which a copy of a live one brings along, is never Git's: applying it would end its history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from haori.delivery.model import Condition, Settings
from haori.objects import GroupKind, Manifest, ResourceKey, copy_manifest, key_of
from haori.resources.argo import ConditionType, is_application
from haori.words import Sentence

Namespaced = Callable[[GroupKind], bool | None]
"""Whether a kind is namespaced; None where the cluster does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The desired objects, marked with their application, in the order of keys."""

    manifests: dict[ResourceKey, dict[str, Any]]
    generated: tuple[dict[str, Any], ...] = ()
    """Objects with generateName (hooks): they have no key before they exist."""
    conditions: tuple[Condition, ...] = ()


def clean_targets(
    manifests: Iterable[Manifest], *, application: str, namespace: str, namespaced: Namespaced, settings: Settings
) -> Targets:
    """The targets of an application (`application` is its name in tracking ids) for destination `namespace`.

    A kind the cluster does not know is taken as namespaced unless its CRD among the targets says otherwise.
    """
    given = list(manifests)
    scopes = _scopes_of_definitions(given)
    kept: dict[ResourceKey, dict[str, Any]] = {}
    generated: list[dict[str, Any]] = []
    counts: Counter[ResourceKey] = Counter()
    excluded: set[ResourceKey] = set()
    for manifest in given:
        target: dict[str, Any] = copy_manifest(manifest)
        key = key_of(target)
        is_namespaced = namespaced(key.group_kind)
        if is_namespaced is None:
            is_namespaced = scopes.get(key.group_kind, True)
        metadata = target.setdefault("metadata", {})
        if not is_namespaced:
            metadata.pop("namespace", None)
        elif not key.namespace and namespace:
            metadata["namespace"] = namespace
        key = key_of(target)
        if is_application(target):
            target.pop("status", None)
        if settings.is_excluded(key.group, key.kind):
            excluded.add(key)
        elif not key.name and metadata.get("generateName"):
            generated.append(settings.tracking.mark(target, application, namespace))
        else:
            counts[key] += 1
            kept[key] = settings.tracking.mark(target, application, namespace)
    conditions = [_repeated(key, count) for key, count in sorted(counts.items()) if count > 1]
    conditions += [_excluded(key) for key in sorted(excluded)]
    return Targets(manifests=dict(sorted(kept.items())), generated=tuple(generated), conditions=tuple(conditions))


def _scopes_of_definitions(manifests: Iterable[Manifest]) -> dict[GroupKind, bool]:
    scopes = {}
    for manifest in manifests:
        if manifest.get("kind") == "CustomResourceDefinition":
            spec = manifest.get("spec") or {}
            type_ = GroupKind(str(spec.get("group")), str((spec.get("names") or {}).get("kind")))
            scopes[type_] = spec.get("scope") != "Cluster"
    return scopes


def _repeated(key: ResourceKey, count: int) -> Condition:
    sentence = Sentence(code="resource-repeated", parameters={**key._asdict(), "count": count})
    return Condition(type=ConditionType.REPEATED_RESOURCE, sentence=sentence)


def _excluded(key: ResourceKey) -> Condition:
    parameters = {"group": key.group, "kind": key.kind, "name": key.name}
    sentence = Sentence(code="resource-excluded", parameters=parameters)
    return Condition(type=ConditionType.EXCLUDED_RESOURCE, sentence=sentence)
