"""A rollback by a commit: the files that an application reads stand again as they were at a release, and nothing else.

One commit a repository, on the head of the branch that the source names; where the branch moves meanwhile it is made anew
on the new head, and never forced. What a source reads comes from the renderer, at the release and at the head: a file
that was added since is removed, one that was removed comes back. Where that cannot be listed nothing is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from haori.delivery.controller.pins import choose_entry
from haori.delivery.model import Application, HistoryEntry, Source
from haori.delivery.render import Inputs, RenderContext, RenderRequest
from haori.errors import HaoriError, UserError
from haori.git import Author, Entry, EntryType, Repositories, Tree, normalize_url, push_files
from haori.resources import argo

SHORT = 8


class GitRollbackError(UserError):
    """The release cannot be brought back by a commit."""


class ListsInputs(Protocol):
    """What knows what a source reads; `render.Renderer` does."""

    async def inputs(self, request: RenderRequest) -> Inputs:
        """What the source reads of its repository."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """One branch on which files are to stand as they were."""

    source: Source
    branch: str
    revision: str
    """The commit of the release."""


class GitRollback:
    """Rolls applications back; `find` gives an application by name and namespace, or raises.

    `note` is told of each commit pushed: the application, the release, who asked, the commit.
    """

    def __init__(
        self,
        repositories: Repositories,
        renderer: ListsInputs,
        find: Callable[[str, str], Application],
        *,
        note: Callable[[Application, HistoryEntry, str, str], None],
        control_namespace: str = argo.CONTROL_NAMESPACE,
    ) -> None:
        self._repositories, self._renderer, self._find = repositories, renderer, find
        self._note = note
        self._control_namespace = control_namespace

    async def roll_back(
        self, name: str, namespace: str, *, entry_id: int | None, author: Author, reason: str
    ) -> list[dict[str, Any]]:
        """The commits pushed: [{repository, branch, revision, from, paths}], empty where nothing differs.

        Raises PinError (no such release), GitRollbackError, and what Git raises.
        """
        application = self._find(name, namespace)
        entry = choose_entry(application, entry_id)
        done = []
        for group in await self._restores(application, entry):
            pushed = await self._push(application, entry, group, author, reason)
            for commit in pushed:
                self._note(application, entry, author.name, str(commit["revision"]))
            done += pushed
        return done

    async def _restores(self, application: Application, entry: HistoryEntry) -> list[list[Restore]]:
        """What to restore, one list a repository and branch. Raises GitRollbackError."""
        sources = application.spec.sources
        if len(sources) != len(entry.revisions):
            raise GitRollbackError("rollback-sources-changed", application=application.name, id=entry.id)
        groups: dict[tuple[str, str], list[Restore]] = {}
        for source, revision in zip(sources, entry.revisions, strict=True):
            if source.ref:
                # Which of its files the other sources read is known to their renders alone.
                raise GitRollbackError("rollback-inputs-unknown", application=application.name, path=f"${source.ref}")
            if source.is_packed:
                raise GitRollbackError("rollback-not-a-branch", revision=source.target_revision)
            refs = await self._repositories.refresh(source.repo_url)
            wanted = source.target_revision
            full = refs.head if wanted in ("", "HEAD") else f"refs/heads/{wanted.removeprefix('refs/heads/')}"
            if full not in refs.commits:
                raise GitRollbackError("rollback-not-a-branch", revision=wanted)
            restore = Restore(source=source, branch=full.removeprefix("refs/heads/"), revision=revision)
            groups.setdefault((normalize_url(source.repo_url), full), []).append(restore)
        return list(groups.values())

    async def _push(
        self, application: Application, entry: HistoryEntry, group: Sequence[Restore], author: Author, reason: str
    ) -> list[dict[str, Any]]:
        url, branch = group[0].source.repo_url, group[0].branch
        paths: list[str] = []
        heads: list[str] = []

        async def changes_on(head: str) -> dict[str, Entry | None]:
            found: dict[str, Entry | None] = {}
            for restore in group:
                found |= await self._changes(application, restore, head)
            paths[:], heads[:] = sorted(found), [head]
            return found

        commit = await push_files(
            self._repositories, url, branch, changes_on, author=author, message=_message(application, entry, reason)
        )
        if [commit] == heads:
            return []
        return [{"repository": url, "branch": branch, "revision": commit, "from": heads[0], "paths": paths}]

    async def _changes(self, application: Application, restore: Restore, head: str) -> dict[str, Entry | None]:
        url = restore.source.repo_url
        then, now = await self._repositories.tree(url, restore.revision), await self._repositories.tree(url, head)
        paths = set(await self._paths(application, restore.source, then))
        try:
            paths |= set(await self._paths(application, restore.source, now))
        except GitRollbackError:
            raise
        except HaoriError:
            # What is broken at the head may be the reason to go back: then its own folder counts beside the old files.
            paths.add(restore.source.path.strip("/"))
        before, after = await _files(then, paths), await _files(now, paths)
        return {path: before.get(path) for path in {*before, *after} if before.get(path) != after.get(path)}

    async def _paths(self, application: Application, source: Source, tree: Tree) -> tuple[str, ...]:
        context = RenderContext(name=application.name, namespace=application.spec.destination.namespace or "default")
        request = RenderRequest(
            source=source,
            tree=tree,
            context=context,
            project=application.spec.project,
            instance=application.qualified_name(self._control_namespace),
        )
        inputs = await self._renderer.inputs(request)
        if inputs.is_whole:
            raise GitRollbackError("rollback-inputs-unknown", application=application.name, path=source.path)
        return inputs.paths


async def _files(tree: Tree, paths: set[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in paths:
        entry = await tree.entry(path)
        if entry is None:
            continue
        below = await tree.list(path, recursive=True) if entry.type is EntryType.FOLDER else (entry,)
        found |= {item.path: item for item in below}
    return found


def _message(application: Application, entry: HistoryEntry, reason: str) -> str:
    revision = ", ".join(each[:SHORT] for each in entry.revisions)
    lines = [f"Roll {application.name} back to {revision}", "", f"Release {entry.id} of the application's history."]
    return "\n".join([*lines, *(["", reason] if reason else [])]) + "\n"
