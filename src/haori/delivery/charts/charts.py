"""Charts by repository, name and version: what a range means now, and the files of a version.

A version once fetched is never fetched again: which archive it was stands on the disk. What can change (the index of a
repository, the tags of a registry, what a tag means) is looked at when somebody asks to (`refresh`), and answers come
from the last look. A place is the text by which such a thing is watched: `chart+URL` of a repository, `chart+URL/#CHART` of
a registry's chart, `chart+URL/#@TAG` of an artifact.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin
from weakref import WeakValueDictionary

from haori.delivery.charts.access import MISSING, UNCHANGED, Access, AccessFor, Door, same_origin
from haori.delivery.charts.archive import ArchiveLimits, open_unpacked, unpack
from haori.delivery.charts.errors import ChartError, ChartUnreachableError, Subject
from haori.delivery.charts.index import Index
from haori.delivery.charts.registry import (
    ARCHIVE_LAYERS,
    CHART_LAYERS,
    Place,
    Registries,
    check_digest,
    find_layer,
    is_digest,
    parse_place,
    tag_of,
)
from haori.delivery.charts.repository import fetch_index, locate, newest_of
from haori.delivery.charts.semver import parse_range, parse_version
from haori.delivery.charts.store import ChartStore, KnownIndex
from haori.git import EntryType, Tree
from haori.outbound import OutboundPolicy

TREES_KEPT = 32
INDEXES_KEPT = 4
VALUES_BYTES = 4 << 20
VALUES_SECONDS = 60.0
"""How long a value file at a URL is taken to be what it was."""
RECENT_SECONDS = 300.0
SCHEME = "oci://"
PLACE = "chart+"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSettings:
    """How charts are fetched and kept."""

    folder: Path
    access: AccessFor = field(default=lambda url: Access())
    policy: OutboundPolicy = field(default_factory=lambda: OutboundPolicy(allow_private=True))
    """Companies' repositories stand in private networks; metadata services and this machine are never asked."""
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)
    named: Callable[[str], str] = field(default=lambda name: "")
    """The URL of the repository that a Secret calls so, for dependencies that say `@name`; empty where there is none."""
    fetches_at_once: int = 4
    """From each host."""


@dataclass(frozen=True, slots=True)
class _Values:
    """A value file as it was last seen."""

    checked_at: float
    etag: str
    digest: str


class Charts:
    """Fetches and remembers. Raises ChartError, ChartRefusedError, ChartUnreachableError."""

    def __init__(self, settings: ChartSettings) -> None:
        self._settings = settings
        self._door = Door(settings.policy, at_once=settings.fetches_at_once)
        self._store = ChartStore(settings.folder)
        self._registries = Registries(self._door)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._indexes: OrderedDict[str, KnownIndex] = OrderedDict()
        self._tags: dict[str, list[str]] = {}
        self._trees: OrderedDict[tuple[str, str], Tree] = OrderedDict()
        self._values: dict[str, _Values] = {}
        self._looked: dict[str, float] = {}
        self._counts = dict.fromkeys(("index_fetches", "tag_fetches", "archive_fetches", "values_fetches"), 0)

    def is_registry(self, url: str) -> bool:
        """Whether `url` is an OCI registry: by its scheme, by having none, or as its Secret says."""
        return url.startswith(SCHEME) or "://" not in url or self._settings.access(url).is_oci

    def watched(self, url: str, chart: str, wanted: str) -> str | None:
        """The place where a change of what `wanted` means would show; None where it always means the same."""
        head = f"{PLACE}{url.rstrip('/')}"
        if not chart:
            return None if is_digest(wanted) else f"{head}/#@{wanted}"
        if parse_version(wanted) is not None:
            return None
        return f"{head}/#{chart}" if self.is_registry(url) else head

    async def refresh(self, place: str) -> str:
        """Looks at a place now; gives what differs when it has changed."""
        self._looked[place] = asyncio.get_running_loop().time()
        url, _, rest = place.removeprefix(PLACE).partition("/#")
        if rest.startswith("@"):
            return await self._resolve_artifact(Subject(url=url, version=rest[1:]), is_fresh=True)
        subject = Subject(url=url, chart=rest)
        if rest:
            return repr(await self._read_tags(subject, is_fresh=True))
        return (await self._read_index(subject, is_fresh=True)).digest

    async def index(self, url: str, *, is_fresh: bool = False) -> Index:
        """The charts of a repository and their versions, by the last look unless it has to be a fresh one."""
        return (await self._read_index(Subject(url=url), is_fresh=is_fresh)).charts

    async def resolve(self, url: str, chart: str, wanted: str, *, is_recent: bool = False) -> str:
        """The version that `wanted` (a version or a range) means by the last look; a version stays as it is written.

        Without a chart the artifact's digest. `is_recent` looks again where the last look is some minutes old, for what
        nobody watches.
        """
        subject = Subject(url=url, chart=chart, version=wanted)
        if not chart:
            return await self._resolve_artifact(subject)
        if parse_version(wanted) is not None:
            return wanted
        if parse_range(wanted) is None:
            raise ChartError("chart-range-unreadable", **subject.facts())
        if is_recent:
            await self._look_again(url, chart, wanted)
        if self.is_registry(url):
            return newest_of(await self._read_tags(subject), subject)
        return locate((await self._read_index(subject)).charts, subject)[0]

    async def _look_again(self, url: str, chart: str, wanted: str) -> None:
        """Looks at an old place; one that is away is as it was."""
        place = self.watched(url, chart, wanted)
        loop = asyncio.get_running_loop()
        if place is None or loop.time() - self._looked.get(place, -RECENT_SECONDS) < RECENT_SECONDS:
            return
        with contextlib.suppress(ChartUnreachableError):
            await self.refresh(place)

    def url_of(self, name: str) -> str:
        """The URL of the repository of that name, empty where there is none."""
        return self._settings.named(name)

    async def tree(
        self, url: str, chart: str, version: str, *, pass_credentials: bool = False, again: bool = False
    ) -> Tree:
        """The files of a version that `resolve` gave (of an artifact's digest without a chart); `again` asks anew for it."""
        subject = Subject(url=url, chart=chart, version=version)
        async with self._lock(f"{url} {chart} {version}"):
            digest = None if again else await asyncio.to_thread(self._store.digest_of, url, chart, version)
            if digest is not None and (known := await self._open(digest, version)) is not None:
                return known
            digest, content = await self._fetch(subject, pass_credentials=pass_credentials)
            self._counts["archive_fetches"] += 1
            target = self._store.archive(digest)
            limits, strips = self._settings.limits, bool(chart)
            await asyncio.to_thread(unpack, io.BytesIO(content), target, subject, limits, strips=strips)
            tree = await self._open(digest, version)
            entry = await tree.entry("Chart.yaml") if tree is not None else None
            if tree is None or (chart and (entry is None or entry.type is not EntryType.FILE)):
                raise subject.bad_archive("archive-no-chart")
            await asyncio.to_thread(self._store.note_digest, digest, url, chart, version)
            await asyncio.to_thread(self._store.evict)
            return tree

    async def values(self, url: str) -> tuple[str, Path]:
        """(sha256, where it is kept) of the value file at `url`; looked at again from time to time."""
        subject, loop = Subject(url=url), asyncio.get_running_loop()
        async with self._lock(url):
            known = self._values.get(url)
            if known is not None and not self._store.values(known.digest).exists():
                known = None
            if known is not None and loop.time() - known.checked_at < VALUES_SECONDS:
                return known.digest, self._store.values(known.digest)
            headers = {"If-None-Match": known.etag} if known is not None and known.etag else {}
            self._counts["values_fetches"] += 1
            answer = await self._door.get(url, subject, headers=headers, limit_bytes=VALUES_BYTES)
            if answer.status == UNCHANGED and known is not None:
                found = _Values(loop.time(), known.etag, known.digest)
            elif answer.status != 200:
                raise ChartError("values-url-missing", **subject.facts(), status=answer.status)
            else:
                digest = hashlib.sha256(answer.body).hexdigest()
                await asyncio.to_thread(self._store.keep_values, digest, answer.body)
                found = _Values(loop.time(), answer.headers.get("etag", ""), digest)
            self._values[url] = found
            return found.digest, self._store.values(found.digest)

    def statistics(self) -> dict[str, int]:
        """index_fetches, tag_fetches, archive_fetches, values_fetches: requests made, redirects and tokens aside."""
        return dict(self._counts)

    # What changes

    async def _read_index(self, subject: Subject, *, is_fresh: bool = False) -> KnownIndex:
        url = subject.url.rstrip("/")
        async with self._lock(f"index {url}"):
            known = self._indexes.get(url) or await asyncio.to_thread(self._store.index, url)
            if known is None or is_fresh:
                self._counts["index_fetches"] += 1
                found = await fetch_index(url, known, self._settings.access(url), self._door, subject)
                if found is not known:
                    await asyncio.to_thread(self._store.keep_index, url, found)
                known = found
            self._indexes[url] = known
            self._indexes.move_to_end(url)
            while len(self._indexes) > INDEXES_KEPT:
                self._indexes.popitem(last=False)
            return known

    async def _read_tags(self, subject: Subject, *, is_fresh: bool = False) -> list[str]:
        """The tags of a registry's repository as versions: what stands for `+` is put back."""
        key = f"{subject.url.rstrip('/')}#{subject.chart}"
        async with self._lock(key):
            if is_fresh or key not in self._tags:
                access = self._settings.access(subject.url)
                place = parse_place(subject.url, subject.chart, access, subject)
                self._counts["tag_fetches"] += 1
                tags = await self._registries.tags(place, access, subject)
                self._tags[key] = sorted(tag.replace("_", "+") for tag in tags)
            return self._tags[key]

    async def _resolve_artifact(self, subject: Subject, *, is_fresh: bool = False) -> str:
        """The digest of a tag, or of the newest tag within a range."""
        if is_digest(subject.version):
            return subject.version
        access = self._settings.access(subject.url)
        place = parse_place(subject.url, "", access, subject)
        key = f"{subject.url.rstrip('/')}#@{subject.version}"
        async with self._lock(key):
            if not is_fresh and (known := self._tags.get(key)):
                return known[0]
            tag = subject.version or "latest"
            if parse_version(tag) is None and parse_range(tag) is not None:
                tags = await self._registries.tags(place, access, subject)
                tag = tag_of(newest_of([each.replace("_", "+") for each in tags], subject))
            digest, _ = await self._registries.manifest(place, tag_of(tag), access, subject)
            self._tags[key] = [digest]
            return digest

    # What stays

    async def _fetch(self, subject: Subject, *, pass_credentials: bool) -> tuple[str, bytes]:
        """(sha256, content) of an archive."""
        url, access = subject.url, self._settings.access(subject.url)
        if not subject.chart or self.is_registry(url):
            place = parse_place(url, subject.chart, access, subject)
            reference = tag_of(subject.version) if subject.chart else subject.version
            return await self._pull(place, reference, access, subject)
        known = await self._read_index(subject)
        try:
            _, archive, digest = locate(known.charts, subject)
        except ChartError:
            # It may have been published since the last look.
            _, archive, digest = locate((await self._read_index(subject, is_fresh=True)).charts, subject)
        if archive.startswith(SCHEME):
            return await self._pull_listed(archive, access if pass_credentials else None, subject)
        where = urljoin(f"{url.rstrip('/')}/", archive)
        is_same = same_origin(where, url)
        headers = {"Authorization": access.basic} if access.basic and (is_same or pass_credentials) else {}
        limit = self._settings.limits.packed_bytes
        tls = access.tls if is_same or pass_credentials else None
        answer = await self._door.get(where, subject, tls=tls, headers=headers, limit_bytes=limit)
        if answer.status != 200:
            code = "chart-archive-missing" if answer.status == MISSING else "chart-archive-locked"
            raise ChartError(code, **subject.facts(), where=Subject(url=where).facts()["url"])
        if digest:
            check_digest(answer.body, digest, subject)
        return hashlib.sha256(answer.body).hexdigest(), answer.body

    async def _pull_listed(self, archive: str, given: Access | None, subject: Subject) -> tuple[str, bytes]:
        """An archive that an index says is in a registry: `oci://host/path/chart:tag`."""
        name, _, tag = archive.rpartition(":")
        access = given or self._settings.access(name)
        return await self._pull(parse_place(name, "", access, subject), tag, access, subject)

    async def _pull(self, place: Place, reference: str, access: Access, subject: Subject) -> tuple[str, bytes]:
        _, manifest = await self._registries.manifest(place, reference, access, subject)
        layer = find_layer(manifest, CHART_LAYERS if subject.chart else ARCHIVE_LAYERS, subject)
        limit = self._settings.limits.packed_bytes
        content = await self._registries.blob(place, layer, access, subject, limit)
        return layer.digest.removeprefix("sha256:"), content

    async def _open(self, digest: str, version: str) -> Tree | None:
        target = self._store.archive(digest)
        known = self._trees.pop((digest, version), None)
        if known is None or not target.exists():
            known = await asyncio.to_thread(_open_used, target, version)
        if known is not None:
            self._trees[digest, version] = known
            while len(self._trees) > TREES_KEPT:
                self._trees.popitem(last=False)
        return known

    def _lock(self, key: str) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock


def _open_used(target: Path, version: str) -> Tree | None:
    """The tree, noted as used."""
    tree = open_unpacked(target, version)
    if tree is not None:
        os.utime(target)
    return tree
