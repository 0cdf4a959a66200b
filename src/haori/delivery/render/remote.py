"""What a render is given beside the files of repositories: the charts it depends on, and value files at URLs.

Found before the render and by content, since it counts in the key; put into the working folder, since the renderer has
no network.
"""

from __future__ import annotations

import asyncio
import posixpath
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from haori.delivery.charts import Charts
from haori.delivery.model.application import Source
from haori.delivery.render.dependencies import Dependencies, Dependency, pack_folder
from haori.delivery.render.detect import SourceType
from haori.delivery.render.errors import RenderError
from haori.delivery.render.inputs import Reading, reference_of
from haori.delivery.render.paths import join_path
from haori.delivery.render.request import RenderRequest
from haori.git import Tree, redact_url

REFERENCES = ".haori-references"
REMOTE_VALUES = f"{REFERENCES}/.urls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What was brought for one source."""

    dependencies: tuple[Dependency, ...] = ()
    values: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    """By URL: the sha256 of the file, and where it is kept."""

    @property
    def key(self) -> list[Any]:
        """What of it may change the result."""
        return [[each.key for each in self.dependencies], {url: digest for url, (digest, _) in self.values.items()}]


NOTHING = Brought()


class Bringer:
    """Brings what sources want from elsewhere."""

    def __init__(self, charts: Charts | None) -> None:
        self._charts = charts
        self._dependencies = Dependencies(charts)

    async def bring(self, source: Source, reading: Reading, request: RenderRequest) -> tuple[Reading, Brought]:
        """What the source wants, and its reading with the folders that `file://` dependencies are.

        Raises RenderError, and what `Charts` raises.
        """
        if reading.source_type is not SourceType.HELM:
            return reading, NOTHING
        options = source.helm or {}
        path = join_path("", source.path or ".")
        passes = bool(options.get("passCredentials"))
        dependencies = await self._dependencies.find(request.tree, path, pass_credentials=passes)
        local = [each.path for each in dependencies if each.tree is None]
        if local and not reading.is_whole:
            entries = {folder: await request.tree.entry(folder) for folder in local}
            reading = replace(reading, entries={**reading.entries, **entries})
        values = await self._values(options, request)
        return reading, Brought(dependencies=tuple(dependencies), values=values)

    async def _values(self, options: Mapping[str, Any], request: RenderRequest) -> dict[str, tuple[str, Path]]:
        found: dict[str, tuple[str, Path]] = {}
        for url in (text for text in map(str, options.get("valueFiles") or []) if "://" in text):
            scheme = url.partition("://")[0].lower()
            if scheme not in request.value_schemes or scheme not in ("https", "http"):
                allowed = ", ".join(request.value_schemes)
                raise RenderError("render-values-scheme", path=redact_url(url), allowed=allowed)
            if self._charts is None:
                raise RenderError("render-remote-values", path=redact_url(url))
            found[url] = await self._charts.values(url)
        return found


async def put_brought(brought: Brought, source: Source, repository: Path) -> None:
    """Puts it below `repository`, the working copy of the source's repository."""
    for number, (_, kept) in enumerate(brought.values.values()):
        target = repository / REMOTE_VALUES / f"{number}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copyfile, kept, target)
    charts = repository / join_path("", source.path or ".") / "charts"
    for number, dependency in enumerate(brought.dependencies):
        folder = repository / dependency.path
        if dependency.tree is not None:
            folder = repository.with_name(f".haori-chart-{number}")
            folder.mkdir()
            await dependency.tree.export([""], folder)
        name = posixpath.basename(dependency.file).removesuffix(".tgz")
        await asyncio.to_thread(pack_folder, folder, name, charts / dependency.file)


def with_places(source: Source, references: Mapping[str, Tree], brought: Brought) -> Source:
    """The source with the files of other repositories, and those of URLs, where they were put."""
    options = source.helm or {}
    places = {url: f"/{REMOTE_VALUES}/{number}.yaml" for number, url in enumerate(brought.values)}

    def place(text: str) -> str:
        found = reference_of(text, references)
        return f"/{REFERENCES}/{found[0]}/{found[1]}" if found is not None else places.get(text, text)

    changed = dict(options)
    if files := options.get("valueFiles"):
        changed["valueFiles"] = [place(str(text)) for text in files]
    if parameters := options.get("fileParameters"):
        changed["fileParameters"] = [{**each, "path": place(str(each.get("path") or ""))} for each in parameters]
    return source if changed == options else replace(source, helm=changed)
