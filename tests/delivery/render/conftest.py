"""A real repository that grows commit by commit, and renderers that look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from haori.delivery.charts import Charts
from haori.delivery.model.application import parse_source
from haori.delivery.render import RenderContext, Renderer, RendererSettings, RenderRequest, load_instance_key
from haori.delivery.render.tools import Tool, ToolMissingError, find_tool
from haori.git import Repositories, RepositorySettings
from tests.git.conftest import Origin

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


class Library:
    """A repository, and requests for what it holds."""

    def __init__(self, origin: Origin, repositories: Repositories) -> None:
        self.origin, self.repositories = origin, repositories

    async def commit(self, files: dict[str, str]) -> str:
        """Commits the files; gives the commit's id."""
        sha = self.origin.commit(files)
        await self.repositories.refresh(self.origin.url)
        return sha

    async def request(self, sha: str, *, name: str = "shop", namespace: str = "shop", **parts) -> RenderRequest:
        """A request for a source with `parts` at a commit."""
        return RenderRequest(
            source=parse_source({"repoURL": self.origin.url, **parts}),
            tree=await self.repositories.tree(self.origin.url, sha),
            context=RenderContext(name=name, namespace=namespace),
        )


@pytest_asyncio.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    repositories = Repositories(RepositorySettings(folder=tmp_path / "mirrors", allow_file=True))
    yield Library(Origin(tmp_path / "origin"), repositories)
    await repositories.aclose()


@pytest.fixture
def make_renderer(tmp_path: Path) -> Callable[..., Renderer]:
    def make(*, charts: Charts | None = None, **settings) -> Renderer:
        key = load_instance_key(tmp_path / "instance.key")
        return Renderer(RendererSettings(**{"folder": tmp_path / "cache", "key": key, **settings}), charts=charts)

    return make


@pytest_asyncio.fixture
async def renderer(make_renderer: Callable[..., Renderer]) -> AsyncIterator[Renderer]:
    made = make_renderer()
    yield made
    await made.aclose()


@pytest.fixture
def tools() -> None:
    try:
        for tool in Tool:
            find_tool(tool)
    except ToolMissingError as error:
        pytest.skip(str(error))
