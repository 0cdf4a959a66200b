"""Repositories by URL: the room's front.

One `Repositories` keeps a mirror for each URL below its folder. Revisions are read from the refs of the last refresh;
`RepositoryWatch` (or whoever was told of a push) refreshes, so a thousand applications of one repository cost one fetch.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from haori.errors import HaoriError
from haori.git.credentials import Credentials
from haori.git.errors import RevisionMissingError
from haori.git.mirror import Mirror, Refs
from haori.git.tree import Tree
from haori.git.urls import RepositoryUrl, mirror_identity, parse_url
from haori.outbound import OutboundPolicy

CredentialsFor = Callable[[str], Credentials | None]
_FULL = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{7,39}")
_REVISION = re.compile(r"[^\s\x00-\x1f~^:?*\[\\-][^\s\x00-\x1f~^:?*\[\\]*")
COMMIT_BYTES = 1 << 20
CHANGED_PATHS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositorySettings:
    """How repositories are reached."""

    folder: Path
    """Where mirrors are kept; made private to its owner."""
    allow_file: bool = False
    """Whether file:// and paths on this machine's disk are repositories."""
    credentials: CredentialsFor = field(default=lambda url: None)
    """The credentials of a URL, asked anew for each command so that a changed Secret works at once."""
    known_hosts: Callable[[], str | None] = field(default=lambda: None)
    """The ssh host keys to trust, as a known_hosts file; None: ssh's own file of the user."""
    fetches_at_once: int = 4
    policy: OutboundPolicy | None = None
    """Where URLs may lead that a stranger named; None: an operator names them, and they lead where they like."""
    limit_bytes: int = 2 << 30
    """The most that one repository's mirror holds; what is larger is refused while it is transferred. A mirror that has grown
    over it is made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """Who made a commit, when, and what its first line says."""

    sha: str
    author: str
    email: str
    at: datetime
    subject: str
    parents: tuple[str, ...]
    tree: str


class Repositories:
    """Mirrors of the repositories asked for. Close it to end the readers."""

    def __init__(self, settings: RepositorySettings) -> None:
        self._settings = settings
        self._mirrors: dict[str, Mirror] = {}
        self._slots = asyncio.Semaphore(settings.fetches_at_once)
        self.on_moved: Callable[[str, Refs, Refs], None] = lambda url, before, after: None
        """Hears of every look that found other refs than the one before, whoever looked. Must not wait."""

    def mirror(self, url: str) -> Mirror:
        """The mirror of `url`. Raises RepositoryRefusedError for a URL we do not dial."""
        parsed = self._parse(url)
        # The transport is part of the name: what file:// brought is not taken for what https:// would have.
        name = hashlib.sha256(f"{parsed.protocol} {mirror_identity(url)}".encode()).hexdigest()[:24]
        if name not in self._mirrors:
            folder = self._settings.folder / f"{name}.git"
            self._mirrors[name] = self._open(folder, parsed, lambda: self._settings.credentials(url))
        return self._mirrors[name]

    def _parse(self, url: str) -> RepositoryUrl:
        return parse_url(url, allow_file=self._settings.allow_file)

    def _open(self, folder: Path, url: RepositoryUrl, credentials: Callable[[], Credentials | None]) -> Mirror:
        settings = self._settings
        return Mirror(
            folder, url, slots=self._slots, credentials=credentials, known_hosts=settings.known_hosts,
            limit_bytes=settings.limit_bytes, policy=settings.policy,
        )  # fmt: skip

    async def probe(self, url: str, credentials: Credentials | None = None) -> Refs:
        """The refs as the server tells them now, by `credentials` or by those that are known; nothing is fetched."""
        parsed = self._parse(url)
        self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="probe-", dir=self._settings.folder) as folder:
            mirror = self._open(Path(folder), parsed, lambda: credentials or self._settings.credentials(url))
            async with self._slots:
                return await mirror.list_remote()

    def tags_of(self, url: str, sha: str) -> list[str]:
        """The names of the tags of a commit, sorted, by the last refresh."""
        refs, head = self.mirror(url).refs or Refs(), "refs/tags/"
        return sorted(
            name.removeprefix(head) for name, commit in refs.commits.items() if commit == sha and name.startswith(head)
        )

    async def paths_of(self, url: str, sha: str) -> list[str]:
        """All files of a commit that the mirror has, in Git's order."""
        output = await self.mirror(url).run(["ls-tree", "-r", "-z", "--name-only", "--full-tree", sha])
        return [path for path in output.decode(errors="surrogateescape").split("\0") if path]

    async def refresh(self, url: str) -> Refs:
        """The repository's refs as of now, their commits in the mirror."""
        mirror = self.mirror(url)
        before = mirror.refs
        after = await mirror.refresh()
        if before is not None and after != before:
            self.on_moved(url, before, after)
        return after

    async def resolve(self, url: str, revision: str) -> str:
        """The commit of a branch, tag, ref, (short) commit id, or HEAD (also ""), by the last refresh.

        Order as Git's: full ref, tag, branch, commit id. Raises RevisionMissingError, and what `refresh` raises.
        """
        mirror = self.mirror(url)
        if _FULL.fullmatch(revision) and mirror.folder.exists() and await _is_commit(mirror, revision):
            return revision
        refs = mirror.refs or await mirror.refresh()
        found = find_ref(refs, revision)
        if found is None and revision and _REVISION.fullmatch(revision):
            found = await self._find_commit(mirror, revision)
        if found is None:
            raise RevisionMissingError("git-revision-missing", url=mirror.url.address, revision=revision or "HEAD")
        return found

    async def _find_commit(self, mirror: Mirror, revision: str) -> str | None:
        if _SHORT.fullmatch(revision) or _FULL.fullmatch(revision):
            known = await _commit_id(mirror, revision)
            if known is not None or not _FULL.fullmatch(revision):
                return known
        elif not revision.startswith("refs/"):
            return None
        try:
            await mirror.fetch_ref(revision)
        except HaoriError as error:
            if error.transient:
                raise
            return None
        keep = hashlib.sha256(revision.encode()).hexdigest()[:16]
        return await _commit_id(mirror, revision if _FULL.fullmatch(revision) else f"refs/haori/{keep}")

    async def tree(self, url: str, sha: str) -> Tree:
        """The files of commit `sha`."""
        return Tree(self.mirror(url).reader, (await self.commit_info(url, sha)).tree, sha)

    async def commit_info(self, url: str, sha: str) -> CommitInfo:
        """The commit `sha`. Raises RevisionMissingError where the mirror lacks it."""
        mirror = self.mirror(url)
        (found,) = await mirror.reader.read([sha], limit_bytes=COMMIT_BYTES)
        if found is None or found.type != "commit":
            raise RevisionMissingError("git-revision-missing", url=mirror.url.address, revision=sha)
        return parse_commit(sha, found.content)

    async def commits_between(self, url: str, old: str, new: str, *, limit: int = 50) -> list[CommitInfo]:
        """The commits of `new` that `old` lacks, newest first, at most `limit`."""
        output = await self.mirror(url).run(["rev-list", f"--max-count={limit}", new, f"^{old}", "--"])
        return [await self.commit_info(url, sha) for sha in output.decode().split()]

    async def changed_paths(self, url: str, old: str, new: str) -> set[str]:
        """The files that differ between two commits, at most CHANGED_PATHS of them."""
        output = await self.mirror(url).run(["diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new, "--"])
        return set(output.decode(errors="surrogateescape").rstrip("\0").split("\0")[:CHANGED_PATHS])

    async def last_commit_touching(self, url: str, sha: str, paths: Sequence[str]) -> CommitInfo | None:
        """The newest commit up to `sha` that changed something at or below `paths`; None where none did."""
        return next(iter(await self.commits_touching(url, sha, paths, limit=1)), None)

    async def commits_touching(self, url: str, sha: str, paths: Sequence[str], *, limit: int) -> list[CommitInfo]:
        """The commits up to `sha` that changed something at or below `paths` (none: anywhere), newest first."""
        wanted = [path for path in paths if path not in ("", ".")]
        output = await self.mirror(url).run(["rev-list", f"--max-count={limit}", sha, "--", *wanted])
        return [await self.commit_info(url, found) for found in output.decode().split()]

    def statistics(self) -> dict[str, int]:
        """Mirrors known and transfers made."""
        return {"mirrors": len(self._mirrors), "fetches": sum(item.fetches for item in self._mirrors.values())}

    async def aclose(self) -> None:
        """Ends the readers."""
        for mirror in self._mirrors.values():
            await mirror.reader.aclose()


def find_ref(refs: Refs, revision: str) -> str | None:
    """The commit of `revision` among `refs`, None where it names none."""
    if revision in ("", "HEAD"):
        return refs.commits.get(refs.head)
    names = (revision, f"refs/{revision}", f"refs/tags/{revision}", f"refs/heads/{revision}")
    return next((refs.commits[name] for name in names if name in refs.commits), None)


async def _commit_id(mirror: Mirror, name: str) -> str | None:
    try:
        output = await mirror.run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"])
    except HaoriError as error:
        if error.transient:
            raise
        return None
    return output.decode().split()[-1] if output.strip() else None


async def _is_commit(mirror: Mirror, sha: str) -> bool:
    (found,) = await mirror.reader.read([sha], limit_bytes=COMMIT_BYTES)
    return found is not None and found.type == "commit"


def parse_commit(sha: str, content: bytes) -> CommitInfo:
    """The facts of a commit object."""
    head, _, message = content.decode(errors="replace").partition("\n\n")
    lines = head.splitlines()
    values = [line.partition(" ")[::2] for line in lines if not line.startswith(" ")]
    first = dict(reversed(values))
    who, _, when = first.get("author", "").rpartition("> ")
    name, _, email = who.partition(" <")
    return CommitInfo(
        sha=sha, author=name, email=email, at=_commit_time(when),
        subject=message.strip().partition("\n")[0][:200], tree=first.get("tree", ""),
        parents=tuple(value for name, value in values if name == "parent"),
    )  # fmt: skip


def _commit_time(when: str) -> datetime:
    """The time of an author line; the epoch for what is no time, since anybody may push such a commit."""
    try:
        return datetime.fromtimestamp(int(when.split()[0]), UTC)
    except (IndexError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
