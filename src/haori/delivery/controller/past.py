"""Releases that were: who made them, what they were made of, what changed between two.

The cluster remembers a release's revisions and sources; its objects and images come from rendering them again, which the
cache of renders mostly answers, as nothing of it changed. What was once worked out is remembered as hashes and images
alone. A release's sources are held to the project like any others: whoever may write `status.history` reads nothing by it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from haori.delivery.controller.leading import Leader
from haori.delivery.controller.memory import ApplicationKey, Desired
from haori.delivery.controller.pins import choose_entry
from haori.delivery.controller.view import ApplicationRefusedError, Json
from haori.delivery.model import Application, HistoryEntry
from haori.delivery.model.application import parse_source
from haori.errors import HaoriError, UserError
from haori.objects import Manifest, ResourceKey, nested_text
from haori.objects.images import images_of
from haori.objects.masking import mask_manifests
from haori.objects.times import format_time

REMEMBERED = 500
"""Releases whose hashes and images are kept."""
DETAILED = 20
"""Releases of one answer that are looked into, the newest."""
DETAIL_SECONDS = 15.0
"""How long an answer looks into releases; those it did not come to are told without."""
Release = tuple[ApplicationKey, str]


class ReleaseError(UserError):
    """`desired-state-unknown` (application), `rollback-sources-changed` (application, id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a release was made of."""

    images: tuple[str, ...]
    digests: Mapping[ResourceKey, bytes]


class Past:
    """Tells of releases."""

    def __init__(self, refuse: Callable[[Leader, Application], None]) -> None:
        """`refuse` raises where an application's sources may not be read for anybody."""
        self._refuse = refuse
        self._made: OrderedDict[Release, Made] = OrderedDict()

    async def history(self, leader: Leader, key: ApplicationKey, application: Application) -> list[Json]:
        """A row a release, newest first; see `EngineView.history`."""
        entries = application.history
        made: dict[int, Made | None] = {}
        try:
            async with asyncio.timeout(DETAIL_SECONDS):
                for entry in reversed(entries[-DETAILED - 1 :]):
                    made[entry.id] = await self._look_into(leader, key, application, entry)
        except TimeoutError:
            pass  # The rows say themselves which were not looked into.
        rows = []
        for index, entry in enumerate(entries):
            before = made.get(entries[index - 1].id) if index else None
            row = {**_row(entry), "commit": await _commit(leader, application, entry)}
            rows.append({**row, **_details(made.get(entry.id), before, is_first=index == 0)})
        return rows[::-1]

    async def compare(
        self, leader: Leader, key: ApplicationKey, application: Application, first: int, second: int | None
    ) -> Json:
        """What is otherwise in the release `second` (None: what is wanted now) than in `first`. Raises PinError, ReleaseError."""
        before = await self._desired(leader, application, choose_entry(application, first))
        if second is None:
            memory = leader.sight.memories.get(key)
            if memory is None or memory.desired is None:
                raise ReleaseError("desired-state-unknown", application=application.name)
            after = memory.desired
        else:
            after = await self._desired(leader, application, choose_entry(application, second))
        return {
            "from": {"id": first, "revisions": list(before.revisions)},
            "to": {"id": second, "revisions": list(after.revisions)},
            "items": compare_states(before.targets.manifests, after.targets.manifests),
        }

    async def _look_into(
        self, leader: Leader, key: ApplicationKey, application: Application, entry: HistoryEntry
    ) -> Made | None:
        release = key, orjson.dumps([entry.revisions, entry.sources], option=orjson.OPT_SORT_KEYS).decode()
        if (known := self._made.get(release)) is not None:
            self._made.move_to_end(release)
            return known
        try:
            desired = await self._desired(leader, application, entry)
        except HaoriError:
            return None  # A commit that is gone, a chart that was taken back: its row says that nothing is known.
        manifests = desired.targets.manifests
        made = Made(
            images=tuple(images_of(manifests.values())),
            digests={each: _digest(manifest) for each, manifest in manifests.items()},
        )
        self._made[release] = made
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)
        return made

    async def _desired(self, leader: Leader, application: Application, entry: HistoryEntry) -> Desired:
        self._refuse(leader, application)
        sources = tuple(parse_source(raw) for raw in entry.sources) or application.spec.sources
        if problems := leader.watching.check_sources(application, sources):
            reason = problems[0].sentence
            raise ApplicationRefusedError("application-refused", application=application.name, reason=reason)
        if len(sources) != len(entry.revisions):
            raise ReleaseError("rollback-sources-changed", application=application.name, id=entry.id)
        site = leader.sites.of(application)
        revisions = await site.desired.resolve(sources, revisions=entry.revisions)
        return await site.desired.build(
            application,
            sources,
            revisions,
            discovery=await site.cluster.client.discover(),
            settings=leader.declared.settings,
        )


def _row(entry: HistoryEntry) -> Json:
    began, ended = entry.deploy_started_at, entry.deployed_at
    return {
        "id": entry.id,
        "revisions": list(entry.revisions),
        "sources": [_shown_source(each) for each in entry.sources],
        "startedAt": format_time(began) if began is not None else "",
        "deployedAt": format_time(ended) if ended is not None else "",
        "seconds": (ended - began).total_seconds() if began is not None and ended is not None else None,
        "who": entry.username or ("automated" if entry.automated else ""),
        "automated": entry.automated and not entry.username,
    }


def _shown_source(source: Mapping[str, Any]) -> Json:
    names = ("repoURL", "path", "chart", "targetRevision", "name", "ref")
    return {name: nested_text(source, name) for name in names if source.get(name)}


def _details(made: Made | None, before: Made | None, *, is_first: bool) -> Json:
    """images, and what changed since the release before: null where it is not known, as for the first."""
    changed = None
    if made is not None and before is not None and not is_first:
        changed = [{**_name(key), "change": change} for key, change in changes(before.digests, made.digests)]
    return {"images": list(made.images) if made is not None else None, "changed": changed}


def changes(before: Mapping[ResourceKey, Any], after: Mapping[ResourceKey, Any]) -> list[tuple[ResourceKey, str]]:
    """(object, added | removed | changed) in the order of keys."""
    found = []
    for key in sorted({*before, *after}):
        if key not in before:
            found.append((key, "added"))
        elif key not in after:
            found.append((key, "removed"))
        elif before[key] != after[key]:
            found.append((key, "changed"))
    return found


def compare_states(
    before: Mapping[ResourceKey, Manifest], after: Mapping[ResourceKey, Manifest]
) -> list[dict[str, Any]]:
    """Objects that are not the same: {group, kind, namespace, name, change, from | null, to | null}, Secrets masked."""
    told = []
    for key, change in changes(before, after):
        pair = before.get(key), after.get(key)
        masked = iter(mask_manifests(*(each for each in pair if each is not None)))
        first, second = (next(masked) if each is not None else None for each in pair)
        told.append({**_name(key), "change": change, "from": first, "to": second})
    return told


async def _commit(leader: Leader, application: Application, entry: HistoryEntry) -> Json | None:
    """Who made the first commit of a release, None where no repository of the application holds it any more."""
    for source, revision in zip(_sources(application, entry), entry.revisions, strict=False):
        if source.is_packed or leader.watching.check_sources(application, (source,)):
            continue
        try:
            found = await leader.ground.repositories.commit_info(source.repo_url, revision)
        except HaoriError:
            continue
        author = f"{found.author} <{found.email}>"
        return {"author": author, "date": format_time(found.at), "message": found.subject, "revision": revision}
    return None


def _sources(application: Application, entry: HistoryEntry) -> Sequence[Any]:
    return tuple(parse_source(raw) for raw in entry.sources) or application.spec.sources


def _name(key: ResourceKey) -> Json:
    return {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}


def _digest(manifest: Manifest) -> bytes:
    return hashlib.blake2b(orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
