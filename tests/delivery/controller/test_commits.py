"""Since which commit an object is as it is: told by what is rendered, wherever the files lie."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from haori.delivery.charts import Charts, ChartSettings
from haori.delivery.controller.commits import Commits, look_of, narrow
from haori.delivery.controller.desired import DesiredStates
from haori.delivery.model import parse_application
from haori.delivery.render import Renderer, RendererSettings
from haori.git import Repositories, RepositorySettings
from haori.objects import ResourceKey
from tests.delivery.controller.fakes import FakeClient
from tests.git.conftest import Origin

API = ResourceKey("apps", "Deployment", "shop", "api")


def deployment(image: str, name: str = "api", config: str = "none") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers: [{{name: web, image: "{image}", envFrom: [{{configMapRef: {{name: {config}}}}}]}}]
"""


def config(name: str, value: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{x: '{value}'}}\n"


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """The answer itself is looked at here, not how long one waits for it."""
    monkeypatch.setattr("haori.delivery.controller.commits.SECONDS", 60.0)


class Stand:
    """Two repositories and what tells their commits."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.values = Origin(folder / "origin"), Origin(folder / "values")
        self.repositories = Repositories(RepositorySettings(folder=folder / "mirrors", allow_file=True))
        self.renderer = Renderer(RendererSettings(folder=folder / "cache", key=bytes(32)))
        desired = DesiredStates(
            self.repositories,
            self.renderer,
            charts=Charts(ChartSettings(folder=folder / "charts")),
            control_namespace="argocd",
        )
        self.commits = Commits(FakeClient(), self.repositories, desired, self.renderer)  # type: ignore[arg-type]

    async def since(self, *sources: dict[str, Any], key: ResourceKey | None = API) -> str:
        spec = {"sources": list(sources), "destination": {"namespace": "shop"}, "project": "default"}
        application = parse_application({"metadata": {"name": "shop", "namespace": "argocd"}, "spec": spec})
        urls = [source["repoURL"] for source in sources]
        for url in set(urls):
            await self.repositories.refresh(url)
        revisions = [await self.repositories.resolve(url, "main") for url in urls]
        found = await self.commits.since(application, revisions, key)
        return "" if found is None else found.subject

    def source(self, path: str, **more: Any) -> dict[str, Any]:
        return {"repoURL": self.origin.url, "path": path, "targetRevision": "main", **more}


@pytest_asyncio.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    yield made
    await made.renderer.aclose()
    await made.repositories.aclose()


async def test_a_commit_that_leaves_the_object_as_it_is_is_passed_over(stand: Stand):
    stand.origin.commit({"app/api.yaml": deployment("api:1")}, "Begin")
    stand.origin.commit({"app/api.yaml": deployment("api:2")}, "Bump")
    stand.origin.commit({"app/other.yaml": deployment("other:2", "other")}, "Other")
    stand.origin.commit({"app/README": "words"}, "Words")
    stand.origin.commit({"elsewhere": "words"}, "Elsewhere")
    assert await stand.since(stand.source("app")) == "Bump"
    assert await stand.since(stand.source("app"), key=None) == "Words"


async def test_an_object_that_never_changed_has_been_so_since_it_came(stand: Stand):
    stand.origin.commit({"README": "words"}, "Before")
    stand.origin.commit({"app/api.yaml": deployment("api:1")}, "Begin")
    stand.origin.commit({"app/other.yaml": deployment("other:2", "other")}, "Other")
    assert await stand.since(stand.source("app")) == "Begin"


async def test_the_configuration_an_object_names_counts(stand: Stand):
    stand.origin.commit({"app/api.yaml": deployment("api:1", config="api-config")}, "Begin")
    stand.origin.commit(
        {"app/config.yaml": config("api-config", "1"), "app/more.yaml": config("more", "1")}, "Configure"
    )
    stand.origin.commit({"app/more.yaml": config("more", "2")}, "More")
    assert await stand.since(stand.source("app")) == "Configure"
    (stand.origin.folder / "app/config.yaml").unlink()
    stand.origin.commit({}, "Remove the configuration")
    assert await stand.since(stand.source("app")) == "Remove the configuration"


async def test_a_release_that_could_not_be_rendered_before_is_since_then(stand: Stand):
    stand.origin.commit(
        {"app/api.yaml": deployment("api:1"), "app/b.yaml": "apiVersion: v1\nmetadata:\nkind: {"}, "Broken"
    )
    stand.origin.commit({"app/b.yaml": config("b", "1")}, "Mend")
    assert await stand.since(stand.source("app")) == "Mend"


@pytest.mark.tools
async def test_a_base_outside_the_folder_counts(stand: Stand):
    files = {"base/kustomization.yaml": "resources: [api.yaml]\n", "base/api.yaml": deployment("api:1")}
    stand.origin.commit({**files, "live/kustomization.yaml": "resources: [../base]\n"}, "Begin")
    stand.origin.commit({"base/api.yaml": deployment("api:2")}, "Bump the base")
    stand.origin.commit({"live/kustomization.yaml": "resources: [../base]\ncommonAnnotations: {}\n"}, "Nothing")
    assert await stand.since(stand.source("live")) == "Bump the base"


@pytest.mark.tools
async def test_value_files_outside_the_chart_count(stand: Stand):
    chart = {"chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n"}
    chart["chart/templates/api.yaml"] = deployment("api:{{ .Values.tag }}")
    stand.origin.commit({**chart, "env/live.yaml": "tag: '1'\n"}, "Begin")
    stand.origin.commit({"env/live.yaml": "tag: '2'\n"}, "Bump the values")
    stand.origin.commit({"env/staging.yaml": "tag: '3'\n"}, "Staging")
    source = stand.source("chart", helm={"valueFiles": ["../env/live.yaml"]})
    assert await stand.since(source) == "Bump the values"


@pytest.mark.tools
async def test_value_files_of_another_repository_count(stand: Stand):
    chart = {"chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n"}
    chart["chart/templates/api.yaml"] = deployment("api:{{ .Values.tag }}")
    stand.origin.commit(chart, "Chart")
    stand.values.commit({"live.yaml": "tag: '1'\n"}, "Values")
    stand.values.commit({"live.yaml": "tag: '2'\n"}, "Bump the values")
    stand.values.git("commit", "-q", "--amend", "--no-edit", "--date=2099-01-01T00:00:00Z")
    stand.values.commit({"other.yaml": "tag: '3'\n"}, "Other values")
    source = stand.source("chart", helm={"valueFiles": ["$values/live.yaml"]})
    values = {"repoURL": stand.values.url, "targetRevision": "main", "ref": "values"}
    assert await stand.since(source, values) == "Bump the values"


async def test_of_several_sources_the_one_that_makes_the_object_is_asked(stand: Stand):
    stand.origin.commit({"one/other.yaml": config("one", "1"), "two/api.yaml": deployment("api:1")}, "Begin")
    stand.origin.commit({"two/api.yaml": deployment("api:2")}, "Two")
    stand.origin.commit({"one/other.yaml": config("one", "2")}, "One")
    assert await stand.since(stand.source("one"), stand.source("two")) == "Two"


@pytest.mark.parametrize(
    ("path", "inputs", "paths"),
    [
        pytest.param("app", ["app/a.yaml", "app/b.yaml"], ("app",), id="the folder stands for its files"),
        pytest.param("live/", ["base/a.yaml", "live/k.yaml"], ("live", "base/a.yaml"), id="and what lies outside"),
        pytest.param("app", ["application.yaml"], ("app", "application.yaml"), id="a name that begins alike"),
        pytest.param(".", ["a.yaml"], (), id="the root is all"),
        pytest.param("app", [""], (), id="a whole repository is all"),
    ],
)
def test_the_paths_that_history_is_asked_for(path: str, inputs: list[str], paths: tuple[str, ...]):
    assert narrow(path, inputs) == paths


def test_an_object_that_is_not_rendered_looks_like_nothing():
    assert look_of([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"}}], API) == []
