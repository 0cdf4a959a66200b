"""What Git wants: revisions resolved, sources rendered, targets cleaned.

One answer an application and set of revisions is kept in memory, so that a change of live objects costs no render; the
renderer below keeps its own, by content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import orjson

from haori.cluster import Discovery
from haori.delivery.charts import Charts
from haori.delivery.compare import Targets, clean_targets
from haori.delivery.controller.fetches import SharedFetches
from haori.delivery.controller.memory import SMALL_BYTES, ApplicationKey, Desired
from haori.delivery.controller.places import Places
from haori.delivery.model import Application, Condition, Settings, Source
from haori.delivery.model.application import parse_source
from haori.delivery.model.settings import BuildOptions
from haori.delivery.render import RenderContext, Rendered, RenderRequest
from haori.errors import HaoriError
from haori.git import Repositories, Tree
from haori.jail import Limits
from haori.objects import GroupKind, GroupVersionKind, Manifest
from haori.objects.masking import fold_string_data, is_secret
from haori.resources.argo import ConditionType

TREES_KEPT = 8
"""Commits whose folders are remembered, so that a thousand applications of one commit read them once."""


class Renders(Protocol):
    """What turns one source at one commit into manifests."""

    async def render(self, request: RenderRequest, *, again: bool = False) -> Rendered:
        """The manifests; `again` asks for a render even of what is known."""
        ...


class DesiredStates:
    """Works out desired states. Raises what Git, the renderer and the readers of YAML raise, all HaoriErrors."""

    def __init__(
        self,
        repositories: Repositories,
        renderer: Renders,
        *,
        charts: Charts,
        control_namespace: str,
        limits: Limits | None = None,
        build: BuildOptions | None = None,
        on_bases: Callable[[ApplicationKey, tuple[str, ...]], None] = lambda key, places: None,
        value_schemes: tuple[str, ...] = Settings().value_schemes,
    ) -> None:
        self._repositories, self._charts, self._renderer = repositories, charts, renderer
        self._places = Places(repositories, charts)
        self._control_namespace = control_namespace
        self._limits = limits or Limits()
        self._build = build or BuildOptions()
        self._on_bases = on_bases
        self.kube_version = ""
        self._value_schemes = value_schemes
        self._fetches = SharedFetches(self._places)
        self._trees: dict[tuple[str, str], Tree] = {}
        self._api_versions: tuple[Discovery | None, tuple[str, ...]] = (None, ())

    def beside(self) -> DesiredStates:
        """One for another cluster, which shares what was fetched and read."""
        other = DesiredStates(
            self._repositories,
            self._renderer,
            charts=self._charts,
            control_namespace=self._control_namespace,
            limits=self._limits,
            build=self._build,
            on_bases=self._on_bases,
            value_schemes=self._value_schemes,
        )
        other._fetches, other._trees = self._fetches, self._trees
        return other

    async def resolve(
        self,
        sources: Sequence[Source],
        *,
        fresh_after: float | None = None,
        at_once: bool = False,
        revisions: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """The commit, chart version or artifact digest of each source; `revisions` stand in for those of the sources.

        By what was fetched since `fresh_after` (loop time; a repository that was not is asked now, `at_once` or together
        with others), or by the last fetch.
        """
        if fresh_after is not None:
            for source in sources:
                await self._look(source, fresh_after, at_once=at_once)
        wanted = [source.target_revision for source in sources]
        for index, revision in enumerate(revisions):
            if revision and index < len(wanted):
                wanted[index] = revision
        pairs = zip(sources, wanted, strict=True)
        return tuple([await self._places.resolve(source, revision) for source, revision in pairs])

    async def _look(self, source: Source, fresh_after: float, *, at_once: bool) -> None:
        """Sees to it that what the source means was looked at since then; an error names its chart."""
        for place in self._places.of([source]):
            try:
                await self._fetches.fetch(place, fresh_after, at_once=at_once)
            except HaoriError as error:
                if "chart" not in error.parameters or not source.chart:
                    raise
                # The look is at a repository and shared by all its charts.
                facts = {"chart": source.chart, "version": source.target_revision}
                raise type(error)(error.code, **{**error.parameters, **facts}) from error

    async def build(
        self,
        application: Application,
        sources: Sequence[Source],
        revisions: Sequence[str],
        *,
        discovery: Discovery,
        settings: Settings,
        again: bool = False,
        known: Desired | None = None,
        manifests: Sequence[str] = (),
    ) -> Desired:
        """The desired state; `known` is given back where the content is the same, `manifests` stand in for the sources."""
        rendered = [] if manifests else await self._render(application, sources, revisions, discovery, again=again)
        content = _content(application, rendered, manifests, settings)
        types = tuple(item.source_type.value for item in rendered)
        size = sum(item.size_bytes for item in rendered) + sum(map(len, manifests))
        if known is not None and content and known.content == content:
            return Desired(
                revisions=tuple(revisions), targets=known.targets, source_types=types, content=content, size_bytes=size
            )
        given = [orjson.loads(text) for text in manifests] or [each for item in rendered for each in item.manifests]
        given = [as_applied(manifest) for manifest in given]

        def clean() -> Targets:
            return clean_targets(
                given,
                application=application.qualified_name(self._control_namespace),
                namespace=application.spec.destination.namespace,
                namespaced=namespaced_of(discovery),
                settings=settings,
            )

        targets = clean() if size <= SMALL_BYTES else await asyncio.to_thread(clean)
        warned = [Condition(type=ConditionType.SOURCE, sentence=each) for item in rendered for each in item.warnings]
        if warned:
            targets = replace(targets, conditions=(*targets.conditions, *warned))
        return Desired(
            revisions=tuple(revisions), targets=targets, source_types=types, content=content, size_bytes=size
        )

    async def _render(
        self,
        application: Application,
        sources: Sequence[Source],
        revisions: Sequence[str],
        discovery: Discovery,
        *,
        again: bool,
    ) -> list[Rendered]:
        requests = await self.requests(application, sources, revisions, discovery, again=again)
        rendered = [await self._renderer.render(request, again=again) for request in requests]
        places = tuple(place for each in rendered for place in each.places)
        self._on_bases(ApplicationKey(application.namespace, application.name), places)
        return rendered

    async def requests(
        self,
        application: Application,
        sources: Sequence[Source],
        revisions: Sequence[str],
        discovery: Discovery,
        *,
        again: bool = False,
    ) -> list[RenderRequest]:
        """What the renderer is asked for, one a source that gives manifests; `again` fetches charts anew."""
        pairs = zip(sources, revisions, strict=True)
        trees = [await self._tree(source, revision, again=again) for source, revision in pairs]
        references = {source.ref: tree for source, tree in zip(sources, trees, strict=True) if source.ref}
        context = RenderContext(
            name=application.name,
            namespace=application.spec.destination.namespace or "default",
            kube_version=self.kube_version,
            api_versions=self._versions(discovery),
            build=self._build,
            limits=self._limits,
        )
        found = []
        for source, tree in zip(sources, trees, strict=True):
            if not source.path and not source.chart:
                continue  # There for its `ref` alone.
            request = RenderRequest(
                source=source,
                tree=tree,
                context=context,
                project=application.spec.project,
                instance=application.qualified_name(self._control_namespace),
                value_schemes=self._value_schemes,
                references=references,
            )
            found.append(request)
        return found

    async def _tree(self, source: Source, revision: str, *, again: bool) -> Tree:
        if source.is_packed:
            passes = bool((source.helm or {}).get("passCredentials"))
            return await self._charts.tree(
                source.repo_url, source.chart, revision, pass_credentials=passes, again=again
            )
        place = (source.repo_url, revision)
        found = self._trees.get(place)
        if found is None:
            found = await self._repositories.tree(source.repo_url, revision)
            while len(self._trees) >= TREES_KEPT:
                del self._trees[next(iter(self._trees))]
            self._trees[place] = found
        return found

    def _versions(self, discovery: Discovery) -> tuple[str, ...]:
        if self._api_versions[0] is not discovery:
            self._api_versions = (discovery, _api_versions(discovery))
        return self._api_versions[1]


def as_applied(manifest: Manifest) -> Manifest:
    """The manifest as it is applied: `stringData` of a Secret in `data`, since the API server forgets whose it was.

    Values that are no text stay, for the API server to refuse by name.
    """
    texts = manifest.get("stringData")
    if not is_secret(manifest) or not isinstance(texts, dict):
        return manifest
    if not all(value is None or isinstance(value, str) for value in texts.values()):
        return manifest
    return fold_string_data(manifest)


def operation_sources(application: Application, raw: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """The sources of an operation: its own where it names some (a rollback), else those of the spec."""
    return tuple(parse_source(source) for source in raw) or application.spec.sources


def namespaced_of(discovery: Discovery) -> Any:
    """Whether a kind is namespaced; None where the cluster does not know it."""

    def is_namespaced(kind: GroupKind) -> bool | None:
        found = discovery.resource(kind)
        return None if found is None else found.namespaced

    return is_namespaced


def served_version_of(discovery: Discovery) -> Callable[[GroupVersionKind], str | None]:
    """The version in which the cluster serves a kind: the one asked for, else its preferred one, None for neither."""

    def version_of(gvk: GroupVersionKind) -> str | None:
        found = discovery.resource(gvk) or discovery.resource(gvk.group_kind)
        return None if found is None else found.version

    return version_of


def _api_versions(discovery: Discovery) -> tuple[str, ...]:
    """What Helm's `.Capabilities.APIVersions` is told: group/version and group/version/Kind."""
    found: dict[str, None] = {}
    for resource in discovery.resources:
        found[resource.api_version] = None
        found[f"{resource.api_version}/{resource.kind}"] = None
    return tuple(sorted(found))


def _content(
    application: Application, rendered: Sequence[Rendered], manifests: Sequence[str], settings: Settings
) -> str:
    keys = [item.key for item in rendered]
    if manifests or not all(keys):
        return ""
    place = (application.namespace, application.name, application.spec.destination.namespace)
    return repr((place, keys, settings.tracking, settings.excluded))
