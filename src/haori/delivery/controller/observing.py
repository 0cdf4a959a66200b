"""One look at one application beside another controller: what we would say and do, kept and told, never written.

The judgement is the very one of an engine that leads; what it would do next is worked out as a plan and stops there. The
other controller's words are read from the Application when somebody asks, so that both verdicts are of now.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from haori.cluster import NotFoundError
from haori.delivery.apply.migrate import own_string_data
from haori.delivery.compare import Comparison, compare
from haori.delivery.controller.clusters import Place
from haori.delivery.controller.memory import ApplicationKey, Assessment, Desired, Findings
from haori.delivery.controller.queue import Level, Wish
from haori.delivery.controller.sight import Parts, Seen, Sight
from haori.delivery.controller.sites import Site
from haori.delivery.model import Application
from haori.delivery.model.operation import parse_operation
from haori.delivery.plan import Action, Plan
from haori.objects import Manifest, ResourceKey, nested_list, nested_text
from haori.resources import haori
from haori.resources.argo import SyncStatus

Json = dict[str, Any]
READ_AT_MOST = 20
"""Objects that differ and are read whole in one look; of further ones the fields that are ours are told."""
SHOWN_OBJECTS = 200
"""Objects of one application that are told; of more it gives the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What a look of an observer found beside its findings."""

    plan: Plan | None = None
    """What a sync would do; None where it could not be planned."""
    comparisons: Mapping[ResourceKey, Comparison] = field(default_factory=dict)


class Observer:
    """What an engine that observes does in a look."""

    def __init__(self, parts: Parts, sight: Sight, *, resync_seconds: float) -> None:
        self._queue, self._sight, self._resync_seconds = parts.queue, sight, resync_seconds
        self._beyond: dict[ApplicationKey, Beyond] = {}

    def beyond(self, key: ApplicationKey) -> Beyond:
        """What a look found beside its findings."""
        return self._beyond.get(key, Beyond())

    def forget(self, key: ApplicationKey) -> None:
        """The application is gone."""
        self._beyond.pop(key, None)

    async def delete(self, application: Application, place: Place, wish: Wish) -> None:
        """The other controller does it."""

    async def tell_fault(self, key: ApplicationKey, findings: Findings) -> None:
        """Kept, as all that is found here; what a sync would do is not known any more."""
        self._beyond.pop(key, None)

    async def look(self, key: ApplicationKey, application: Application, place: Place, wish: Wish) -> None:
        """Sees the application, and works out what a sync would do."""
        seen = await self._sight.see(key, application, place, wish)
        why = await seen.site.reasons.find(
            application,
            seen.assessment,
            conditions=seen.conditions,
            state=None,
            waiting_for=(),
            revisions=seen.revisions,
        )
        self._beyond[key] = await _look_beyond(application, seen)
        seen.memory.findings = seen.findings(why)
        if self._resync_seconds:
            self._queue.ask(key, Level.NEWEST, "resync", delay=self._resync_seconds)


async def _look_beyond(application: Application, seen: Seen) -> Beyond:
    desired = seen.wanted.desired
    if desired is None or seen.assessment is None:
        return Beyond()
    automated = application.spec.sync_policy.automated
    operation = parse_operation({"sync": {"prune": automated is not None and automated.prune}})
    return Beyond(
        plan=await seen.site.operating.plan(application, operation, desired),
        comparisons=await _compare_whole(seen.site, application, desired, seen.assessment),
    )


async def _compare_whole(
    site: Site, application: Application, desired: Desired, assessment: Assessment
) -> dict[ResourceKey, Comparison]:
    """What differs, compared with the objects as they are: the cache holds of them only what is ours."""
    options = await site.assessor.options(application, desired.targets.manifests.values())
    client, found = site.cluster.client, dict(assessment.comparisons)
    differing = [key for key, item in found.items() if item.differences]
    for key in differing[:READ_AT_MOST]:
        resource = (await client.discover()).resource(key.group_kind)
        if resource is None:
            continue
        with suppress(NotFoundError):
            live = own_string_data(await client.get(resource, key.name, key.namespace), haori.FIELD_MANAGER)
            found[key] = compare(desired.targets.manifests[key], live, options)
    return found


def build_verdict(application: Application, findings: Findings | None, beyond: Beyond) -> Json:
    """Both verdicts side by side: {name, namespace, project, agrees, theirs, ours, would, differs}.

    `ours` and `agrees` are None until we have looked. `would` holds what a sync of ours would do ({create, change, prune,
    hooks, skipped}: objects by name), `differs` the objects that the two call by different words: {object, theirs, ours,
    fields: [{path, desired, live, manager, time}], inDoubt} (in doubt is what only a dry run could settle, and none is sent).
    Values of Secrets are masked.
    """
    row: Json = {
        "name": application.name,
        "namespace": application.namespace,
        "project": application.spec.project,
        "deleting": application.is_deleting,
        "agrees": None,
        "theirs": {
            "sync": application.sync_status.value,
            "health": application.health_status.value,
            "revision": ",".join(application.revisions),
            "operation": nested_text(application.manifest, "status", "operationState", "phase"),
            "reconciledAt": nested_text(application.manifest, "status", "reconciledAt"),
        },
        "ours": None,
        "would": _would(beyond.plan),
        "differs": [],
    }
    if findings is None:
        return row
    row["ours"] = {
        "sync": findings.sync.value,
        "health": findings.health.value,
        "revision": ",".join(findings.revisions),
        "why": findings.why.to_json() if findings.why is not None else None,
        "conditions": [{"type": each.type.value, **each.sentence.to_json()} for each in findings.conditions],
    }
    row["differs"] = _differing(application, findings, beyond.comparisons)
    row["agrees"] = not row["differs"] and all(row["theirs"][word] == row["ours"][word] for word in ("sync", "health"))
    return row


def _would(plan: Plan | None) -> Json | None:
    if plan is None:
        return None
    words = {
        Action.CREATE: "create",
        Action.CREATE_NAMESPACE: "create",
        Action.CONFIGURE: "change",
        Action.REPLACE: "change",
        Action.PRUNE: "prune",
        Action.HOOK: "hooks",
    }
    found: dict[str, list[str]] = {word: [] for word in dict.fromkeys(words.values())}
    for step in plan.steps:
        if step.action in words:
            found[words[step.action]].append(str(step.key))
    refused = [each.sentence.to_json() for each in plan.refusals]
    counts = {word: len(objects) for word, objects in found.items()}
    return {**{word: objects[:SHOWN_OBJECTS] for word, objects in found.items()}, "counts": counts, "refused": refused}


def _differing(application: Application, findings: Findings, compared: Mapping[ResourceKey, Comparison]) -> list[Json]:
    """Objects on which the verdicts differ, or that one of the two does not know."""
    theirs = {_name(row): nested_text(row, "status") for row in _rows(application)}
    assessment = findings.assessment
    ours = {} if assessment is None else {str(row.key): row for row in assessment.rows if row.status is not None}
    comparisons = {str(key): item for key, item in compared.items()}
    found = []
    for name in sorted({*theirs, *ours}):
        row = ours.get(name)
        mine = row.status.value if row is not None and row.status is not None else ""
        if findings.sync is SyncStatus.UNKNOWN or theirs.get(name, "") == mine:
            continue
        comparison = comparisons.get(name)
        fields = [each.to_json() for each in comparison.differences] if comparison is not None else []
        in_doubt = comparison is not None and comparison.needs_dry_run
        found.append(
            {"object": name, "theirs": theirs.get(name, ""), "ours": mine, "fields": fields, "inDoubt": in_doubt}
        )
    return found[:SHOWN_OBJECTS]


def _rows(application: Application) -> list[Manifest]:
    rows = nested_list(application.manifest, "status", "resources")
    return [row for row in rows if isinstance(row, dict) and not row.get("hook")]


def _name(row: Manifest) -> str:
    """As `ResourceKey` writes it."""
    return str(ResourceKey(*(nested_text(row, word) for word in ("group", "kind", "namespace", "name"))))
