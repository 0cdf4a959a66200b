"""What the engine answers when it is asked: `EngineView` over a term's parts.

Rows come from memory and cost nothing; whole objects, diffs and plans are worked out when asked for. Secrets leave masked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from haori.cluster import NotFoundError
from haori.delivery.apply.migrate import own_string_data
from haori.delivery.compare import Comparison
from haori.delivery.compare import compare as compare_objects
from haori.delivery.controller.assessing import would_change
from haori.delivery.controller.cache import Live
from haori.delivery.controller.ignoring import fits_type, parse_rule, preview_rule
from haori.delivery.controller.leading import Leader
from haori.delivery.controller.memory import ApplicationKey, Desired, Findings, Row
from haori.delivery.controller.observing import build_verdict
from haori.delivery.controller.past import Past
from haori.delivery.controller.queue import Level
from haori.delivery.controller.searching import search_objects
from haori.delivery.controller.sites import Site
from haori.delivery.controller.view import (
    ApplicationMissingError,
    ApplicationRefusedError,
    Json,
    NotObservingError,
    ObjectName,
    PlanQuery,
    SearchQuery,
)
from haori.delivery.health import Health, assess_child_application
from haori.delivery.model import Application, Condition
from haori.delivery.model.operation import parse_operation
from haori.delivery.plan import is_hook
from haori.git.errors import RevisionMissingError
from haori.objects import Manifest, ResourceKey, copy_manifest, nested_mapping, nested_text, parse_api_version
from haori.objects.masking import mask_manifests
from haori.objects.times import format_time
from haori.resources import argo, haori
from haori.resources.argo import ConditionType
from haori.words import Sentence


class Answers:
    """Answers from whatever leads now; an engine that stands by knows no application."""

    def __init__(
        self,
        leader: Callable[[], Leader | None],
        *,
        isolation: str,
        observes: Sentence | None = None,
        figures: Callable[[], Json] = dict,
    ) -> None:
        """`observes`: why the engine only observes, where it does; `figures`: those of the whole process."""
        self._figures = figures
        self._past = Past(refuse)
        self._current, self._isolation, self._observes = leader, isolation, observes

    @property
    def is_leading(self) -> bool:
        """Whether this engine holds the Lease."""
        return self._current() is not None

    @property
    def observes(self) -> Json | None:
        """Why the engine only observes, None where it does not."""
        return self._observes.to_json() if self._observes is not None else None

    def observed(self) -> list[Json]:
        """Both verdicts of each application."""
        leader = self._current()
        observer = leader.observer if leader is not None else None
        if leader is None or observer is None:
            raise NotObservingError("engine-does-not-observe")
        return [
            build_verdict(leader.declared.applications[key], _findings(leader, key), observer.beyond(key))
            for key in sorted(leader.declared.applications)
        ]

    def applications(self) -> list[Json]:
        """A row an application."""
        leader = self._current()
        if leader is None:
            return []
        return [_row(leader, key) for key in sorted(leader.declared.applications)]

    def application(self, name: str, namespace: str = "") -> Json:
        """One row with its objects."""
        leader, key, _ = self._find(name, namespace)
        findings = _findings(leader, key)
        assessment = findings.assessment if findings is not None else None
        rows = assessment.rows if assessment is not None else ()
        return {**_row(leader, key), "resources": [_resource_row(row) for row in rows]}

    def tree(self, name: str, namespace: str = "") -> Json:
        """Managed objects and all they own."""
        leader, key, application = self._find(name, namespace)
        site, findings = leader.sites.of(application), _findings(leader, key)
        rows = {row.key: row for row in findings.assessment.rows} if findings and findings.assessment else {}
        marked = site.cluster.cache.of_application(site.assessor.name_of(application))
        permits = site.assessor.permits(application)
        roots = {live.key: live for live in marked if permits(live.key)}
        # Git may name any object: what stands there is told only where the project permits it.
        wanted = {row: site.cluster.cache.get(row) for row in rows if row not in roots and permits(row)}
        roots |= {row: live for row, live in wanted.items() if live is not None}
        found: dict[str, Live] = {}
        for root in roots.values():
            for live in (root, *site.cluster.cache.descendants(root)):
                found.setdefault(live.uid, live)
        children = leader.declared.applications if site is leader.sites.control else {}
        nodes = [_node(live, rows.get(live.key), found, children) for live in found.values()]
        return {"nodes": nodes + [_missing_node(row) for row in rows.values() if row.key not in roots]}

    async def resources(self, name: str, namespace: str = "", *, only: ObjectName | None = None) -> list[Json]:
        """Managed objects, whole."""
        leader, key, application = self._find(name, namespace)
        site, memory = leader.sites.of(application), leader.sight.memories.get(key)
        findings = _findings(leader, key)
        if memory is None or findings is None or findings.assessment is None:
            return []
        targets = memory.desired.targets.manifests if memory.desired is not None else {}
        rows = [row for row in findings.assessment.rows if _matches(only, row.key)]
        permits = site.assessor.permits(application)
        answer = []
        for row in rows:
            desired, live = targets.get(row.key), await _whole(site, row.key) if permits(row.key) else None
            shown = _masked_pair(desired, live)
            status = row.status.value if row.status is not None else None
            answer.append({**_name(row.key), "desired": shown[0], "live": shown[1], "sync": status})
        return answer

    async def diff(self, name: str, namespace: str = "", *, revision: str = "", hard: bool = False) -> list[Json]:
        """Objects that differ, compared with what lives now, whole."""
        leader, key, application = self._find(name, namespace)
        site = leader.sites.of(application)
        desired = await _desired(leader, key, application, _only(revision), again=hard)
        targets = desired.targets.manifests
        marked = site.cluster.cache.of_application(site.assessor.name_of(application))
        permits = site.assessor.permits(application)
        owned = [live.key for live in marked if not live.owners and permits(live.key)]
        options = await site.assessor.options(application, targets.values())
        answer = []
        for each in sorted({*targets, *owned}):
            wanted, live = targets.get(each), await _whole(site, each) if permits(each) else None
            if wanted is None and live is None:
                continue
            comparison = compare_objects(wanted, live, options)
            if comparison.needs_dry_run and wanted is not None:
                client = site.cluster.client
                if not await would_change(client, wanted, manager=haori.FIELD_MANAGER):
                    continue
            is_a_hook = any(manifest is not None and is_hook(manifest) for manifest in (wanted, live))
            if not comparison.is_synced and not is_a_hook:
                answer.append(_difference(comparison, wanted, live))
        return answer

    async def manifests(self, name: str, namespace: str = "", *, revision: str = "", live: bool = False) -> list[Json]:
        """Desired manifests, or live ones."""
        leader, key, application = self._find(name, namespace)
        if live:
            found = await self.resources(name, namespace)
            return [item["live"] for item in found if item["live"] is not None]
        desired = await _desired(leader, key, application, _only(revision))
        given = [*desired.targets.manifests.values(), *desired.targets.generated]
        return list(mask_manifests(*given))

    async def plan(self, name: str, namespace: str = "", *, query: PlanQuery | None = None) -> Json:
        """The plan of a sync that is not begun."""
        leader, key, application = self._find(name, namespace)
        asked = query or PlanQuery()
        operation = parse_operation(asked.operation if asked.operation is not None else _operation(asked))
        revision = operation.revision or asked.revision
        revisions = operation.revisions or _only(revision)
        desired = await _desired(leader, key, application, revisions, unpinned=asked.unpinned)
        plan = await leader.sites.of(application).operating.plan(application, operation, desired)
        return {**plan.to_json(), "revision": ",".join(desired.revisions)}

    async def commit(self, name: str, namespace: str = "", *, revision: str) -> Json:
        """Who made a commit that one of the application's repositories holds."""
        leader, _, application = self._find(name, namespace)
        refuse(leader, application)
        for source in application.spec.sources:
            if source.is_packed:
                continue  # A chart has no history that could be read.
            try:
                found = await leader.ground.repositories.commit_info(source.repo_url, revision)
            except RevisionMissingError:
                continue
            author = f"{found.author} <{found.email}>"
            tags = leader.ground.repositories.tags_of(source.repo_url, revision)
            return {"author": author, "date": format_time(found.at), "message": found.subject, "tags": tags}
        raise ApplicationMissingError("commit-not-found", application=name, revision=revision)

    async def history(self, name: str, namespace: str = "") -> list[Json]:
        """Releases, the newest first."""
        leader, key, application = self._find(name, namespace)
        return await self._past.history(leader, key, application)

    async def releases(self, name: str, namespace: str = "", *, first: int, second: int | None) -> Json:
        """What is otherwise between two releases."""
        leader, key, application = self._find(name, namespace)
        return await self._past.compare(leader, key, application, first, second)

    async def ignore(self, name: str, namespace: str = "", *, rule: Json) -> Json:
        """What a further rule would take away."""
        asked = parse_rule(rule)
        leader, key, application = self._find(name, namespace)
        site, desired = leader.sites.of(application), await _desired(leader, key, application)
        targets = desired.targets.manifests
        permits = site.assessor.permits(application)
        types = [each for each in targets if fits_type(asked, each) and permits(each)]
        pairs = {each: (targets[each], await _whole(site, each)) for each in types}
        options = await site.assessor.options(application, [targets[each] for each in types])
        return preview_rule(asked, pairs, options)

    async def search(self, query: SearchQuery) -> Json:
        """Objects of all applications."""
        leader = self._current()
        return await search_objects(leader, query) if leader is not None else {"items": [], "total": 0, "counts": {}}

    def figures(self) -> Json:
        """How the engine does."""
        return {**self._figures(), "observing": self.observes}

    def statistics(self) -> Json:
        """Counts of every part."""
        leader = self._current()
        found: Json = {"isolation": self._isolation, "leading": leader is not None, "observing": self.observes}
        return found if leader is None else {**found, **leader.statistics()}

    def refresh(self, name: str, namespace: str = "", *, hard: bool = False) -> None:
        """Looks at an application again."""
        leader, key, _ = self._find(name, namespace)
        leader.queue.ask(key, Level.HARD if hard else Level.FORCED, "asked")

    def repositories_changed(self, url: str) -> int:
        """Somebody pushed."""
        leader = self._current()
        if leader is None:
            return 0
        return leader.watches.notify(url)

    def find_permitted(self, name: str, namespace: str = "") -> Application:
        """An application as it was last seen. Raises ApplicationMissingError, ApplicationRefusedError."""
        leader, _, application = self._find(name, namespace)
        refuse(leader, application)
        return application

    def _find(self, name: str, namespace: str) -> tuple[Leader, ApplicationKey, Application]:
        leader = self._current()
        if leader is not None:
            key = ApplicationKey(namespace or leader.declared.namespace, name)
            application = leader.declared.applications.get(key)
            if application is not None:
                return leader, key, application
        raise ApplicationMissingError("application-not-found", application=name)


def _findings(leader: Leader, key: ApplicationKey) -> Findings | None:
    memory = leader.sight.memories.get(key)
    return memory.findings if memory is not None else None


def _row(leader: Leader, key: ApplicationKey) -> Json:
    application, findings = leader.declared.applications[key], _findings(leader, key)
    source = application.spec.sources[0] if application.spec.sources else None
    destination = application.spec.destination
    state = nested_mapping(application.manifest, "status", "operationState")
    return {
        "name": key.name,
        "namespace": key.namespace,
        "project": application.spec.project,
        "sync": application.sync_status.value,
        "health": application.health_status.value,
        "why": _why(application),
        "pin": dict(findings.pin) if findings is not None and findings.pin else None,
        "urls": list(leader.sites.of(application).assessor.urls(application)),
        "revision": ",".join(application.revisions),
        "targetRevision": source.target_revision if source is not None else "",
        "repository": source.repo_url if source is not None else "",
        "path": (source.path or source.chart) if source is not None else "",
        "destination": {
            "server": destination.server,
            "name": destination.name,
            "namespace": destination.namespace,
        },
        "operation": {name: state.get(name) for name in ("phase", "message", "startedAt", "finishedAt")}
        if state
        else None,
        "conditions": [_condition(item) for item in findings.conditions] if findings is not None else [],
        "automated": application.spec.sync_policy.automated is not None,
        "deleting": application.is_deleting,
    }


def _why(application: Application) -> Json | None:
    """As it was written, in the reader's language."""
    why = nested_mapping(application.manifest, "status", "haori", "why")
    if not why:
        return None
    return Sentence(code=str(why.get("code")), parameters=nested_mapping(why, "parameters")).to_json()


def _condition(condition: Condition) -> Json:
    return {"type": condition.type.value, **condition.sentence.to_json()}


def _health(health: Health | None) -> Json | None:
    if health is None:
        return None
    told = health.sentence.to_json() if health.sentence is not None else {}
    return {"status": health.status.value, "message": health.message, **told}


def _name(key: ResourceKey) -> Json:
    return {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}


def _resource_row(row: Row) -> Json:
    return {
        **_name(row.key),
        "version": row.version,
        "sync": row.status.value if row.status is not None else None,
        "health": _health(row.health),
        "hook": row.is_hook,
        "requiresPruning": row.requires_pruning,
        "wave": row.wave,
    }


def _node(
    live: Live, row: Row | None, known: Mapping[str, Live], children: Mapping[ApplicationKey, Application]
) -> Json:
    health = live.health
    if health is None and (live.key.group, live.key.kind) == (argo.ARGO_GROUP, argo.APPLICATION):
        # A parent may not count its children; who looks at its tree wants to know how they are.
        child = children.get(ApplicationKey(live.key.namespace, live.key.name))
        health = assess_child_application(child.manifest) if child is not None else None
    return {
        "uid": live.uid,
        **_name(live.key),
        "version": parse_api_version(nested_text(live.manifest, "apiVersion"))[1],
        "parents": [uid for uid in live.owners if uid in known],
        "health": _health(health),
        "sync": row.status.value if row is not None and row.status is not None else None,
        "createdAt": nested_text(live.manifest, "metadata", "creationTimestamp"),
        "terminating": live.is_terminating,
        "images": list(live.images),
        **_marks(row),
    }


def _marks(row: Row | None) -> Json:
    """What Git says of an object beside its manifest; an object that an owner made has nothing of it."""
    if row is None:
        return {}
    return {"hook": row.is_hook, "requiresPruning": row.requires_pruning, "wave": row.wave}


def _missing_node(row: Row) -> Json:
    status = row.status.value if row.status is not None else None
    missing: Json = {"uid": "", "parents": [], "health": None, "createdAt": "", "terminating": False, "images": []}
    return {**missing, **_name(row.key), "version": row.version, "sync": status, **_marks(row)}


def _matches(only: ObjectName | None, key: ResourceKey) -> bool:
    if only is None:
        return True
    pairs = (only.kind, key.kind), (only.name, key.name), (only.namespace, key.namespace), (only.group, key.group)
    return all(not wanted or wanted == there for wanted, there in pairs)


async def _whole(site: Site, key: ResourceKey) -> Manifest | None:
    resource = (await site.cluster.client.discover()).resource(key.group_kind)
    if resource is None:
        return None
    try:
        return own_string_data(await site.cluster.client.get(resource, key.name, key.namespace), haori.FIELD_MANAGER)
    except NotFoundError:
        return None


async def _desired(
    leader: Leader,
    key: ApplicationKey,
    application: Application,
    revisions: tuple[str, ...] = (),
    *,
    again: bool = False,
    unpinned: bool = False,
) -> Desired:
    """What is wanted at `revisions` (empty: what counts, a pin before Git; `unpinned`: what Git holds)."""
    refuse(leader, application)
    memory = leader.sight.memories.get(key)
    is_asked_anew = bool(revisions) or again or unpinned
    if not is_asked_anew and memory is not None and memory.desired is not None and memory.failure is None:
        return memory.desired
    site, sources = leader.sites.of(application), application.spec.sources
    resolved = await site.desired.resolve(
        sources,
        fresh_after=asyncio.get_running_loop().time() if again else None,
        revisions=revisions,
    )
    return await site.desired.build(
        application,
        sources,
        resolved,
        discovery=await site.cluster.client.discover(),
        settings=leader.declared.settings,
        again=again,
    )


def _only(revision: str) -> tuple[str, ...]:
    return (revision,) if revision else ()


def refuse(leader: Leader, application: Application) -> None:
    """Raises ApplicationRefusedError where the application may not be synced: nor may its sources be read for anybody."""
    for condition in leader.watching.check(application):
        if condition.type is ConditionType.INVALID_SPEC:
            raise ApplicationRefusedError(
                "application-refused", application=application.name, reason=condition.sentence
            )


def _masked_pair(desired: Manifest | None, live: Manifest | None) -> Sequence[Json | None]:
    """Both masked together, so that an equal value stays equal."""
    shown = iter(mask_manifests(*(manifest for manifest in (desired, live) if manifest is not None)))
    pair = [next(shown) if manifest is not None else None for manifest in (desired, live)]
    return [copy_manifest(each) if each is not None else None for each in pair]


def _difference(comparison: Comparison, desired: Manifest | None, live: Manifest | None) -> Json:
    shown = _masked_pair(desired, live)
    return {
        **_name(comparison.key),
        "desired": shown[0],
        "live": shown[1],
        "differences": [difference.to_json() for difference in comparison.differences],
        "missing": comparison.is_missing,
        "extra": comparison.is_extra,
        "hook": False,
    }


def _operation(query: PlanQuery) -> dict[str, Any]:
    sync: dict[str, Any] = {"prune": query.prune, "dryRun": query.dry_run}
    if query.revision:
        sync["revision"] = query.revision
    if query.force:
        sync["syncStrategy"] = {"hook": {"force": True}}
    return {"sync": sync}
