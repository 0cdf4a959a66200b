"""Looks for objects across all applications, in what the caches of all clusters hold.

The caches have kind, names, labels, health and images of each object at hand; what can be typed of an object stands in one
text of its own, made when first looked for and kept while the object stays as it is. So a search is one pass of `in` over
texts, in slices, for it must not keep events waiting; an engine that nobody searches keeps none. Whose an object is costs a
walk up its owners; that is asked only of what matches, and remembered for owners within one search. An object counts where
its application's project permits it and its application is delivered to that cluster, as in the application's tree.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.cluster import Cluster
from haori.delivery.controller.leading import Leader
from haori.delivery.controller.memory import ApplicationKey, Assessment
from haori.delivery.controller.view import Json, SearchQuery
from haori.objects import ResourceKey, gvk_of, labels_of, nested_text
from haori.objects.selectors import parse_label_selector
from haori.resources.argo import HealthStatus, SyncStatus

SLICE = 5000
"""Objects looked at before others have their turn: a few milliseconds."""
Hit = tuple[int, ResourceKey, ApplicationKey, str, Live | None]
"""(distance, object, application, name of the cluster, what lives; None: wanted, and not there). A plain tuple: there may be
a hundred thousand of them."""


async def search_objects(leader: Leader, query: SearchQuery) -> Json:
    """What `EngineView.search` gives. Raises SelectorError."""
    wanted, found = Wanted(query), list[Hit]()
    for cluster, _ in leader.clusters.all():
        owned, texts = Owned(leader, cluster, query), _texts_of(cluster.cache)
        everything = cluster.cache.everything()
        for start in range(0, len(everything), SLICE):
            found += _look(wanted, owned, texts, everything[start : start + SLICE])
            await asyncio.sleep(0)
        texts.tidy(len(everything))
    if not query.health or HealthStatus.MISSING.value in query.health:
        found += [hit for key in list(leader.declared.applications) for hit in _missing(leader, wanted, key)]
    nearest = heapq.nsmallest(query.limit, found, key=itemgetter(0, 1, 2))
    counts = Counter(hit[1].kind for hit in found)
    return {
        "items": [_told(leader, hit) for hit in nearest], "total": len(found), "counts": dict(counts.most_common()),
    }  # fmt: skip


class Texts:
    """What can be typed of the objects of one cache, in lower case."""

    def __init__(self) -> None:
        self._known: dict[ResourceKey, tuple[Live, str]] = {}

    def of(self, live: Live) -> str:
        """Of one object, as it is now."""
        known = self._known.get(live.key)
        if known is not None and known[0] is live:
            return known[1]
        labels = (f"{name}={value}" for name, value in labels_of(live.manifest).items())
        text = _text(live.key, *live.images, *labels)
        self._known[live.key] = live, text
        return text

    def tidy(self, count: int) -> None:
        """Forgets what is gone, where that is much of it."""
        if len(self._known) > count * 5 // 4 + SLICE:
            self._known.clear()


_TEXTS: WeakKeyDictionary[ClusterCache, Texts] = WeakKeyDictionary()


def _texts_of(cache: ClusterCache) -> Texts:
    return _TEXTS.setdefault(cache, Texts())


def _text(key: ResourceKey, *more: str) -> str:
    return "\n".join((key.name, key.kind, key.namespace, *more)).lower()


class Wanted:
    """What of an object a query asks for. Raises SelectorError for a selector that cannot be read."""

    def __init__(self, query: SearchQuery) -> None:
        self.query, self.words = query, query.words
        self._selector = parse_label_selector(query.labels)
        self._kinds: dict[str, str] = {}
        self._is_plain = not (query.kinds or query.namespaces or query.health or query.image or query.labels)

    def is_fit(self, live: Live) -> bool:
        """Whether everything but the words fits."""
        query = self.query
        if self._is_plain:
            return True
        health = live.health.status.value if live.health is not None else ""
        return (
            (not query.health or health in query.health)
            and self.is_placed(live.key)
            and (not query.image or any(query.image in each for each in live.images))
            and (not query.labels or self._selector.matches(labels_of(live.manifest)))
        )

    def is_placed(self, key: ResourceKey) -> bool:
        """Whether kind and namespace fit."""
        query, kind = self.query, self._kinds.get(key.kind)
        if kind is None:
            kind = self._kinds[key.kind] = key.kind.lower()
        return (not query.kinds or kind in query.kinds) and (not query.namespaces or key.namespace in query.namespaces)

    def distance(self, key: ResourceKey) -> int:
        """How far a name is from what was typed: the very same, a beginning, a part, found elsewhere."""
        if not self.words or key.name == "-".join(self.words):
            return 0
        if key.name.startswith(self.words[0]):
            return 1
        return 2 if self.words[0] in key.name else 3


def _look(wanted: Wanted, owned: Owned, texts: Texts, slice_: Iterable[Live]) -> list[Hit]:
    found: list[Hit] = []
    words, cluster = wanted.words, owned.cluster.name
    for live in slice_:
        if words:
            text = texts.of(live)
            if not all([word in text for word in words]):  # noqa: C419 - a generator costs more than the test itself.
                continue
        if wanted.is_fit(live):
            for application in owned.applications_of(live):
                found.append((wanted.distance(live.key), live.key, application, cluster, live))
    return found


@dataclass(slots=True)
class Owned:
    """Which applications of one cluster an object is of; remembered for one search."""

    leader: Leader
    cluster: Cluster
    query: SearchQuery
    _above: dict[str, frozenset[str]] = field(default_factory=dict)
    """Marks at or above an owner, by its uid."""
    _known: dict[str, ApplicationKey | None] = field(default_factory=dict)
    _permitted: dict[Any, bool] = field(default_factory=dict)
    """By application and place: a project's rules are about kinds and namespaces, in no namespace also about names."""

    def applications_of(self, live: Live) -> list[ApplicationKey]:
        """Those that are looked among, and whose project permits it."""
        marks = {live.application} if live.application is not None else set[str]()
        for uid in live.owners:
            marks |= self._above_of(self.cluster.cache, uid)
        found = (self._application(mark) for mark in marks)
        return [key for key in found if key is not None and self._permits(key, live.key)]

    def _above_of(self, cache: ClusterCache, uid: str) -> frozenset[str]:
        if (found := self._above.get(uid)) is None:
            owner = cache.by_uid(uid)
            found = self._above[uid] = frozenset(cache.applications_above(owner) if owner is not None else ())
        return found

    def _application(self, mark: str) -> ApplicationKey | None:
        """The application of a mark; None where it is none that is looked among, or is not delivered here."""
        if mark not in self._known:
            key = self.leader.declared.by_name.get(mark)
            is_wanted = key is not None and is_among(key, self.query) and self._is_here(key)
            self._known[mark] = key if is_wanted else None
        return self._known[mark]

    def _is_here(self, key: ApplicationKey) -> bool:
        application = self.leader.declared.applications[key]
        return self.leader.clusters.server_of(application.spec.destination) == self.cluster.server

    def _permits(self, key: ApplicationKey, object_: ResourceKey) -> bool:
        place = key, *(object_[:3] if object_.namespace else object_)
        if (found := self._permitted.get(place)) is None:
            application = self.leader.declared.applications[key]
            permits = self.leader.sites.of(application).assessor.permits(application)
            found = self._permitted[place] = permits(object_)
        return found


def is_among(key: ApplicationKey, query: SearchQuery) -> bool:
    """Whether an application is one of those that are looked among."""
    return query.applications is None or key.name in query.applications.get(key.namespace, ())


def _missing(leader: Leader, wanted: Wanted, key: ApplicationKey) -> Iterator[Hit]:
    """Objects of an application that are wanted and not there; only one that is not in sync can have some."""
    application, assessment = leader.declared.applications[key], _assessment(leader, key)
    if assessment is None or assessment.status is SyncStatus.SYNCED or not is_among(key, wanted.query):
        return
    if wanted.query.image or wanted.query.labels:
        return  # Nothing lives that could carry them.
    cluster = leader.sites.of(application).cluster
    for row in assessment.rows:
        text = _text(row.key)
        is_fit = not row.is_hook and wanted.is_placed(row.key) and all(word in text for word in wanted.words)
        if is_fit and cluster.cache.get(row.key) is None:
            yield wanted.distance(row.key), row.key, key, cluster.name, None


def _assessment(leader: Leader, key: ApplicationKey) -> Assessment | None:
    memory = leader.sight.memories.get(key)
    findings = memory.findings if memory is not None else None
    return findings.assessment if findings is not None else None


def _told(leader: Leader, hit: Hit) -> Json:
    _, key, whose, cluster, live = hit
    application, assessment = leader.declared.applications.get(whose), _assessment(leader, whose)
    comparison = assessment.comparisons.get(key) if assessment is not None else None
    return {
        "cluster": cluster,
        "group": key.group,
        "version": gvk_of(live.manifest).version if live is not None else "",
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "uid": live.uid if live is not None else "",
        "health": _health(live),
        "sync": comparison.status.value if comparison is not None else None,
        "images": list(live.images) if live is not None else [],
        "createdAt": nested_text(live.manifest, "metadata", "creationTimestamp") if live is not None else "",
        "application": whose.name,
        "applicationNamespace": whose.namespace,
        "project": application.spec.project if application is not None else "",
    }


def _health(live: Live | None) -> str:
    """The word; empty where its kind has no check."""
    if live is None:
        return HealthStatus.MISSING.value
    return live.health.status.value if live.health is not None else ""
