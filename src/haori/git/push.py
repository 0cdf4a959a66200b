"""A commit without a work tree: only the named paths change, and nothing is ever forced.

Where the branch moved meanwhile the push is refused by the server; the commit is then made anew on the new head, a
bounded number of times.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from haori.git.errors import RepositoryError, RepositoryUnreachableError, RevisionMissingError
from haori.git.mirror import Mirror
from haori.git.repositories import Repositories
from haori.git.tree import Entry, split_path

TRIES = 5
PUSH_SECONDS = 60.0
_MOVED = ("fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref", "stale info", "incorrect old")

Change = bytes | Entry | None
"""A file's new content, an entry of another tree of the same repository put in its place, or None: removed."""
Changes = Mapping[str, Change]
ChangesOn = Callable[[str], Awaitable[Changes]]
"""The changes to make on a given head, asked anew when the branch has moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who a commit says made it."""

    name: str
    email: str


async def push_files(
    repositories: Repositories, url: str, branch: str, changes: Changes | ChangesOn, *, author: Author, message: str
) -> str:
    """The id of the pushed commit, or of the branch's head where nothing would change.

    Raises RevisionMissingError (no such branch), RepositoryError (refused), RepositoryUnreachableError (the branch moved
    under every try).
    """
    mirror = repositories.mirror(url)
    for _ in range(TRIES):
        head = (await mirror.refresh()).commits.get(f"refs/heads/{branch}")
        if head is None:
            raise RevisionMissingError("git-revision-missing", url=mirror.url.address, revision=branch)
        wanted = changes if isinstance(changes, Mapping) else await changes(head)
        commit = await _commit(mirror, head, wanted, author, message)
        if commit == head or await _push(mirror, commit, branch):
            return commit
    raise RepositoryUnreachableError("git-branch-moves", url=mirror.url.address, branch=branch, tries=TRIES)


async def _commit(mirror: Mirror, head: str, changes: Changes, author: Author, message: str) -> str:
    with tempfile.TemporaryDirectory(prefix="haori-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        await mirror.run(["read-tree", head], extra=index)
        lines = [await _index_line(mirror, path, change, index) for path, change in sorted(changes.items())]
        await mirror.run(["update-index", "-z", "--index-info"], stdin="".join(lines).encode(), extra=index)
        tree = (await mirror.run(["write-tree"], extra=index)).decode().strip()
    if tree == (await mirror.run(["rev-parse", f"{head}^{{tree}}"])).decode().strip():
        return head
    person = {"NAME": author.name, "EMAIL": author.email}
    who = {f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in person.items()}
    output = await mirror.run(["commit-tree", tree, "-p", head, "-F", "-"], stdin=message.encode(), extra=who)
    return output.decode().strip()


async def _index_line(mirror: Mirror, path: str, change: Change, index: Mapping[str, str]) -> str:
    clean = "/".join(split_path(path))
    if change is None:
        return f"0 {'0' * 40}\t{clean}\0"
    if isinstance(change, Entry):
        return f"{change.mode} {change.object_id}\t{clean}\0"
    blob = (await mirror.run(["hash-object", "-w", "--stdin"], stdin=change)).decode().strip()
    known = (await mirror.run(["ls-files", "--stage", "--", clean], extra=index)).decode().split()
    mode = known[0] if known and known[0] in ("100644", "100755") else "100644"
    return f"{mode} {blob}\t{clean}\0"


async def _push(mirror: Mirror, commit: str, branch: str) -> bool:
    """True when the server took it, False when the branch had moved."""
    try:
        await mirror.run_remote(
            ["push", "--quiet", "--no-verify", mirror.url.address, f"{commit}:refs/heads/{branch}"],
            timeout_seconds=PUSH_SECONDS,
        )
    except RepositoryError as error:
        if any(words in str(error.parameters.get("reason", "")).lower() for words in _MOVED):
            return False
        raise
    await mirror.refresh()
    return True
