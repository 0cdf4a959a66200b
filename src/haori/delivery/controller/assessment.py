"""Desired beside live: comparisons, rows, sync status and health of one application.

`gather` takes from the cache what belongs to an application, `assess_application` judges it. Both take and give values;
whole objects that the cache does not hold are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping

from haori.delivery.compare import CompareOptions, Comparison, Targets, compare, sync_status
from haori.delivery.compare.ownership import child, fields, owned_tree
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.memory import Assessment, Compared, Row
from haori.delivery.health import Culprit, Health, roll_up
from haori.delivery.health.rollup import is_health_ignored
from haori.delivery.model import Application, Condition, Settings
from haori.delivery.plan import is_hook
from haori.delivery.plan.deletion_hooks import deletion_phases
from haori.delivery.plan.hooks import hook_info, wave_of
from haori.delivery.plan.timeouts import unreadable_timeouts
from haori.objects import Manifest, ResourceKey, annotations_of, gvk_of, labels_of, nested_list
from haori.objects.masking import SecretHasher
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.schema import Schemas
from haori.words import Sentence


def gather(cache: ClusterCache, name: str, targets: Targets | None) -> dict[ResourceKey, Live]:
    """The live objects of an application (`name` in tracking ids): those with its mark that nobody owns, and those that
    stand where a target wants to be."""
    found = {
        live.key: live
        for live in cache.of_application(name)
        if not live.owners or (targets is not None and live.key in targets.manifests)
    }
    for key in targets.manifests if targets is not None else ():
        if key not in found and (live := cache.get(key)) is not None:
            found[key] = live
    return found


def is_foreign(live: Live, name: str) -> bool:
    """Whether the cache holds no body of it: it has neither our mark nor our fields."""
    return live.application != name and not nested_list(live.manifest, "metadata", "managedFields")


def compare_options(
    application: Application, settings: Settings, hasher: SecretHasher, manager: str, schemas: Schemas
) -> CompareOptions:
    """How an application's objects are compared."""
    return CompareOptions(
        manager=manager,
        ignore_rules=settings.ignore_rules + application.spec.ignore_differences,
        ignore_status=settings.ignore_status,
        hasher=hasher,
        type_of=schemas.type_for,
        validates=application.spec.sync_policy.options.validate,
    )


def assess_application(
    application: Application,
    targets: Targets,
    live: Mapping[ResourceKey, Live],
    whole: Mapping[ResourceKey, Manifest],
    options: CompareOptions,
    *,
    name: str,
    namespace: Live | None,
    known: Compared,
) -> Assessment:
    """The judgement; `whole` holds bodies of what the cache has no body of, `namespace` the destination's.

    `known` holds earlier comparisons and is brought up to date: an object that did not change is not compared again.
    """
    manifests = {key: whole.get(key, item.manifest) for key, item in live.items()}
    comparisons: dict[ResourceKey, Comparison] = {}
    fresh: Compared = {}
    for key in sorted({*targets.manifests, *manifests}):
        desired, there = targets.manifests.get(key), manifests.get(key)
        if _is_any_hook(desired, there):
            continue
        before = known.get(key)
        if before is None or before[0] is not desired or before[1] is not there or before[2] != options:
            before = (desired, there, options, compare(desired, there, options))
        fresh[key] = before
        comparisons[key] = before[3]
    known.clear()
    known.update(fresh)
    exists, differs = _namespace_state(application, namespace, options.manager)
    itself = ResourceKey(argo.ARGO_GROUP, argo.APPLICATION, application.namespace, application.name)
    culprits = [_culprit(key, live.get(key)) for key in comparisons]
    return Assessment(
        status=sync_status(comparisons.values(), namespace_differs=exists and differs),
        health=roll_up(culprits, itself=itself),
        rows=tuple(_rows(targets, live, comparisons)),
        comparisons=comparisons,
        live=manifests,
        owned=frozenset(key for key, item in live.items() if item.application == name),
        conditions=(
            *targets.conditions,
            *_shared(application, live, targets, name),
            *_unreadable(application, targets),
        ),
        deletion_phases=deletion_phases([*targets.manifests.values(), *targets.generated]),
        namespace_exists=exists,
        namespace_differs=differs,
    )


def _is_any_hook(desired: Manifest | None, live: Manifest | None) -> bool:
    return any(manifest is not None and is_hook(manifest) for manifest in (desired, live))


def _culprit(key: ResourceKey, live: Live | None) -> Culprit:
    if live is None:
        return Culprit(key=key, health=None, is_live=False)
    return Culprit(key=key, health=live.health, is_ignored=is_health_ignored(live.manifest))


def _rows(
    targets: Targets, live: Mapping[ResourceKey, Live], comparisons: Mapping[ResourceKey, Comparison]
) -> list[Row]:
    rows = []
    for key in sorted({*targets.manifests, *live}):
        found, comparison = live.get(key), comparisons.get(key)
        desired = targets.manifests.get(key)
        manifest: Manifest = desired if desired is not None else found.manifest if found is not None else {}
        health: Health | None = found.health if found is not None else None
        if comparison is None:
            info = hook_info(manifest)
            if info is None or (found is None and not info.phases):
                continue
        rows.append(
            Row(
                key=key,
                version=gvk_of(manifest).version,
                health=health,
                status=comparison.status if comparison is not None else None,
                is_hook=comparison is None,
                requires_pruning=found is not None and desired is None,
                wave=wave_of(manifest),
            )
        )
    return rows


def _namespace_state(application: Application, namespace: Live | None, manager: str) -> tuple[bool, bool]:
    """(whether the destination namespace exists, whether managedNamespaceMetadata is not on it, or more of ours is)."""
    if namespace is None:
        return False, True
    policy = application.spec.sync_policy
    if policy.namespace_labels is None and policy.namespace_annotations is None:
        return True, False
    owned = child(owned_tree(namespace.manifest, manager), "metadata")
    pairs = (
        (labels_of(namespace.manifest), policy.namespace_labels or {}, child(owned, "labels")),
        (annotations_of(namespace.manifest), policy.namespace_annotations or {}, child(owned, "annotations")),
    )
    return True, any(
        any(there.get(name) != value for name, value in wanted.items()) or not set(fields(ours)) <= set(wanted)
        for there, wanted, ours in pairs
    )


def _unreadable(application: Application, targets: Targets) -> list[Condition]:
    itself = ResourceKey(argo.ARGO_GROUP, argo.APPLICATION, application.namespace, application.name)
    sentences = unreadable_timeouts(itself, application.manifest, targets.manifests.items())
    return [Condition(type=ConditionType.IGNORED_FIELD, sentence=sentence) for sentence in sentences]


def _shared(application: Application, live: Mapping[ResourceKey, Live], targets: Targets, name: str) -> list[Condition]:
    found = []
    for key, item in sorted(live.items()):
        if key in targets.manifests and item.application not in (None, name):
            parameters = {
                "kind": key.kind, "name": key.name, "application": application.name, "other": str(item.application),
            }  # fmt: skip
            sentence = Sentence(code="resource-shared", parameters=parameters)
            found.append(Condition(type=ConditionType.SHARED_RESOURCE, sentence=sentence))
    return found
