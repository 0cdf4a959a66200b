"""Gathers what an application's judgement needs from cache and cluster, and has it judged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from haori.cluster import KubernetesClient, NotFoundError
from haori.delivery.compare import CompareOptions, Comparison, Targets, sync_status, trim
from haori.delivery.compare.ignore import rule_matches
from haori.delivery.controller.admit import live_permits
from haori.delivery.controller.assessment import assess_application, compare_options, gather, is_foreign
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.memory import SMALL_BYTES, Assessment, Desired, Memory
from haori.delivery.controller.types_in_use import TypesInUse
from haori.delivery.model import Application, Condition, IgnoreRule
from haori.errors import PeerError
from haori.objects import Manifest, ResourceKey, key_of, nested, nested_text
from haori.objects.masking import SecretHasher
from haori.resources import argo
from haori.resources.argo import ConditionType
from haori.schema import Schemas
from haori.words import Sentence

log = logging.getLogger(__name__)
INLINE_OBJECTS = 20
"""Up to so many objects, small ones, are compared on the loop: handing them to a thread would cost more."""
SHOWN_OBJECTS = 5
"""Objects that a condition names; of more it gives the number."""
BODIES_KEPT = 200
DRY_RUN_ATTEMPTS = 5
"""Times that a dry run is asked anew because the object was written meanwhile."""
_RECORDS = frozenset({"generation", "managedFields", "resourceVersion"})


class Assessor:
    """Judges applications of one cluster."""

    def __init__(
        self,
        client: KubernetesClient,
        cache: ClusterCache,
        declared: Declared,
        hasher: SecretHasher,
        *,
        manager: str,
        cluster: tuple[str, str] = (argo.IN_CLUSTER_SERVER, argo.IN_CLUSTER_NAME),
    ) -> None:
        """`cluster` is how projects know it: its server and its name."""
        self._client, self._cache, self._declared = client, cache, declared
        self._hasher, self._manager = hasher, manager
        self._server, self._cluster_name = cluster
        self._bodies: dict[str, tuple[str, Manifest]] = {}
        self._types = TypesInUse(client, self._mark_of)

    def name_of(self, application: Application) -> str:
        """The application's name in tracking ids."""
        return application.qualified_name(self._declared.namespace)

    async def assess(self, application: Application, desired: Desired | None, memory: Memory) -> Assessment:
        """The judgement; without a desired state that of what lives alone, with nothing compared."""
        name = self.name_of(application)
        targets = desired.targets if desired is not None else Targets(manifests={})
        live, refused = self._permitted(application, gather(self._cache, name, targets))
        whole = await self._whole(live, targets, name, self.ignore_rules(application))
        options = await self.options(application, targets.manifests.values())
        place = application.spec.destination.namespace
        namespace = self._cache.get(ResourceKey("", "Namespace", "", place)) if place else None
        known = memory.compared if desired is memory.desired else {}

        def judge() -> Assessment:
            return assess_application(
                application, targets, live, whole, options, name=name, namespace=namespace, known=known
            )

        is_small = len(live) <= INLINE_OBJECTS and (desired is None or desired.size_bytes <= SMALL_BYTES)
        found = judge() if is_small else await asyncio.to_thread(judge)
        if not self._cache.cluster_resources:  # Namespaces are not looked at: those of the Secret are there.
            found = replace(found, namespace_exists=True, namespace_differs=False)
        if marked := [key for key in sorted(refused) if refused[key].application == name]:
            found = replace(found, conditions=(*found.conditions, _left_alone(application, marked)))
        return await self._confirm(found, targets, memory) if desired is not None else found

    def permits(self, application: Application) -> Callable[[ResourceKey], bool]:
        """Whether a live object may count as the application's, by its project."""
        project = self._declared.project_of(application)
        return live_permits(project, self._server, self._cluster_name)

    def _permitted(
        self, application: Application, live: Mapping[ResourceKey, Live]
    ) -> tuple[dict[ResourceKey, Live], dict[ResourceKey, Live]]:
        """(what its project permits, what it does not)."""
        permits = self.permits(application)
        refused = {key: item for key, item in live.items() if not permits(key)}
        return {key: item for key, item in live.items() if key not in refused}, refused

    async def options(self, application: Application, manifests: Iterable[Manifest]) -> CompareOptions:
        """How an application's objects are compared with these manifests."""
        schemas = await self._types.look(manifests)
        return compare_options(application, self._declared.settings, self._hasher, self._manager, schemas)

    async def types(self, manifests: Iterable[Manifest]) -> Schemas:
        """The types that the cluster knows, those of these manifests among them."""
        return await self._types.look(manifests)

    def urls(self, application: Application) -> tuple[str, ...]:
        """The addresses that its Services and Ingresses offer, sorted."""
        found = (url for live in self._cache.of_application(self.name_of(application)) for url in live.urls)
        return tuple(sorted(set(found)))

    def _mark_of(self, definition: str) -> str | None:
        live = self._cache.get(ResourceKey("apiextensions.k8s.io", "CustomResourceDefinition", "", definition))
        return f"{live.uid}/{nested(live.manifest, 'metadata', 'generation')}" if live is not None else None

    def ignore_rules(self, application: Application) -> tuple[IgnoreRule, ...]:
        """All rules about differences that do not count for an application."""
        return self._declared.settings.ignore_rules + application.spec.ignore_differences

    async def _whole(
        self, live: Mapping[ResourceKey, Live], targets: Targets, name: str, rules: Sequence[IgnoreRule]
    ) -> dict[ResourceKey, Manifest]:
        """Bodies of objects that stand where a target wants to be and that nobody of ours wrote, or of which a rule asks
        what others own."""
        naming = [rule for rule in rules if rule.managers]
        found: dict[ResourceKey, Manifest] = {}
        for key, item in live.items():
            is_unknown = is_foreign(item, name) and item.application is None
            managers = {each for rule in naming if rule_matches(rule, item.manifest) for each in rule.managers}
            if key not in targets.manifests or not (is_unknown or managers):
                continue
            if (body := await self._body(item, frozenset(managers))) is not None:
                found[key] = body
        return found

    async def _body(self, item: Live, managers: frozenset[str]) -> Manifest | None:
        """The body of an object and what `managers` own of it, read once a version; None where it is gone."""
        mark = f"{nested_text(item.manifest, 'metadata', 'resourceVersion')} {sorted(managers)}"
        known = self._bodies.get(item.uid)
        if known is not None and known[0] == mark:
            return known[1]
        resource = (await self._client.discover()).resource(item.key.group_kind)
        if resource is None:
            return None
        try:
            manifest = await self._client.get(resource, item.key.name, item.key.namespace)
        except NotFoundError:
            return None
        if len(self._bodies) > BODIES_KEPT:
            self._bodies.clear()
        body = trim(manifest, hasher=self._hasher, manager=self._manager, keep_body=True, managers=managers)
        self._bodies[item.uid] = (f"{nested_text(manifest, 'metadata', 'resourceVersion')} {sorted(managers)}", body)
        return body

    async def _confirm(self, found: Assessment, targets: Targets, memory: Memory) -> Assessment:
        """Settles by one dry run each what may be a difference of defaulting only."""
        doubtful = [item for item in found.comparisons.values() if item.needs_dry_run]
        if not doubtful:
            return found
        comparisons = dict(found.comparisons)
        for item in doubtful:
            version = nested_text(found.live[item.key], "metadata", "resourceVersion")
            known = memory.confirmed.get(item.key)
            if known is None or known[:2] != (version, id(targets.manifests[item.key])):
                answer = await would_change(self._client, targets.manifests[item.key], manager=self._manager)
                known = memory.confirmed[item.key] = (version, id(targets.manifests[item.key]), answer)
            if not known[2]:
                comparisons[item.key] = Comparison(key=item.key, strategy=item.strategy, counts=item.counts)
        rows = tuple(
            replace(row, status=comparisons[row.key].status) if row.key in comparisons else row for row in found.rows
        )
        status = sync_status(comparisons.values(), namespace_differs=found.namespace_exists and found.namespace_differs)
        return replace(found, comparisons=comparisons, rows=rows, status=status)


def _left_alone(application: Application, keys: Sequence[ResourceKey]) -> Condition:
    shown = [str(key) for key in keys[:SHOWN_OBJECTS]]
    parameters = {"objects": shown, "count": len(keys), "project": application.spec.project}
    return Condition(
        type=ConditionType.EXCLUDED_RESOURCE, sentence=Sentence(code="objects-left-alone", parameters=parameters)
    )


async def would_change(client: KubernetesClient, desired: Manifest, *, manager: str) -> bool:
    """Whether applying would change the object, told by one dry run; yes where that cannot be told.

    The objects themselves are compared: a dry run gives back the version there is, whatever it would change. Where that
    is not the version read before it, another writer came between the two (a controller that has just seen the object),
    and both are asked again.
    """
    resource = (await client.discover()).resource_of(str(desired["apiVersion"]), str(desired["kind"]))
    if resource is None:
        return True
    key = key_of(desired)
    for _ in range(DRY_RUN_ATTEMPTS):
        try:
            live = await client.get(resource, key.name, key.namespace)
            answer = await client.apply(resource, desired, field_manager=manager, force=True, dry_run=True)
        except PeerError:
            return True
        changes = _substance(answer) != _substance(live)
        if not changes or _version(answer) == _version(live):
            return changes
    return True


def _version(manifest: Manifest) -> str:
    return nested_text(manifest, "metadata", "resourceVersion")


def _substance(manifest: Manifest) -> tuple[dict[str, Any], dict[str, Any]]:
    """An object without its status and the records of its versions."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in _RECORDS}
    return metadata, {name: value for name, value in manifest.items() if name not in ("metadata", "status")}
