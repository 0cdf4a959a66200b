"""What a source reads of its repository, found without rendering it.

Only what is found here is given to the tool, so what comes out cannot depend on anything that is not in the key. Where
reading cannot be foreseen (links, a field we do not know) the whole repository is given, and counts.

Directory: the files it chooses, and what Jsonnet among them imports. Kustomize: each kustomization it builds on, and every
file these name. Helm: the chart's folder (a template may read any file of it) and the value files, wherever they lie.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.model.settings import BuildOptions
from haori.delivery.render.base_urls import is_remote
from haori.delivery.render.bases import Bases
from haori.delivery.render.detect import KUSTOMIZATION_NAMES, SourceType, detect_source_type
from haori.delivery.render.directory import is_chosen
from haori.delivery.render.elsewhere import NOWHERE, BaseReading, Elsewhere, Finder, root_of
from haori.delivery.render.errors import RenderError, RenderPathError
from haori.delivery.render.jsonnet import JSONNET_SUFFIX, imports_of, jsonnet_options
from haori.delivery.render.kustomization import parse_references
from haori.delivery.render.paths import join_path
from haori.git import Entry, EntryType, Tree

Entries = dict[str, Entry | None]
"""By path; None: looked for and absent."""
KUSTOMIZATION_BYTES = 4 << 20
LINK_BYTES = 4096
SCRIPT_BYTES = 8 << 20
MOST_SCRIPTS = 2000
"""Of Jsonnet that is read for its imports; beyond it the whole repository counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source reads: of its own repository and, for value files, of others by their `ref`."""

    source_type: SourceType
    entries: Entries
    references: Mapping[str, Entries] = field(default_factory=dict)
    is_whole: bool = False
    is_listed: bool = True
    """Whether each file that it reads was named and seen to be inside; else files of a known folder may name others."""
    elsewhere: Elsewhere = NOWHERE
    """Remote bases."""

    @property
    def has_jsonnet(self) -> bool:
        """Whether Jsonnet is evaluated."""
        chosen = (path for path, entry in self.entries.items() if entry is not None)
        return self.source_type is SourceType.DIRECTORY and any(path.endswith(JSONNET_SUFFIX) for path in chosen)

    @property
    def is_plain(self) -> bool:
        """Whether it is a directory of plain files that need no tool and no file system."""
        if self.source_type is not SourceType.DIRECTORY or self.is_whole or self.has_jsonnet:
            return False
        return all(entry is None or entry.type is EntryType.FILE for entry in self.entries.values())


class _UnforeseenError(Exception):
    """What is read cannot be listed."""


async def find_reading(
    source: Source,
    tree: Tree,
    references: Mapping[str, Tree],
    build: BuildOptions | None = None,
    *,
    bases: Bases | None = None,
    project: str = "",
) -> Reading:
    """What `source` reads. Raises RenderError for a missing path, a plugin, a remote base that is refused or (without
    `bases`) any, and what `Tree` and `Bases` raise."""
    looker = _Looker(tree)
    walk = _KustomizeWalk(looker, build or BuildOptions(), Finder(bases, project))
    try:
        source_type = await _type_of(source, looker)
    except _UnforeseenError:
        # The path leads through a link, so the tool is not known before all is there.
        return Reading(source_type=SourceType.DIRECTORY, entries={"": await tree.entry("")}, is_whole=True)
    others = {name: _Looker(other) for name, other in references.items()}
    is_whole = False
    try:
        match source_type:
            case SourceType.DIRECTORY:
                await _read_directory(source, looker)
            case SourceType.KUSTOMIZE:
                await walk.read(source)
            case SourceType.HELM:
                await _read_helm(source, looker, others)
            case SourceType.PLUGIN:
                raise RenderError("render-plugin", path=source.path)
    except _UnforeseenError:
        walk.refuse_unforeseen()
        is_whole = True
        looker.found = {"": await tree.entry("")}
        if source_type is SourceType.HELM:
            await _read_references(source, others)
    used = {name: other.found for name, other in others.items() if other.found}
    return Reading(
        source_type=source_type,
        entries=looker.found,
        references=used,
        is_whole=is_whole,
        is_listed=walk.is_listed and not is_whole,
        elsewhere=walk.elsewhere(),
    )


class _Looker:
    """Looks into one tree and remembers what it saw."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.found: Entries = {}
        self.is_listed = True

    async def look(self, path: str) -> Entry | None:
        """What stands at `path`, as an input. Raises _UnforeseenError where a link is on the way or at its end."""
        entry = await self.peek(path)
        self.found[path] = entry
        return entry

    async def peek(self, path: str) -> Entry | None:
        """As `look`, without making it an input."""
        entry = await self.tree.entry(path)
        if entry is not None:
            return await self.plain(entry)
        parts = path.split("/")
        for end in range(1, len(parts)):
            above = await self.tree.entry("/".join(parts[:end]))
            if above is None:
                break
            await self.plain(above)
        return None

    async def plain(self, entry: Entry) -> Entry:
        """What is no link. Raises RenderPathError for a link that leads out, _UnforeseenError for any other."""
        if entry.type is not EntryType.LINK:
            return entry
        (goal,) = await self.tree.read_all([entry], limit_bytes=LINK_BYTES)
        if leads_out(entry.path, os.fsdecode(goal)):
            raise RenderPathError("render-path-outside", path=entry.path)
        raise _UnforeseenError

    async def files_below(self, path: str) -> list[Entry]:
        """All that is below the folder at `path`, whatever it is."""
        return list(await self.tree.list(path, recursive=True))


def leads_out(path: str, goal: str) -> bool:
    """Whether the link at `path` surely leads out of the repository: by an absolute path, or by climbing above the root.

    What its goal passes on the way may be links as well, so False means only that all must be there to be sure.
    """
    parts = [part for part in goal.split("/") if part not in ("", ".")]
    climbs = len(list(itertools.takewhile(lambda part: part == "..", parts)))
    return goal.startswith("/") or climbs > path.count("/")


def _join_relative(folder: str, relative: str) -> str:
    """As `_join_foreseen`, where the tool takes an absolute path for one of this machine."""
    if relative.startswith("/"):
        raise RenderPathError("render-path-outside", path=relative)
    return _join_foreseen(folder, relative)


def _join_foreseen(folder: str, relative: str) -> str:
    parts = [part for part in relative.split("/") if part not in ("", ".")]
    climbs = [part == ".." for part in parts]
    if True in climbs[climbs.index(False) :] if False in climbs else False:
        # `a/../b` is not `b` where `a` is a link.
        raise _UnforeseenError
    return join_path(folder, relative)


async def _type_of(source: Source, looker: _Looker) -> SourceType:
    path = join_path("", source.path or ".")
    folder = await looker.peek(path)
    if folder is None or folder.type is not EntryType.FOLDER:
        raise RenderPathError("render-path-missing", path=source.path)
    names = {posixpath.basename(entry.path) for entry in await looker.tree.list(path)}
    return detect_source_type(source, names)


async def _read_directory(source: Source, looker: _Looker) -> None:
    options = source.directory or {}
    path = join_path("", source.path or ".")
    recurse = bool(options.get("recurse"))
    for entry in await looker.tree.list(path, recursive=recurse):
        relative = posixpath.relpath(entry.path, path or ".")
        if entry.type in (EntryType.FILE, EntryType.LINK) and is_chosen(relative, options):
            looker.found[entry.path] = await looker.plain(entry)
    scripts = [found for name, found in looker.found.items() if found is not None and name.endswith(JSONNET_SUFFIX)]
    if scripts:
        libraries = [path, *(join_path("", each) for each in jsonnet_options(options).libraries)]
        await _read_imports(scripts, libraries, looker)


async def _read_imports(scripts: list[Entry], libraries: list[str], looker: _Looker) -> None:
    """Makes all that the scripts import, and the places where it is looked for before, inputs."""
    waiting, seen = list(scripts), {script.object_id for script in scripts}
    while waiting:
        script = waiting.pop()
        (content,) = await looker.tree.read_all([script], limit_bytes=SCRIPT_BYTES)
        names = imports_of(content)
        if names is None or len(seen) > MOST_SCRIPTS:
            raise _UnforeseenError
        for name in names:
            found = await _look_for_import(posixpath.dirname(script.path), name, libraries, looker)
            if found is not None and (place := f"{found.object_id} {found.path}") not in seen:
                seen.add(place)
                waiting.append(found)


async def _look_for_import(folder: str, name: str, libraries: list[str], looker: _Looker) -> Entry | None:
    if name.startswith("/"):
        raise RenderPathError("render-path-outside", path=name)
    for candidate in (folder, *reversed(libraries)):
        entry = await looker.look(_join_foreseen(candidate, name))
        if entry is not None and entry.type is EntryType.FILE:
            return entry
    return None


class _KustomizeWalk:
    """Reads kustomizations and all that they build on, in the source's tree and in those of remote bases."""

    def __init__(self, own: _Looker, build: BuildOptions, finder: Finder) -> None:
        self._own, self._build, self._finder = own, build, finder
        self._others: list[_Looker] = []
        """By the number of the remote tree."""

    @property
    def is_listed(self) -> bool:
        """See `Reading`."""
        return all(looker.is_listed for looker in (self._own, *self._others))

    def elsewhere(self) -> Elsewhere:
        """What was found in other places."""
        finder = self._finder
        if not finder.rewrites:
            return NOWHERE
        trees = tuple(
            BaseReading(url=url, tree=looker.tree, entries=looker.found)
            for url, looker in zip(finder.urls, self._others, strict=True)
        )
        return Elsewhere(trees=trees, files=finder.files, rewrites=finder.rewrites, places=tuple(finder.places))

    def refuse_unforeseen(self) -> None:
        """Raises RenderError where remote bases were found before what is read could not be foreseen."""
        if self._finder.rewrites:
            raise RenderError("render-base-unforeseen", base=self._finder.urls[0] if self._finder.urls else "")

    async def read(self, source: Source) -> None:
        """Makes all of it inputs."""
        path = join_path("", source.path or ".")
        waiting = [(self._own, path, 0)]
        waiting += [(self._own, each, 0) for each in await _read_options(path, source.kustomize or {}, self._own)]
        seen: set[tuple[int, str]] = set()
        while waiting:
            looker, folder, depth = waiting.pop()
            if (id(looker), folder) not in seen:
                seen.add((id(looker), folder))
                waiting += await self._read_one(looker, folder, depth)

    async def _read_one(self, looker: _Looker, folder: str, depth: int) -> list[tuple[_Looker, str, int]]:
        if looker is self._own:
            folders, remote = await _read_kustomization(folder, looker, self._build)
        else:
            try:
                folders, remote = await _read_kustomization(folder, looker, self._build)
            except _UnforeseenError:
                # All of that tree counts; what its kustomizations take from yet another place is refused later.
                looker.found, looker.is_listed = {"": await looker.tree.entry("")}, False
                return []
        found = [(looker, each, depth) for each in folders]
        root = "" if looker is self._own else root_of(self._others.index(looker))
        for entry in remote:
            opened = await self._finder.open(entry, root, folder, depth)
            if opened is None:
                continue
            if opened.number == len(self._others):
                self._others.append(_Looker(opened.tree))
            found.append((self._others[opened.number], opened.path, depth + 1))
        return found


async def _read_options(path: str, options: Mapping[str, Any], looker: _Looker) -> list[str]:
    """Makes the patches that the application itself names inputs; gives the folders of its components."""
    patches = options.get("patches")
    for patch in patches if isinstance(patches, list) else ():
        if isinstance(patch, Mapping) and patch.get("path"):
            await looker.look(_join_relative(path, str(patch["path"])))
    folders = []
    components = options.get("components")
    for component in components if isinstance(components, list) else ():
        place = _join_relative(path, str(component))
        if await looker.peek(place) is None and options.get("ignoreMissingComponents"):
            looker.found[place] = None
        else:
            folders.append(place)
    return folders


async def _read_kustomization(folder: str, looker: _Looker, build: BuildOptions) -> tuple[list[str], list[str]]:
    """Makes all that one kustomization names inputs; gives the folders that are kustomizations themselves, and the entries
    that are taken from another place."""
    present = [
        entry for name in KUSTOMIZATION_NAMES if (entry := await looker.look(join_path(folder, name))) is not None
    ]
    if not present:
        raise RenderError("render-no-kustomization", path=folder or ".")
    content = await looker.tree.read(present[0].path, limit_bytes=KUSTOMIZATION_BYTES)
    references = parse_references(content, present[0].path)
    if references.is_unforeseen:
        raise _UnforeseenError
    if references.reads_folder:
        looker.is_listed = False
        for entry in await looker.files_below(folder):
            await looker.plain(entry)
        await looker.look(folder)
    folders: list[str] = []
    remote: list[str] = []
    for relative in references.entries:
        if is_remote(relative):
            remote.append(relative)
            continue
        entry = await looker.peek(path := _join_relative(folder, relative))
        if entry is not None and entry.type is EntryType.FOLDER:
            folders.append(path)
        else:
            looker.found[path] = entry
    for relative in references.files:
        await looker.look(_join_relative(folder, relative))
    for relative in references.charts if build.inflates_charts else ():
        await _read_below(_join_relative(folder, relative), looker)
    return folders, remote


async def _read_below(path: str, looker: _Looker) -> None:
    entry = await looker.look(path)
    if entry is not None and entry.type is EntryType.FOLDER:
        for below in await looker.files_below(path):
            await looker.plain(below)


async def _read_helm(source: Source, looker: _Looker, others: Mapping[str, _Looker]) -> None:
    path = join_path("", source.path or ".")
    for entry in await looker.files_below(path):
        await looker.plain(entry)
    await looker.look(path)
    options = source.helm or {}
    for text in map(str, options.get("valueFiles") or []):
        if reference_of(text, others) is None:
            await _read_values(path, text, looker)
    for text in file_parameters(source):
        if reference_of(text, others) is None:
            await looker.look(_join_foreseen(path, text))
    await _read_references(source, others)


def file_parameters(source: Source) -> list[str]:
    """The paths of the files whose contents become values."""
    return [str(parameter.get("path") or "") for parameter in (source.helm or {}).get("fileParameters") or []]


async def _read_references(source: Source, others: Mapping[str, _Looker]) -> None:
    texts = [str(text) for text in (source.helm or {}).get("valueFiles") or []]
    for text in (*texts, *file_parameters(source)):
        if (found := reference_of(text, others)) is not None:
            name, relative = found
            try:
                await _read_values("", relative, others[name])
            except _UnforeseenError:
                others[name].found = {"": await others[name].tree.entry("")}


async def _read_values(folder: str, text: str, looker: _Looker) -> None:
    if "://" in text:
        return  # Brought by `remote`.
    if not any(mark in text for mark in "*?["):
        await looker.look(_join_foreseen(folder, text))
        return
    # More may match here than the renderer takes (`*` passes slashes): that costs a render, never a wrong one.
    pattern = _join_foreseen(folder, text).replace("**/", "*")
    for entry in await looker.files_below(""):
        if entry.type is EntryType.LINK and fnmatch.fnmatchcase(entry.path, pattern):
            raise _UnforeseenError
        if entry.type is EntryType.FILE and fnmatch.fnmatchcase(entry.path, pattern):
            looker.found[entry.path] = entry


def reference_of(text: str, names: Mapping[str, object]) -> tuple[str, str] | None:
    """(name, path) of a value file `$NAME/path` of another source; None where it is no such one."""
    head, _, path = text.partition("/")
    name = head[1:]
    return (name, path) if head.startswith("$") and name in names else None
