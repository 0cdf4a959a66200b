"""The charts that a chart depends on, as `helm dependency build` would bring them, without its network.

What lies in `charts/` is used as it is; only a dependency of whose name nothing lies there is brought: the version that
the lock names, else the newest within the range. `file://` means a folder of the same repository. Conditions, tags and
aliases are Helm's own business, at the render.
see: Helm `pkg/action`, `CheckDependencies`; `pkg/downloader`, `Manager.Build` (4.2).
"""

from __future__ import annotations

import asyncio
import tarfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haori.delivery.charts import Charts, parse_range, parse_version
from haori.delivery.render.errors import RenderError, RenderPathError
from haori.delivery.render.paths import join_path
from haori.git import Entry, EntryType, Tree, redact_url
from haori.objects.yaml import load

METADATA_BYTES = 1 << 20
METADATA_KEPT = 2000
MOST_DEPENDENCIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry of a chart's dependencies."""

    name: str
    version: str
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A chart to be put into `charts/`."""

    file: str
    """The archive's name there."""
    tree: Tree | None
    """Its files; None where it is a folder of the repository."""
    path: str = ""
    """That folder."""

    @property
    def key(self) -> list[str]:
        """What it does to a render's key; a folder's files count among the source's own."""
        return [self.file, self.tree.object_id if self.tree is not None else self.path]


class Dependencies:
    """Finds what charts depend on; remembers what their files say, by content."""

    def __init__(self, charts: Charts | None) -> None:
        self._charts = charts
        self._read: OrderedDict[str, Any] = OrderedDict()

    async def find(self, tree: Tree, path: str, *, pass_credentials: bool = False) -> list[Dependency]:
        """What the chart at `path` lacks. Raises RenderError, and what `Charts` raises."""
        metadata = await self._mapping(tree, join_path(path, "Chart.yaml"))
        holder, lock_name = metadata, "Chart.lock"
        if metadata.get("apiVersion") == "v1":
            holder, lock_name = await self._mapping(tree, join_path(path, "requirements.yaml")), "requirements.lock"
        wanted = _entries(holder)
        if not wanted:
            return []
        present = await self._present(tree, join_path(path, "charts"))
        missing = [each for each in wanted if each.name not in present]
        if not missing:
            return []
        locked = _entries(await self._mapping(tree, join_path(path, lock_name)))
        found: dict[str, Dependency] = {}
        for each in missing:
            pinned = _locked(each, locked, path) if locked else each
            dependency = await self._bring(tree, path, pinned, pass_credentials=pass_credentials)
            found[dependency.file] = dependency
        return list(found.values())

    async def _bring(self, tree: Tree, path: str, wanted: Wanted, *, pass_credentials: bool) -> Dependency:
        repository = wanted.repository
        if repository.startswith("file://"):
            return await self._local(tree, path, wanted)
        url = self._url(repository, wanted, path)
        charts = self._charts
        if charts is None:
            raise RenderError("render-dependency-missing", path=path or ".", chart=wanted.name, url=redact_url(url))
        version = await charts.resolve(url, wanted.name, wanted.version, is_recent=True)
        brought = await charts.tree(url, wanted.name, version, pass_credentials=pass_credentials)
        return Dependency(file=_file(wanted.name, version), tree=brought)

    def _url(self, repository: str, wanted: Wanted, path: str) -> str:
        if repository.startswith(("@", "alias:")):
            name = repository.removeprefix("@").removeprefix("alias:")
            url = self._charts.url_of(name) if self._charts is not None else ""
            if not url:
                raise RenderError("render-dependency-name", path=path or ".", chart=wanted.name, name=name)
            return url
        if not repository.startswith(("https://", "http://", "oci://")):
            raise RenderError(
                "render-dependency-repository", path=path or ".", chart=wanted.name, url=redact_url(repository)
            )
        return repository

    async def _local(self, tree: Tree, path: str, wanted: Wanted) -> Dependency:
        folder = join_path(path, wanted.repository.removeprefix("file://") or ".")
        version = str((await self._mapping(tree, join_path(folder, "Chart.yaml"))).get("version") or "")
        if not version:
            raise RenderPathError("render-path-missing", path=join_path(folder, "Chart.yaml"))
        parsed, range_ = parse_version(version), parse_range(wanted.version)
        if parsed is None or range_ is None or not range_.holds(parsed):
            raise RenderError(
                "render-dependency-version", path=path or ".", chart=wanted.name, version=wanted.version, found=version
            )
        return Dependency(file=_file(wanted.name, version), tree=None, path=folder)

    async def _present(self, tree: Tree, folder: str) -> set[str]:
        """The names of the charts that lie in `charts/`, packed or as folders."""
        entry = await tree.entry(folder)
        if entry is None or entry.type is not EntryType.FOLDER:
            return set()
        names: set[str] = set()
        for each in await tree.list(folder):
            base = each.path.rpartition("/")[2]
            if each.type is EntryType.FOLDER:
                metadata = await self._mapping(tree, join_path(each.path, "Chart.yaml"))
                names.add(str(metadata.get("name") or base))
            elif base.endswith(".tgz"):
                names.update(_names_of(base.removesuffix(".tgz")))
            elif each.type is EntryType.LINK:
                names.add(base)
        return names

    async def _mapping(self, tree: Tree, path: str) -> Mapping[str, Any]:
        """The YAML mapping in a file, empty where there is none."""
        entry = await tree.entry(path)
        if entry is None or entry.type is not EntryType.FILE:
            return {}
        found = self._read.pop(entry.object_id, None)
        if found is None:
            found = await self._load(tree, entry)
        self._read[entry.object_id] = found
        while len(self._read) > METADATA_KEPT:
            self._read.popitem(last=False)
        return found if isinstance(found, Mapping) else {}

    @staticmethod
    async def _load(tree: Tree, entry: Entry) -> Any:
        (content,) = await tree.read_all([entry], limit_bytes=METADATA_BYTES)
        value = await asyncio.to_thread(load, content, source=entry.path)
        if not isinstance(value, Mapping):
            return {}
        # Of all that a chart says of itself only this is kept.
        return {name: value.get(name) for name in ("apiVersion", "name", "version", "dependencies")}


def _entries(holder: Mapping[str, Any]) -> list[Wanted]:
    rows = holder.get("dependencies")
    return [
        Wanted(
            name=str(row["name"]), version=str(row.get("version") or ""), repository=str(row.get("repository") or "")
        )
        for row in (rows if isinstance(rows, list) else [])[:MOST_DEPENDENCIES]
        if isinstance(row, Mapping) and row.get("name")
    ]


def _locked(wanted: Wanted, locked: list[Wanted], path: str) -> Wanted:
    """What the lock says of it. Raises RenderError where the lock is older than the dependencies."""
    range_ = parse_range(wanted.version)
    for each in locked:
        version = parse_version(each.version)
        is_same = each.name == wanted.name and each.repository.rstrip("/") == wanted.repository.rstrip("/")
        if is_same and version is not None and range_ is not None and range_.holds(version):
            # A folder's own version may have grown since; Helm then asks for the locked one, and so do we.
            return each
    raise RenderError("render-lock-stale", path=path or ".", chart=wanted.name, version=wanted.version or "*")


def _file(name: str, version: str) -> str:
    if "/" in name or name.startswith(".") or "/" in version:
        raise RenderPathError("render-path-outside", path=name)
    return f"{name}-{version}.tgz"


def _names_of(stem: str) -> set[str]:
    """The chart's name in the name of an archive, `NAME-VERSION`: both may hold dashes, so there may be several."""
    parts = stem.split("-")
    return {"-".join(parts[:at]) for at in range(1, len(parts)) if parse_version("-".join(parts[at:])) is not None}


def pack_folder(folder: Path, name: str, target: Path) -> None:
    """Packs the plain files below `folder` as Helm wants a chart: below one folder of its name."""
    target.parent.mkdir(exist_ok=True)
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                member = archive.gettarinfo(path, arcname=f"{name}/{path.relative_to(folder).as_posix()}")
                with path.open("rb") as file:
                    archive.addfile(member, file)
