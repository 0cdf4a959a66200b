"""The law of the cache: an edit that changes what comes out changes the key, and nothing else is rendered again.

Repositories are made of the parts that sources are made of; any file of them is edited, added or removed. What comes out
is worked out apart, by `render_folder` on the whole repository. What is fetched is held in `test_helm_sources`.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haori.delivery.model.application import Source, parse_source
from haori.delivery.render import RenderContext, Renderer, RendererSettings, RenderRequest, render_folder
from haori.delivery.render.tools import Tool, ToolMissingError, find_tool
from haori.errors import HaoriError
from haori.git import Repositories, RepositorySettings
from haori.objects.yaml import load
from tests.delivery.render.conftest import CONFIG_MAP
from tests.git.conftest import Origin

FILES = {
    "README.md": "text",
    "plain/a.yaml": CONFIG_MAP % "a",
    "plain/b.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}',
    "plain/notes.txt": "text",
    "plain/deep/c.yaml": CONFIG_MAP % "c",
    "base/kustomization.yaml": "resources: [map.yaml]\nconfigMapGenerator: [{name: gen, files: [k=app.conf], envs: [app.env]}]\n",
    "base/map.yaml": CONFIG_MAP % "map",
    "base/app.conf": "conf",
    "base/app.env": "K=1\n",
    "base/unused.yaml": CONFIG_MAP % "unused",
    "parts/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: part-\n",
    "overlay/kustomization.yaml": "resources: [../base, extra]\ncomponents: [../parts]\npatches: [{path: patch.yaml}]\n",
    "overlay/extra/kustomization.yaml": "resources: [map.yaml]\n",
    "overlay/extra/map.yaml": CONFIG_MAP % "extra",
    "overlay/patch.yaml": CONFIG_MAP % "extra" + "data: {patched: yes please}\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "chart/values.yaml": "size: 1\n",
    "chart/templates/map.yaml": CONFIG_MAP % "chart"
    + 'data: {size: "{{ .Values.size }}", extra: "{{ .Values.extra }}", file: {{ .Files.Get "data.txt" | quote }}}\n',
    "chart/data.txt": "data",
    "values/prod.yaml": "extra: 2\n",
    "values/dev.yaml": "extra: 3\n",
    "umbrella/Chart.yaml": "apiVersion: v2\nname: umbrella\nversion: 0.1.0\n"
    'dependencies: [{name: library, version: 0.x, repository: "file://../library"}]\n',
    "umbrella/templates/map.yaml": CONFIG_MAP % "umbrella",
    "library/Chart.yaml": "apiVersion: v2\nname: library\nversion: 0.1.0\n",
    "library/templates/map.yaml": CONFIG_MAP % "library",
}
SOURCES: dict[str, dict[str, Any]] = {
    "directory": {"path": "plain"},
    "recursive": {"path": "plain", "directory": {"recurse": True, "exclude": "*.json"}},
    "kustomize": {"path": "overlay"},
    "helm": {"path": "chart", "helm": {"valueFiles": ["../values/prod.yaml"]}},
    "helm-depends": {"path": "umbrella"},
    "helm-glob": {"path": "chart", "helm": {"valueFiles": ["/values/*.yaml"], "ignoreMissingValueFiles": True}},
}
OVERRIDES = (
    "plain/.argocd-source.yaml",
    "plain/.argocd-source-shop.yaml",
    "overlay/.argocd-source-shop.yaml",
    "chart/.argocd-source.yaml",
    "chart/.argocd-source-other.yaml",
    "umbrella/.argocd-source-shop.yaml",
)
CONTENTS = (
    CONFIG_MAP % "new",
    "size: 5\n",
    "extra: 6\n",
    "K=2\n",
    "resources: [map.yaml]\n",
    "resources: [map.yaml, unused.yaml]\n",
    "namePrefix: new-\n",
    "kustomize: {nameSuffix: -merged}\n",
    "helm: {values: 'extra: 7'}\n",
    "directory: {recurse: true}\n",
    "",
)
NEW = (
    "plain/new.yaml",
    "plain/kustomization.yaml",
    "base/kustomization.yml",
    "chart/templates/new.yaml",
    "values/new.yaml",
    "library/templates/new.yaml",
    *OVERRIDES,
)
edits = st.tuples(st.sampled_from([*FILES, *NEW]), st.sampled_from([None, *CONTENTS]))


async def _outcome(renderer: Renderer | None, request: RenderRequest) -> Any:
    """The manifests, or that there are none; by `renderer`, else from the whole repository."""
    try:
        if renderer is not None:
            return (await renderer.render(request)).manifests
        with tempfile.TemporaryDirectory() as folder:
            await request.tree.export([""], Path(folder))
            source = _overridden(request.source, Path(folder) / request.source.path)
            if source.path == "umbrella":
                # As `helm dependency build` would leave it.
                shutil.copytree(Path(folder) / "library", Path(folder) / "umbrella/charts/library")
            return (await render_folder(Path(folder), source, request.context)).manifests
    except (HaoriError, FileNotFoundError, TypeError):
        return "no manifests"


def _overridden(source: Source, folder: Path) -> Source:
    """The source with the parameters of the repository's own files, worked out apart; no file here takes anything away."""
    merged: Any = dict(source.raw)
    for name in (".argocd-source.yaml", ".argocd-source-shop.yaml"):
        patch = load((folder / name).read_bytes()) if (folder / name).exists() else None
        for part, value in ({} if patch is None else {**patch}).items():
            merged[part] = {**merged.get(part, {}), **value} if isinstance(value, dict) else value
    return parse_source({**merged, "path": source.path})


async def _hold(folder: Path, name: str, edit: tuple[str, str | None]) -> None:
    origin = Origin(folder / "origin")
    repositories = Repositories(RepositorySettings(folder=folder / "mirrors", allow_file=True))
    renderer = Renderer(RendererSettings(folder=folder / "cache", key=bytes(32)))
    path, content = edit
    try:
        requests: list[RenderRequest] = []
        for files in (FILES, {} if content is None else {path: content}):
            if content is None and requests:
                (origin.folder / path).unlink(missing_ok=True)
            origin.git("commit", "-q", "--allow-empty", "-m", "Begin")
            sha = origin.commit(files | {"README.md": str(len(requests))})
            await repositories.refresh(origin.url)
            source = parse_source({"repoURL": origin.url, **SOURCES[name]})
            tree = await repositories.tree(origin.url, sha)
            requests.append(
                RenderRequest(source=source, tree=tree, context=RenderContext(name="shop", namespace="shop"))
            )
        cached = [await _outcome(renderer, request) for request in requests]
        renders = renderer.statistics()["misses"]
        plain = [await _outcome(None, replace(request)) for request in requests]

        assert cached == plain
        touched = await _is_touched(renderer, requests, path)
        if not touched:
            assert renders <= 1
    finally:
        await renderer.aclose()
        await repositories.aclose()


async def _is_touched(renderer: Renderer, requests: list[RenderRequest], path: str) -> bool:
    """Whether the edited file is, before or after, among what the source reads."""
    for request in requests:
        try:
            inputs = await renderer.inputs(request)
        except HaoriError:
            return True
        if any(item in ("", path) or path.startswith(f"{item}/") for item in inputs.paths):
            return True
    return False


@pytest.mark.tools
@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edit=edits)
def test_an_edit_that_changes_the_output_changes_the_key(name: str, edit: tuple[str, str | None]) -> None:
    try:
        for tool in Tool:
            find_tool(tool)
    except ToolMissingError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_hold(Path(folder), name, edit))
