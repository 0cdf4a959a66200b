"""A rollback by a commit restores what the application reads, and nothing else, on whatever the branch is by then."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from haori.delivery.controller.git_rollback import GitRollback, GitRollbackError
from haori.delivery.controller.pins import PinError
from haori.delivery.model import Application, HistoryEntry, parse_application
from haori.delivery.render import Renderer, RendererSettings
from haori.git import Author, Repositories, RepositorySettings
from tests.git.conftest import Origin

AUTHOR = Author(name="Ana", email="ana@example.test")
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


class Stand:
    """A repository, an application whose releases are its commits, and what rolls it back."""

    def __init__(self, folder: Path) -> None:
        self.origin = Origin(folder / "origin")
        self.origin.git("config", "receive.denyCurrentBranch", "ignore")
        self.repositories = Repositories(RepositorySettings(folder=folder / "mirrors", allow_file=True))
        self.renderer = Renderer(RendererSettings(folder=folder / "cache", key=bytes(32)))
        self.releases: list[str] = []
        self.notes: list[tuple[str, int, str, str]] = []
        self.source: dict[str, Any] = {"repoURL": self.origin.url, "path": "shop", "targetRevision": "main"}

    def application(self, name: str, namespace: str) -> Application:
        history = [{"id": number, "revision": sha, "source": self.source} for number, sha in enumerate(self.releases)]
        spec = {"source": self.source, "destination": {"name": "in-cluster", "namespace": "shop"}, "project": "default"}
        metadata = {"name": name, "namespace": "argocd"}
        return parse_application({"metadata": metadata, "spec": spec, "status": {"history": history}})

    async def roll_back(self, entry_id: int | None = None, *, reason: str = "") -> list[dict[str, Any]]:
        def note(application: Application, entry: HistoryEntry, who: str, commit: str) -> None:
            self.notes.append((application.name, entry.id, who, commit))

        rollback = GitRollback(self.repositories, self.renderer, self.application, note=note)
        return await rollback.roll_back("shop", "", entry_id=entry_id, author=AUTHOR, reason=reason)

    def at_head(self, path: str) -> str:
        return self.origin.git("show", f"main:{path}")

    def files(self) -> list[str]:
        return self.origin.git("ls-tree", "-r", "--name-only", "main").split()


@pytest_asyncio.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    yield made
    await made.renderer.aclose()
    await made.repositories.aclose()


async def test_only_what_the_application_reads_is_restored(stand: Stand) -> None:
    old = {"shop/a.yaml": CONFIG_MAP % "a", "shop/gone.yaml": CONFIG_MAP % "gone", "other/x.yaml": "old"}
    stand.releases.append(stand.origin.commit(old))
    (stand.origin.folder / "shop/gone.yaml").unlink()
    new = {
        "shop/a.yaml": CONFIG_MAP % "b",
        "shop/new.yaml": CONFIG_MAP % "new",
        "other/x.yaml": "new",
        "shop/README": "n",
    }
    stand.releases.append(stand.origin.commit(new))

    (commit,) = await stand.roll_back(reason="errors at checkout")

    assert stand.files() == ["other/x.yaml", "shop/README", "shop/a.yaml", "shop/gone.yaml"]
    assert stand.at_head("shop/a.yaml") == (CONFIG_MAP % "a").strip()
    assert stand.at_head("other/x.yaml") == "new"
    assert commit["paths"] == ["shop/a.yaml", "shop/gone.yaml", "shop/new.yaml"]
    assert commit["from"] == stand.releases[1]
    assert stand.notes == [("shop", 0, "Ana", commit["revision"])]
    said = stand.origin.git("log", "-1", "--format=%an%n%B", "main")
    assert said.startswith(f"Ana\nRoll shop back to {stand.releases[0][:8]}")
    assert said.endswith("errors at checkout")


async def test_the_base_of_an_overlay_is_restored_too(stand: Stand) -> None:
    files = {"shop/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [a.yaml]\n"}
    stand.releases.append(stand.origin.commit(files | {"base/a.yaml": CONFIG_MAP % "a", "base/unused": "1"}))
    stand.releases.append(stand.origin.commit({"base/a.yaml": CONFIG_MAP % "b", "base/unused": "2"}))

    (commit,) = await stand.roll_back(0)

    assert commit["paths"] == ["base/a.yaml"]


async def test_what_is_broken_at_the_head_can_be_left(stand: Stand) -> None:
    good = {"shop/kustomization.yaml": "resources: [a.yaml]\n", "shop/a.yaml": CONFIG_MAP % "a"}
    stand.releases.append(stand.origin.commit(good))
    stand.releases.append(stand.origin.commit({"shop/kustomization.yaml": "resources: [\n", "shop/b.yaml": "b"}))

    await stand.roll_back(0)

    assert stand.files() == ["shop/a.yaml", "shop/kustomization.yaml"]
    assert stand.at_head("shop/kustomization.yaml") == "resources: [a.yaml]"


async def test_a_moved_branch_keeps_what_it_got_meanwhile(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.releases.append(stand.origin.commit({"shop/a.yaml": CONFIG_MAP % "a"}))
    stand.releases.append(stand.origin.commit({"shop/a.yaml": CONFIG_MAP % "b"}))
    inputs, asked = stand.renderer.inputs, 0

    async def move_then_tell(request):
        nonlocal asked
        asked += 1
        if asked == 2:
            stand.origin.commit({"other/pushed-meanwhile": "1", "shop/late.yaml": CONFIG_MAP % "late"})
        return await inputs(request)

    monkeypatch.setattr(stand.renderer, "inputs", move_then_tell)

    await stand.roll_back(0)

    assert stand.files() == ["other/pushed-meanwhile", "shop/a.yaml"]
    assert stand.at_head("shop/a.yaml") == (CONFIG_MAP % "a").strip()


async def test_nothing_is_pushed_where_nothing_differs(stand: Stand) -> None:
    stand.releases.append(stand.origin.commit({"shop/a.yaml": CONFIG_MAP % "a"}))
    stand.releases.append(stand.origin.commit({"other/x": "1"}))
    assert await stand.roll_back(0) == []
    assert stand.origin.git("rev-parse", "main") == stand.releases[1]


@pytest.mark.parametrize("revision", ["v1", "SHA"], ids=["tag", "commit"])
async def test_a_source_at_no_branch_is_refused(stand: Stand, revision: str) -> None:
    stand.releases.append(stand.origin.commit({"shop/a.yaml": CONFIG_MAP % "a"}))
    stand.origin.git("tag", "v1")
    stand.source["targetRevision"] = revision.replace("SHA", stand.releases[0])
    with pytest.raises(GitRollbackError, match="no branch"):
        await stand.roll_back(0)


async def test_a_source_whose_files_cannot_be_listed_is_refused(stand: Stand) -> None:
    stand.origin.commit({"elsewhere.yaml": CONFIG_MAP % "a"})
    (stand.origin.folder / "shop").mkdir()
    os.symlink("../elsewhere.yaml", stand.origin.folder / "shop/a.yaml")
    stand.releases.append(stand.origin.commit({}))
    with pytest.raises(GitRollbackError, match="cannot be listed"):
        await stand.roll_back(0)


async def test_a_source_that_lends_value_files_is_refused(stand: Stand) -> None:
    stand.releases.append(stand.origin.commit({"shop/a.yaml": CONFIG_MAP % "a"}))
    stand.source["ref"] = "values"
    with pytest.raises(GitRollbackError, match="cannot be listed"):
        await stand.roll_back(0)


async def test_an_unknown_release_is_refused(stand: Stand) -> None:
    stand.releases.append(stand.origin.commit({"shop/a.yaml": CONFIG_MAP % "a"}))
    with pytest.raises(PinError):
        await stand.roll_back(7)
