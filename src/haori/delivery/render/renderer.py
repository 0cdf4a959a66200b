"""Renders each content once.

The key of a render is made of everything that may change its result: the hashes of the Git trees and files that the
source reads (`inputs`), its options, the tool's binary, and what the tool is told of application and cluster. A commit
in a repository of a thousand applications therefore costs only those it touches, whoever asks, before or after a restart.
Nothing but the inputs is handed to the tool, so a result can depend on nothing else.

Share one `Tree` among the requests of one commit: it remembers the folders it has read.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import tempfile
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from haori import __version__
from haori.delivery.charts import Charts
from haori.delivery.model.application import Source
from haori.delivery.model.settings import BuildOptions
from haori.delivery.render.bases import Bases, digest_of
from haori.delivery.render.cache import SealedCache
from haori.delivery.render.detect import SourceType
from haori.delivery.render.directory import render_entries
from haori.delivery.render.elsewhere import Elsewhere, put_elsewhere
from haori.delivery.render.errors import RenderDiskError, RenderError
from haori.delivery.render.flight import SingleFlight
from haori.delivery.render.folder import (
    REPOSITORY,
    RenderContext,
    Rendered,
    open_workspace,
    render_workspace,
    sweep_workspaces,
)
from haori.delivery.render.inputs import Entries, Reading, find_reading
from haori.delivery.render.lanes import Lanes
from haori.delivery.render.overrides import put_overrides
from haori.delivery.render.parsing import Bounds
from haori.delivery.render.paths import join_path
from haori.delivery.render.remote import REFERENCES, Bringer, Brought, put_brought, with_places
from haori.delivery.render.request import Inputs, RenderRequest
from haori.delivery.render.sealing import Seal
from haori.delivery.render.tools import Tool, ToolMissingError, find_jsonnet, find_tool
from haori.delivery.render.variables import put_variables
from haori.errors import HaoriError, UserError
from haori.git import Tree
from haori.jail import JailLimitError
from haori.objects import key_of
from haori.observe import Histogram, span
from haori.words import Sentence

RENDERED = Histogram("haori_render_duration_seconds", "How long renders took that were not known.", ("type",))
FORMAT = 3
"""Of keys and entries: one more makes every older entry useless."""
ERROR_SECONDS = 60.0
"""How long a failure is remembered: the same content fails the same way, but a tool may have been mended meanwhile."""
MOST_ERRORS = 1000
LARGEST_OBJECT_BYTES = 3 << 20
"""What an API server takes in one request (kube-apiserver's limit of a body): a larger object can never be applied, and
comparing it over and over would hold up everybody else."""
_TOOLS = {SourceType.HELM: Tool.HELM, SourceType.KUSTOMIZE: Tool.KUBECTL}
_OPTIONS: Mapping[SourceType, Callable[[Source], Mapping[str, Any] | None]] = {
    SourceType.HELM: lambda source: source.helm,
    SourceType.KUSTOMIZE: lambda source: source.kustomize,
    SourceType.DIRECTORY: lambda source: source.directory,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererSettings:
    """How a renderer keeps and bounds its work."""

    folder: Path
    """Where sealed results are kept; made private to its owner."""
    key: bytes
    """The instance key (`load_instance_key`): results may hold Secrets, so what lies on disk is sealed under it."""
    disk_bytes: int = 256 << 20
    """The most that `folder` holds; what was longest unused goes first."""
    memory_bytes: int = 8 << 20
    """The most that is kept unsealed (and packed) in memory."""
    at_once: int = 0
    """Renders at the same time; 0: as many as there are processors."""
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A render that may have to be done."""

    key: str
    source: Source
    request: RenderRequest
    reading: Reading
    brought: Brought


class Renderer:
    """Gives manifests, from memory, from disk or by rendering. `aclose` ends what still runs.

    `charts` brings what charts depend on and value files at URLs, `bases` the remote bases of kustomizations; None: what needs
    them is refused.
    """

    def __init__(self, settings: RendererSettings, *, charts: Charts | None = None, bases: Bases | None = None) -> None:
        self._settings = settings
        self._bases = bases
        self._bringer = Bringer(charts)
        self._seal = Seal(settings.key, "render")
        self._disk = SealedCache(settings.folder, self._seal, limit_bytes=settings.disk_bytes)
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._errors: OrderedDict[str, tuple[float, HaoriError]] = OrderedDict()
        self._flights: SingleFlight[Rendered] = SingleFlight()
        self._lanes = Lanes(settings.at_once or len(os.sched_getaffinity(0)))
        self._tools: dict[Path, tuple[tuple[int, int, int], str]] = {}
        self._counts = dict.fromkeys(("memory_hits", "disk_hits", "misses", "renders", "errors", "error_hits"), 0)
        self._seconds = 0.0
        sweep_workspaces()

    async def render(self, request: RenderRequest, *, again: bool = False) -> Rendered:
        """The manifests of a source, to be read and not changed; `again` renders even what is known (a hard refresh).

        Raises RenderError (the repository's author has to act), ToolMissingError, JailError, and what reading the
        repository raises. An error is remembered for a short while under the same key.
        """
        work = await self._plan(request)
        places = work.reading.elsewhere.places
        rendered = await self._find(work, again=again)
        return replace(rendered, places=places) if places else rendered

    async def _find(self, work: _Work, *, again: bool) -> Rendered:
        if not again:
            if (packed := self._memory.get(work.key)) is not None:
                self._memory.move_to_end(work.key)
                self._counts["memory_hits"] += 1
                return _unpack(packed, work.key)
            self._raise_known_error(work.key)
        return await self._flights.run(work.key, lambda: self._find_or_render(work, again=again))

    async def inputs(self, request: RenderRequest) -> Inputs:
        """What the source reads of its own repository, and of others by their `ref`. Raises RenderError."""
        request, overrides = await put_overrides(request)
        source = put_variables(request)
        reading = await self._read(source, request)
        reading, _ = await self._bringer.bring(source, reading, request)
        return Inputs(
            source_type=reading.source_type,
            paths=tuple(sorted({*reading.entries, *overrides})),
            references={name: tuple(sorted(entries)) for name, entries in reading.references.items()},
            is_whole=reading.is_whole,
        )

    def statistics(self) -> dict[str, int | float]:
        """hits (memory_hits + disk_hits), misses, renders, render_seconds, errors (made), error_hits (remembered ones
        given again), evictions, unreadable, entries and bytes (on disk), memory_bytes."""
        hits = self._counts["memory_hits"] + self._counts["disk_hits"]
        return {
            "hits": hits, **self._counts, "render_seconds": round(self._seconds, 3),
            "evictions": self._disk.evictions, "unreadable": self._disk.unreadable,
            "entries": len(self._disk), "bytes": self._disk.bytes, "memory_bytes": self._memory_bytes,
        }  # fmt: skip

    async def aclose(self) -> None:
        """Ends running renders."""
        await self._flights.aclose()

    async def _plan(self, request: RenderRequest) -> _Work:
        request, _ = await put_overrides(request)
        source = put_variables(request)
        reading = await self._read(source, request)
        request = replace(request, context=_with_bounds(request.context, reading))
        reading, brought = await self._bringer.bring(source, reading, request)
        hashes = await self._tool_hashes(reading, request.context.build)
        content = _key(source, reading, brought, request, hashes)
        return _Work(key=self._seal.name(content), source=source, request=request, reading=reading, brought=brought)

    async def _read(self, source: Source, request: RenderRequest) -> Reading:
        build = request.context.build
        return await find_reading(
            source, request.tree, request.references, build, bases=self._bases, project=request.project
        )

    async def _tool_hashes(self, reading: Reading, build: BuildOptions) -> list[str]:
        if reading.source_type in _TOOLS:
            tools = [_TOOLS[reading.source_type]]
            if reading.source_type is SourceType.KUSTOMIZE and build.inflates_charts:
                tools.append(Tool.HELM)
            return [await self._file_hash(find_tool(tool)) for tool in tools]
        hashes = []
        for tool in Tool if reading.is_whole else ():
            # Behind a link any tool may turn out to be the one; that it is missing shows when it is wanted.
            with contextlib.suppress(ToolMissingError):
                hashes.append(f"{tool} {await self._file_hash(find_tool(tool))}")
        if reading.is_whole or reading.has_jsonnet:
            with contextlib.suppress(ToolMissingError):
                hashes.append(f"jsonnet {await self._file_hash(find_jsonnet())}")
        return hashes

    async def _file_hash(self, path: Path) -> str:
        status = os.stat(path)
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._tools.get(path)
        if known is None or known[0] != stamp:
            known = self._tools[path] = (stamp, await asyncio.to_thread(_hash_file, path))
        return known[1]

    async def _find_or_render(self, work: _Work, *, again: bool) -> Rendered:
        is_known = not again and work.key in self._disk
        packed = await asyncio.to_thread(self._disk.read, work.key) if is_known else None
        if packed is not None:
            self._counts["disk_hits"] += 1
            self._keep(work.key, packed)
            return await asyncio.to_thread(_unpack, packed, work.key)
        self._counts["misses"] += 1
        rendered = await self._lanes.run(_source_name(work.source), lambda: self._timed(work))
        self._counts["renders"] += 1
        try:
            kept, size = await asyncio.to_thread(self._seal_away, work, rendered)
        except RenderError as error:
            self._note_error(work.key, error)
            raise
        self._errors.pop(work.key, None)
        self._keep(work.key, kept)
        return replace(rendered, size_bytes=size)

    def _seal_away(self, work: _Work, rendered: Rendered) -> tuple[bytes, int]:
        """As `_pack`, and on disk; in a thread."""
        packed, size = _pack(rendered, work.source.path)
        self._disk.write(work.key, packed)
        return packed, size

    async def _timed(self, work: _Work) -> Rendered:
        started, name = self._settings.clock(), _source_name(work.source)
        kind = work.reading.source_type.value
        try:
            with span("render", type=kind):
                rendered = await self._render(work)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise RenderDiskError("render-disk-full", folder=tempfile.gettempdir()) from error
        except HaoriError as error:
            self._lanes.note(name, was_stopped=error.code == "render-stopped")
            self._note_error(work.key, error)
            raise
        finally:
            self._seconds += self._settings.clock() - started
            RENDERED.observe(self._settings.clock() - started, kind)
        self._lanes.note(name, was_stopped=False)
        return rendered

    async def _render(self, work: _Work) -> Rendered:
        if work.reading.is_plain:
            return await _render_plain(work)
        with open_workspace() as folder:
            repository = folder / REPOSITORY
            # A folder without a file that is read is there all the same; of a whole repository it may be a link.
            path = "" if work.reading.is_whole else join_path("", work.source.path or ".")
            (repository / path).mkdir(parents=True)
            await _export(work.request.tree, work.reading.entries, repository)
            for name, entries in work.reading.references.items():
                target = repository / REFERENCES / name
                target.mkdir(parents=True)
                await _export(work.request.references[name], entries, target)
            await put_elsewhere(work.reading.elsewhere, repository)
            await put_brought(work.brought, work.source, repository)
            source = with_places(work.source, work.request.references, work.brought)
            rendered = await render_workspace(folder, source, work.request.context)
        return replace(rendered, key=work.key)

    def _keep(self, key: str, packed: bytes) -> None:
        if len(packed) > self._settings.memory_bytes // 4:
            return
        self._memory_bytes += len(packed) - len(self._memory.pop(key, b""))
        self._memory[key] = packed
        while self._memory_bytes > self._settings.memory_bytes:
            _, oldest = self._memory.popitem(last=False)
            self._memory_bytes -= len(oldest)

    def _note_error(self, key: str, error: HaoriError) -> None:
        self._counts["errors"] += 1
        if isinstance(error, UserError | JailLimitError) and not isinstance(error, ToolMissingError):
            self._errors[key] = (self._settings.clock() + ERROR_SECONDS, error)
            while len(self._errors) > MOST_ERRORS:
                self._errors.popitem(last=False)

    def _raise_known_error(self, key: str) -> None:
        until, error = self._errors.get(key, (0.0, None))
        if error is None:
            return
        if self._settings.clock() >= until:
            del self._errors[key]
            return
        self._counts["error_hits"] += 1
        # A new one each time: who catches it adds context to it.
        raise type(error)(error.code, **error.parameters)


def _key(source: Source, reading: Reading, brought: Brought, request: RenderRequest, tools: list[str]) -> bytes:
    """All that may change the result, in one spelling."""
    # Which tool a whole repository is rendered with shows only once its links are followed: all options count.
    types = tuple(_OPTIONS) if reading.is_whole else (reading.source_type,)
    is_built = reading.is_whole or reading.source_type is SourceType.KUSTOMIZE
    build = request.context.build if is_built else BuildOptions()
    is_told = reading.is_whole or reading.source_type is SourceType.HELM or build.inflates_charts
    value = {
        "format": [FORMAT, __version__],
        "type": reading.source_type,
        "path": source.path,
        "tools": tools,
        "options": [_OPTIONS[each](source) for each in types],
        "written": [each for each in _OPTIONS if _OPTIONS[each](source) is not None],
        "told": _told(request.context) if is_told else None,
        "build": [build.inflates_charts, build.loads_anywhere],
        "entries": _entries(reading.entries),
        "references": {name: _entries(entries) for name, entries in reading.references.items()},
        "brought": brought.key,
        "elsewhere": _elsewhere(reading.elsewhere),
    }
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=True).encode()


def _elsewhere(elsewhere: Elsewhere) -> list[Any]:
    trees = [_entries(dict(each.entries)) for each in elsewhere.trees]
    files = {path: digest_of(content) for path, content in elsewhere.files.items()}
    return [trees, files, {folder: dict(entries) for folder, entries in elsewhere.rewrites.items()}]


def _source_name(source: Source) -> str:
    return f"{source.repo_url} {source.chart} {source.path}"


def _with_bounds(context: RenderContext, reading: Reading) -> RenderContext:
    """The context with files from anywhere allowed only where each was named, and thereby seen to be in the repository."""
    if not context.build.loads_anywhere or reading.is_listed:
        return context
    return replace(context, build=replace(context.build, loads_anywhere=False))


def _told(context: RenderContext) -> list[Any]:
    return [context.name, context.namespace, context.kube_version, list(context.api_versions)]


def _entries(entries: Entries) -> list[list[str]]:
    return [[path, entry.mode, entry.object_id] if entry else [path] for path, entry in sorted(entries.items())]


async def _render_plain(work: _Work) -> Rendered:
    """Straight out of Git: no tool works on these files, so no copy of them is needed."""
    context = work.request.context
    bounds = Bounds(limits=context.limits, isolation=context.isolation)
    entries = [entry for entry in work.reading.entries.values() if entry is not None]
    manifests, warnings = await render_entries(work.request.tree, entries, work.source, bounds)
    return Rendered(manifests=tuple(manifests), source_type=SourceType.DIRECTORY, warnings=warnings, key=work.key)


async def _export(tree: Tree, entries: Entries, target: Path) -> None:
    await tree.export([path for path, entry in sorted(entries.items()) if entry is not None], target)


def _pack(rendered: Rendered, path: str) -> tuple[bytes, int]:
    """(what is kept, how large it is unpacked). Raises RenderError for an object that no API server would take."""
    warnings = [[each.code, dict(each.parameters)] for each in rendered.warnings]
    mark, content = _dump([rendered.source_type.value, list(rendered.manifests), warnings])
    if len(content) > LARGEST_OBJECT_BYTES:
        for manifest in rendered.manifests:
            if (size := len(_dump(manifest)[1])) > LARGEST_OBJECT_BYTES:
                raise RenderError(
                    "render-object-too-large",
                    object=str(key_of(manifest)), path=path, size=size, limit=LARGEST_OBJECT_BYTES,
                )  # fmt: skip
    return mark + zlib.compress(content, 1), len(content)


def _dump(value: Any) -> tuple[bytes, bytes]:
    try:
        return b"o", orjson.dumps(value)
    except TypeError:
        # Numbers beyond 64 bits, which orjson does not keep.
        return b"j", json.dumps(value).encode()


def _unpack(packed: bytes, key: str) -> Rendered:
    loads = orjson.loads if packed[:1] == b"o" else json.loads
    content = zlib.decompress(packed[1:])
    source_type, manifests, warned = loads(content)
    return Rendered(
        manifests=tuple(manifests),
        source_type=SourceType(source_type),
        key=key,
        warnings=tuple(Sentence(code=code, parameters=parameters) for code, parameters in warned),
        size_bytes=len(content),
    )


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
