from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from haori.git import Author, Repositories, RepositoryError, RepositorySettings, push_files
from haori.git.server import GitApplication, ServerSettings, serve


def files_with(text: str, folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if text.encode() in path.read_bytes()]


async def test_the_served_repository_is_cloned_and_pushed_with_its_token_only(tmp_path: Path) -> None:
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "a.yaml").write_text("1")
    settings = ServerSettings(data_dir=tmp_path / "data", seed=tmp_path / "seed")
    ready = asyncio.Event()
    server = asyncio.create_task(serve(settings, ready=ready.set))
    try:
        async with asyncio.timeout(20):
            await ready.wait()
        url = json.loads((tmp_path / "data/git/server.json").read_text())["url"]
        repositories = Repositories(RepositorySettings(folder=tmp_path / "mirrors"))
        first = await repositories.resolve(url, "main")
        author = Author(name="Ana", email="a@example.test")
        second = await push_files(repositories, url, "main", {"a.yaml": b"2"}, author=author, message="Two")

        assert (await repositories.commit_info(url, first)).subject == "Import platform"
        assert (await repositories.refresh(url)).commits["refs/heads/main"] == second
        await repositories.aclose()

        stranger = Repositories(RepositorySettings(folder=tmp_path / "other"))
        with pytest.raises(RepositoryError):
            await stranger.refresh(url.replace("haori:", "haori:x"))
        token = url.split(":")[2].split("@")[0]
        assert files_with(token, tmp_path) == ["data/git/server.json"]
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:80", 401), ("evil.test", 421)])
async def test_without_token_or_with_a_foreign_host_there_is_nothing(tmp_path: Path, host: str, status: int) -> None:
    application = GitApplication(tmp_path, token="t", port=80, listener=tmp_path / "listener.json")
    sent: list[dict[str, Any]] = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/platform.git/info/refs", "headers": [(b"host", host.encode())],
             "query_string": b"service=git-upload-pack"}  # fmt: skip
    await application(scope, receive, send)

    assert sent[0]["status"] == status
