"""Parameters in the repository: `.argocd-source.yaml` and that of one application, merged as Argo CD does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from haori.delivery.render import Renderer
from haori.delivery.render.overrides import merge_patch, put_overrides
from haori.errors import HaoriError
from tests.delivery.render.conftest import CONFIG_MAP, Library

FILES = {"app/kustomization.yaml": "resources: [map.yaml]\n", "app/map.yaml": CONFIG_MAP % "map"}


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_merge_patches(target: Any, patch: Any, merged: Any):
    before = json.dumps(target)
    assert merge_patch(target, patch) == merged
    assert json.dumps(target) == before


@pytest.mark.tools
async def test_the_application_s_own_file_counts_over_the_common_one(tools: None, library: Library, renderer: Renderer):
    common = "kustomize: {namePrefix: all-, nameSuffix: -x}\n"
    sha = await library.commit({**FILES, "app/.argocd-source.yaml": common,
                                "app/.argocd-source-shop.yaml": "kustomize: {namePrefix: shop-}\n"})  # fmt: skip
    found = {}
    for name in ("shop", "other"):
        (manifest,) = (await renderer.render(await library.request(sha, path="app", name=name))).manifests
        found[name] = manifest["metadata"]["name"]

    assert found == {"shop": "shop-map-x", "other": "all-map-x"}


async def test_what_chooses_the_files_stays_the_application_s(library: Library):
    text = "repoURL: https://evil.example\npath: other\nchart: x\ntargetRevision: evil\nhelm: {releaseName: kept}\n"
    request = await library.request(await library.commit({**FILES, "app/.argocd-source.yaml": text}), path="app")

    merged, paths = await put_overrides(request)
    assert merged.source == replace(
        request.source, helm={"releaseName": "kept"}, raw={**request.source.raw, "helm": {"releaseName": "kept"}}
    )
    assert paths == ("app/.argocd-source.yaml",)


async def test_an_application_of_another_namespace_has_its_own_file(library: Library):
    files = {".argocd-source-team_shop.yaml": "helm: {releaseName: team}\n", ".argocd-source-shop.yaml": "helm: {}\n"}
    request = await library.request(await library.commit(files), path=".")

    merged, paths = await put_overrides(replace(request, instance="team_shop"))
    assert (merged.source.helm, paths) == ({"releaseName": "team"}, (".argocd-source-team_shop.yaml",))


async def test_an_edit_of_the_file_renders_again_and_is_an_input(library: Library, renderer: Renderer):
    files = {"app/map.yaml": CONFIG_MAP % "map", "app/deep/other.yaml": CONFIG_MAP % "other"}
    before = await library.request(await library.commit(files), path="app")
    name = "app/.argocd-source-shop.yaml"
    after = await library.request(await library.commit({name: "directory: {recurse: true}\n"}), path="app")

    assert len((await renderer.render(before)).manifests) == 1
    rendered = await renderer.render(after)
    assert (len(rendered.manifests), rendered.warnings) == (2, ())
    assert name not in (await renderer.inputs(before)).paths
    assert name in (await renderer.inputs(after)).paths


@pytest.mark.parametrize("text", ["- a list\n", "helm: text\n", "helm: [\n", "kustomize: 3\n"])
async def test_what_cannot_be_merged_is_said(library: Library, renderer: Renderer, text: str):
    request = await library.request(await library.commit({**FILES, "app/.argocd-source.yaml": text}), path="app")
    with pytest.raises(HaoriError, match="argocd-source"):
        await renderer.render(request)


async def test_a_link_in_its_place_is_refused(library: Library, renderer: Renderer):
    library.origin.folder.joinpath("app").mkdir()
    library.origin.folder.joinpath("app/.argocd-source.yaml").symlink_to("/etc/passwd")
    request = await library.request(await library.commit(FILES), path="app")
    with pytest.raises(HaoriError, match="argocd-source"):
        await renderer.render(request)
