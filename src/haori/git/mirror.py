"""One bare mirror: fetched as a whole, once however many ask at once, made anew when it is broken.

A fetch first asks the server for its refs; where these are the ones already here, nothing is transferred. A call that
comes while a fetch runs waits for the next one (the running one may have missed what the caller was told of), and all
that wait share it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from haori.errors import HaoriError
from haori.git.credentials import Credentials, credential_environment
from haori.git.errors import RepositoryError
from haori.git.guard import PROXIES, find_route
from haori.git.objects import ObjectReader
from haori.git.process import TOO_LARGE, git_environment, run_git
from haori.git.urls import RepositoryUrl
from haori.observe import Counter, Histogram, span
from haori.outbound import OutboundPolicy

LIST_SECONDS = 30.0
FETCH_SECONDS = 300.0
SMALLEST_BYTES = 1 << 20
"""Left to a transfer into a full mirror: what changes nothing of note still comes."""
REQUESTS = Counter("argocd_git_request", "Requests to Git servers.", ("repo", "request_type"))
SECONDS = Histogram(
    "argocd_git_request_duration_seconds", "How long requests to Git servers took.", ("repo", "request_type")
)
FAILURES = Counter("haori_git_request_failures", "Requests to Git servers that failed.", ("repo", "request_type"))
_BROKEN = ("not a git repository", "is corrupt", "bad object", "loose object", "invalid sha1 pointer", "unable to read")
_LOCKED = ("file exists", "unable to create")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """Where a repository's branches and tags stand; tags are peeled to their commits."""

    commits: Mapping[str, str] = field(default_factory=dict)
    """Full ref name to commit."""
    head: str = ""
    """The full name of the default branch; empty where there is none."""


class Mirror:
    """The local copy of one repository."""

    def __init__(
        self, folder: Path, url: RepositoryUrl, *, credentials: Callable[[], Credentials | None],
        known_hosts: Callable[[], str | None], slots: asyncio.Semaphore, limit_bytes: int,
        policy: OutboundPolicy | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.url = url
        self.reader = ObjectReader(folder)
        self.refs: Refs | None = None
        self.fetches = 0
        """Transfers made, for `statistics()`."""
        self._credentials = credentials
        self._known_hosts = known_hosts
        self._slots = slots
        self._limit = limit_bytes
        self._policy = policy
        self._refused: tuple[Mapping[str, str], HaoriError] | None = None
        """What the server offered when it was too large, and what was said of it: the same is not transferred again."""
        self._is_swept = False
        self._lock = asyncio.Lock()
        self._started = 0
        self._ended = 0
        self._failure: HaoriError | None = None

    async def refresh(self) -> Refs:
        """The refs as the server has them after this call began, their commits here. Raises RepositoryError and kin."""
        asked = self._started
        async with self._lock:
            if self._ended > asked:
                # Somebody's fetch began after we asked and is over: its outcome is ours too.
                if self._failure is not None:
                    raise self._failure
            else:
                self._started += 1
                number = self._started
                self._failure = None
                try:
                    async with self._slots:
                        self.refs = await self._synchronise()
                except HaoriError as error:
                    self._failure = error
                    self._ended = number
                    raise
                self._ended = number
        return self.refs or Refs()

    async def list_remote(self) -> Refs:
        """The refs as the server has them now; nothing is brought here. The folder has to be there, and may be empty."""
        listing = await self.run_remote(
            ["ls-remote", "--symref", self.url.address, "HEAD", "refs/heads/*", "refs/tags/*"], timeout_seconds=LIST_SECONDS
        )  # fmt: skip
        commits, head = parse_listing(listing.decode(errors="replace"))
        return Refs(commits=commits, head=head)

    async def run(
        self, arguments: Sequence[str], *, stdin: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> bytes:
        """What a local git command in the mirror printed."""
        environment = git_environment() | dict(extra or {})
        return await run_git(arguments, folder=self.folder, environment=environment, stdin=stdin, url=self.url.address)

    async def run_remote(
        self, arguments: Sequence[str], *, timeout_seconds: float, file_bytes: int | None = None
    ) -> bytes:
        """As `run`, with the right to dial this repository and nothing else; counted by the command."""
        about, began = (self.url.address, arguments[0]), time.monotonic()
        REQUESTS.add(*about)
        try:
            with span(f"git {arguments[0]}", repository=self.url.address):
                return await self._run_remote(arguments, timeout_seconds, file_bytes)
        except HaoriError:
            FAILURES.add(*about)
            raise
        finally:
            SECONDS.observe(time.monotonic() - began, *about)

    async def _run_remote(self, arguments: Sequence[str], timeout_seconds: float, file_bytes: int | None) -> bytes:
        given = self._credentials()
        secrets = (*(given.secrets if given else ()), *((self.url.password,) if self.url.password else ()))
        is_dialled = self.url.protocol != "file"
        route = await find_route(self.url, self._policy) if self._policy is not None and is_dialled else None
        options = route.ssh_options if route is not None else []
        with credential_environment(self.url, given, self._known_hosts(), options) as (variables, settings):
            environment = (
                git_environment(self.url.protocol, [*settings, *(route.settings if route else [])]) | variables
            )
            if route is not None:
                environment = {name: value for name, value in environment.items() if name not in PROXIES}
            return await run_git(
                arguments, folder=self.folder, environment=environment, timeout_seconds=timeout_seconds,
                secrets=secrets, url=self.url.address, file_bytes=file_bytes,
            )  # fmt: skip

    async def fetch_ref(self, name: str) -> None:
        """Brings one ref that is neither branch nor tag, or one commit by its id, where the server gives it."""
        keep = f"refs/haori/{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        async with self._lock:
            await self._transfer(["--no-tags", self.url.address, f"+{name}:{keep}"])

    async def _transfer(self, arguments: Sequence[str]) -> None:
        """Brings objects, no more than the mirror may hold; what was begun and not ended is taken away."""
        self.fetches += 1
        left = self._limit - await asyncio.to_thread(packed_bytes, self.folder)
        try:
            await self.run_remote(
                ["fetch", "--quiet", "--no-write-fetch-head", *arguments],
                timeout_seconds=FETCH_SECONDS, file_bytes=max(left, SMALLEST_BYTES),
            )  # fmt: skip
        except HaoriError as error:
            await asyncio.to_thread(sweep, self.folder)
            if error.code != TOO_LARGE:
                raise
            raise RepositoryError(TOO_LARGE, url=self.url.address, limit=self._limit) from error

    async def _synchronise(self) -> Refs:
        try:
            return await self._fetch()
        except RepositoryError as error:
            reason = str(error.parameters.get("reason", "")).lower()
            if error.code == TOO_LARGE:
                # What a repository left behind over the years may fill the mirror: only a new one tells.
                if await asyncio.to_thread(packed_bytes, self.folder) <= self._limit // 4:
                    raise
                await self._forget()
            elif any(words in reason for words in _LOCKED) and ".lock" in reason:
                await asyncio.to_thread(sweep, self.folder)
            elif any(words in reason for words in _BROKEN) and self.url.address.lower() not in reason:
                await self._forget()
            else:
                raise
            return await self._fetch()

    async def _forget(self) -> None:
        self.reader.close()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self.refs = None

    async def _fetch(self) -> Refs:
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            await self.run(["init", "--quiet", "--bare", "--template="])
            self.refs = None
        elif not self._is_swept:
            await asyncio.to_thread(sweep, self.folder)
        self._is_swept = True
        listed = await self.list_remote()
        remote, head = listed.commits, listed.head
        # Nobody else writes here, so what was read once need not be read again.
        local = self.refs.commits if self.refs is not None else await self._local()
        if remote != local:
            await self._transfer_all(remote)
            local = await self._local()
        return Refs(commits=local, head=head)

    async def _transfer_all(self, remote: Mapping[str, str]) -> None:
        if self._refused is not None and self._refused[0] == remote:
            raise RepositoryError(self._refused[1].code, **self._refused[1].parameters)
        try:
            await self._transfer(
                ["--prune", "--no-tags", "--force", self.url.address,
                 "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
            )  # fmt: skip
        except RepositoryError as error:
            if error.code == TOO_LARGE and not await asyncio.to_thread(packed_bytes, self.folder):
                self._refused = (remote, error)
            raise

    async def _local(self) -> dict[str, str]:
        form = "--format=%(refname) %(objectname) %(*objectname)"
        lines = (
            (await self.run(["for-each-ref", form, "refs/heads/", "refs/tags/"])).decode(errors="replace").splitlines()
        )
        return {words[0]: words[-1] for words in (line.split() for line in lines)}


def packed_bytes(folder: Path) -> int:
    """What the packs of a mirror weigh: nearly all of it, since every transfer is one."""
    total = 0
    for path in (folder / "objects" / "pack").glob("*.pack"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def sweep(folder: Path) -> None:
    """Removes what transfers that were killed left behind: half packs, and locks that nobody holds any more."""
    left = [*(folder / "objects" / "pack").glob("tmp_*"), *(folder / "objects").glob("tmp_objdir-incoming-*")]
    for path in [*left, *folder.rglob("*.lock")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def parse_listing(text: str) -> tuple[dict[str, str], str]:
    """(refs with peeled tags, full name of the default branch) of `git ls-remote --symref`."""
    commits: dict[str, str] = {}
    head = ""
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif name.startswith("refs/"):
            commits[name.removesuffix("^{}")] = value
    return commits, head
