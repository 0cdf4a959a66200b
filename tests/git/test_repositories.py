from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from haori.git import (
    Author,
    Repositories,
    RepositoryError,
    RepositoryRefusedError,
    RepositorySettings,
    RevisionMissingError,
    push_files,
)
from haori.git.repositories import parse_commit
from tests.git.conftest import Origin

AUTHOR = Author(name="Ana", email="ana@example.test")


async def test_a_revision_is_a_branch_a_tag_a_commit_or_head(origin: Origin, repositories: Repositories) -> None:
    first = origin.commit({"a.yaml": "1"})
    origin.git("tag", "-a", "v1", "-m", "one")
    second = origin.commit({"a.yaml": "2"})

    found = [await repositories.resolve(origin.url, name) for name in ("main", "v1", "HEAD", "", first, second[:9])]

    assert found == [second, first, second, second, first, second]


async def test_an_unknown_revision_is_named(origin: Origin, repositories: Repositories) -> None:
    origin.commit({"a": "1"})
    for name in ("nowhere", "--upload-pack=evil", "main~1", "0" * 40):
        with pytest.raises(RevisionMissingError):
            await repositories.resolve(origin.url, name)


async def test_many_who_ask_at_once_share_fetches(origin: Origin, repositories: Repositories) -> None:
    origin.commit({"a": "1"})
    await asyncio.gather(*[repositories.refresh(origin.url) for _ in range(50)])
    assert repositories.statistics()["fetches"] == 1


async def test_a_tree_is_read_without_a_checkout(origin: Origin, repositories: Repositories) -> None:
    sha = origin.commit({"apps/a/x.yaml": "x", "apps/b/y.yaml": "y"})
    await repositories.refresh(origin.url)
    tree = await repositories.tree(origin.url, sha)

    assert [entry.path for entry in await tree.list("apps", recursive=True)] == ["apps/a/x.yaml", "apps/b/y.yaml"]
    assert await tree.read("apps/b/y.yaml") == b"y"


async def test_the_hash_of_a_folder_changes_only_with_its_content(origin: Origin, repositories: Repositories) -> None:
    old = origin.commit({"a/x": "1", "b/x": "1"})
    new = origin.commit({"b/x": "2"})
    await repositories.refresh(origin.url)
    before, after = await repositories.tree(origin.url, old), await repositories.tree(origin.url, new)

    assert await before.hash_of("a") == await after.hash_of("a")
    assert await before.hash_of("b") != await after.hash_of("b")


async def test_a_link_out_of_the_repository_is_not_exported(
    origin: Origin, repositories: Repositories, tmp_path: Path
) -> None:
    origin.commit({"deep/a/b/f": "1"})
    os.symlink("../../../", origin.folder / "deep/a/b/root")
    os.symlink("deep/a/b/root/../secret", origin.folder / "leak")
    sha = origin.commit({})
    await repositories.refresh(origin.url)
    (tmp_path / "out").mkdir()

    with pytest.raises(RepositoryRefusedError, match="leak"):
        await (await repositories.tree(origin.url, sha)).export([""], tmp_path / "out")


async def test_a_broken_mirror_is_made_anew(origin: Origin, repositories: Repositories) -> None:
    origin.commit({"a": "1"})
    await repositories.refresh(origin.url)
    (repositories.mirror(origin.url).folder / "config").write_text("[core\n")
    for path in (repositories.mirror(origin.url).folder / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    (repositories.mirror(origin.url).folder / "HEAD").write_text("")
    (repositories.mirror(origin.url).folder / "config").write_text("[core]\n bare = true\n")
    sha = origin.commit({"a": "2"})

    assert (await repositories.refresh(origin.url)).commits["refs/heads/main"] == sha


async def test_a_push_changes_only_the_named_paths(origin: Origin, repositories: Repositories) -> None:
    origin.commit({"a": "1", "b": "1", "c": "1"})
    origin.git("checkout", "-q", "-b", "elsewhere")

    sha = await push_files(repositories, origin.url, "main", {"a": b"2", "c": None}, author=AUTHOR, message="Back")

    tree = await repositories.tree(origin.url, sha)
    assert [entry.path for entry in await tree.list()] == ["a", "b"]
    assert await tree.read("a") == b"2"
    assert (await repositories.commit_info(origin.url, sha)).author == "Ana"


async def test_a_push_is_made_anew_when_the_branch_moved(origin: Origin, repositories: Repositories) -> None:
    origin.commit({"a": "1"})
    heads: list[str] = []

    async def changes(head: str) -> dict[str, bytes]:
        heads.append(head)
        if len(heads) == 1:
            origin.commit({"b": "1"})
            origin.git("checkout", "-q", "--detach")
        return {"a": b"2"}

    sha = await push_files(repositories, origin.url, "main", changes, author=AUTHOR, message="Back")

    assert len(heads) == 2
    assert (await repositories.commit_info(origin.url, sha)).parents == (heads[1],)


async def test_a_missing_repository_says_so(repositories: Repositories, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="nothing-here"):
        await repositories.refresh(f"file://{tmp_path}/nothing-here")


@pytest.mark.parametrize("when", ["99999999999999 +0000", "yesterday +0000", ""])
def test_a_commit_from_no_time_at_all_is_read(when: str) -> None:
    info = parse_commit("0" * 40, f"tree {'1' * 40}\nauthor Eve <e@example.test> {when}\n\nOdd\n".encode())
    assert (info.subject, info.at.year) == ("Odd", 1970)


def test_credentials_in_a_url_open_a_mirror_of_their_own(tmp_path: Path) -> None:
    repositories = Repositories(RepositorySettings(folder=tmp_path))
    urls = ["https://git.example/shop", "https://ann:one@git.example/shop.git", "https://ann:two@git.example/shop.git"]
    assert len({repositories.mirror(url).folder for url in urls}) == 3
    assert repositories.mirror("https://git.example/Shop.git/") is repositories.mirror(urls[0])
    assert not any("one" in str(repositories.mirror(url).folder) for url in urls)


async def test_refs_are_asked_for_without_a_fetch(origin: Origin, repositories: Repositories) -> None:
    first = origin.commit({"a.txt": "1"})
    origin.git("tag", "v1")

    refs = await repositories.probe(origin.url)

    assert refs.commits == {"refs/heads/main": first, "refs/tags/v1": first}
    assert refs.head == "refs/heads/main"
    assert repositories.statistics() == {"mirrors": 0, "fetches": 0}


async def test_what_cannot_be_opened_is_said_by_a_probe(repositories: Repositories, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError) as refused:
        await repositories.probe(f"file://{tmp_path}/nowhere")

    assert "nowhere" in refused.value.sentence.text()
    assert not list((tmp_path / "mirrors").iterdir())


async def test_all_files_of_a_commit_are_named(origin: Origin, repositories: Repositories) -> None:
    commit = origin.commit({"a/Chart.yaml": "", "b/é.yaml": ""})
    await repositories.refresh(origin.url)

    assert await repositories.paths_of(origin.url, commit) == ["a/Chart.yaml", "b/é.yaml"]


async def test_tags_of_a_commit_are_named(origin: Origin, repositories: Repositories) -> None:
    commit = origin.commit({"a.txt": "1"})
    origin.git("tag", "v2")
    origin.git("tag", "-a", "v1", "-m", "First")
    await repositories.refresh(origin.url)

    assert repositories.tags_of(origin.url, commit) == ["v1", "v2"]
    assert repositories.tags_of(origin.url, "0" * 40) == []
