"""Since which commit: the one that last changed what an object is rendered from, and better, the object itself.

What a source reads comes from its render, so a base or a value file outside its folder counts, and the README beside it
does not. Of the commits that touched these files the newest is held against the one before, render against render (each
is known already where it was deployed), until the object, or a ConfigMap or Secret that it names, comes out different.
Where that takes too long, the newest commit that touched the files is named.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from haori.cluster import KubernetesClient
from haori.delivery.controller.desired import DesiredStates
from haori.delivery.model import Application
from haori.delivery.render import Inputs, Rendered, RenderRequest
from haori.errors import HaoriError
from haori.git import CommitInfo, Repositories
from haori.objects import Manifest, ResourceKey, gvk_of, nested_text

STEPS = 6
"""Renders of earlier commits for one answer."""
SECONDS = 3.0
KEPT = 512
PATHS_AT_MOST = 500
_NAMED_KINDS = frozenset({"ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "Service"})


class ReadsSources(Protocol):
    """What knows what a source reads and what comes out of it; `render.Renderer` does."""

    async def inputs(self, request: RenderRequest) -> Inputs:
        """What the source reads of its repository, and of others."""
        ...

    async def render(self, request: RenderRequest, *, again: bool = False) -> Rendered:
        """The manifests."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Files of one repository at one commit that a source reads."""

    url: str
    revision: str
    paths: tuple[str, ...]
    """Empty: all of them."""
    reference: str = ""
    """The `ref` by which the source reads them; empty: they are its own."""


class Commits:
    """Finds commits, and remembers them: the same question at the same revisions is answered once."""

    def __init__(
        self, client: KubernetesClient, repositories: Repositories, desired: DesiredStates, renderer: ReadsSources
    ) -> None:
        self._client, self._repositories = client, repositories
        self._desired, self._renderer = desired, renderer
        self._known: OrderedDict[tuple[Any, ...], CommitInfo] = OrderedDict()

    async def since(
        self, application: Application, revisions: Sequence[str], key: ResourceKey | None
    ) -> CommitInfo | None:
        """The commit since which `key` is what it is at `revisions`; None where no repository can say."""
        question = (tuple(repr(source.raw) for source in application.spec.sources), tuple(revisions), key)
        found = self._known.get(question)
        if found is None:
            try:
                found = await self._find(application, revisions, key)
            except HaoriError:
                return None
            if found is None:
                return None
            self._known[question] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    async def _find(
        self, application: Application, revisions: Sequence[str], key: ResourceKey | None
    ) -> CommitInfo | None:
        if len(revisions) != len(application.spec.sources):
            return None
        discovery = await self._client.discover()
        requests = await self._desired.requests(application, application.spec.sources, revisions, discovery)
        if not requests:
            return None
        request = await self._maker_of(requests, key)
        places = await self._places(application, revisions, request)
        if not places:
            return None
        histories = [
            await self._repositories.commits_touching(place.url, place.revision, place.paths, limit=STEPS)
            for place in places
        ]
        newest = [history[0] for history in histories if history]
        if key is not None:
            try:
                async with asyncio.timeout(SECONDS):
                    walked = [
                        await self._changed(request, place, history, key)
                        for place, history in zip(places, histories, strict=True)
                    ]
            except (HaoriError, TimeoutError):
                walked = []
            newest = [found for found in walked if found is not None] or newest
        if newest:
            return max(newest, key=lambda commit: commit.at)
        return await self._repositories.commit_info(places[0].url, places[0].revision)

    async def _maker_of(self, requests: Sequence[RenderRequest], key: ResourceKey | None) -> RenderRequest:
        """The source that renders the object; the first where none does. Of several the last counts, as in a sync."""
        if key is not None and len(requests) > 1:
            for request in reversed(requests):
                if find_object((await self._renderer.render(request)).manifests, key) is not None:
                    return request
        return requests[0]

    async def _places(self, application: Application, revisions: Sequence[str], request: RenderRequest) -> list[Place]:
        inputs = await self._renderer.inputs(request)
        own = () if inputs.is_whole else narrow(request.source.path, inputs.paths)
        is_packed = request.source.is_packed  # A chart has no history that we could read.
        places = [] if is_packed else [Place(url=request.source.repo_url, revision=request.tree.commit, paths=own)]
        for source, revision in zip(application.spec.sources, revisions, strict=False):
            if source.ref and (paths := inputs.references.get(source.ref)):
                paths = () if "" in paths else paths[:PATHS_AT_MOST]
                places.append(Place(url=source.repo_url, revision=revision, paths=paths, reference=source.ref))
        return places

    async def _changed(
        self, request: RenderRequest, place: Place, history: Sequence[CommitInfo], key: ResourceKey
    ) -> CommitInfo | None:
        """The newest commit of `history` (newest first) that made the object what it is; None where none of these did."""
        now = look_of((await self._renderer.render(request)).manifests, key)
        for commit, before in itertools.pairwise(history):
            tree = await self._repositories.tree(place.url, before.sha)
            if place.reference:
                earlier = replace(request, references={**request.references, place.reference: tree})
            else:
                earlier = replace(request, tree=tree)
            try:
                then = look_of((await self._renderer.render(earlier)).manifests, key)
            except HaoriError as error:
                if error.transient:
                    raise
                return commit  # What could not be rendered before it had nothing of this.
            if then != now:
                return commit
        # A history that is shorter than asked for was read to its beginning.
        return history[-1] if history and len(history) < STEPS and not place.reference else None


def narrow(path: str, inputs: Iterable[str]) -> tuple[str, ...]:
    """The paths to ask history for: the source's folder, so that a removed file counts, and what it reads elsewhere."""
    folder = path.strip("/").removeprefix("./")
    if folder in ("", "."):
        return ()
    outside = [each for each in inputs if each != folder and not each.startswith(f"{folder}/")]
    return () if "" in outside or len(outside) > PATHS_AT_MOST else (folder, *outside)


def find_object(manifests: Iterable[Manifest], key: ResourceKey) -> Manifest | None:
    """The manifest of `key` as it was rendered, with or without its namespace."""
    for manifest in manifests:
        gvk = gvk_of(manifest)
        same = (gvk.group, gvk.kind, nested_text(manifest, "metadata", "name")) == (key.group, key.kind, key.name)
        if same and nested_text(manifest, "metadata", "namespace") in ("", key.namespace):
            return manifest
    return None


def look_of(manifests: Sequence[Manifest], key: ResourceKey) -> list[Manifest]:
    """The object and the objects it names (its configuration); empty where it is not rendered."""
    found = find_object(manifests, key)
    if found is None:
        return []
    names = set(_texts(found))
    named = [
        each
        for each in manifests
        if gvk_of(each).kind in _NAMED_KINDS and nested_text(each, "metadata", "name") in names and each is not found
    ]
    return [found, *sorted(named, key=lambda each: (gvk_of(each).kind, nested_text(each, "metadata", "name")))]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
